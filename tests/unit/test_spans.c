/* SPDX-License-Identifier: MIT */
/* Unit tests of spans: nested and overlapping ranges, compared with a plain search. */
#include "spans.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#include "unit_util.h"

Suite *suite_spans(void);

/* Index of the first span that holds ADDRESS, -1 = none. */
static int first(const struct spans *s, uint64_t address)
{
	const struct span *span = spans_find(s, address, NULL);

	return span ? (int)span->index : -1;
}

START_TEST(the_innermost_span_is_found_first)
{
	struct spans s = { 0 };
	const struct span *span = NULL;

	spans_add(&s, (struct span){ .start = 30, .end = 40, .index = 2 });
	spans_add(&s, (struct span){ .start = 10, .end = 100, .index = 0 });
	spans_add(&s, (struct span){ .start = 20, .end = 50, .index = 1 });
	spans_sort(&s);
	ck_assert_int_eq(first(&s, 9), -1);
	ck_assert_int_eq(first(&s, 10), 0);
	ck_assert_int_eq(first(&s, 35), 2);
	ck_assert_int_eq(first(&s, 40), 1);
	ck_assert_int_eq(first(&s, 50), 0);
	ck_assert_int_eq(first(&s, 100), -1);
	for (int want = 2; want >= 0; want--) {
		span = spans_find(&s, 35, span);
		ck_assert_ptr_nonnull(span);
		ck_assert_int_eq((int)span->index, want);
	}
	ck_assert_ptr_null(spans_find(&s, 35, span));
	spans_free(&s);
}
END_TEST

START_TEST(of_equal_starts_the_best_rank_then_the_shortest_wins)
{
	struct spans s = { 0 };

	spans_add(&s, (struct span){ .start = 10, .end = 20, .index = 1, .rank = 5 });
	spans_add(&s, (struct span){ .start = 10, .end = 30, .index = 2, .rank = 4 });
	spans_add(&s, (struct span){ .start = 10, .end = 25, .index = 3, .rank = 4 });
	spans_sort(&s);
	ck_assert_int_eq(first(&s, 15), 3);
	ck_assert_int_eq(first(&s, 27), 2);
	spans_free(&s);
}
END_TEST

START_TEST(empty_and_reversed_ranges_are_dropped)
{
	struct spans s = { 0 };

	spans_sort(&s);
	ck_assert_int_eq(first(&s, 0), -1);
	ck_assert_ptr_null(spans_before(&s, 0));
	spans_add(&s, (struct span){ .start = 5, .end = 5 });
	spans_add(&s, (struct span){ .start = 6, .end = 5 });
	spans_sort(&s);
	ck_assert_int_eq(first(&s, 5), -1);
	spans_free(&s);
}
END_TEST

START_TEST(before_gives_the_last_start_even_if_it_ended)
{
	struct spans s = { 0 };

	spans_add(&s, (struct span){ .start = 10, .end = 11, .index = 1 });
	spans_add(&s, (struct span){ .start = 20, .end = 21, .index = 2 });
	spans_sort(&s);
	ck_assert_ptr_null(spans_before(&s, 9));
	ck_assert_uint_eq(spans_before(&s, 15)->index, 1);
	ck_assert_uint_eq(spans_before(&s, UINT64_MAX)->index, 2);
	spans_free(&s);
}
END_TEST

START_TEST(random_spans_are_found_like_by_a_plain_search)
{
	struct spans s = { 0 };
	unsigned seed = 42;

	for (size_t i = 0; i < 300; i++) {
		uint64_t start = (uint64_t)(rand_r(&seed) % 1000);

		spans_add(&s, (struct span){ .start = start, .end = start + (uint64_t)(rand_r(&seed) % 200) });
	}
	spans_sort(&s);
	for (uint64_t address = 0; address < 1300; address++) {
		const struct span *span = NULL;
		size_t count = 0, want = 0;
		uint64_t last_start = UINT64_MAX;

		while ((span = spans_find(&s, address, span)) != NULL) {
			ck_assert(span->start <= address && address < span->end && span->start <= last_start);
			last_start = span->start;
			count++;
		}
		for (size_t i = 0; i < s.spans.count; i++)
			want += s.spans.list[i].start <= address && address < s.spans.list[i].end;
		ck_assert_uint_eq(count, want);
	}
	spans_free(&s);
}
END_TEST

Suite *suite_spans(void)
{
	Suite *suite = suite_create("spans");
	TCase *tcase = tcase_create("spans");

	tcase_add_test(tcase, the_innermost_span_is_found_first);
	tcase_add_test(tcase, of_equal_starts_the_best_rank_then_the_shortest_wins);
	tcase_add_test(tcase, empty_and_reversed_ranges_are_dropped);
	tcase_add_test(tcase, before_gives_the_last_start_even_if_it_ended);
	tcase_add_test(tcase, random_spans_are_found_like_by_a_plain_search);
	suite_add_tcase(suite, tcase);
	return suite;
}
