/* SPDX-License-Identifier: MIT */
/* Unit tests of how waits are shared out among holds, against intersection of intervals, and of histograms' cells. */
#include "lock_ring.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "lock_hist.h"
#include "os.h"
#include "unit_util.h"

#define HOLDS   60u
#define THREADS 4u

Suite *suite_lock_ring(void);

static struct lock_past slots[LOCK_RING_MAX];

static struct lock_ring ring_of(uint32_t size)
{
	memset(slots, 0, sizeof(slots));
	return (struct lock_ring){ .size = size, .past = slots };
}

static uint64_t all_of(const struct lock_share_out *out)
{
	uint64_t sum = out->handoff_ns;

	for (uint32_t i = 0; i < out->count; i++)
		sum += out->charges[i].ns;
	return sum;
}

static struct lock_charge charge_of(const struct lock_share_out *out, uint32_t tid)
{
	struct lock_charge sum = { .tid = tid };

	for (uint32_t i = 0; i < out->count; i++) {
		if (out->charges[i].tid != tid)
			continue;
		sum.ns += out->charges[i].ns;
		sum.running_ns += out->charges[i].running_ns;
		sum.approx_ns += out->charges[i].approx_ns;
	}
	return sum;
}

static uint64_t overlap(const struct lock_past *past, uint64_t from, uint64_t to)
{
	uint64_t begin = past->from_ns > from ? past->from_ns : from;
	uint64_t end = past->to_ns < to ? past->to_ns : to;

	return end > begin ? end - begin : 0;
}

/*
 * Random holds, one after the other, with gaps; waits that begin at random moments, in or between holds, and end right
 * after some later hold. Each is compared with the intersection of intervals.
 */
static void compare_random_holds(unsigned seed)
{
	struct lock_ring ring = ring_of(64);
	struct lock_past holds[HOLDS];
	uint64_t now = 1000, starts[HOLDS];
	uint32_t arrivals = 0, waits = 0;

	for (unsigned i = 0; i < HOLDS; i++) {
		struct lock_past *h = &holds[i];
		struct lock_past entered;
		bool wait = rand_r(&seed) % 4 == 0;
		struct lock_share_out out = { .count = 0 };
		struct lock_span span;

		now += 1 + (uint64_t)rand_r(&seed) % 10 * ((unsigned)rand_r(&seed) % 2);
		/* A wait may begin while nobody has the lock. */
		if (wait && rand_r(&seed) % 2) {
			starts[waits++] = now - 1;
			arrivals++;
			wait = false;
		}
		*h = (struct lock_past){ .from_ns = now, .tid = 1 + (uint32_t)rand_r(&seed) % THREADS, .stack = 7 };
		now += 1 + (uint64_t)rand_r(&seed) % 100;
		h->to_ns = now;
		h->held_ns = h->to_ns - h->from_ns;
		if (wait) {
			starts[waits++] = h->from_ns + (uint64_t)rand_r(&seed) % h->held_ns;
			arrivals++;
		}
		entered = *h;
		entered.moves = arrivals;
		lock_ring_add(&ring, &entered);
		if (!waits || rand_r(&seed) % 3)
			continue;
		span = (struct lock_span){ .from_ns = starts[rand_r(&seed) % waits], .to_ns = now + 3 };
		lock_ring_share_out(&ring, &span, &out);
		ck_assert_uint_eq(all_of(&out), span.to_ns - span.from_ns);
		ck_assert(!out.lost);
		for (uint32_t tid = 1; tid <= THREADS; tid++) {
			struct lock_charge got = charge_of(&out, tid);
			uint64_t want = 0;

			for (unsigned k = 0; k <= i; k++)
				want += holds[k].tid == tid ? overlap(&holds[k], span.from_ns, span.to_ns) : 0;
			ck_assert_uint_eq(got.ns, want);
			ck_assert_uint_eq(got.running_ns, want);
			ck_assert_uint_eq(got.approx_ns, 0);
		}
	}
	ck_assert_uint_lt(ring.added, HOLDS); /* some were joined */
}

START_TEST(every_holder_is_charged_its_own_overlap)
{
	for (unsigned seed = 1; seed <= 300; seed++)
		compare_random_holds(seed);
}
END_TEST

static void add_random_hold(struct lock_ring *ring, uint64_t *now, uint32_t move, unsigned *seed)
{
	struct lock_past hold = { .tid = 1 + (uint32_t)rand_r(seed) % THREADS, .moves = move };

	*now += (uint64_t)rand_r(seed) % 50;
	hold.from_ns = rand_r(seed) % 3 ? *now : 0;
	hold.stack = 10 + hold.tid;
	*now += 1 + (uint64_t)rand_r(seed) % 100;
	hold.to_ns = *now;
	hold.held_ns = hold.from_ns ? hold.to_ns - hold.from_ns : 0;
	lock_ring_add(ring, &hold);
}

/*
 * Holds of which some have an unknown begin, waits of which some know who had the lock at their start. What those who
 * had the lock after the waiter add must not change what its wait is charged to.
 */
static void compare_later(unsigned seed)
{
	struct lock_ring ring = ring_of(64);
	uint64_t now = 1000;

	for (uint32_t i = 0; i < HOLDS / 2; i++)
		add_random_hold(&ring, &now, i, &seed);
	for (uint32_t i = HOLDS / 2; i < HOLDS; i++) {
		struct lock_share_out want = { .count = 0 }, got = { .count = 0 };
		struct lock_span span = { .from_ns = now - (uint64_t)rand_r(&seed) % 900,
					  .to_ns = now + 5,
					  .owner = (uint32_t)rand_r(&seed) % (THREADS + 1),
					  .got = true };

		lock_ring_share_out(&ring, &span, &want);
		now += 5;
		add_random_hold(&ring, &now, i, &seed);
		lock_ring_share_out(&ring, &span, &got);
		ck_assert(!want.lost && !got.lost);
		ck_assert_uint_eq(all_of(&got), span.to_ns - span.from_ns);
		ck_assert_uint_eq(got.handoff_ns, want.handoff_ns);
		for (uint32_t tid = 0; tid <= THREADS; tid++) {
			ck_assert_uint_eq(charge_of(&got, tid).ns, charge_of(&want, tid).ns);
			ck_assert_uint_eq(charge_of(&got, tid).approx_ns, charge_of(&want, tid).approx_ns);
		}
	}
}

START_TEST(holds_after_the_wait_change_nothing)
{
	for (unsigned seed = 1; seed <= 300; seed++)
		compare_later(seed);
}
END_TEST

START_TEST(holds_in_a_row_without_a_new_wait_take_one_entry)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };
	const struct lock_span span = { .from_ns = 105, .to_ns = 100101, .owner = 1 };

	for (uint64_t i = 1; i <= 1000; i++) {
		struct lock_past p = { .from_ns = i * 100, .to_ns = i * 100 + 60, .held_ns = 60, .tid = 1, .stack = 3 };

		lock_ring_add(&ring, &p);
	}
	ck_assert_uint_eq(ring.added, 1);
	lock_ring_share_out(&ring, &span, &out);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(out.charges[0].ns, 60 * 1000 - 5);
	ck_assert_uint_eq(out.charges[0].approx_ns, 0);
	ck_assert_uint_eq(all_of(&out), span.to_ns - span.from_ns);
}
END_TEST

START_TEST(a_holder_that_waited_itself_is_told_apart)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };
	const struct lock_past past = {
		.from_ns = 1000, .to_ns = 2000, .held_ns = 1000, .blocked_ns = 750, .tid = 1, .stack = 3
	};
	const struct lock_span span = { .from_ns = 1500, .to_ns = 2000 };

	lock_ring_add(&ring, &past);
	lock_ring_share_out(&ring, &span, &out);
	ck_assert_uint_eq(out.charges[0].ns, 500);
	ck_assert_uint_eq(out.charges[0].running_ns, 125);
}
END_TEST

START_TEST(a_hold_of_unknown_begin_is_exact_for_the_owner_at_the_start_only)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };
	const struct lock_past past = { .to_ns = 2000, .tid = 1, .stack = 3 };
	struct lock_span span = { .from_ns = 1500, .to_ns = 2100, .owner = 1 };

	lock_ring_add(&ring, &past);
	lock_ring_share_out(&ring, &span, &out);
	ck_assert_uint_eq(out.charges[0].ns, 500);
	ck_assert_uint_eq(out.charges[0].approx_ns, 0);
	ck_assert_uint_eq(out.handoff_ns, 100);
	span.owner = 2;
	out = (struct lock_share_out){ .count = 0 };
	lock_ring_share_out(&ring, &span, &out);
	ck_assert_uint_eq(out.charges[0].approx_ns, 500);
}
END_TEST

START_TEST(what_the_ring_has_lost_goes_to_the_oldest_known_as_approximate)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };
	const struct lock_span span = { .from_ns = 0, .to_ns = 2000 };

	for (uint64_t i = 0; i < 20; i++) {
		struct lock_past p = {
			.from_ns = i * 100, .to_ns = i * 100 + 100, .held_ns = 100, .tid = (uint32_t)i, .stack = 3
		};

		lock_ring_add(&ring, &p);
	}
	lock_ring_share_out(&ring, &span, &out);
	ck_assert(out.lost);
	ck_assert_uint_eq(all_of(&out), 2000);
	ck_assert_uint_eq(charge_of(&out, 12).ns, 1300);
	ck_assert_uint_eq(charge_of(&out, 12).approx_ns, 1200);
	ck_assert_uint_eq(charge_of(&out, 19).approx_ns, 0);
}
END_TEST

/* COUNT holds of 100 ns, one after the other, each by a thread of its own, number 1 the first. */
static void add_row(struct lock_ring *ring, uint32_t count, uint64_t from_ns)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t begin = from_ns + i * 100;
		struct lock_past p = { begin, begin + 100, 100, 0, i + 1, 3, 0 };

		lock_ring_add(ring, &p);
	}
}

START_TEST(a_full_ring_has_lost_only_what_overlaps_the_wait)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };

	/* As many as there is room for: nobody had it before. */
	add_row(&ring, 8, 1000);
	lock_ring_share_out(&ring, &(struct lock_span){ .from_ns = 500, .to_ns = 2000 }, &out);
	ck_assert(!out.lost);
	ck_assert_uint_eq(out.handoff_ns, 700);
	ck_assert_uint_eq(charge_of(&out, 1).ns, 100);

	/* One more: the first is forgotten, which was over before the second wait began. */
	add_row(&ring, 1, 3000);
	out = (struct lock_share_out){ .count = 0 };
	lock_ring_share_out(&ring, &(struct lock_span){ .from_ns = 1050, .to_ns = 3200 }, &out);
	ck_assert(out.lost);
	out = (struct lock_share_out){ .count = 0 };
	lock_ring_share_out(&ring, &(struct lock_span){ .from_ns = 1100, .to_ns = 3200 }, &out);
	ck_assert(!out.lost);
}
END_TEST

START_TEST(what_a_ring_held_before_it_grew_is_lost)
{
	static struct lock_past more[16];
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };

	add_row(&ring, 4, 1000);
	lock_ring_replace(&ring, more, 16);
	lock_ring_share_out(&ring, &(struct lock_span){ .from_ns = 1200, .to_ns = 1500 }, &out);
	ck_assert(out.lost);
	ck_assert_uint_eq(charge_of(&out, 0).approx_ns, 300);
	out = (struct lock_share_out){ .count = 0 };
	add_row(&ring, 1, 1400);
	lock_ring_share_out(&ring, &(struct lock_span){ .from_ns = 1200, .to_ns = 1500 }, &out);
	ck_assert(out.lost);
	ck_assert_uint_eq(charge_of(&out, 1).ns, 300);
	ck_assert_uint_eq(charge_of(&out, 1).approx_ns, 200);
	ck_assert_uint_eq(out.handoff_ns, 0);
	out = (struct lock_share_out){ .count = 0 };
	lock_ring_share_out(&ring, &(struct lock_span){ .from_ns = 1400, .to_ns = 1500 }, &out);
	ck_assert(!out.lost);
}
END_TEST

START_TEST(readers_at_the_same_time_are_not_charged_twice)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };
	const struct lock_past first = { .from_ns = 100, .to_ns = 300, .held_ns = 200, .tid = 1, .stack = 1 };
	const struct lock_past second = { .from_ns = 200, .to_ns = 600, .held_ns = 400, .tid = 2, .stack = 2 };
	const struct lock_span span = { .from_ns = 150, .to_ns = 610 };

	lock_ring_add(&ring, &first);
	lock_ring_add(&ring, &second);
	lock_ring_share_out(&ring, &span, &out);
	ck_assert_uint_eq(charge_of(&out, 2).ns, 400);
	ck_assert_uint_eq(charge_of(&out, 1).ns, 50);
	ck_assert_uint_eq(all_of(&out), 460);
}
END_TEST

START_TEST(who_gives_up_charges_the_present_holder)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };
	const struct lock_past past = { .from_ns = 100, .to_ns = 300, .held_ns = 200, .tid = 1, .stack = 4 };
	const struct lock_span span = { .from_ns = 400, .to_ns = 500, .owner = 1, .holder = 1 };

	lock_ring_add(&ring, &past);
	lock_ring_share_out(&ring, &span, &out);
	ck_assert_uint_eq(out.count, 1);
	ck_assert_uint_eq(out.charges[0].stack, 4); /* where it gave the lock up before */
	ck_assert_uint_eq(out.charges[0].approx_ns, 100);
}
END_TEST

START_TEST(what_other_processes_held_is_unknown_not_hand_off)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };
	const struct lock_past past = { .from_ns = 100, .to_ns = 300, .held_ns = 200, .tid = 1, .stack = 4 };
	const struct lock_span span = { .from_ns = 200, .to_ns = 500, .owner = 1, .elsewhere = true };

	lock_ring_add(&ring, &past);
	lock_ring_share_out(&ring, &span, &out);
	ck_assert_uint_eq(out.handoff_ns, 0);
	ck_assert_uint_eq(charge_of(&out, 1).ns, 100);
	ck_assert_uint_eq(charge_of(&out, 0).ns, 200);
}
END_TEST

START_TEST(the_last_wake_before_the_end_is_the_one)
{
	struct lock_ring ring = ring_of(8);
	struct lock_share_out out = { .count = 0 };
	struct lock_span span = { .from_ns = 150, .to_ns = 400 };

	for (uint32_t i = 1; i <= 5; i++) {
		struct lock_past p = { .to_ns = i * 100, .tid = i, .stack = i };

		lock_ring_add(&ring, &p);
	}
	ck_assert_uint_eq(lock_ring_last_wake(&ring, &span, &out), 400);
	ck_assert_uint_eq(charge_of(&out, 4).ns, 250);
	out = (struct lock_share_out){ .count = 0 };
	span.to_ns = 390;
	ck_assert_uint_eq(lock_ring_last_wake(&ring, &span, &out), 300);
	ck_assert_uint_eq(charge_of(&out, 3).ns, 150);
	ck_assert_uint_eq(out.handoff_ns, 90);
	out = (struct lock_share_out){ .count = 0 };
	span = (struct lock_span){ .from_ns = 510, .to_ns = 600 };
	ck_assert_uint_eq(lock_ring_last_wake(&ring, &span, &out), 0);
	ck_assert_uint_eq(charge_of(&out, 0).ns, 90);
}
END_TEST

START_TEST(more_culprits_than_there_is_room_for_go_to_the_last)
{
	struct lock_share_out out = { .count = 0 };

	for (uint32_t i = 1; i <= LOCK_CHARGES + 10; i++)
		lock_charge_add(&out, &(struct lock_charge){ .tid = i, .ns = 10, .running_ns = 10 });
	ck_assert_uint_eq(out.count, LOCK_CHARGES);
	ck_assert_uint_eq(all_of(&out), (LOCK_CHARGES + 10) * 10);
	ck_assert_uint_eq(out.charges[LOCK_CHARGES - 1].approx_ns, 100);
}
END_TEST

static double lower_edge(uint32_t octave, uint32_t cell)
{
	return (double)(1ull << octave) * (1 + (double)cell / MP_LOCK_CELLS);
}

START_TEST(the_middle_of_a_cell_is_near_every_time_in_it)
{
	for (double x = 1; x < 1.8e19; x *= 1.003) {
		uint64_t ns = (uint64_t)x;
		struct lock_cell c = lock_cell_of(ns);
		double low = lower_edge(c.octave, c.cell), high = low + lower_edge(c.octave, 0) / MP_LOCK_CELLS;

		ck_assert_uint_lt(c.cell, MP_LOCK_CELLS);
		ck_assert_uint_eq(c.octave, 63 - (unsigned)__builtin_clzll(ns));
		ck_assert_msg((double)ns >= low * (1 - 1e-12) && (double)ns < high * (1 + 1e-9), "%llu",
			      (unsigned long long)ns);
		ck_assert_double_le(((low + high) / 2 - (double)ns) / (double)ns, 0.0417);
	}
	ck_assert_uint_eq(lock_cell_of(0).octave, 0);
	ck_assert_uint_eq(lock_cell_of(0).cell, 0);
	ck_assert_uint_eq(lock_cell_of(UINT64_MAX).cell, MP_LOCK_CELLS - 1);
}
END_TEST

START_TEST(stamps_agree_with_the_kernels_clock)
{
	uint64_t start = os_now_ns();

	clock_init();
	for (unsigned i = 0; i < 40; i++) {
		uint64_t before = os_now_ns();
		uint64_t stamp = clock_stamp();
		uint64_t after = os_now_ns();
		uint64_t off = (after - start) / 1000 + 100000;

		/* 1/1000 of the time since the start, and what two clocks read apart differ by. */
		ck_assert_uint_ge(stamp + off, before);
		ck_assert_uint_le(stamp, after + off);
		usleep(1000);
	}
}
END_TEST

Suite *suite_lock_ring(void)
{
	Suite *suite = suite_create("lock_ring");
	TCase *tcase = tcase_create("lock_ring");

	tcase_add_test(tcase, every_holder_is_charged_its_own_overlap);
	tcase_add_test(tcase, holds_after_the_wait_change_nothing);
	tcase_add_test(tcase, holds_in_a_row_without_a_new_wait_take_one_entry);
	tcase_add_test(tcase, a_holder_that_waited_itself_is_told_apart);
	tcase_add_test(tcase, a_hold_of_unknown_begin_is_exact_for_the_owner_at_the_start_only);
	tcase_add_test(tcase, what_the_ring_has_lost_goes_to_the_oldest_known_as_approximate);
	tcase_add_test(tcase, a_full_ring_has_lost_only_what_overlaps_the_wait);
	tcase_add_test(tcase, what_a_ring_held_before_it_grew_is_lost);
	tcase_add_test(tcase, readers_at_the_same_time_are_not_charged_twice);
	tcase_add_test(tcase, who_gives_up_charges_the_present_holder);
	tcase_add_test(tcase, what_other_processes_held_is_unknown_not_hand_off);
	tcase_add_test(tcase, the_last_wake_before_the_end_is_the_one);
	tcase_add_test(tcase, more_culprits_than_there_is_room_for_go_to_the_last);
	tcase_add_test(tcase, the_middle_of_a_cell_is_near_every_time_in_it);
	tcase_add_test(tcase, stamps_agree_with_the_kernels_clock);
	suite_add_tcase(suite, tcase);
	return suite;
}
