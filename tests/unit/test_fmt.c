/* SPDX-License-Identifier: MIT */
/* Unit tests of fmt: bounded text, and warnings of one line. */
#include "fmt.h"

#include <check.h>
#include <string.h>

#include "preload_doubles.h"
#include "unit_util.h"

Suite *suite_fmt(void);

static const struct {
	uint64_t n;
	const char *want;
} numbers[] = {
	{ 0, "0" },
	{ 9, "9" },
	{ 10, "10" },
	{ 4096, "4096" },
	{ INT64_MAX, "9223372036854775807" },
	{ UINT64_MAX, "18446744073709551615" },
};

START_TEST(numbers_are_decimal)
{
	char text[24];
	struct fmt f;

	fmt_init(&f, text, sizeof(text));
	fmt_u64(&f, numbers[_i].n);
	unit_assert_text(text, numbers[_i].want, "number");
	ck_assert_uint_eq(f.used, strlen(numbers[_i].want));
	ck_assert(!f.cut);
}
END_TEST

/* The buffer is one part of an array, so that a byte too many shows. */
START_TEST(text_that_does_not_fit_is_cut_and_remembered)
{
	char text[16];
	struct fmt f;

	memset(text, '#', sizeof(text));
	fmt_init(&f, text, 8);
	unit_assert_text(text, "", "new text");
	fmt_str(&f, "abc");
	fmt_mem(&f, "defghi", 4);
	unit_assert_text(text, "abcdefg", "full text");
	ck_assert(!f.cut);
	fmt_str(&f, "");
	ck_assert(!f.cut);
	fmt_u64(&f, 1);
	unit_assert_text(text, "abcdefg", "cut text");
	ck_assert(f.cut);
	ck_assert_uint_eq(f.used, 7);
	ck_assert_int_eq(text[8], '#');

	fmt_init(&f, text, 1);
	fmt_str(&f, "x");
	unit_assert_text(text, "", "text without room");
	ck_assert(f.cut);
	ck_assert_int_eq(text[1], 'b');
}
END_TEST

START_TEST(strings_are_measured_and_compared)
{
	ck_assert_uint_eq(fmt_strlen(""), 0);
	ck_assert_uint_eq(fmt_strlen("four"), 4);
	ck_assert(fmt_equal("", ""));
	ck_assert(fmt_equal("same", "same"));
	ck_assert(!fmt_equal("same", "sane"));
	ck_assert(!fmt_equal("same", "sam"));
	ck_assert(!fmt_equal("sam", "same"));
	ck_assert(!fmt_equal("", "x"));
	ck_assert(!fmt_equal("\xff", "\x7f"));
}
END_TEST

static void warn(const void *data)
{
	(void)data;
	fmt_warn("one", " and ", "two", NULL);
	fmt_warn("alone", NULL);
}

static const struct {
	const char *text;
	size_t max;
	size_t want;
} cuts[] = {
	{ "", 0, 0 },
	{ "abc", 3, 3 },
	{ "abcd", 3, 3 },
	{ "a\xc3\xa9", 3, 3 },
	{ "a\xc3\xa9", 2, 1 },         /* within a character of two bytes */
	{ "\xe2\x82\xac", 2, 0 },      /* of three */
	{ "\xe2\x82\xac", 3, 3 },
	{ "a\xf0\x9f\x94\x92z", 4, 1 }, /* of four */
	{ "\x80\x80\x80\x80", 2, 0 },  /* no UTF-8 at all */
};

START_TEST(long_text_is_not_cut_within_a_character)
{
	ck_assert_uint_eq(fmt_text_bytes(cuts[_i].text, cuts[_i].max), cuts[_i].want);
}
END_TEST

START_TEST(a_warning_is_one_line_with_our_name)
{
	unit_assert_text(preload_stderr(warn, NULL), "memprof: one and two\nmemprof: alone\n", "warnings");
}
END_TEST

static void warn_at_length(const void *data)
{
	fmt_warn("long: ", data, NULL);
}

START_TEST(a_long_warning_is_cut_but_ends_its_line)
{
	char value[2000];
	char want[512] = "memprof: long: ";

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	memset(want + strlen(want), 'v', 510 - strlen(want));
	want[510] = '\n';
	want[511] = '\0';
	unit_assert_text(preload_stderr(warn_at_length, value), want, "warning");
}
END_TEST

static void warn_silently(const void *data)
{
	fmt_warn_silence();
	warn(data);
}

START_TEST(warnings_can_be_silenced)
{
	unit_assert_text(preload_stderr(warn_silently, NULL), "", "warnings");
}
END_TEST

Suite *suite_fmt(void)
{
	Suite *suite = suite_create("fmt");
	TCase *tcase = tcase_create("fmt");

	tcase_add_loop_test(tcase, numbers_are_decimal, 0, (int)UNIT_LENGTH(numbers));
	tcase_add_test(tcase, text_that_does_not_fit_is_cut_and_remembered);
	tcase_add_test(tcase, strings_are_measured_and_compared);
	tcase_add_loop_test(tcase, long_text_is_not_cut_within_a_character, 0, (int)UNIT_LENGTH(cuts));
	tcase_add_test(tcase, a_warning_is_one_line_with_our_name);
	tcase_add_test(tcase, a_long_warning_is_cut_but_ends_its_line);
	tcase_add_test(tcase, warnings_can_be_silenced);
	suite_add_tcase(suite, tcase);
	return suite;
}
