/* SPDX-License-Identifier: MIT */
/* Unit tests of table and term: columns, and text that must not reach a terminal as it is. */
#include "table.h"

#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit_util.h"

Suite *suite_table(void);

/* A terminal that is a string. */
struct output {
	struct term term;
	char *text;
	size_t size;
};

static void begin(struct output *output, size_t width, bool utf8)
{
	*output = (struct output){ 0 };
	output->term = (struct term){ .width = width, .utf8 = utf8 };
	output->term.out = open_memstream(&output->text, &output->size);
	ck_assert_ptr_nonnull(output->term.out);
}

static void assert_end(struct output *output, const char *want)
{
	fclose(output->term.out);
	ck_assert_str_eq(output->text, want);
	free(output->text);
}

static const struct table_column columns[] = {
	{ .title = "bytes", .right = true },
	{ .title = "where", .flexible = true },
	{ .title = "n", .right = true },
};

static void print_table(struct output *output, size_t indent, const char *const *cells, size_t count)
{
	struct table table;

	table_init(&table, columns, UNIT_LENGTH(columns));
	for (size_t i = 0; i < count; i++)
		table_cell(&table, cells[i]);
	table_print(&table, &output->term, indent);
	table_free(&table);
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
	static const char *const cells[] = { "1", "main", "12345", "1234567", "a", "1" };
	struct output output;

	begin(&output, 0, false);
	print_table(&output, 2, cells, UNIT_LENGTH(cells));
	assert_end(&output, "    bytes  where      n\n"
			    "        1  main   12345\n"
			    "  1234567  a          1\n");
}
END_TEST

START_TEST(an_empty_table_has_titles_and_half_a_row_is_not_printed)
{
	static const char *const cells[] = { "1", "main" };
	struct output output;

	begin(&output, 0, false);
	print_table(&output, 0, cells, 0);
	print_table(&output, 0, cells, UNIT_LENGTH(cells));
	fclose(output.term.out);
	ck_assert_str_eq(strstr(output.text, "\n") + 1, "bytes  where  n\n");
	free(output.text);
}
END_TEST

START_TEST(the_flexible_column_gives_way)
{
	static const char *const cells[] = { "1", "a_function_with_a_long_name_that_does_not_fit", "2" };
	struct output output;
	const char *line;

	begin(&output, 40, false);
	print_table(&output, 0, cells, UNIT_LENGTH(cells));
	fclose(output.term.out);
	line = strchr(output.text, '\n') + 1;
	ck_assert_uint_le(strcspn(line, "\n"), 40);
	ck_assert_ptr_nonnull(strstr(line, "..."));
	ck_assert_ptr_nonnull(strstr(line, "  2\n"));
	free(output.text);
}
END_TEST

static const struct {
	const char *text;
	bool utf8;
	const char *want;
} texts[] = {
	{ "plain", false, "plain" },
	{ "", false, "" },
	{ "esc\033[31m", false, "esc?[31m" }, /* a colour, or worse, out of a file name */
	{ "a\tb\nc", false, "a?b?c" },
	{ "\x7f", true, "?" },
	{ "gr\xc3\xbc\xc3\x9f", true, "gr\xc3\xbc\xc3\x9f" },
	{ "gr\xc3\xbc\xc3\x9f", false, "gr??" },
	{ "bad\xff\xc3", true, "bad??" },
	{ "\xc0\x80", true, "??" },      /* a 0 in too many bytes */
	{ "\xed\xa0\x80", true, "???" }, /* half of a surrogate pair */
	{ "\xe2\x80\xae"
	  "abc",
	  true, "?abc" }, /* would print the rest from right to left */
};

START_TEST(text_is_made_harmless)
{
	struct output output;

	if (!setlocale(LC_ALL, "C.UTF-8"))
		return;
	begin(&output, 0, texts[_i].utf8);
	term_text(&output.term, texts[_i].text, 0, 0, false);
	assert_end(&output, texts[_i].want);
}
END_TEST

START_TEST(long_text_loses_its_middle_or_its_beginning)
{
	struct output output;

	begin(&output, 0, false);
	ck_assert_uint_eq(term_text(&output.term, "abcdefghijklmnop", 12, 0, false), 12);
	assert_end(&output, "abcdef...nop");
	begin(&output, 0, false);
	ck_assert_uint_eq(term_text(&output.term, "/a/very/long/path/file.c", 12, 0, true), 12);
	assert_end(&output, "...th/file.c");
	begin(&output, 0, false);
	ck_assert_uint_eq(term_text(&output.term, "ab", 12, 5, false), 5);
	assert_end(&output, "ab   ");
}
END_TEST

START_TEST(colours_only_where_wanted)
{
	struct output output;

	begin(&output, 0, false);
	term_print(&output.term, TERM_TITLE, "%s", "x");
	assert_end(&output, "x");
	begin(&output, 0, false);
	output.term.color = true;
	term_print(&output.term, TERM_TITLE, "%s", "x");
	assert_end(&output, "\033[1mx\033[0m");
}
END_TEST

START_TEST(a_file_is_no_terminal)
{
	FILE *file = tmpfile();
	struct term term;

	ck_assert_ptr_nonnull(file);
	term_init(&term, file, TERM_COLOR_AUTO, 0);
	ck_assert(!term.color);
	ck_assert_uint_eq(term.width, 0);
	term_init(&term, file, TERM_COLOR_ALWAYS, 100);
	ck_assert(term.color);
	ck_assert_uint_eq(term.width, 100);
	fclose(file);
}
END_TEST

Suite *suite_table(void)
{
	Suite *suite = suite_create("table");
	TCase *table = tcase_create("table");
	TCase *term = tcase_create("term");

	tcase_add_test(table, columns_are_as_wide_as_their_widest_cell);
	tcase_add_test(table, an_empty_table_has_titles_and_half_a_row_is_not_printed);
	tcase_add_test(table, the_flexible_column_gives_way);
	suite_add_tcase(suite, table);
	tcase_add_loop_test(term, text_is_made_harmless, 0, (int)UNIT_LENGTH(texts));
	tcase_add_test(term, long_text_loses_its_middle_or_its_beginning);
	tcase_add_test(term, colours_only_where_wanted);
	tcase_add_test(term, a_file_is_no_terminal);
	suite_add_tcase(suite, term);
	return suite;
}
