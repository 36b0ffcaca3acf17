/* SPDX-License-Identifier: MIT */
/* Unit tests of units: what people read and type. */
#include "units.h"

#include <check.h>

#include "unit_util.h"

Suite *suite_units(void);

static const struct {
	int64_t value;
	const char *want;
} bytes[] = {
	{ 0, "0 B" },
	{ 1, "1 B" },
	{ 1023, "1023 B" },
	{ 1024, "1.00 KiB" },
	{ 1536, "1.50 KiB" },
	{ 10 * 1024, "10.0 KiB" },
	{ 102400, "100 KiB" },
	{ 1048575, "1.00 MiB" }, /* not 1024 KiB */
	{ 12897484, "12.3 MiB" },
	{ 1ll << 40, "1.00 TiB" },
	{ INT64_MAX, "8.00 EiB" },
	{ -1, "-1 B" },
	{ -2048, "-2.00 KiB" },
	{ INT64_MIN, "-8.00 EiB" },
};

START_TEST(bytes_have_three_digits)
{
	unit_assert_text(units_bytes(bytes[_i].value).text, bytes[_i].want, "size");
}
END_TEST

static const struct {
	int64_t value;
	const char *want;
} counts[] = {
	{ 0, "0" },
	{ 999, "999" },
	{ 1000, "1,000" },
	{ 1234567, "1,234,567" },
	{ -1000, "-1,000" },
	{ INT64_MAX, "9,223,372,036,854,775,807" },
	{ INT64_MIN, "-9,223,372,036,854,775,808" },
};

START_TEST(counts_are_grouped)
{
	unit_assert_text(units_count(counts[_i].value).text, counts[_i].want, "count");
}
END_TEST

static const struct {
	uint64_t ns;
	const char *want;
} durations[] = {
	{ 0, "0 ns" },
	{ 999, "999 ns" },
	{ 1000, "1.00 us" },
	{ 1234567, "1.23 ms" },
	{ 999499, "999 us" },
	{ 999500, "1.00 ms" }, /* not 1000 us */
	{ 12300000000, "12.3 s" },
	{ 125000000000, "2 min 05 s" },
	{ 3600000000000, "1 h 00 min" },
	{ 11520000000000, "3 h 12 min" },
};

START_TEST(durations_have_the_unit_that_fits)
{
	unit_assert_text(units_duration(durations[_i].ns).text, durations[_i].want, "duration");
}
END_TEST

START_TEST(any_number_fits_its_text)
{
	static const uint64_t values[] = { 0, 1, UINT64_MAX, INT64_MAX, 1ull << 63, 0x8000000000000001 };

	for (size_t i = 0; i < UNIT_LENGTH(values); i++) {
		ck_assert_uint_ne(units_duration(values[i]).text[0], 0);
		ck_assert_uint_ne(units_bytes((int64_t)values[i]).text[0], 0);
		ck_assert_uint_ne(units_rate((double)values[i]).text[0], 0);
		ck_assert_int_ge(units_signed(values[i]), 0);
	}
	ck_assert_int_eq(units_signed(UINT64_MAX), INT64_MAX);
	ck_assert_int_eq(units_signed(7), 7);
}
END_TEST

START_TEST(shares_need_a_whole)
{
	unit_assert_text(units_share(1, 8).text, "12.5 %", "share");
	unit_assert_text(units_share(-1, 2).text, "-50.0 %", "share");
	unit_assert_text(units_share(1, 0).text, "", "share");
	ck_assert_uint_ne(units_share(INT64_MIN, 1).text[0], 0);
}
END_TEST

START_TEST(rates_have_powers_of_1000)
{
	unit_assert_text(units_rate(0).text, "0/s", "rate");
	unit_assert_text(units_rate(850).text, "850/s", "rate");
	unit_assert_text(units_rate(1234567).text, "1.23 M/s", "rate");
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	uint64_t want;
} inputs[] = {
	{ "0", true, 0 },
	{ "25", true, 25 },
	{ "007", true, 7 },
	{ "1000", true, 1000 },
	{ "1001", false, 0 },
	{ "", false, 0 },
	{ "-1", false, 0 },
	{ "+1", false, 0 },
	{ " 1", false, 0 },
	{ "1 ", false, 0 },
	{ "0x10", false, 0 },
	{ "1k", false, 0 },
	{ "18446744073709551617", false, 0 }, /* 2^64 + 1 must be refused, not wrapped */
};

START_TEST(only_whole_numbers_in_range_are_taken)
{
	uint64_t got = 42;

	ck_assert_msg(units_parse(inputs[_i].text, 0, 1000, &got) == inputs[_i].ok, "input \"%s\"", inputs[_i].text);
	ck_assert_uint_eq(got, inputs[_i].ok ? inputs[_i].want : 42);
}
END_TEST

START_TEST(the_largest_number_is_taken)
{
	uint64_t got;

	ck_assert(units_parse("18446744073709551615", 1, UINT64_MAX, &got));
	ck_assert_uint_eq(got, UINT64_MAX);
	ck_assert(!units_parse("0", 1, UINT64_MAX, &got));
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	uint64_t want;
} sizes[] = {
	{ "0", true, 0 },
	{ "512", true, 512 },
	{ "64K", true, 65536 },
	{ "64 KiB", true, 65536 },
	{ "1.5M", true, 1572864 },
	{ "2GB", true, 2147483648 },
	{ "1T", true, 1ull << 40 },
	{ "8388608T", false, 0 }, /* 2^63 */
	{ "99999999999999999999999", false, 0 },
	{ "", false, 0 },
	{ "K", false, 0 },
	{ "-1", false, 0 },
	{ "1.K", false, 0 },
	{ "1k", false, 0 },
	{ "1K ", false, 0 },
	{ "0x10", false, 0 },
	{ "1e3", false, 0 },
};

START_TEST(sizes_are_read)
{
	uint64_t got = 0;

	ck_assert_msg(units_parse_bytes(sizes[_i].text, &got) == sizes[_i].ok, "%s", sizes[_i].text);
	ck_assert_uint_eq(got, sizes[_i].want);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
	uint64_t want;
} times[] = {
	{ "0", true, 0 },           { "10ns", true, 10 },
	{ "1.5us", true, 1500 },    { "250 ms", true, 250000000 },
	{ "2s", true, 2000000000 }, { "1min", true, 60000000000 },
	{ "10", false, 0 },         { "10h", false, 0 },
	{ "ms", false, 0 },
};

START_TEST(times_are_read)
{
	uint64_t got = 0;

	ck_assert_msg(units_parse_duration(times[_i].text, &got) == times[_i].ok, "%s", times[_i].text);
	ck_assert_uint_eq(got, times[_i].want);
}
END_TEST

START_TEST(percentages_are_read)
{
	double got = 0;

	ck_assert(units_parse_percent("12.5%", &got) && got == 12.5);
	ck_assert(units_parse_percent("7", &got) && got == 7);
	ck_assert(!units_parse_percent("7x", &got));
	ck_assert(!units_parse_percent("%", &got));
}
END_TEST

Suite *suite_units(void)
{
	Suite *suite = suite_create("units");
	TCase *print = tcase_create("print");
	TCase *parse = tcase_create("parse");

	tcase_add_loop_test(print, bytes_have_three_digits, 0, (int)UNIT_LENGTH(bytes));
	tcase_add_loop_test(print, counts_are_grouped, 0, (int)UNIT_LENGTH(counts));
	tcase_add_loop_test(print, durations_have_the_unit_that_fits, 0, (int)UNIT_LENGTH(durations));
	tcase_add_test(print, any_number_fits_its_text);
	tcase_add_test(print, shares_need_a_whole);
	tcase_add_test(print, rates_have_powers_of_1000);
	suite_add_tcase(suite, print);
	tcase_add_loop_test(parse, only_whole_numbers_in_range_are_taken, 0, (int)UNIT_LENGTH(inputs));
	tcase_add_test(parse, the_largest_number_is_taken);
	tcase_add_loop_test(parse, sizes_are_read, 0, (int)UNIT_LENGTH(sizes));
	tcase_add_loop_test(parse, times_are_read, 0, (int)UNIT_LENGTH(times));
	tcase_add_test(parse, percentages_are_read);
	suite_add_tcase(suite, parse);
	return suite;
}
