/* SPDX-License-Identifier: MIT */
/* Unit tests of free_pair: counts per pair of shards, beside a plain array. */
#include "free_pair.h"

#include <check.h>
#include <stddef.h>

#include "preload_doubles.h"
#include "shard.h"
#include "unit_util.h"

Suite *suite_free_pair(void);

#define SHARDS 200u

static struct thread thread;

static void setup(void)
{
	preload_new_dump(64ull << 20);
	shard_forked();
	thread = (struct thread){ .shard = shard_get() };
}

/* Rows of the thread's pair with ALLOC_SHARD; the sums over them. */
static struct mp_free_pair sum_of(uint32_t alloc_shard)
{
	struct mp_free_pair sum = { .check = 0 };
	const struct mp_chunk *chunk;

	for (unsigned n = 0; (chunk = preload_chunk(MP_CHUNK_FREE_PAIR, n)); n++) {
		const struct mp_free_pair *rows = (const void *)(chunk + 1);

		for (uint64_t i = 0; i < chunk->rows; i++) {
			if (!rows[i].free_shard || rows[i].alloc_shard != alloc_shard)
				continue;
			ck_assert_uint_eq(rows[i].free_shard, shard_number(thread.shard));
			sum.pairs++;
			sum.count += rows[i].count;
			sum.bytes += rows[i].bytes;
			sum.count_var += rows[i].count_var;
			sum.bytes_var += rows[i].bytes_var;
		}
	}
	return sum;
}

START_TEST(each_pair_has_its_row)
{
	uint64_t counts[50] = { 0 };
	uint64_t bytes[50] = { 0 };

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t from = (uint32_t)unit_random_below(UNIT_LENGTH(counts));

		free_pair_count(&thread, from + 2, i);
		counts[from]++;
		bytes[from] += i;
	}
	for (uint32_t i = 0; i < UNIT_LENGTH(counts); i++) {
		struct mp_free_pair sum = sum_of(i + 2);

		ck_assert_uint_eq(sum.pairs, 1);
		ck_assert_uint_eq(sum.count, counts[i]);
		ck_assert_uint_eq(sum.bytes, bytes[i]);
	}
	ck_assert_uint_eq(sum_of(0).count, 0);
}
END_TEST

START_TEST(too_many_are_counted_together)
{
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t from = 2; from < SHARDS + 2; from++)
			free_pair_count(&thread, from, from);
	}
	for (uint32_t from = 2; from < MP_FREE_PAIRS_MAX + 2; from++)
		ck_assert_uint_eq(sum_of(from).bytes, 3 * from);
	ck_assert_uint_eq(sum_of(MP_FREE_PAIRS_MAX + 2).pairs, 0);
	ck_assert_uint_eq(sum_of(0).pairs, 1);
	ck_assert_uint_eq(sum_of(0).count, 3 * (SHARDS - MP_FREE_PAIRS_MAX));
}
END_TEST

/* What the next thread of the shard counts is added to the same rows, and their number stays limited. */
START_TEST(the_next_thread_goes_on)
{
	for (uint32_t from = 2; from < 50; from++)
		free_pair_count(&thread, from, 10);
	thread = (struct thread){ .shard = thread.shard };
	for (uint32_t from = 2; from < SHARDS; from++)
		free_pair_count(&thread, from, 10);
	ck_assert_uint_eq(sum_of(2).count, 2);
	ck_assert_uint_eq(sum_of(0).count, SHARDS - 2 - MP_FREE_PAIRS_MAX);
}
END_TEST

START_TEST(samples_bring_their_variance)
{
	const struct poisson_weight weight = { .count = 2048, .bytes = 200, .count_var = 2, .bytes_var = 20000 };

	for (int i = 0; i < 5; i++)
		free_pair_count_sampled(&thread, 7, &weight);
	ck_assert_uint_eq(sum_of(7).count, 5 * 2048);
	ck_assert_uint_eq(sum_of(7).bytes, 1000);
	ck_assert_double_eq(sum_of(7).count_var, 10);
	ck_assert_double_eq(sum_of(7).bytes_var, 100000);
}
END_TEST

START_TEST(a_full_dump_is_a_loss)
{
	uint64_t lost = preload_losses(MP_LOSS_SITES_FULL);

	preload_new_dump(1 << 20);
	while (dump_chunk(MP_CHUNK_NODE, 16, DUMP_PAGE, 0, 0))
		;
	free_pair_count(&thread, 7, 10);
	ck_assert_uint_gt(preload_losses(MP_LOSS_SITES_FULL), lost);
	ck_assert_uint_eq(sum_of(7).pairs, 0);
}
END_TEST

Suite *suite_free_pair(void)
{
	Suite *suite = suite_create("free_pair");
	TCase *tcase = tcase_create("free_pair");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, each_pair_has_its_row);
	tcase_add_test(tcase, too_many_are_counted_together);
	tcase_add_test(tcase, the_next_thread_goes_on);
	tcase_add_test(tcase, samples_bring_their_variance);
	tcase_add_test(tcase, a_full_dump_is_a_loss);
	suite_add_tcase(suite, tcase);
	return suite;
}
