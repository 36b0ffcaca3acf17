/* SPDX-License-Identifier: MIT */
/* Who comes last to which barrier, however many of these there are. */
#include "arrivals.h"

#include <check.h>

Suite *suite_arrivals(void);

/* Barriers anywhere in memory. */
static uint64_t address_of(uint64_t n)
{
	return 0x7f0000000000u + n * 0x12345678u;
}

static void setup(void)
{
	arrivals_forked();
}

START_TEST(the_last_of_a_round_is_known)
{
	for (int round = 0; round < 3; round++) {
		ck_assert(!arrivals_last(0x1000, 3));
		ck_assert(!arrivals_last(0x1000, 3));
		ck_assert(arrivals_last(0x1000, 3));
	}
	ck_assert(arrivals_last(0x1000, 1));
}
END_TEST

START_TEST(without_a_count_nobody_is_last)
{
	ck_assert(!arrivals_last(0x1000, 0));
	ck_assert(!arrivals_last(0x1000, 2));
	ck_assert(!arrivals_last(0x1000, 0));
	ck_assert(arrivals_last(0x1000, 2));
}
END_TEST

/* Of 150 in 64 buckets several share one. */
START_TEST(barriers_under_way_do_not_hinder_each_other)
{
	for (uint64_t n = 0; n < 150; n++)
		ck_assert(!arrivals_last(address_of(n), 2));
	for (uint64_t n = 0; n < 150; n++)
		ck_assert_msg(arrivals_last(address_of(n), 2), "%d", (int)n);
}
END_TEST

/* No room: all seem to wait, and when there is room again the last one is known. */
START_TEST(too_many_are_not_known_until_others_are_over)
{
	unsigned unknown = 0;

	for (uint64_t n = 0; n < 5000; n++)
		ck_assert(!arrivals_last(address_of(n), 2));
	for (uint64_t n = 0; n < 5000; n++)
		unknown += !arrivals_last(address_of(n), 2);
	ck_assert_uint_gt(unknown, 0);
	for (uint64_t n = 0; n < 5000; n++)
		arrivals_forget(address_of(n));
	for (uint64_t n = 0; n < 5000; n++) {
		ck_assert(!arrivals_last(address_of(n), 2));
		ck_assert(arrivals_last(address_of(n), 2));
	}
}
END_TEST

START_TEST(a_new_barrier_begins_anew)
{
	ck_assert(!arrivals_last(0x1000, 2));
	arrivals_forget(0x1000);
	arrivals_forget(0x2000);
	ck_assert(!arrivals_last(0x1000, 2));
	ck_assert(arrivals_last(0x1000, 2));
}
END_TEST

Suite *suite_arrivals(void)
{
	Suite *suite = suite_create("arrivals");
	TCase *tcase = tcase_create("arrivals");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, the_last_of_a_round_is_known);
	tcase_add_test(tcase, without_a_count_nobody_is_last);
	tcase_add_test(tcase, barriers_under_way_do_not_hinder_each_other);
	tcase_add_test(tcase, too_many_are_not_known_until_others_are_over);
	tcase_add_test(tcase, a_new_barrier_begins_anew);
	suite_add_tcase(suite, tcase);
	return suite;
}
