/* SPDX-License-Identifier: MIT */
/* Unit tests of boot: memory for the time before there is an allocator. */
#include "boot.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload_doubles.h"
#include "unit_util.h"

Suite *suite_boot(void);

#define BLOCKS 400

/* Are all bytes VALUE? An assertion for each would take seconds. */
static bool all_are(const unsigned char *p, size_t bytes, unsigned value)
{
	return bytes == 0 || (*p == value && !memcmp(p, p + 1, bytes - 1));
}

/* Every block is filled with a number of its own, so that blocks that overlap show. */
static void fill(unsigned char *p, size_t bytes, unsigned number)
{
	ck_assert_msg(all_are(p, bytes, 0), "block %u is not zeroed", number);
	memset(p, 1 + (int)(number % 255), bytes);
}

static void check_filled(const unsigned char *p, size_t bytes, unsigned number)
{
	ck_assert_msg(all_are(p, bytes, 1 + number % 255), "block %u was overwritten", number);
}

START_TEST(blocks_are_zeroed_aligned_and_apart)
{
	unsigned char *blocks[BLOCKS];
	size_t sizes[BLOCKS];

	srandom(1);
	for (unsigned i = 0; i < BLOCKS; i++) {
		size_t align = (size_t)1 << random() % 13;

		sizes[i] = (size_t)random() % (i % 16 ? 300 : 30000);
		blocks[i] = boot_alloc(sizes[i], align);
		ck_assert_ptr_nonnull(blocks[i]);
		ck_assert_uint_eq((uintptr_t)blocks[i] % (align < 16 ? 16 : align), 0);
		ck_assert(boot_owns(blocks[i]));
		ck_assert_uint_eq(boot_size(blocks[i]), sizes[i]);
		fill(blocks[i], sizes[i], i);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		check_filled(blocks[i], sizes[i], i);
		ck_assert_uint_eq(boot_size(blocks[i]), sizes[i]);
	}
}
END_TEST

START_TEST(what_others_gave_out_is_not_ours)
{
	void *p = calloc(1, 16);
	int local = 0;

	ck_assert(!boot_owns(p));
	ck_assert(!boot_owns(NULL));
	ck_assert(!boot_owns(&local));
	ck_assert_ptr_nonnull(boot_alloc(1, 16));
	ck_assert(!boot_owns(p));
	free(p);
}
END_TEST

START_TEST(empty_blocks_have_addresses_of_their_own)
{
	void *a = boot_alloc(0, 16);
	void *b = boot_alloc(0, 16);

	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_ne(a, b);
	ck_assert(boot_owns(a));
	ck_assert_uint_eq(boot_size(a), 0);
}
END_TEST

START_TEST(what_cannot_be_had_is_refused)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2 + 1, SIZE_MAX / 2, (size_t)1 << 47 };

	for (size_t i = 0; i < UNIT_LENGTH(sizes); i++)
		ck_assert_ptr_null(boot_alloc(sizes[i], 16));
	ck_assert_ptr_null(boot_alloc(1, (size_t)1 << 62));
	ck_assert_ptr_null(boot_alloc(1, (size_t)1 << 61));
	ck_assert_ptr_null(boot_alloc(SIZE_MAX / 2, (size_t)1 << 61));
	ck_assert_ptr_nonnull(boot_alloc(1, 16));
}
END_TEST

START_TEST(large_blocks_and_alignments_are_served)
{
	unsigned char *large = boot_alloc(5 << 20, 1 << 20);
	unsigned char *small = boot_alloc(100, 16);

	ck_assert_ptr_nonnull(large);
	ck_assert_uint_eq((uintptr_t)large % (1 << 20), 0);
	ck_assert_uint_eq(boot_size(large), 5 << 20);
	ck_assert(boot_owns(large + (5 << 20) - 1));
	fill(large, 5 << 20, 1);
	fill(small, 100, 2);
	check_filled(large, 5 << 20, 1);
}
END_TEST

static void exhaust(const void *data)
{
	unsigned count = 0;
	void *p;

	(void)data;
	/* Each is too large for what the one before has left over. */
	while (count < 100 && (p = boot_alloc((size_t)2 << 20, 16))) {
		if (!boot_owns(p))
			_exit(1);
		count++;
	}
	_exit(count >= 16 && count < 100 ? 0 : 2);
}

START_TEST(a_full_arena_says_so)
{
	unit_assert_text(preload_stderr(exhaust, NULL), "", "output");
}
END_TEST

struct taker {
	pthread_t thread;
	unsigned number;
	unsigned bad; /* blocks that were not as they should be; Check's own assertions are for one thread */
};

static void *take_many(void *arg)
{
	struct taker *taker = arg;
	unsigned char *blocks[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++) {
		blocks[i] = boot_alloc(64, 16);
		taker->bad += !blocks[i] || !boot_owns(blocks[i]) || !all_are(blocks[i], 64, 0);
		memset(blocks[i], (int)taker->number, 64);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		taker->bad += !all_are(blocks[i], 64, taker->number);
	return NULL;
}

START_TEST(threads_get_different_blocks)
{
	struct taker takers[4];

	for (unsigned i = 0; i < 4; i++) {
		takers[i].number = i + 1;
		takers[i].bad = 0;
		ck_assert_int_eq(pthread_create(&takers[i].thread, NULL, take_many, &takers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(takers[i].thread, NULL);
		ck_assert_uint_eq(takers[i].bad, 0);
	}
}
END_TEST

Suite *suite_boot(void)
{
	Suite *suite = suite_create("boot");
	TCase *tcase = tcase_create("boot");

	tcase_add_test(tcase, blocks_are_zeroed_aligned_and_apart);
	tcase_add_test(tcase, what_others_gave_out_is_not_ours);
	tcase_add_test(tcase, empty_blocks_have_addresses_of_their_own);
	tcase_add_test(tcase, what_cannot_be_had_is_refused);
	tcase_add_test(tcase, large_blocks_and_alignments_are_served);
	tcase_add_test(tcase, a_full_arena_says_so);
	tcase_add_test(tcase, threads_get_different_blocks);
	suite_add_tcase(suite, tcase);
	return suite;
}
