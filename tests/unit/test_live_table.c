/* SPDX-License-Identifier: MIT */
/* Unit tests of live_table: millions of random operations beside a plain array that knows the right answers. */
#include "live_table.h"

#include <check.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload_doubles.h"
#include "real.h"
#include "unit_util.h"

Suite *suite_live_table(void);

#define REGION_BYTES  16384ull
#define GRANULE_BYTES 8ull
/* The blocks that an entry cannot hold. */
#define LARGE_BYTES ((1ull << 21) - 1)

/* No test may see what another left behind, even if all run in one process. */
static uint64_t next_base = 0x100000000000ull;

static uint64_t new_base(void)
{
	next_base += 1ull << 33;
	return next_base;
}

/* --- the reference: what is known of every address that a test uses --- */

struct known {
	uint64_t address;
	bool live;
	struct live_block block;
};

static bool same_block(const struct live_block *a, const struct live_block *b)
{
	return a->bytes == b->bytes && a->row == b->row && a->generation == b->generation;
}

/* An assertion per operation takes longer than the operation. */
#define SHOULD(condition, k)                                                                              \
	do {                                                                                              \
		if (!(condition))                                                                         \
			ck_abort_msg("%s: address 0x%llx", #condition, (unsigned long long)(k)->address); \
	} while (0)

static void insert(struct known *k, uint64_t bytes, uint32_t row)
{
	struct live_block old = { 0 };
	enum live_insert result = live_insert(k->address, bytes, row, &old);

	SHOULD(result == (k->live ? LIVE_REPLACED : LIVE_OK), k);
	SHOULD(!k->live || same_block(&old, &k->block), k);
	k->live = true;
	k->block = (struct live_block){ .bytes = bytes, .row = row, .generation = live_generation() };
}

static void take(struct known *k)
{
	struct live_block block = { 0 };

	SHOULD(live_take(k->address, &block) == k->live, k);
	SHOULD(!k->live || same_block(&block, &k->block), k);
	k->live = false;
}

static void take_and_put_back(struct known *k)
{
	bool live = k->live;
	struct live_block block;

	take(k);
	if (!live)
		return;
	block = k->block;
	live_put_back(k->address, &block);
	k->live = true;
}

static void take_all(struct known *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		take(&all[i]);
}

/* SIZES: up to this many bytes. */
static void random_operations(struct known *all, size_t count, size_t operations, uint64_t sizes)
{
	for (size_t i = 0; i < operations; i++) {
		struct known *k = &all[unit_random_below(count)];
		/* Phases of growing and shrinking, so that regions fill up and empty. */
		bool growing = (i / (2 * count)) % 2 == 0;
		unsigned choice = (unsigned)unit_random_below(8);

		if (choice == 0)
			take_and_put_back(k);
		else if ((choice < 6) == growing)
			insert(k, unit_random_below(sizes), 1 + (uint32_t)unit_random_below(LIVE_ROWS_MAX - 1));
		else
			take(k);
	}
	take_all(all, count);
	take_all(all, count);
}

static struct known *known_new(size_t count)
{
	struct known *all = calloc(count, sizeof(*all));

	ck_assert_ptr_nonnull(all);
	return all;
}

/* Every granule of whole regions is a block: arrays of all sizes, up to full ones. */
START_TEST(regions_full_of_the_smallest_blocks_are_kept)
{
	size_t count = 3 * REGION_BYTES / GRANULE_BYTES;
	struct known *all = known_new(count);
	uint64_t base = new_base();

	for (size_t i = 0; i < count; i++) {
		all[i].address = base + i * GRANULE_BYTES;
		insert(&all[i], i % 9, 1 + (uint32_t)i);
	}
	for (size_t i = count; i-- > 0;)
		insert(&all[i], i % 7, 2 + (uint32_t)i);
	take_all(all, count);
	random_operations(all, count, 1000000, LARGE_BYTES);
	free(all);
}
END_TEST

/* Small blocks in one part of each region and nothing in the rest: they share few first places. */
START_TEST(crowds_of_small_blocks_are_kept)
{
	enum { REGIONS = 64, CROWD = 150 };
	size_t count = REGIONS * CROWD;
	struct known *all = known_new(count);
	uint64_t base = new_base();

	for (size_t i = 0; i < count; i++) {
		uint64_t region = base + i / CROWD * REGION_BYTES;
		uint64_t start = i / CROWD % 2 ? 0 : REGION_BYTES - CROWD * 16;

		all[i].address = region + start + i % CROWD * 16;
	}
	random_operations(all, count, 1000000, 256);
	for (size_t i = 0; i < count; i++)
		insert(&all[i], i % 31, 1 + (uint32_t)i);
	for (size_t i = count; i-- > 0;)
		take(&all[i]);
	random_operations(all, count, 1000000, 256);
	free(all);
}
END_TEST

/* What a program's heap looks like: 16-byte steps, many regions. */
START_TEST(a_heap_of_many_regions_is_kept)
{
	size_t count = 100000;
	struct known *all = known_new(count);
	uint64_t address = new_base();

	for (size_t i = 0; i < count; i++) {
		address += 16 * (1 + unit_random_below(i % 1000 ? 8 : 4000));
		all[i].address = address;
	}
	random_operations(all, count, 2000000, 4096);
	free(all);
}
END_TEST

/* The first and last address of every level of the tree, and what the tree cannot hold. */
START_TEST(addresses_anywhere_are_kept)
{
	static const uint64_t bases[] = {
		0,
		1,
		8,
		REGION_BYTES,
		1ull << 25,
		1ull << 36,
		1ull << 47,
		(1ull << 47) + (1ull << 36),
		1ull << 48,
		1ull << 56,
		0xffff800000000000,
		0xfffffffffffff000,
	};
	struct known *all = known_new(UNIT_LENGTH(bases) * 5);
	size_t count = 0;

	for (size_t i = 0; i < UNIT_LENGTH(bases); i++) {
		static const int64_t offsets[] = { -8, -1, 0, 4, 8 };

		for (size_t j = 0; j < UNIT_LENGTH(offsets); j++) {
			uint64_t address = bases[i] + (uint64_t)offsets[j];
			bool seen = address == 0;

			for (size_t k = 0; k < count; k++)
				seen = seen || all[k].address == address;
			if (!seen)
				all[count++].address = address;
		}
	}
	ck_assert_uint_gt(count, 40);
	random_operations(all, count, 200000, LARGE_BYTES);
	free(all);
}
END_TEST

/* Addresses as allocators give them to large blocks, where they may take the place of small ones and the reverse. */
START_TEST(large_blocks_are_kept_beside_small_ones)
{
	static const uint64_t sizes[] = {
		1ull << 21, (1ull << 21) - 1, (1ull << 21) - 2, 1ull << 40, UINT64_MAX, 0, 64
	};
	size_t count = 3000;
	struct known *all = known_new(count);
	uint64_t base = new_base();

	for (size_t i = 0; i < count; i++)
		all[i].address = base + i / 3 * 4096 + (i % 3) * 16;
	for (size_t i = 0; i < 500000; i++) {
		struct known *k = &all[unit_random_below(count)];

		switch (unit_random_below(4)) {
		case 0:
			take(k);
			break;
		case 1:
			take_and_put_back(k);
			break;
		default:
			insert(k, sizes[unit_random_below(UNIT_LENGTH(sizes))],
			       1 + (uint32_t)unit_random_below(LIVE_ROWS_MAX - 1));
		}
	}
	take_all(all, count);
	free(all);
}
END_TEST

/* The same code with and without locks, since a process starts out without. */
START_TEST(one_thread_needs_no_locks)
{
	static const char yes = 1;
	const char *before = real_single_threaded_flag;
	size_t count = 5000;
	struct known *all = known_new(count);
	uint64_t base = new_base();

	for (size_t i = 0; i < count; i++)
		all[i].address = base + i * 24;
	real_single_threaded_flag = &yes;
	random_operations(all, count, 100000, 4096);
	for (size_t i = 0; i < count; i += 2)
		insert(&all[i], i, 1);
	real_single_threaded_flag = before;
	random_operations(all, count, 100000, 4096);
	free(all);
}
END_TEST

START_TEST(fields_are_kept_whole)
{
	static const uint32_t rows[] = { 1, 2, LIVE_ROWS_MAX / 2, LIVE_ROWS_MAX - 1 };
	static const uint64_t sizes[] = { 0, 1, 0xffff, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES + 1, UINT64_MAX };
	struct known k = { .address = new_base() + REGION_BYTES - GRANULE_BYTES };

	for (size_t i = 0; i < UNIT_LENGTH(rows); i++) {
		for (size_t j = 0; j < UNIT_LENGTH(sizes); j++) {
			insert(&k, sizes[j], rows[i]);
			take_and_put_back(&k);
			take(&k);
		}
	}
}
END_TEST

/* --- blocks by an address inside them --- */

START_TEST(blocks_are_found_by_addresses_inside)
{
	uint64_t base = new_base();
	struct live_block old;
	struct live_block block = { 0 };
	uint64_t start = 0;

	ck_assert_int_eq(live_insert(base + 1024, 100, 7, &old), LIVE_OK);
	ck_assert_int_eq(live_insert(base + 2048, 3 * REGION_BYTES, 8, &old), LIVE_OK);
	ck_assert(live_find_containing(base + 1024, 4096, &start, &block));
	ck_assert_uint_eq(start, base + 1024);
	ck_assert_uint_eq(block.row, 7);
	ck_assert_uint_eq(block.bytes, 100);
	ck_assert(live_find_containing(base + 1123, 4096, &start, &block));
	ck_assert_uint_eq(start, base + 1024);
	ck_assert(!live_find_containing(base + 1124, 4096, &start, &block));
	ck_assert(!live_find_containing(base + 1023, 4096, &start, &block));
	ck_assert(!live_find_containing(base, 4096, &start, &block));

	/* From another region, as far as asked. */
	ck_assert(live_find_containing(base + 2048 + 2 * REGION_BYTES, 4 * REGION_BYTES, &start, &block));
	ck_assert_uint_eq(start, base + 2048);
	ck_assert_uint_eq(block.row, 8);
	ck_assert(!live_find_containing(base + 2048 + 2 * REGION_BYTES, 4096, &start, &block));
	ck_assert(!live_find_containing(base + 2048 + 3 * REGION_BYTES, 4 * REGION_BYTES, &start, &block));

	ck_assert(live_take(base + 2048, &block));
	ck_assert(!live_find_containing(base + 2048, 4096, &start, &block));
	ck_assert(live_take(base + 1024, &block));
	/* Near both ends of the address space. */
	ck_assert(!live_find_containing(5, 4096, &start, &block));
	ck_assert(!live_find_containing(UINT64_MAX, 4096, &start, &block));
}
END_TEST

#define FIND_GRANULES 6144u
#define FIND_BACK     4096u

/* The answer that the reference gives: the nearest block that starts at or below ADDRESS. */
static const struct known *nearest(const struct known *all, uint64_t base, uint64_t address)
{
	for (size_t i = (address - base) / GRANULE_BYTES + 1; i-- > 0;) {
		if (all[i].live)
			return &all[i];
	}
	return NULL;
}

START_TEST(finding_agrees_with_a_plain_search)
{
	struct known *all = known_new(FIND_GRANULES);
	uint64_t base = new_base();
	unsigned found = 0;

	for (size_t i = 0; i < FIND_GRANULES; i++)
		all[i].address = base + i * GRANULE_BYTES;
	for (unsigned round = 0; round < 100000; round++) {
		struct known *k = &all[unit_random_below(FIND_GRANULES)];
		uint64_t address = base + unit_random_below(FIND_GRANULES * GRANULE_BYTES);
		const struct known *want;
		struct live_block block;
		uint64_t start;
		bool got;

		if (k->live)
			take(k);
		else if (unit_random_below(40) < 20)
			insert(k, unit_random_below(2000), 1 + round);
		want = nearest(all, base, address);
		got = live_find_containing(address, FIND_BACK, &start, &block);
		if (want && address - want->address < want->block.bytes && address - want->address <= FIND_BACK)
			SHOULD(got, want);
		if (!got)
			continue;
		found++;
		SHOULD(want && start == want->address && same_block(&block, &want->block), k);
		SHOULD(address - start < block.bytes, k);
	}
	ck_assert_uint_gt(found, 1000);
	take_all(all, FIND_GRANULES);
	free(all);
}
END_TEST

/* --- threads --- */

#define THREADS         4u
#define SHARED_GRANULES (4u * 2048u)
/* One small array, which threads hold the lock of most of the time. */
#define CROWDED_GRANULES 24u

/* Each thread knows every fourth granule of the same regions, so all of them meet at the locks of these. */
struct worker {
	pthread_t thread;
	struct known *all;
	uint64_t seed;
	unsigned number;
	unsigned granules;
	unsigned operations; /* UINT_MAX: until stopping is set */
	unsigned wrong;
};

static bool stopping;

static uint64_t worker_random(struct worker *w, uint64_t limit)
{
	w->seed = w->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (w->seed >> 33) % limit;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < w->operations && !__atomic_load_n(&stopping, __ATOMIC_RELAXED); i++) {
		struct known *k = &w->all[worker_random(w, w->granules / THREADS) * THREADS + w->number];
		/* Now and then a large one, for the lock of the others. */
		uint64_t bytes = worker_random(w, 64) ? worker_random(w, 100) : LARGE_BYTES + 1;
		struct live_block block = { 0 };

		if (k->live) {
			w->wrong += !live_take(k->address, &block) || !same_block(&block, &k->block);
			k->live = false;
		} else {
			k->block = (struct live_block){ bytes, 1 + i % 1000, live_generation() };
			w->wrong += live_insert(k->address, bytes, 1 + i % 1000, &block) != LIVE_OK;
			k->live = true;
		}
	}
	return NULL;
}

static void start_workers(struct worker *workers, struct known *all, unsigned granules, unsigned operations)
{
	uint64_t base = new_base();

	stopping = false;
	for (unsigned i = 0; i < granules; i++)
		all[i] = (struct known){ .address = base + i * GRANULE_BYTES };
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.all = all, .seed = i, .number = i, .granules = granules, .operations = operations
		};
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
}

START_TEST(threads_do_not_disturb_each_other)
{
	struct known *all = known_new(SHARED_GRANULES);
	struct worker workers[THREADS];

	start_workers(workers, all, SHARED_GRANULES, 200000);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		ck_assert_uint_eq(workers[i].wrong, 0);
	}
	take_all(all, SHARED_GRANULES);
	free(all);
}
END_TEST

/* --- fork --- */

START_TEST(a_child_knows_what_it_has_inherited)
{
	struct known inherited = { .address = new_base() };
	struct known own = { .address = inherited.address + 64 };
	int status;
	pid_t child;

	insert(&inherited, 10, 1);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		uint32_t before = live_generation();
		struct live_block block;

		live_forked();
		if (live_generation() == before)
			_exit(1);
		if (!live_take(inherited.address, &block) || !same_block(&block, &inherited.block))
			_exit(2);
		live_put_back(inherited.address, &block);
		if (live_insert(own.address, 20, 2, &block) != LIVE_OK || !live_take(own.address, &block) ||
		    block.generation != live_generation())
			_exit(3);
		/* In the parent's lifetime of the address it was another block. */
		if (live_insert(inherited.address, 30, 3, &block) != LIVE_REPLACED || block.generation != before)
			_exit(4);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	take(&inherited);
}
END_TEST

/* The child does not get lost in what threads left behind unfinished that are not there any more. */
static void use_inherited(const struct known *all)
{
	struct live_block block;

	alarm(60);
	live_forked();
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < CROWDED_GRANULES; i++)
			live_take(all[i].address, &block);
		for (unsigned i = 0; i < CROWDED_GRANULES; i++) {
			if (live_insert(all[i].address, i % 8 ? i : LARGE_BYTES + i, 1 + i, &block) != LIVE_OK)
				_exit(1);
		}
		for (unsigned i = CROWDED_GRANULES; i-- > 0;) {
			if (!live_take(all[i].address, &block) || block.row != 1 + i)
				_exit(2);
		}
	}
	_exit(0);
}

START_TEST(a_fork_amid_threads_leaves_a_usable_table)
{
	struct known *all = known_new(CROWDED_GRANULES);
	struct worker workers[THREADS];

	for (unsigned round = 0; round < 5; round++) {
		start_workers(workers, all, CROWDED_GRANULES, UINT_MAX);
		for (unsigned i = 0; i < 60; i++) {
			pid_t child = fork();
			int status;

			ck_assert_int_ge(child, 0);
			if (child == 0)
				use_inherited(all);
			ck_assert_int_eq(waitpid(child, &status, 0), child);
			ck_assert_int_eq(status, 0);
		}
		__atomic_store_n(&stopping, true, __ATOMIC_RELAXED);
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_join(workers[i].thread, NULL);
			ck_assert_uint_eq(workers[i].wrong, 0);
		}
		take_all(all, CROWDED_GRANULES);
	}
	free(all);
}
END_TEST

/* Generations are told apart by a few bits: before they come round again, the old records go. */
static void fork_often(const void *data)
{
	uint64_t address = *(const uint64_t *)data;
	uint64_t lost = preload_losses(MP_LOSS_FORKED_BLOCK);
	struct live_block block;

	live_insert(address, 10, 1, &block);
	live_insert(address + 4096, LARGE_BYTES + 1, 2, &block);
	for (unsigned i = 1; i < LIVE_GENERATIONS; i++) {
		live_forked();
		if (live_generation() != i % LIVE_GENERATIONS || !live_take(address, &block) || block.generation != 0)
			_exit(1);
		live_put_back(address, &block);
	}
	if (preload_losses(MP_LOSS_FORKED_BLOCK) != lost)
		_exit(2);
	live_forked();
	if (live_generation() != 0 || live_take(address, &block) || live_take(address + 4096, &block))
		_exit(3);
	if (preload_losses(MP_LOSS_FORKED_BLOCK) != lost + 1)
		_exit(4);
	if (live_insert(address, 10, 1, &block) != LIVE_OK || !live_take(address, &block))
		_exit(5);
}

START_TEST(the_sixteenth_fork_in_a_row_gives_old_records_up)
{
	uint64_t base = new_base();

	ck_assert_uint_eq(live_generation(), 0);
	unit_assert_text(preload_stderr(fork_often, &base), "", "output");
}
END_TEST

Suite *suite_live_table(void)
{
	Suite *suite = suite_create("live_table");
	TCase *tcase = tcase_create("live_table");

	tcase_add_test(tcase, regions_full_of_the_smallest_blocks_are_kept);
	tcase_add_test(tcase, crowds_of_small_blocks_are_kept);
	tcase_add_test(tcase, a_heap_of_many_regions_is_kept);
	tcase_add_test(tcase, addresses_anywhere_are_kept);
	tcase_add_test(tcase, large_blocks_are_kept_beside_small_ones);
	tcase_add_test(tcase, one_thread_needs_no_locks);
	tcase_add_test(tcase, fields_are_kept_whole);
	tcase_add_test(tcase, blocks_are_found_by_addresses_inside);
	tcase_add_test(tcase, finding_agrees_with_a_plain_search);
	tcase_add_test(tcase, threads_do_not_disturb_each_other);
	tcase_add_test(tcase, a_child_knows_what_it_has_inherited);
	tcase_add_test(tcase, a_fork_amid_threads_leaves_a_usable_table);
	tcase_add_test(tcase, the_sixteenth_fork_in_a_row_gives_old_records_up);
	suite_add_tcase(suite, tcase);
	return suite;
}
