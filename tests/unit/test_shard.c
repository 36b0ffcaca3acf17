/* SPDX-License-Identifier: MIT */
/* Unit tests of shard: rows by key, beside a plain array of what was entered. */
#include "shard.h"

#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "preload_doubles.h"
#include "unit_util.h"

Suite *suite_shard(void);

#define CHECK_AT offsetof(struct mp_site, check)

static struct options defaults;

static void setup(void)
{
	defaults = opt;
	preload_new_dump(256ull << 20);
	shard_forked();
}

static void teardown(void)
{
	opt = defaults;
}

static uint64_t random_state = 1;

/* Well mixed, as the contract asks for. */
static uint64_t next_key(void)
{
	uint64_t h = random_state += 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ h >> 27) * 0x94d049bb133111ebull;
	return h ^ h >> 31;
}

static row_id add_site(struct shard *shard, uint64_t key, uint32_t stack)
{
	row_id id = shard_add(shard, key, CHECK_AT, MP_CHUNK_SITE);
	struct mp_site *site;

	if (!id)
		return 0;
	site = row_at(id);
	/* Zeroed but for the check field, which is the shard's. */
	ck_assert_uint_eq(site->stack, 0);
	ck_assert_uint_eq(site->alloc_count, 0);
	ck_assert_uint_eq(site->realloc_count, 0);
	site->stack = stack;
	return id;
}

#define KEYS 30000u

START_TEST(every_key_finds_its_row)
{
	uint64_t *keys = calloc(KEYS, sizeof(*keys));
	row_id *rows = calloc(KEYS, sizeof(*rows));
	struct shard *shard = shard_get();

	ck_assert(keys && rows && shard);
	for (uint32_t i = 0; i < KEYS; i++) {
		keys[i] = next_key();
		ck_assert_uint_eq(shard_find(shard, keys[i], CHECK_AT), 0);
		rows[i] = add_site(shard, keys[i], i + 1);
		ck_assert_uint_ne(rows[i], 0);
		ck_assert_uint_eq(shard_find(shard, keys[i], CHECK_AT), rows[i]);
	}
	for (uint32_t i = 0; i < KEYS; i++) {
		ck_assert_uint_eq(shard_find(shard, keys[i], CHECK_AT), rows[i]);
		ck_assert_uint_eq(((const struct mp_site *)row_at(rows[i]))->stack, i + 1);
		ck_assert(shard_owns(shard, rows[i]));
	}
	for (uint32_t i = 0; i < KEYS; i++)
		ck_assert_uint_eq(shard_find(shard, next_key(), CHECK_AT), 0);
	free(keys);
	free(rows);
}
END_TEST

/* Keys that agree in the half that the index keeps, or in the other one. */
START_TEST(keys_that_are_half_equal_are_told_apart)
{
	static const uint64_t keys[] = {
		0x0000000100000001, 0x0000000100000002, 0x0000000200000001, 0x0000000200000002,
		0xffffffff00000000, 0x00000000ffffffff, 0x0000000000000000, 0xffffffffffffffff,
	};
	struct shard *shard = shard_get();
	row_id rows[UNIT_LENGTH(keys)];

	for (uint32_t i = 0; i < UNIT_LENGTH(keys); i++)
		rows[i] = add_site(shard, keys[i], i + 1);
	/* Also after the index has grown. */
	for (uint32_t i = 0; i < 2000; i++)
		add_site(shard, next_key(), 99);
	for (uint32_t i = 0; i < UNIT_LENGTH(keys); i++)
		ck_assert_uint_eq(shard_find(shard, keys[i], CHECK_AT), rows[i]);
}
END_TEST

/* Of the lock kinds a thread has few rows, but of many kinds. */
START_TEST(kinds_with_few_rows_share_a_page)
{
	static const enum mp_chunk_kind kinds[] = { MP_CHUNK_LOCK_SHARE, MP_CHUNK_LOCK_WAIT, MP_CHUNK_LOCK_HIST,
						    MP_CHUNK_LOCK_CULPRIT, MP_CHUNK_LOCK_HOLD };
	struct shard *shard = shard_get();
	uint64_t before = dump_header()->used_bytes;
	uint64_t keys[UNIT_LENGTH(kinds)];
	row_id rows[UNIT_LENGTH(kinds)];

	for (uint32_t i = 0; i < UNIT_LENGTH(kinds); i++) {
		const struct mp_chunk *chunk;

		keys[i] = next_key();
		rows[i] = shard_add(shard, keys[i], CHECK_AT, kinds[i]);
		ck_assert_uint_ne(rows[i], 0);
		ck_assert(shard_owns(shard, rows[i]));
		chunk = (const struct mp_chunk *)row_at(rows[i]) - 1;
		ck_assert_uint_eq(chunk->kind, kinds[i]);
		ck_assert_uint_eq(chunk->bytes, DUMP_SMALL_CHUNK);
		ck_assert_uint_eq(chunk->owner, shard_number(shard));
	}
	ck_assert_uint_eq(dump_header()->used_bytes, before + DUMP_PAGE);
	/* More than fit there. */
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_uint_ne(shard_add(shard, next_key(), CHECK_AT, kinds[0]), 0);
	for (uint32_t i = 0; i < UNIT_LENGTH(kinds); i++)
		ck_assert_uint_eq(shard_find(shard, keys[i], CHECK_AT), rows[i]);
	ck_assert_uint_eq(dump_header()->used_bytes, before + (1 + 1 + 2) * DUMP_PAGE);
}
END_TEST

START_TEST(a_closed_key_gets_a_new_row)
{
	struct shard *shard = shard_get();
	uint64_t key = next_key();
	uint64_t other = next_key();
	row_id kept = add_site(shard, other, 2);
	row_id first = add_site(shard, key, 1);
	row_id second;

	shard_close(shard, key, CHECK_AT);
	ck_assert_uint_eq(shard_find(shard, key, CHECK_AT), 0);
	second = add_site(shard, key, 1);
	ck_assert_uint_ne(second, first);
	ck_assert_uint_eq(shard_find(shard, key, CHECK_AT), second);
	for (uint32_t i = 0; i < 2000; i++)
		add_site(shard, next_key(), 99);
	ck_assert_uint_eq(shard_find(shard, key, CHECK_AT), second);
	ck_assert_uint_eq(shard_find(shard, other, CHECK_AT), kept);
	ck_assert_uint_eq(((const struct mp_site *)row_at(first))->stack, 1);
	/* Of a key that is not there: nothing happens. */
	shard_close(shard, next_key(), CHECK_AT);
}
END_TEST

START_TEST(aliases_lead_to_rows)
{
	struct shard *shard = shard_get();
	uint64_t keys[500];
	uint64_t aliases[500];
	row_id rows[500];

	for (uint32_t i = 0; i < 500; i++) {
		keys[i] = next_key();
		aliases[i] = next_key();
		rows[i] = add_site(shard, keys[i], i + 1);
		ck_assert_uint_eq(shard_find_alias(shard, aliases[i]), 0);
		ck_assert(shard_alias(shard, aliases[i], rows[i]));
	}
	for (uint32_t i = 0; i < 500; i++) {
		ck_assert_uint_eq(shard_find_alias(shard, aliases[i]), rows[i]);
		ck_assert_uint_eq(shard_find(shard, keys[i], CHECK_AT), rows[i]);
		/* An alias is no key. */
		ck_assert_uint_eq(shard_find(shard, aliases[i], CHECK_AT), 0);
	}
}
END_TEST

START_TEST(shards_own_their_rows_only)
{
	struct shard *shards[20];
	row_id rows[20][100];

	for (uint32_t i = 0; i < 20; i++) {
		shards[i] = shard_get();
		ck_assert_uint_eq(shard_number(shards[i]), i + 1);
	}
	for (uint32_t j = 0; j < 100; j++) {
		for (uint32_t i = 0; i < 20; i++)
			rows[i][j] = add_site(shards[i], next_key(), j + 1);
	}
	for (uint32_t i = 0; i < 20; i++) {
		for (uint32_t j = 0; j < 100; j++) {
			for (uint32_t k = 0; k < 20; k++)
				ck_assert_msg(shard_owns(shards[k], rows[i][j]) == (i == k), "%u %u", i, k);
		}
	}
	/* In no chunk at all. */
	ck_assert(!shard_owns(shards[0], 0));
	ck_assert(!shard_owns(shards[0], 1u << 27));
	ck_assert(!shard_owns(shards[0], UINT32_MAX));
}
END_TEST

/* What readers find: chunks of the owner's number, with rows where their numbers say. */
START_TEST(rows_lie_in_chunks_of_their_shard)
{
	struct shard *first = shard_get();
	struct shard *second = shard_get();
	uint64_t rows[3] = { 0 };

	for (uint32_t i = 0; i < 3000; i++) {
		add_site(first, next_key(), 1);
		if (i % 3 == 0)
			add_site(second, next_key(), 2);
		if (i % 10 == 0) {
			row_id id = shard_add(first, next_key(), offsetof(struct mp_lock_share, check),
					      MP_CHUNK_LOCK_SHARE);

			((struct mp_lock_share *)row_at(id))->lock = 3;
		}
	}
	for (unsigned n = 0; preload_chunk(MP_CHUNK_SITE, n); n++) {
		const struct mp_chunk *chunk = preload_chunk(MP_CHUNK_SITE, n);
		const struct mp_site *sites = (const void *)(chunk + 1);

		ck_assert_uint_eq(chunk->row_bytes, sizeof(*sites));
		for (uint64_t i = 0; i < chunk->rows; i++) {
			ck_assert(!sites[i].stack || sites[i].stack == chunk->owner);
			rows[chunk->owner] += sites[i].stack != 0;
		}
	}
	ck_assert_uint_eq(rows[1], 3000);
	ck_assert_uint_eq(rows[2], 1000);
	rows[0] = 0;
	for (unsigned n = 0; preload_chunk(MP_CHUNK_LOCK_SHARE, n); n++) {
		const struct mp_chunk *chunk = preload_chunk(MP_CHUNK_LOCK_SHARE, n);
		const struct mp_lock_share *shares = (const void *)(chunk + 1);

		ck_assert_uint_eq(chunk->owner, shard_number(first));
		for (uint64_t i = 0; i < chunk->rows; i++)
			rows[0] += shares[i].lock == 3;
	}
	ck_assert_uint_eq(rows[0], 300);
}
END_TEST

/* Long rows do not overlap, and have chunks of their own. */
START_TEST(long_rows_lie_apart)
{
	struct shard *shard = shard_get();
	uint64_t rows = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t key = next_key();
		row_id id = shard_add_long(shard, key, CHECK_AT, MP_CHUNK_SITE);
		struct mp_site_resized *row = row_at(id);

		ck_assert_uint_eq(row->site.stack, 0);
		ck_assert_uint_eq(row->unknown_count, 0);
		ck_assert_uint_eq(shard_find(shard, key, CHECK_AT), id);
		ck_assert(shard_owns(shard, id));
		row->site.stack = i + 1;
		row->first_count = row->unknown_count = i + 1;
		add_site(shard, next_key(), 5000);
	}
	for (unsigned n = 0; preload_chunk(MP_CHUNK_SITE, n); n++) {
		const struct mp_chunk *chunk = preload_chunk(MP_CHUNK_SITE, n);
		const struct mp_site_resized *resized = (const void *)(chunk + 1);

		if (chunk->row_bytes == sizeof(struct mp_site))
			continue;
		ck_assert_uint_eq(chunk->row_bytes, sizeof(*resized));
		ck_assert_uint_le(sizeof(*chunk) + chunk->rows * sizeof(*resized), chunk->bytes);
		for (uint64_t i = 0; i < chunk->rows && resized[i].site.stack; i++, rows++) {
			ck_assert_uint_eq(resized[i].site.stack, rows + 1);
			ck_assert_uint_eq(resized[i].first_count, rows + 1);
			ck_assert_uint_eq(resized[i].unknown_count, rows + 1);
		}
	}
	ck_assert_uint_eq(rows, 1000);
}
END_TEST

/* A new thread gets a shard of its own, until there are many of them or those of ended threads take much room. */
START_TEST(a_shard_goes_on_when_there_are_many)
{
	struct shard *shards[256];
	uint64_t key = next_key();
	row_id id;

	for (uint32_t i = 0; i < UNIT_LENGTH(shards); i++) {
		shards[i] = shard_get();
		ck_assert_uint_eq(shard_number(shards[i]), i + 1);
		if (i % 2)
			shard_put(shards[i]);
	}
	id = add_site(shards[0], key, 1);
	shard_put(shards[0]);
	ck_assert_ptr_eq(shard_get(), shards[0]);
	ck_assert_uint_eq(shard_find(shards[0], key, CHECK_AT), id);
	ck_assert_uint_eq(shard_of(id), 1);
	for (uint32_t i = UNIT_LENGTH(shards); i-- > 0;) {
		if (i % 2)
			ck_assert_ptr_eq(shard_get(), shards[i]);
	}
	ck_assert_uint_eq(shard_number(shard_get()), 257);
}
END_TEST

START_TEST(a_shard_goes_on_when_it_is_large)
{
	struct shard *shard = shard_get();

	for (uint32_t i = 0; i < KEYS; i++)
		add_site(shard, next_key(), i + 1);
	shard_put(shard);
	/* 30000 rows are 469 pages: that is still little. */
	ck_assert_uint_eq(shard_number(shard_get()), 2);
	shard = shard_get();
	for (uint32_t i = 0; i < KEYS; i++)
		add_site(shard, next_key(), i + 1);
	shard_put(shard);
	ck_assert_ptr_eq(shard_get(), shard);
	ck_assert_uint_eq(shard_number(shard_get()), 4);
}
END_TEST

START_TEST(a_fork_child_starts_without_shards)
{
	struct shard *parent = shard_get();
	struct shard *child;
	uint64_t key = next_key();
	row_id id = add_site(parent, key, 1);

	shard_put(parent);
	preload_new_dump(64ull << 20);
	shard_forked();
	child = shard_get();
	ck_assert_ptr_ne(child, parent);
	ck_assert_uint_eq(shard_number(child), 1);
	ck_assert_uint_eq(shard_find(child, key, CHECK_AT), 0);
	/* Numbers of the parent's rows mean nothing here. */
	ck_assert(!shard_owns(child, id));
	ck_assert_uint_ne(add_site(child, key, 1), 0);
}
END_TEST

START_TEST(a_full_dump_has_no_more_rows)
{
	struct shard *shard = shard_get();
	uint64_t lost = preload_losses(MP_LOSS_DUMP_FULL);
	uint64_t *keys = calloc(20000, sizeof(*keys));
	row_id *rows = calloc(20000, sizeof(*rows));
	uint32_t count = 0;

	preload_new_dump(1 << 20);
	for (; count < 20000; count++) {
		keys[count] = next_key();
		rows[count] = add_site(shard, keys[count], count + 1);
		if (!rows[count])
			break;
	}
	/* 1 MiB is 16384 rows. */
	ck_assert_uint_gt(count, 14000);
	ck_assert_uint_lt(count, 16384);
	ck_assert_uint_gt(preload_losses(MP_LOSS_DUMP_FULL), lost);
	ck_assert_uint_eq(shard_find(shard, keys[count], CHECK_AT), 0);
	ck_assert_uint_eq(add_site(shard, next_key(), 1), 0);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(shard_find(shard, keys[i], CHECK_AT), rows[i]);
	/* What needs no row still works. */
	ck_assert(shard_alias(shard, keys[count], rows[0]));
	ck_assert_uint_eq(shard_find_alias(shard, keys[count]), rows[0]);
	free(keys);
	free(rows);
}
END_TEST

Suite *suite_shard(void)
{
	Suite *suite = suite_create("shard");
	TCase *tcase = tcase_create("shard");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, every_key_finds_its_row);
	tcase_add_test(tcase, keys_that_are_half_equal_are_told_apart);
	tcase_add_test(tcase, a_closed_key_gets_a_new_row);
	tcase_add_test(tcase, aliases_lead_to_rows);
	tcase_add_test(tcase, shards_own_their_rows_only);
	tcase_add_test(tcase, rows_lie_in_chunks_of_their_shard);
	tcase_add_test(tcase, long_rows_lie_apart);
	tcase_add_test(tcase, a_shard_goes_on_when_there_are_many);
	tcase_add_test(tcase, a_shard_goes_on_when_it_is_large);
	tcase_add_test(tcase, kinds_with_few_rows_share_a_page);
	tcase_add_test(tcase, a_fork_child_starts_without_shards);
	tcase_add_test(tcase, a_full_dump_has_no_more_rows);
	suite_add_tcase(suite, tcase);
	return suite;
}
