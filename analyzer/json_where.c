/* SPDX-License-Identifier: MIT */
/* A scanner that relies on the text being valid, yet never leaves it. */
#include "json_where.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

struct scan {
	const char *text;
	size_t size;
	size_t at;
};

static char peek(const struct scan *scan)
{
	return scan->at < scan->size ? scan->text[scan->at] : 0;
}

static void skip_blanks(struct scan *scan)
{
	while (scan->at < scan->size && strchr(" \t\r\n", scan->text[scan->at]) && scan->text[scan->at])
		scan->at++;
}

static void skip_string(struct scan *scan)
{
	scan->at++;
	while (scan->at < scan->size && peek(scan) != '"')
		scan->at += peek(scan) == '\\' ? 2 : 1;
	scan->at++;
}

/* To the comma or bracket behind the value. */
static void skip_value(struct scan *scan)
{
	size_t depth = 0;

	while (scan->at < scan->size) {
		char c = peek(scan);

		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			return;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		if (c == '"')
			skip_string(scan);
		else
			scan->at++;
	}
}

/* The string from START to the scanner's place, which may hold escapes, is KEY. */
static bool string_is(const struct scan *scan, size_t start, const char *key)
{
	size_t end = scan->at < scan->size ? scan->at : scan->size;
	json_t *string = json_loadb(scan->text + start, end - start, JSON_DECODE_ANY, NULL);
	bool equal = string && json_is_string(string) && strcmp(json_string_value(string), key) == 0;

	json_decref(string);
	return equal;
}

/* From the '{' of an object to the member KEY: leaves the scanner at its value, *RET_START at its name. */
static bool find_member(struct scan *scan, const char *key, size_t *ret_start)
{
	if (peek(scan) != '{')
		return false;
	scan->at++;
	while (scan->at < scan->size) {
		size_t start;
		bool found;

		skip_blanks(scan);
		if (peek(scan) != '"')
			return false;
		start = scan->at;
		skip_string(scan);
		found = string_is(scan, start, key);
		skip_blanks(scan);
		scan->at++; /* the colon */
		skip_blanks(scan);
		if (found) {
			*ret_start = start;
			return true;
		}
		skip_value(scan);
		scan->at++; /* the comma */
	}
	return false;
}

struct json_place json_where(const char *text, size_t size, const char *outer, const char *key)
{
	struct json_place place = { 1, 1 };
	struct scan scan = { .text = text, .size = size };
	size_t start = 0;

	skip_blanks(&scan);
	if ((outer && !find_member(&scan, outer, &start)) || !find_member(&scan, key, &start))
		return place;
	for (size_t i = 0; i < start; i++) {
		place.column++;
		if (text[i] == '\n')
			place = (struct json_place){ place.line + 1, 1 };
	}
	return place;
}
