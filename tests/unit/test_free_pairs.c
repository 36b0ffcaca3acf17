/* SPDX-License-Identifier: MIT */
/* Unit tests of free_pairs: which threads the shards of pairs are. */
#include "free_pairs.h"

#include <check.h>
#include <string.h>

#include "dump_read.h"
#include "unit_util.h"

Suite *suite_free_pairs(void);

static struct unit_dump dump;
static struct profile profile;
static struct free_pairs pairs;

/* Shard 1 is main's, 2 had two threads one after the other, 3 only threads that have no row any more. */
static const struct mp_thread threads[] = {
	{ .start_ns = 5000000001, .tid = 10, .threads = 1, .name = "main", .shard = 1 },
	{ .start_ns = 5000000003, .tid = 12, .threads = 1, .name = "second", .shard = 2 },
	{ .start_ns = 5000000002, .tid = 11, .threads = 1, .name = "first", .shard = 2 },
	{ .start_ns = 5000000004, .threads = 7, .name = "ended" },
};
static const struct mp_free_pair rows[] = {
	{ .free_shard = 1, .alloc_shard = 0 },
	{ .free_shard = 1, .alloc_shard = 2, .count = 5, .bytes = 500 },
	{ .free_shard = 2, .alloc_shard = 1, .count = 1, .bytes = 900 },
	{ .free_shard = 2, .alloc_shard = 3, .count = 4, .bytes = 400 },
	{ .free_shard = 2, .alloc_shard = 0, .count = 3, .bytes = 300 },
	{ .free_shard = 0 },
};

static void setup(void)
{
	unit_dump_begin(&dump);
}

static void read_all(void)
{
	struct err err = { 0 };

	profile_init(&profile, "pairs.bin");
	ck_assert_msg(dump_read(dump.bytes, dump.size, "pairs.bin", &profile, &err), "%s", err.text);
	free_pairs_init(&pairs, &profile);
}

static void teardown(void)
{
	free_pairs_free(&pairs);
	profile_free(&profile);
	unit_dump_free(&dump);
}

START_TEST(shards_become_threads)
{
	static const struct {
		const char *allocated_by;
		const char *freed_by;
		uint64_t bytes;
	} want[] = {
		{ "main (10)", "second and 1 before it", 900 },
		{ "second and 1 before it", "main (10)", 500 },
		{ "threads that ended", "second and 1 before it", 400 },
		{ "other threads", "second and 1 before it", 300 },
	};

	unit_dump_rows(&dump, THREAD, threads, 1, 0);
	unit_dump_rows(&dump, FREE_PAIR, rows, 0, 1);
	read_all();
	ck_assert(pairs.known && pairs.shared && !profile.partial);
	ck_assert_uint_eq(pairs.count, UNIT_LENGTH(want));
	ck_assert_uint_eq(pairs.blocks, 13);
	ck_assert_uint_eq(pairs.bytes, 2100);
	for (size_t i = 0; i < pairs.count; i++) {
		char name[FREE_PARTY_BYTES];

		ck_assert_str_eq(free_party_name(&pairs.list[i].allocated_by, name), want[i].allocated_by);
		ck_assert_str_eq(free_party_name(&pairs.list[i].freed_by, name), want[i].freed_by);
		ck_assert_uint_eq(pairs.list[i].bytes, want[i].bytes);
	}
}
END_TEST

/* Rows of 120 bytes, as the first version of the format had them: threads are read, but who is who is not known. */
START_TEST(shorter_rows_of_threads_are_read)
{
	static uint8_t old[UNIT_LENGTH(threads)][MP_THREAD_BYTES_MIN];

	for (size_t i = 0; i < UNIT_LENGTH(threads); i++)
		memcpy(old[i], &threads[i], MP_THREAD_BYTES_MIN);
	unit_dump_chunk(&dump, MP_CHUNK_THREAD, old, MP_THREAD_BYTES_MIN, UNIT_LENGTH(old), 1, 0);
	read_all();
	ck_assert(!profile.partial);
	ck_assert_uint_eq(profile.thread_count, UNIT_LENGTH(threads));
	ck_assert_str_eq(profile.threads[3].name, "ended");
	ck_assert_uint_eq(profile.threads[0].shard, 0);
	ck_assert(!pairs.known && pairs.count == 0);
}
END_TEST

START_TEST(still_shorter_rows_are_corrupt)
{
	unit_dump_chunk(&dump, MP_CHUNK_THREAD, threads, MP_THREAD_BYTES_MIN - 8, 1, 1, 0);
	read_all();
	ck_assert(profile.partial);
	ck_assert_uint_eq(profile.thread_count, 0);
}
END_TEST

START_TEST(no_pairs_are_known_to_be_none)
{
	unit_dump_rows(&dump, THREAD, threads, 1, 0);
	read_all();
	ck_assert(pairs.known && !pairs.shared);
	ck_assert_uint_eq(pairs.count, 0);
}
END_TEST

Suite *suite_free_pairs(void)
{
	Suite *suite = suite_create("free_pairs");
	TCase *tcase = tcase_create("free_pairs");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, shards_become_threads);
	tcase_add_test(tcase, shorter_rows_of_threads_are_read);
	tcase_add_test(tcase, still_shorter_rows_are_corrupt);
	tcase_add_test(tcase, no_pairs_are_known_to_be_none);
	suite_add_tcase(suite, tcase);
	return suite;
}
