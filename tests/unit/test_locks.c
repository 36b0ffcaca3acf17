/* SPDX-License-Identifier: MIT */
/* Unit tests of lock classes, their sums and percentiles, the advice, and how the writers show them. */
#include "lock_class.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump_read.h"
#include "lock_advice.h"
#include "out.h"
#include "unit_util.h"

Suite *suite_locks(void);

/* Stacks of the dump below: "name < caller". */
enum stack {
	MAIN = 1,
	LOOKUP = 2,  /* lookup < main */
	REBUILD = 3, /* rebuild < main */
	CREATE = 4,  /* create < main, which allocates */
	ACCEPT = 5,  /* accept < main, which allocates too */
	WORKER = 6,
};

static struct unit_dump dump;
static struct profile profile;
static struct aggregate aggregate;
static struct symbolizer *symbols;
static struct lock_classes classes;

static void begin(void)
{
	static const struct mp_node nodes[] = {
		{ .ip = 0x401010 },
		{ .ip = 0x401020, .parent = 1 },
		{ .ip = 0x401030, .parent = 1 },
		{ .ip = 0x401040, .parent = 1 },
		{ .ip = 0x401048, .parent = 1 },
		{ .ip = 0x401060 },
	};

	unit_dump_begin(&dump);
	unit_dump_rows(&dump, NODE, nodes, 1, 0);
	unit_dump_header(&dump)->features = MP_FEATURE_LOCKS;
}

static void finish_reading(void)
{
	const struct symbolizer_options options = { .inlines = true, .enabled = false };
	struct err err = { 0 };

	profile_init(&profile, "locks.bin");
	ck_assert_msg(dump_read(dump.bytes, dump.size, "locks.bin", &profile, &err), "%s", err.text);
	aggregate_init(&aggregate, &profile);
	symbols = symbolizer_new(&profile, &options);
	lock_classes_init(&classes, &profile, &aggregate, symbols);
}

static void finish(void)
{
	lock_classes_free(&classes);
	symbolizer_free(symbols);
	aggregate_free(&aggregate);
	profile_free(&profile);
	unit_dump_free(&dump);
}

/* A heap lock of two instances, a lock at the address of one of them before it was that, a pool, and a rwlock. */
static const struct mp_lock locks[] = {
	{ .address = 0x5000,
	  .kind = MP_LOCK_MUTEX,
	  .first_stack = LOOKUP,
	  .alloc_stack = CREATE,
	  .alloc_offset = 8,
	  .alloc_bytes = 64,
	  .waiters_max = 3,
	  .first_ns = 10,
	  .hold_period = 64 },
	{ .address = 0x6000,
	  .kind = MP_LOCK_MUTEX,
	  .first_stack = LOOKUP,
	  .alloc_stack = CREATE,
	  .alloc_offset = 8,
	  .alloc_bytes = 64,
	  .waiters_max = 5,
	  .first_ns = 20,
	  .retired_ns = 30 },
	/* The same address later, but allocated by another: never of the same class. */
	{ .address = 0x6000,
	  .kind = MP_LOCK_MUTEX,
	  .first_stack = LOOKUP,
	  .alloc_stack = ACCEPT,
	  .alloc_offset = 8,
	  .alloc_bytes = 64,
	  .first_ns = 40 },
	{ .address = 0x7000, .kind = MP_LOCK_COND, .first_stack = WORKER },
	{ .address = 0x8000,
	  .kind = MP_LOCK_FUTEX,
	  .first_stack = WORKER,
	  .flags = MP_LOCK_FLAG_UNCOUNTED,
	  .instances = 7 },
};

static const struct mp_lock_share shares[] = {
	{ .lock = 1,
	  .acquisitions = 1000,
	  .contentions = 300,
	  .wait_ns = 90000000,
	  .wait_max_ns = 600000,
	  .handoff_ns = 1000000 },
	{ .lock = 2, .acquisitions = 500, .contentions = 100, .wait_ns = 10000000, .wait_max_ns = 900000 },
	{ .lock = 3, .acquisitions = 5, .contentions = 1, .wait_ns = 5, .wait_max_ns = 5 },
	{ .lock = 4, .acquisitions = 20, .contentions = 20, .wait_ns = 9000000000, .wait_max_ns = 900000000 },
	{ .lock = 5, .acquisitions = 0, .contentions = 4, .wait_ns = 400, .wait_max_ns = 200 },
};

static const struct mp_lock_wait waits[] = {
	{ .lock = 1, .stack = LOOKUP, .count = 300, .wait_ns = 90000000, .wait_max_ns = 600000, .handoff_ns = 1000000 },
	{ .lock = 2, .stack = LOOKUP, .count = 60, .wait_ns = 4000000, .wait_max_ns = 900000 },
	{ .lock = 2, .stack = REBUILD, .count = 40, .wait_ns = 6000000, .wait_max_ns = 100000 },
	{ .lock = 4, .stack = WORKER, .count = 20, .wait_ns = 9000000000, .wait_max_ns = 900000000 },
	{ .lock = 5, .stack = WORKER, .count = 4, .wait_ns = 400, .wait_max_ns = 200 },
};

/* Two threads' rows for the same cells; what is charged to nobody. */
static const struct mp_lock_culprit culprits[] = {
	{ .lock = 1,
	  .waiter_stack = LOOKUP,
	  .culprit_stack = REBUILD,
	  .count = 290,
	  .wait_ns = 80000000,
	  .running_ns = 20000000 },
	{ .lock = 1,
	  .waiter_stack = LOOKUP,
	  .culprit_stack = LOOKUP,
	  .count = 10,
	  .wait_ns = 9000000,
	  .running_ns = 9000000,
	  .approx_ns = 500 },
	{ .lock = 2,
	  .waiter_stack = LOOKUP,
	  .culprit_stack = REBUILD,
	  .count = 60,
	  .wait_ns = 4000000,
	  .running_ns = 4000000 },
	{ .lock = 2, .waiter_stack = REBUILD, .culprit_stack = 0, .count = 40, .wait_ns = 6000000 },
	{ .lock = 4, .waiter_stack = WORKER, .culprit_stack = LOOKUP, .count = 20, .wait_ns = 9000000000 },
};

static const struct mp_lock_pair pairs[] = {
	{ .lock = 1, .waiter_tid = 11, .culprit_tid = 12, .count = 200, .wait_ns = 50000000 },
	{ .lock = 1, .waiter_tid = 12, .culprit_tid = 11, .count = 100, .wait_ns = 39000000 },
	{ .lock = 2, .waiter_tid = 11, .culprit_tid = 12, .count = 60, .wait_ns = 4000000 },
	{ .lock = 1, .waiter_tid = 0, .culprit_tid = 0, .count = 1, .wait_ns = 7 },
};

static const struct mp_lock_hold holds[] = {
	{ .lock = 1,
	  .count = 300,
	  .hot_count = 200,
	  .ns = 60000000,
	  .max_ns = 500000,
	  .blocked_ns = 40000000,
	  .alloc_count = 600,
	  .alloc_bytes = 6000 },
	{ .lock = 2, .count = 100, .hot_count = 100, .ns = 10000000, .max_ns = 800000 },
};

static const struct mp_lock_extra extras[] = {
	{ .lock = 4,
	  .wakes = 30,
	  .wakes_unheard = 10,
	  .wakes_locked = 20,
	  .reacquire_count = 15,
	  .reacquire_ns = 3000 },
};

/* Holds: 300 of the first octave [262144, 524288) in its first cell, 100 of 1 ns. */
static const struct mp_lock_hist hists[] = {
	{ .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 18, .cells = { 300 } },
	{ .lock = 2, .what = MP_LOCK_HIST_HOLD, .octave = 0, .cells = { 100 } },
	{ .lock = 1, .what = MP_LOCK_HIST_WAIT, .octave = 10, .cells = { [3] = 200 } },
	{ .lock = 2, .what = MP_LOCK_HIST_WAIT, .octave = 10, .cells = { [3] = 196 } },
	{ .lock = 2, .what = MP_LOCK_HIST_WAIT, .octave = 30, .cells = { 4 } },
	{ .lock = 1, .what = 999, .octave = 5, .cells = { 1 } }, /* of a later version */
};

static void add_old_rows(void)
{
	begin();
	unit_dump_rows(&dump, LOCK, locks, 1, 0);
	unit_dump_rows(&dump, LOCK_SHARE, shares, 0, 1);
	unit_dump_rows(&dump, LOCK_WAIT, waits, 0, 1);
}

static void read_details(void)
{
	add_old_rows();
	unit_dump_rows(&dump, LOCK_CULPRIT, culprits, 0, 1);
	unit_dump_rows(&dump, LOCK_PAIR, pairs, 0, 1);
	unit_dump_rows(&dump, LOCK_HOLD, holds, 0, 1);
	unit_dump_rows(&dump, LOCK_EXTRA, extras, 0, 1);
	unit_dump_rows(&dump, LOCK_HIST, hists, 0, 1);
	finish_reading();
	ck_assert(!profile.partial);
}

static void read_old(void)
{
	add_old_rows();
	finish_reading();
}

static const struct lock_class *find_class(uint32_t id)
{
	for (size_t i = 0; i < classes.count; i++) {
		if (classes.list[i].id == id)
			return &classes.list[i];
	}
	ck_abort_msg("no class %u", id);
	return NULL;
}

START_TEST(locks_of_one_allocation_are_one_class)
{
	const struct lock_class *class = find_class(1);

	ck_assert_uint_eq(classes.count, 4);
	ck_assert_int_eq(class->label.bond, LOCK_BOND_HEAP);
	ck_assert_uint_eq(class->instances, 2);
	ck_assert_uint_eq(class->row_count, 2);
	ck_assert_uint_eq(class->rows[0]->lock->number, 1); /* the longest wait first */
	ck_assert_uint_eq(class->acquisitions, 1500);
	ck_assert_uint_eq(class->contentions, 400);
	ck_assert_uint_eq(class->wait_ns, 100000000);
	ck_assert_uint_eq(class->wait_max_ns, 900000);
	ck_assert_uint_eq(class->waiters_max, 5);
	ck_assert_uint_eq(class->handoff_ns, 1000000);
	ck_assert_uint_eq(class->waiter_count, 2);
	ck_assert_uint_eq(class->waiters[0].stack, LOOKUP);
	ck_assert_uint_eq(class->waiters[0].count, 360);
	ck_assert_uint_eq(class->waiters[0].wait_ns, 94000000);
	ck_assert_uint_eq(class->waiters[0].wait_max_ns, 900000);
	ck_assert_uint_eq(find_class(5)->instances, 7);
}
END_TEST

START_TEST(lives_at_one_address_are_not_merged)
{
	ck_assert_uint_eq(find_class(3)->wait_ns, 5);
	ck_assert_uint_eq(find_class(3)->instances, 1);
}
END_TEST

START_TEST(culprits_are_added_over_locks_and_waiters)
{
	const struct lock_class *class = find_class(1);

	ck_assert_uint_eq(class->culprit_count, 3);
	ck_assert_uint_eq(class->culprits[0].culprit, REBUILD);
	ck_assert_uint_eq(class->culprits[0].wait_ns, 84000000);
	ck_assert_uint_eq(class->culprits[0].running_ns, 24000000);
	ck_assert_uint_eq(class->culprits[0].count, 350);
	ck_assert_uint_eq(class->culprits[1].culprit, LOOKUP);
	ck_assert_uint_eq(class->culprits[1].approx_ns, 500);
	ck_assert_uint_eq(class->culprits[2].culprit, 0);
	ck_assert_uint_eq(class->matrix_count, 3);
	ck_assert_uint_eq(class->matrix[0].waiter, LOOKUP);
	ck_assert_uint_eq(class->matrix[0].culprit, REBUILD);
	ck_assert_uint_eq(class->matrix[0].wait_ns, 84000000);
	/* 84 ms, 9 ms, and 1 ms that was nobody's. */
	ck_assert_uint_eq(lock_class_known_ns(class), 94000000);
	ck_assert_uint_eq(class->pair_count, 3);
	ck_assert_uint_eq(class->pairs[0].waiter_tid, 11);
	ck_assert_uint_eq(class->pairs[0].wait_ns, 54000000);
	ck_assert_uint_eq(class->holds.count, 400);
	ck_assert_uint_eq(class->holds.max_ns, 800000);
	ck_assert_uint_eq(class->holds.alloc_count, 600);
}
END_TEST

START_TEST(percentiles_come_from_all_rows)
{
	const struct lock_class *class = find_class(1);

	/* 100 of 1 ns, then 300 in [262144, 283989]. */
	ck_assert_uint_eq(class->hold.count, 400);
	ck_assert_uint_ge(class->hold.p50, 262144);
	ck_assert_uint_le(class->hold.p50, 283990);
	ck_assert_uint_eq(class->wait.count, 400);
	ck_assert_uint_ge(class->wait.p50, 1280);
	ck_assert_uint_le(class->wait.p50, 1366);
	/* No percentile is larger than the longest. */
	ck_assert_uint_le(class->wait.p99, class->wait_max_ns);
	ck_assert_uint_eq(class->reacquire.count, 0);
}
END_TEST

/* Any value comes back within 5 %, whatever the size. */
START_TEST(percentiles_are_within_5_percent)
{
	struct mp_lock_hist row = { .lock = 1, .what = MP_LOCK_HIST_WAIT, .octave = (uint32_t)_i };
	const struct lock_class *class;

	begin();
	unit_dump_rows(&dump, LOCK, locks, 1, 0);
	for (size_t cell = 0; cell < MP_LOCK_CELLS; cell++) {
		memset(row.cells, 0, sizeof(row.cells));
		row.cells[cell] = 1000;
		unit_dump_chunk(&dump, MP_CHUNK_LOCK_HIST, &row, sizeof(row), 1, 0, 1);
	}
	finish_reading();
	class = find_class(1);
	/* All values of the octave are equally frequent: the median is 1.5 times its start. */
	ck_assert_double_le((double)class->wait.p50, 1.5 * (double)(1ull << _i) * 1.05 + 1);
	ck_assert_double_ge((double)class->wait.p50, 1.5 * (double)(1ull << _i) * 0.95 - 1);
	finish();
}
END_TEST

START_TEST(contention_ranks_before_coordination)
{
	const struct lock_class *list[4];

	for (size_t i = 0; i < 4; i++)
		list[i] = &classes.list[3 - i];
	lock_classes_rank(list, 4);
	ck_assert_uint_eq(list[0]->id, 1);
	ck_assert_uint_eq(list[3]->id, 4); /* waited for longest of all, on purpose */
	ck_assert_uint_eq(classes.coordination_ns, 9000000000);
	ck_assert_uint_eq(classes.contention_ns, 100000405);
}
END_TEST

START_TEST(what_cannot_be_counted_is_not_0)
{
	ck_assert(!find_class(5)->counted);
	ck_assert(find_class(1)->counted);
}
END_TEST

static bool has_advice(const struct lock_class *class, const char *rule)
{
	struct lock_advice list[LOCK_ADVICE_MAX];
	size_t count = lock_advice(&classes, class, list);

	for (size_t i = 0; i < count; i++) {
		ck_assert_uint_gt(strlen(list[i].text), 20);
		if (strcmp(list[i].rule, rule) == 0)
			return true;
	}
	return false;
}

START_TEST(advice_follows_its_thresholds)
{
	ck_assert(has_advice(find_class(1), "held_too_long"));
	ck_assert(!has_advice(find_class(1), "slow_handoff"));
	ck_assert(!has_advice(find_class(1), "taken_too_often"));
	ck_assert(has_advice(find_class(4), "signalled_under_lock"));
	ck_assert(!has_advice(find_class(4), "thundering_herd"));
	ck_assert(!has_advice(find_class(3), "held_too_long"));
}
END_TEST

/* One lock, one rule each: what the rows say, and what must come of it. */
static const struct {
	const char *rule;
	struct mp_lock lock;
	struct mp_lock_share share;
	struct mp_lock_extra extra;
	struct mp_lock_hist hists[2];
	struct mp_lock_hold hold;
	bool applies;
} rules[] = {
	{ "slow_handoff",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .contentions = 10, .wait_ns = 100, .handoff_ns = 51 },
	  .applies = true },
	{ "slow_handoff",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .contentions = 10, .wait_ns = 100, .handoff_ns = 50 },
	  .applies = false },
	{ "slow_handoff",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .contentions = 9, .wait_ns = 100, .handoff_ns = 99 },
	  .applies = false },
	{ "spinning_by_trylock",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 10, .trylock_failures = 110 },
	  .applies = true },
	{ "spinning_by_trylock",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 10, .trylock_failures = 100 },
	  .applies = false },
	{ "taken_too_often",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 100, .contentions = 21, .wait_ns = 1 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 8, .cells = { 50 } } },
	  .applies = true },
	{ "taken_too_often",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 100, .contentions = 20, .wait_ns = 1 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 8, .cells = { 50 } } },
	  .applies = false },
	{ "taken_too_often",
	  { .address = 1, .kind = MP_LOCK_FUTEX },
	  { .lock = 1, .acquisitions = 100, .contentions = 21, .wait_ns = 1 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 8, .cells = { 50 } } },
	  .applies = false },
	/* Some of the holds are long: these are what others wait for. */
	{ "taken_too_often",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 100, .contentions = 21, .wait_ns = 1 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 8, .cells = { 50 } },
		     { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 20, .cells = { 2 } } },
	  .applies = false },
	{ "held_long_rarely",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 1000, .contentions = 10, .wait_ns = 3000000, .handoff_ns = 1400000 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 8, .cells = { 500 } } },
	  .hold = { .ns = 300000, .max_ns = 1000000 },
	  .applies = true },
	{ "held_long_rarely",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 1000, .contentions = 10, .wait_ns = 3000000, .handoff_ns = 1600000 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 8, .cells = { 500 } } },
	  .hold = { .ns = 300000, .max_ns = 1000000 },
	  .applies = false },
	{ "held_long_rarely",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 1000, .contentions = 10, .wait_ns = 3000000, .handoff_ns = 1400000 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 8, .cells = { 500 } } },
	  .hold = { .ns = 300000, .max_ns = 999999 },
	  .applies = false },
	{ "held_long_rarely",
	  { .address = 1, .kind = MP_LOCK_MUTEX },
	  { .lock = 1, .acquisitions = 1000, .contentions = 10, .wait_ns = 3000000, .handoff_ns = 1400000 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD, .octave = 8, .cells = { 500 } } },
	  .hold = { .ns = 250000, .max_ns = 1000000 },
	  .applies = false },
	{ "mutex_is_cheaper",
	  { .address = 1, .kind = MP_LOCK_RWLOCK },
	  { .lock = 1, .acquisitions = 100, .contentions = 1 },
	  { .lock = 1, .shared_acquisitions = 89 },
	  .applies = true },
	{ "mutex_is_cheaper",
	  { .address = 1, .kind = MP_LOCK_RWLOCK },
	  { .lock = 1, .acquisitions = 100, .contentions = 1 },
	  { .lock = 1, .shared_acquisitions = 90 },
	  .applies = false },
	{ "mutex_is_cheaper",
	  { .address = 1, .kind = MP_LOCK_RWLOCK },
	  { .lock = 1, .acquisitions = 100, .contentions = 1 },
	  { .lock = 1, .shared_acquisitions = 100 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_HOLD_SHARED, .octave = 7, .cells = { 50 } } },
	  .applies = true },
	{ "readers_starve_writers",
	  { .address = 1, .kind = MP_LOCK_RWLOCK },
	  { .lock = 1, .acquisitions = 100, .contentions = 20 },
	  { .lock = 1, .shared_acquisitions = 95 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_WAIT, .octave = 20, .cells = { 10 } },
		     { .lock = 1, .what = MP_LOCK_HIST_WAIT_SHARED, .octave = 10, .cells = { 10 } } },
	  .applies = true },
	{ "readers_starve_writers",
	  { .address = 1, .kind = MP_LOCK_RWLOCK, .flags = MP_LOCK_FLAG_WRITER_FIRST },
	  { .lock = 1, .acquisitions = 100, .contentions = 20 },
	  { .lock = 1, .shared_acquisitions = 95 },
	  .hists = { { .lock = 1, .what = MP_LOCK_HIST_WAIT, .octave = 20, .cells = { 10 } },
		     { .lock = 1, .what = MP_LOCK_HIST_WAIT_SHARED, .octave = 10, .cells = { 10 } } },
	  .applies = false },
	{ "thundering_herd",
	  { .address = 1, .kind = MP_LOCK_COND, .waiters_max = 8 },
	  { .lock = 1, .acquisitions = 100, .contentions = 100 },
	  { .lock = 1, .wakes = 15, .wakes_all = 14, .reacquire_count = 50 },
	  .applies = true },
	{ "thundering_herd",
	  { .address = 1, .kind = MP_LOCK_COND, .waiters_max = 2 },
	  { .lock = 1, .acquisitions = 100, .contentions = 100 },
	  { .lock = 1, .wakes = 15, .wakes_all = 14, .reacquire_count = 50 },
	  .applies = false },
};

START_TEST(each_rule_has_its_limit)
{
	struct mp_lock_hold hold = rules[_i].hold;

	hold.lock = 1;
	hold.count = 500;

	begin();
	unit_dump_chunk(&dump, MP_CHUNK_LOCK, &rules[_i].lock, sizeof(rules[_i].lock), 1, 1, 0);
	unit_dump_chunk(&dump, MP_CHUNK_LOCK_SHARE, &rules[_i].share, sizeof(rules[_i].share), 1, 0, 1);
	unit_dump_chunk(&dump, MP_CHUNK_LOCK_EXTRA, &rules[_i].extra, sizeof(rules[_i].extra), 1, 0, 1);
	unit_dump_chunk(&dump, MP_CHUNK_LOCK_HIST, rules[_i].hists, sizeof(rules[_i].hists[0]), 2, 0, 1);
	unit_dump_chunk(&dump, MP_CHUNK_LOCK_HOLD, &hold, sizeof(hold), 1, 0, 1);
	finish_reading();
	ck_assert_msg(has_advice(find_class(1), rules[_i].rule) == rules[_i].applies, "%s is %s", rules[_i].rule,
		      rules[_i].applies ? "missing" : "wrong");
	finish();
}
END_TEST

START_TEST(neighbours_in_a_line_share_falsely)
{
	const struct mp_lock neighbours[] = {
		{ .address = 0x1000, .kind = MP_LOCK_MUTEX },
		{ .address = 0x1028, .kind = MP_LOCK_MUTEX },
		{ .address = 0x1040, .kind = MP_LOCK_MUTEX }, /* the next line */
	};
	const struct mp_lock_share waited[] = { { .lock = 1, .contentions = 10 },
						{ .lock = 2, .contentions = 10 },
						{ .lock = 3, .contentions = 10 } };

	begin();
	unit_dump_rows(&dump, LOCK, neighbours, 1, 0);
	unit_dump_rows(&dump, LOCK_SHARE, waited, 0, 1);
	finish_reading();
	ck_assert(has_advice(find_class(1), "false_sharing"));
	ck_assert(has_advice(find_class(2), "false_sharing"));
	ck_assert(!has_advice(find_class(3), "false_sharing"));
	finish();
}
END_TEST

START_TEST(damaged_rows_are_left_out)
{
	const struct mp_lock_culprit stray[] = { { .lock = 99, .wait_ns = 1 }, { .lock = 1, .culprit_stack = 5000 } };
	const struct mp_lock_hist wide[] = { { .lock = 1, .octave = 64, .what = MP_LOCK_HIST_WAIT, .cells = { 5 } } };
	const struct mp_lock_order orders[] = { { .inner = 1, .outer = 77 }, { .inner = 2, .outer = 1 } };

	const struct mp_lock_wake wakes[] = { { .count = 1 }, { .stack = 5000, .count = 1 } };

	add_old_rows();
	unit_dump_rows(&dump, LOCK_CULPRIT, stray, 0, 1);
	unit_dump_rows(&dump, LOCK_WAKE, wakes, 0, 1);
	unit_dump_rows(&dump, LOCK_HIST, wide, 0, 1);
	unit_dump_rows(&dump, LOCK_ORDER, orders, 0, 1);
	finish_reading();
	ck_assert(profile.partial);
	ck_assert_uint_eq(profile.lock_culprit_count, 1);
	ck_assert_uint_eq(profile.lock_culprits[0].culprit_stack, 0);
	ck_assert_uint_eq(profile.lock_hist_count, 0);
	ck_assert_uint_eq(profile.lock_order_count, 1);
	ck_assert_uint_eq(profile.lock_wake_count, 1);
	ck_assert_uint_eq(profile.lock_wakes[0].stack, 0);
	finish();
}
END_TEST

/* The report as text, made by WRITER. The caller frees it. */
static char *write_report(void (*writer)(const struct report *report, FILE *out), struct out_options options)
{
	const struct lock_class *list[8];
	struct report report = { .profile = &profile,
				 .aggregate = &aggregate,
				 .lock_classes = &classes,
				 .symbols = symbols,
				 .options = &options,
				 .locks = list,
				 .lock_count = classes.count };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	for (size_t i = 0; i < classes.count; i++)
		list[i] = &classes.list[i];
	writer(&report, out);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

START_TEST(text_names_the_culprit_first)
{
	char *text = write_report(out_text, (struct out_options){ .color = TERM_COLOR_NEVER });
	const char *locks_at = strstr(text, "LOCKS"), *held = strstr(text, "held by"),
		   *waiting = strstr(text, "waiting in");

	ck_assert_msg(locks_at && held && waiting && locks_at < held && held < waiting, "%s", text);
	ck_assert_msg(strstr(text, "84.0 ms, 84.0 %") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "COORDINATION") != NULL, "%s", text);
	free(text);
}
END_TEST

START_TEST(folded_culprits_add_up_to_the_wait)
{
	char *text = write_report(out_folded, (struct out_options){ .metric = OUT_METRIC_CULPRIT });
	unsigned long long sum = 0;

	for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && *line;)
		sum += strtoull(strrchr(line, ' '), NULL, 10);
	ck_assert_uint_eq(sum, classes.contention_ns);
	free(text);
}
END_TEST

static json_t *lock_of(json_t *root, size_t index)
{
	return json_array_get(json_object_get(root, "locks"), index);
}

/* Members separated by dots, as compact JSON. */
static void assert_member(json_t *object, const char *path, const char *want)
{
	char copy[128], *rest = copy, *got;

	snprintf(copy, sizeof(copy), "%s", path);
	for (const char *step; (step = strsep(&rest, ".")) != NULL;)
		object = json_is_array(object) ? json_array_get(object, (size_t)atoi(step))
					       : json_object_get(object, step);
	ck_assert_msg(object != NULL, "no %s", path);
	got = json_dumps(object, JSON_COMPACT | JSON_ENCODE_ANY);
	unit_assert_text(got, want, path);
	free(got);
}

static const struct {
	const char *path, *want;
} members[] = {
	{ "id", "1" },
	{ "kind", "\"mutex\"" },
	{ "category", "\"contention\"" },
	{ "bond", "\"heap\"" },
	{ "instances", "2" },
	{ "acquisitions", "1500" },
	{ "shared_acquisitions", "null" },
	{ "contentions", "400" },
	{ "wait_ns", "100000000" },
	{ "handoff_ns", "1000000" },
	{ "waiters_max", "5" },
	{ "percentiles.reacquire", "null" },
	{ "percentiles.hold.count", "400" },
	{ "holds.count", "400" },
	{ "holds.sampled", "true" },
	{ "holds.alloc_count", "600" },
	{ "culprits.0.wait_ns", "84000000" },
	{ "culprits.0.running_ns", "24000000" },
	{ "culprits.2.known", "false" },
	{ "culprits.2.stack", "[]" },
	{ "matrix.0", "{\"count\":350,\"wait_ns\":84000000,\"running_ns\":24000000,\"approx_ns\":0,\"waiter\":0,"
		      "\"culprit\":0}" },
	{ "pairs.0", "{\"count\":260,\"waiter\":11,\"culprit\":12,\"wait_ns\":54000000}" },
	{ "pairs.2.waiter", "null" },
	{ "advice.0.rule", "\"held_too_long\"" },
	{ "waiters.0.count", "360" },
	{ "members.1.id", "2" },
};

START_TEST(json_tells_all_about_a_lock)
{
	char *text = write_report(out_json, (struct out_options){ .key = SITE_KEY_PEAK });
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(root != NULL, "line %d: %s", error.line, error.text);
	for (size_t i = 0; i < UNIT_LENGTH(members); i++)
		assert_member(lock_of(root, 0), members[i].path, members[i].want);
	assert_member(lock_of(root, 1), "acquisitions", "null"); /* the futex */
	json_decref(root);
	free(text);
}
END_TEST

static const char *const unknown[] = {
	"handoff_ns", "percentiles.wait", "percentiles.hold", "holds", "culprits", "matrix", "pairs", "wakes"
};

START_TEST(json_of_an_old_dump_has_null_for_what_it_does_not_know)
{
	char *text = write_report(out_json, (struct out_options){ .key = SITE_KEY_PEAK });
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	ck_assert_ptr_nonnull(root);
	for (size_t i = 0; i < UNIT_LENGTH(unknown); i++)
		assert_member(lock_of(root, 0), unknown[i], "null");
	json_decref(root);
	free(text);
}
END_TEST

START_TEST(names_and_numbers_select)
{
	ck_assert(lock_class_matches(&classes, find_class(1), "#1"));
	ck_assert(lock_class_matches(&classes, find_class(1), "#2")); /* any lock of the class */
	ck_assert(!lock_class_matches(&classes, find_class(1), "#3"));
	ck_assert(!lock_class_matches(&classes, find_class(1), "#"));
	ck_assert(!lock_class_matches(&classes, find_class(1), "#1x"));
	ck_assert(!lock_class_matches(&classes, find_class(1), "#999999999999"));
	ck_assert(!lock_class_matches(&classes, find_class(1), "nothing"));
}
END_TEST

Suite *suite_locks(void)
{
	Suite *suite = suite_create("locks");
	TCase *detailed = tcase_create("detailed");
	TCase *old = tcase_create("old");
	TCase *alone = tcase_create("alone");

	tcase_add_checked_fixture(detailed, read_details, finish);
	tcase_add_test(detailed, locks_of_one_allocation_are_one_class);
	tcase_add_test(detailed, lives_at_one_address_are_not_merged);
	tcase_add_test(detailed, culprits_are_added_over_locks_and_waiters);
	tcase_add_test(detailed, percentiles_come_from_all_rows);
	tcase_add_test(detailed, contention_ranks_before_coordination);
	tcase_add_test(detailed, what_cannot_be_counted_is_not_0);
	tcase_add_test(detailed, advice_follows_its_thresholds);
	tcase_add_test(detailed, text_names_the_culprit_first);
	tcase_add_test(detailed, folded_culprits_add_up_to_the_wait);
	tcase_add_test(detailed, json_tells_all_about_a_lock);
	tcase_add_test(detailed, names_and_numbers_select);
	suite_add_tcase(suite, detailed);
	tcase_add_checked_fixture(old, read_old, finish);
	tcase_add_test(old, json_of_an_old_dump_has_null_for_what_it_does_not_know);
	suite_add_tcase(suite, old);
	tcase_add_loop_test(alone, percentiles_are_within_5_percent, 1, 63);
	tcase_add_loop_test(alone, each_rule_has_its_limit, 0, (int)UNIT_LENGTH(rules));
	tcase_add_test(alone, neighbours_in_a_line_share_falsely);
	tcase_add_test(alone, damaged_rows_are_left_out);
	suite_add_tcase(suite, alone);
	return suite;
}
