/* SPDX-License-Identifier: MIT */
/* Unit tests of names of locks, against an array that is searched from end to end. */
#include "lock_name.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump_map.h"
#include "preload_doubles.h"
#include "unit_util.h"

Suite *suite_lock_name(void);

#define MIB       (1ull << 20)
#define LOCKS_MAX 4096u /* with a name at a time, as memprof.h says */

static void setup(void)
{
	preload_new_dump(16 * MIB);
}

static bool put(uint64_t address, uint64_t block, const char *name)
{
	bool is_new;

	return lock_name_put(address, block, name, &is_new);
}

/* What the dump says that the lock is called; "" = nothing. */
static const char *name_of(uint64_t address)
{
	static char text[MP_LOCK_NAME_MAX + 1];
	uint32_t number = lock_name_row(address);
	const struct mp_lock_name *row;
	const struct mp_string *string;

	if (!number)
		return "";
	row = preload_row(MP_CHUNK_LOCK_NAME, number, sizeof(*row));
	string = (const void *)(dump_base + row->text);
	ck_assert_uint_le(string->bytes, MP_LOCK_NAME_MAX);
	snprintf(text, sizeof(text), "%.*s", (int)string->bytes, string->text);
	return text;
}

START_TEST(a_lock_has_its_name_until_it_ends)
{
	bool is_new;

	ck_assert(!lock_name_any);
	ck_assert_uint_eq(lock_name_row(0x1000), 0);
	ck_assert(lock_name_put(0x1000, 0, "first", &is_new));
	ck_assert(is_new && lock_name_any);
	ck_assert_str_eq(name_of(0x1000), "first");
	ck_assert_str_eq(name_of(0x1008), "");
	ck_assert(lock_name_put(0x1000, 0, "second", &is_new));
	ck_assert(!is_new);
	ck_assert_str_eq(name_of(0x1000), "second");
	ck_assert_uint_eq(lock_name_end(0x1000), 0);
	ck_assert_str_eq(name_of(0x1000), "");
	ck_assert_uint_eq(lock_name_end(0x1000), 0);
	/* Another one at the same place has none. */
	ck_assert(put(0x1000, 0, "first"));
	ck_assert_str_eq(name_of(0x1000), "first");
}
END_TEST

START_TEST(equal_names_share_a_row)
{
	ck_assert(put(0x1000, 0, "same") && put(0x2000, 0, "same") && put(0x3000, 0, "sam"));
	ck_assert_uint_eq(lock_name_row(0x1000), lock_name_row(0x2000));
	ck_assert_uint_ne(lock_name_row(0x1000), lock_name_row(0x3000));
	ck_assert_str_eq(name_of(0x3000), "sam");
}
END_TEST

START_TEST(a_long_name_is_cut_between_characters)
{
	char longer[100];

	memset(longer, 'x', sizeof(longer));
	memcpy(longer + MP_LOCK_NAME_MAX - 1, "\xc3\xa9", 2);
	longer[99] = '\0';
	ck_assert(put(0x1000, 0, longer));
	ck_assert_uint_eq(strlen(name_of(0x1000)), MP_LOCK_NAME_MAX - 1);
	/* The rest is not part of it. */
	longer[80] = '\0';
	ck_assert(put(0x2000, 0, longer));
	ck_assert_uint_eq(lock_name_row(0x1000), lock_name_row(0x2000));
}
END_TEST

START_TEST(locks_of_a_block_are_found_one_after_the_other)
{
	uint64_t found[3] = { 0 };

	ck_assert(put(0x5010, 0x5000, "a") && put(0x5040, 0x5000, "b") && put(0x9010, 0x9000, "c"));
	ck_assert(put(0x7000, 0, "outside"));
	for (unsigned i = 0; i < 2; i++) {
		found[i] = lock_name_in_block(0x5000);
		ck_assert_uint_eq(lock_name_end(found[i]), 0x5000);
	}
	ck_assert(found[0] != found[1] && (found[0] | found[1]) == (0x5010 | 0x5040));
	ck_assert_uint_eq(lock_name_in_block(0x5000), 0);
	ck_assert_uint_eq(lock_name_in_block(0x9000), 0x9010);
	ck_assert_uint_eq(lock_name_in_block(0x5010), 0);
	ck_assert_str_eq(name_of(0x7000), "outside");
}
END_TEST

START_TEST(as_many_locks_as_promised)
{
	bool is_new;

	for (unsigned i = 0; i < LOCKS_MAX; i++)
		ck_assert_msg(put(0x10000 + i * 64, 0, "lock"), "no room for lock %u", i);
	ck_assert(!lock_name_put(0x10, 0, "lock", &is_new) && !is_new);
	ck_assert_str_eq(name_of(0x10), "");
	ck_assert_str_eq(name_of(0x10000 + (LOCKS_MAX - 1) * 64), "lock");
	/* One that has a name can get another; and where one ends there is room again. */
	ck_assert(put(0x10000, 0, "other"));
	lock_name_end(0x10000 + 64);
	ck_assert(put(0x10, 0, "lock"));
	ck_assert(!put(0x20, 0, "lock"));
}
END_TEST

START_TEST(as_many_names_as_promised)
{
	char name[32];

	for (unsigned i = 0; i < MP_LOCK_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "name %u", i);
		ck_assert(put(0x1000, 0, name));
	}
	ck_assert(!put(0x1000, 0, "one more"));
	ck_assert_str_eq(name_of(0x1000), name);
	ck_assert(!put(0x2000, 0, "one more"));
	ck_assert(put(0x2000, 0, "name 5"));
	ck_assert_str_eq(name_of(0x2000), "name 5");
}
END_TEST

START_TEST(a_full_dump_has_no_names)
{
	while (dump_string("x", 1))
		;
	ck_assert(put(0x1000, 0, "kept"));
	ck_assert_uint_eq(lock_name_row(0x1000), 0);
	/* A new dump has: nothing was lost for good. */
	preload_new_dump(16 * MIB);
	ck_assert_str_eq(name_of(0x1000), "kept");
}
END_TEST

START_TEST(a_fork_child_writes_names_anew)
{
	ck_assert(put(0x1000, 0, "a") && put(0x2000, 0, "b"));
	ck_assert_uint_eq(lock_name_row(0x1000), 1);
	ck_assert_uint_eq(lock_name_row(0x2000), 2);
	preload_new_dump(16 * MIB);
	lock_name_forked();
	ck_assert_uint_eq(lock_name_row(0x2000), 1);
	ck_assert_str_eq(name_of(0x2000), "b");
	ck_assert_str_eq(name_of(0x1000), "a");
}
END_TEST

/* Chains of one hash value are long here: 512 locks in 64 blocks, and names come and go. */
START_TEST(names_come_and_go)
{
	static struct {
		uint64_t block;
		unsigned name; /* 0 = none */
	} model[512];
	char name[16];

	for (unsigned round = 0; round < 5000; round++) {
		unsigned i = (unsigned)unit_random_below(UNIT_LENGTH(model));
		uint64_t block = unit_random_below(64) << 40 | 0x1000;
		uint64_t address = (uint64_t)i << 30 | 0x10;

		if (unit_random_below(3)) {
			unsigned n = 1 + (unsigned)unit_random_below(9);

			snprintf(name, sizeof(name), "n%u", n);
			ck_assert(put(address, block, name));
			/* The block of a lock that has a name already stays. */
			model[i].block = model[i].name ? model[i].block : block;
			model[i].name = n;
		} else {
			ck_assert_uint_eq(lock_name_end(address), model[i].name ? model[i].block : 0);
			model[i].name = 0;
		}
		i = (unsigned)unit_random_below(UNIT_LENGTH(model));
		snprintf(name, sizeof(name), "n%u", model[i].name);
		ck_assert_str_eq(name_of((uint64_t)i << 30 | 0x10), model[i].name ? name : "");
		address = lock_name_in_block(block);
		if (address)
			ck_assert(model[address >> 30].name && model[address >> 30].block == block);
		i = 0;
		while (!address && i < UNIT_LENGTH(model) && !(model[i].name && model[i].block == block))
			i++;
		ck_assert_msg(address || i == UNIT_LENGTH(model), "lock %u in the block was not found", i);
	}
}
END_TEST

Suite *suite_lock_name(void)
{
	Suite *s = suite_create("lock_name");
	TCase *tc = tcase_create("lock_name");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_lock_has_its_name_until_it_ends);
	tcase_add_test(tc, equal_names_share_a_row);
	tcase_add_test(tc, a_long_name_is_cut_between_characters);
	tcase_add_test(tc, locks_of_a_block_are_found_one_after_the_other);
	tcase_add_test(tc, as_many_locks_as_promised);
	tcase_add_test(tc, as_many_names_as_promised);
	tcase_add_test(tc, a_full_dump_has_no_names);
	tcase_add_test(tc, a_fork_child_writes_names_anew);
	tcase_add_test(tc, names_come_and_go);
	suite_add_tcase(s, tc);
	return s;
}
