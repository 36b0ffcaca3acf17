/* SPDX-License-Identifier: MIT */
/* Numbers to text and back, independent of the locale. */
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000ull

int64_t units_signed(uint64_t value)
{
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/* Three significant digits, but never fewer than the whole part has. VALUE is not negative. */
static void print_significant(char *text, size_t size, const char *sign, double value, const char *unit)
{
	/* 9.995 would become "10.00" */
	int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(text, size, "%s%.*f %s", sign, digits, value, unit);
}

struct units units_bytes(int64_t bytes)
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	const char *sign = bytes < 0 ? "-" : "";
	double value = (double)magnitude(bytes) / 1024;
	struct units units;
	size_t unit = 0;

	if (magnitude(bytes) < 1024) {
		snprintf(units.text, sizeof(units.text), "%" PRId64 " B", bytes);
		return units;
	}
	for (; value >= 1023.5 && unit + 1 < sizeof(names) / sizeof(*names); unit++)
		value /= 1024;
	print_significant(units.text, sizeof(units.text), sign, value, names[unit]);
	return units;
}

struct units units_count(int64_t count)
{
	uint64_t left = magnitude(count);
	struct units units;
	char *at = units.text + sizeof(units.text);

	*--at = 0;
	for (int digits = 0; digits == 0 || left > 0; digits++, left /= 10) {
		if (digits > 0 && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + left % 10);
	}
	if (count < 0)
		*--at = '-';
	memmove(units.text, at, strlen(at) + 1);
	return units;
}

struct units units_duration(uint64_t ns)
{
	struct units units;
	uint64_t seconds = ns / NS_PER_S;

	if (ns < 1000)
		snprintf(units.text, sizeof(units.text), "%" PRIu64 " ns", ns);
	else if (ns < 999500)
		print_significant(units.text, sizeof(units.text), "", (double)ns / 1e3, "us");
	else if (ns < 999500000)
		print_significant(units.text, sizeof(units.text), "", (double)ns / 1e6, "ms");
	else if (seconds < 60)
		print_significant(units.text, sizeof(units.text), "", (double)ns / 1e9, "s");
	else if (seconds < 3600)
		snprintf(units.text, sizeof(units.text), "%" PRIu64 " min %02" PRIu64 " s", seconds / 60, seconds % 60);
	else
		snprintf(units.text, sizeof(units.text), "%" PRIu64 " h %02" PRIu64 " min", seconds / 3600,
			 seconds / 60 % 60);
	return units;
}

struct units units_share(int64_t part, uint64_t whole)
{
	struct units units = { "" };

	/* "0.0 %" of something would read as nothing */
	if (part > 0 && (double)part < 0.0005 * (double)whole)
		snprintf(units.text, sizeof(units.text), "< 0.1 %%");
	else if (whole > 0)
		snprintf(units.text, sizeof(units.text), "%.1f %%", 100.0 * (double)part / (double)whole);
	return units;
}

struct units units_plural(int64_t count, const char *noun)
{
	struct units units = units_count(count);
	size_t length = strlen(units.text);

	snprintf(units.text + length, sizeof(units.text) - length, " %s%s", noun, count == 1 ? "" : "s");
	return units;
}

struct units units_rate(double per_second)
{
	static const char *const names[] = { "/s", "k/s", "M/s", "G/s" };
	struct units units;
	size_t unit = 0;

	for (; per_second >= 999.5 && unit + 1 < sizeof(names) / sizeof(*names); unit++)
		per_second /= 1000;
	if (unit == 0)
		snprintf(units.text, sizeof(units.text), "%.0f/s", per_second);
	else
		print_significant(units.text, sizeof(units.text), "", per_second, names[unit]);
	return units;
}

bool units_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	if (value < min || value > max)
		return false;
	*ret_value = value;
	return true;
}

/* The decimal number at the start of TEXT, with a fraction or without; *RET_REST is what follows it and blanks. */
static bool parse_decimal(const char *text, double *ret_value, const char **ret_rest)
{
	size_t whole = strspn(text, "0123456789");
	size_t length = whole;

	if (whole == 0 || whole > 20)
		return false;
	if (text[whole] == '.')
		length += 1 + strspn(text + whole + 1, "0123456789");
	if (length == whole + 1 || length > 40)
		return false;
	*ret_value = strtod(text, NULL);
	*ret_rest = text + length + strspn(text + length, " ");
	return true;
}

struct scale {
	const char *unit;
	double factor;
};

static bool parse_scaled(const char *text, const struct scale *scales, size_t count, uint64_t *ret_value)
{
	const char *rest;
	double value;

	if (!parse_decimal(text, &value, &rest))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rest, scales[i].unit) != 0)
			continue;
		value = value * scales[i].factor + 0.5;
		if (value >= 9223372036854775808.0)
			return false;
		*ret_value = (uint64_t)value;
		return true;
	}
	return false;
}

bool units_parse_bytes(const char *text, uint64_t *ret_bytes)
{
#define SCALE(letter, factor)                       \
	{ letter, factor }, { letter "B", factor }, \
	{                                           \
		letter "iB", factor                 \
	}
	static const struct scale scales[] = {
		{ "", 1 },
		{ "B", 1 },
		SCALE("K", 1024.0),
		SCALE("M", 1048576.0),
		SCALE("G", 1073741824.0),
		SCALE("T", 1099511627776.0),
	};
#undef SCALE

	return parse_scaled(text, scales, sizeof(scales) / sizeof(*scales), ret_bytes);
}

bool units_parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct scale scales[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "min", 60e9 }
	};
	const char *rest;
	double value;

	/* nothing is nothing in any unit */
	if (parse_decimal(text, &value, &rest) && value == 0 && *rest == 0) {
		*ret_ns = 0;
		return true;
	}
	return parse_scaled(text, scales, sizeof(scales) / sizeof(*scales), ret_ns);
}

bool units_parse_percent(const char *text, double *ret_percent)
{
	const char *rest;

	return parse_decimal(text, ret_percent, &rest) && (*rest == 0 || strcmp(rest, "%") == 0);
}
