/* SPDX-License-Identifier: MIT */
/* Unit tests of cursor: no read outside the bytes, and errors stay. */
#include "cursor.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit_util.h"

Suite *suite_cursor(void);

static const uint8_t bytes[] = { 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3 };

START_TEST(reads_go_on_from_each_other)
{
	struct cursor cursor = cursor_over(bytes, sizeof(bytes));
	uint8_t last;

	ck_assert_uint_eq(cursor_u32(&cursor), 1);
	ck_assert_uint_eq(cursor_u64(&cursor), 2);
	ck_assert_uint_eq(cursor_left(&cursor), 1);
	cursor_read(&cursor, &last, 1);
	ck_assert_uint_eq(last, 3);
	ck_assert_uint_eq(cursor_left(&cursor), 0);
	ck_assert(!cursor.failed);
}
END_TEST

START_TEST(a_read_past_the_end_gives_zeroes_and_fails_for_good)
{
	struct cursor cursor = cursor_over(bytes, 6);
	uint8_t byte = 9;

	ck_assert_uint_eq(cursor_u64(&cursor), 0);
	ck_assert(cursor.failed);
	ck_assert_uint_eq(cursor_left(&cursor), 0);
	ck_assert_uint_eq(cursor_u32(&cursor), 0);
	cursor_read(&cursor, &byte, 1);
	ck_assert_uint_eq(byte, 0);
	ck_assert_ptr_null(cursor_take(&cursor, 1));
}
END_TEST

static const struct {
	uint64_t offset, size;
	bool inside;
} parts[] = {
	{ 0, 13, true },          { 13, 0, true },          { 4, 9, true },
	{ 0, 14, false },         { 14, 0, false },         { 4, 10, false },
	{ UINT64_MAX, 1, false }, { 1, UINT64_MAX, false }, { UINT64_MAX, UINT64_MAX, false },
};

START_TEST(a_part_must_lie_wholly_inside)
{
	struct cursor cursor = cursor_over(bytes, sizeof(bytes));
	struct cursor part = cursor_part(&cursor, parts[_i].offset, parts[_i].size);

	ck_assert_int_eq(part.failed, !parts[_i].inside);
	ck_assert_uint_eq(cursor_left(&part), parts[_i].inside ? parts[_i].size : 0);
}
END_TEST

START_TEST(counts_are_compared_without_overflow)
{
	struct cursor cursor = cursor_over(bytes, sizeof(bytes));

	ck_assert(cursor_has(&cursor, 13, 1));
	ck_assert(cursor_has(&cursor, 3, 4));
	ck_assert(cursor_has(&cursor, 0, UINT64_MAX));
	ck_assert(!cursor_has(&cursor, 4, 4));
	ck_assert(!cursor_has(&cursor, UINT64_MAX / 2, 4));
	ck_assert(!cursor_has(&cursor, UINT64_MAX, UINT64_MAX));
}
END_TEST

START_TEST(an_empty_cursor_has_nothing)
{
	struct cursor cursor = cursor_over(NULL, 0);
	uint64_t value = 5;

	ck_assert(!cursor.failed);
	cursor_read(&cursor, &value, 0);
	ck_assert(!cursor.failed);
	cursor_read(&cursor, &value, sizeof(value));
	ck_assert(cursor.failed);
	ck_assert_uint_eq(value, 0);
}
END_TEST

Suite *suite_cursor(void)
{
	Suite *suite = suite_create("cursor");
	TCase *tcase = tcase_create("cursor");

	tcase_add_test(tcase, reads_go_on_from_each_other);
	tcase_add_test(tcase, a_read_past_the_end_gives_zeroes_and_fails_for_good);
	tcase_add_loop_test(tcase, a_part_must_lie_wholly_inside, 0, (int)UNIT_LENGTH(parts));
	tcase_add_test(tcase, counts_are_compared_without_overflow);
	tcase_add_test(tcase, an_empty_cursor_has_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}
