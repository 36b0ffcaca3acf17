/* SPDX-License-Identifier: MIT */
/* Unit tests of options: what each variable may say, and what is said about those that it may not. */
#include "options.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preload_doubles.h"
#include "unit_util.h"

Suite *suite_options(void);

/* Reads the options from a NULL-terminated environment and prints those in force, one a line, behind the warnings. */
static void print_option(const char *name, const char *value)
{
	dprintf(2, "%s=%s\n", name, value);
}

static void read_options(const void *environment)
{
	char *copy[8] = { NULL };
	const char *const *from = environment;

	for (size_t i = 0; from && from[i]; i++)
		copy[i] = strdup(from[i]);
	options_read(from ? copy : NULL);
	/* A program may write over its environment. */
	for (size_t i = 0; copy[i]; i++)
		memset(copy[i], '?', strlen(copy[i]));
	options_for_each(print_option);
	for (size_t i = 0; copy[i]; i++)
		free(copy[i]);
}

/* All options, with their texts from the list; ranges are 0 where there are none. */
struct option {
	const char *name;
	const char *choices; /* NULL: not one of words */
	const char *text;    /* default of STR */
	uint64_t number;     /* default; of SEL, the index of the word */
	uint64_t min;
	uint64_t max;
};

#define STR(field, env, def, help)            { .name = (env), .text = (def) },
#define NUM(field, env, def, low, high, help) { .name = (env), .number = (def), .min = (low), .max = (high) },
#define SEL(field, env, def, words, help)     { .name = (env), .choices = (words), .number = (def) },
static const struct option options[] = { MP_OPTIONS(STR, NUM, SEL) };
#undef STR
#undef NUM
#undef SEL

/* The INDEXth of the words in "a|b|c"; false: there are not so many. */
static bool word_at(const char *choices, uint64_t index, char *ret_word, size_t bytes)
{
	for (; index; index--) {
		choices = strchr(choices, '|');
		if (!choices)
			return false;
		choices++;
	}
	snprintf(ret_word, bytes, "%.*s", (int)strcspn(choices, "|"), choices);
	return true;
}

static void default_text(const struct option *option, char *ret_text, size_t bytes)
{
	if (option->choices)
		ck_assert(word_at(option->choices, option->number, ret_text, bytes));
	else if (option->text)
		snprintf(ret_text, bytes, "%s", option->text);
	else
		snprintf(ret_text, bytes, "%llu", (unsigned long long)option->number);
}

/* In ENVIRONMENT, the option NAME is VALUE (NULL: its default), all others have theirs, after these WARNINGS. */
static void expect_in(const char *const *environment, const char *name, const char *value, const char *warnings)
{
	char want[4096];
	int used = snprintf(want, sizeof(want), "%s", warnings);

	for (size_t i = 0; i < UNIT_LENGTH(options); i++) {
		char text[64];

		default_text(&options[i], text, sizeof(text));
		used += snprintf(want + used, sizeof(want) - (size_t)used, "%s=%s\n", options[i].name,
				 value && !strcmp(name, options[i].name) ? value : text);
	}
	unit_assert_text(preload_stderr(read_options, environment), want, environment ? environment[0] : "nothing");
}

static void expect(const char *entry, const char *name, const char *value, const char *warnings)
{
	const char *const environment[] = { entry, "HOME=/", NULL };

	expect_in(environment, name, value, warnings);
}

/* NAME=VALUE is refused, for the reason WHY. */
static void expect_refused(const struct option *option, const char *value, const char *why)
{
	char entry[256];
	char text[64];
	char warning[512];

	default_text(option, text, sizeof(text));
	snprintf(entry, sizeof(entry), "%s=%s", option->name, value);
	snprintf(warning, sizeof(warning), "memprof: %s %s; using %s\n", entry, why, text);
	expect(entry, option->name, NULL, warning);
}

static void expect_taken(const struct option *option, const char *value, const char *meaning)
{
	char entry[256];

	snprintf(entry, sizeof(entry), "%s=%s", option->name, value);
	expect(entry, option->name, meaning, "");
}

START_TEST(without_variables_all_are_defaults)
{
	static const char *const empty[] = { NULL };

	expect_in(NULL, "", NULL, "");
	expect_in(empty, "", NULL, "");
	expect("OTHER=1", "", NULL, "");
}
END_TEST

static void check_number(const struct option *option)
{
	static const char not_in_range[] = "is not a number in range";
	char value[32];

	snprintf(value, sizeof(value), "%llu", (unsigned long long)option->min);
	expect_taken(option, value, value);
	snprintf(value, sizeof(value), "%llu", (unsigned long long)option->max);
	expect_taken(option, value, value);
	snprintf(value, sizeof(value), "%llu", (unsigned long long)option->max + 1);
	expect_refused(option, value, not_in_range);
	if (option->min) {
		snprintf(value, sizeof(value), "%llu", (unsigned long long)option->min - 1);
		expect_refused(option, value, not_in_range);
	}
	expect_refused(option, "", not_in_range);
	expect_refused(option, "-1", not_in_range);
	expect_refused(option, "all", not_in_range);
}

static void check_words(const struct option *option)
{
	char why[256];
	char word[64];

	snprintf(why, sizeof(why), "is not one of %s", option->choices);
	for (uint64_t i = 0; word_at(option->choices, i, word, sizeof(word)); i++) {
		/* Taken, it hides what this test looks at. */
		if (strcmp(option->name, "MEMPROF_QUIET") != 0 || i == 0)
			expect_taken(option, word, word);
		word[strlen(word) - 1] = '\0';
		expect_refused(option, word, why);
		strcat(word, "xx");
		expect_refused(option, word, why);
	}
	if (strcmp(option->choices, "off|on") == 0) {
		expect_taken(option, "0", "off");
		if (strcmp(option->name, "MEMPROF_QUIET") != 0)
			expect_taken(option, "1", "on");
	} else {
		expect_refused(option, "1", why);
	}
	expect_refused(option, "2", why);
	expect_refused(option, option->choices, why);
	expect_refused(option, "", why);
	expect_refused(option, "OFF", why);
}

START_TEST(every_option_takes_its_range_and_no_more)
{
	const struct option *option = &options[_i];

	if (option->choices) {
		check_words(option);
	} else if (option->text) {
		expect_taken(option, "/tmp/%p", "/tmp/%p");
		expect_taken(option, "", option->text);
	} else {
		check_number(option);
	}
}
END_TEST

static const struct {
	const char *in;
	const char *want; /* NULL: refused */
} numbers[] = {
	{ "1048576", "1048576" },
	{ "0001048576", "1048576" },
	{ "1024k", "1048576" },
	{ "1024K", "1048576" },
	{ "1m", "1048576" },
	{ "3M", "3145728" },
	{ "2g", "2147483648" },
	{ "64G", "68719476736" },
	{ "1t", NULL }, /* understood, but out of range */
	{ "1023K", NULL },
	{ "0x100000", NULL },
	{ "+1048576", NULL },
	{ " 1048576", NULL },
	{ "1048576 ", NULL },
	{ "1 M", NULL },
	{ "1MB", NULL },
	{ "1.5G", NULL },
	{ "M", NULL },
	{ "1P", NULL },
	{ "18446744073709551616", NULL }, /* 2^64 must be refused, not wrapped */
	{ "18446744073710600192", NULL }, /* 2^64 + 1 MiB */
	{ "17179869184G", NULL },         /* 2^64 */
	{ "16777216T", NULL },            /* 2^64 */
	{ "16777217T", NULL },            /* 2^64 + 1 TiB */
	{ "99999999999999999999999999", NULL },
};

START_TEST(numbers_have_units_and_do_not_wrap)
{
	const struct option *option = options;

	while (strcmp(option->name, "MEMPROF_MAX_DUMP") != 0)
		option++;
	if (numbers[_i].want)
		expect_taken(option, numbers[_i].in, numbers[_i].want);
	else
		expect_refused(option, numbers[_i].in, "is not a number in range");
}
END_TEST

static const struct {
	const char *entry;
	const char *warning;
} strangers[] = {
	{ "MEMPROF_DEPHT=3", "memprof: MEMPROF_DEPHT is not an option of memprof; ignored\n" },
	{ "MEMPROF_=3", "memprof: MEMPROF_ is not an option of memprof; ignored\n" },
	{ "MEMPROF_DEPTHS=3", "memprof: MEMPROF_DEPTHS is not an option of memprof; ignored\n" },
	{ "MEMPROF_out=3", "memprof: MEMPROF_out is not an option of memprof; ignored\n" },
	{ "MEMPROFX=3", "" },
	{ "XMEMPROF_DEPTH=3", "" },
	{ "memprof_depth=3", "" },
	{ "MEMPROF_DEPTH", "" }, /* no variable at all */
	{ "MEMPROF", "" },
	{ "", "" },
	{ "=", "" },
};

START_TEST(variables_that_look_like_ours_are_named)
{
	expect(strangers[_i].entry, "", NULL, strangers[_i].warning);
}
END_TEST

START_TEST(the_first_of_two_equal_names_counts)
{
	const char *const environment[] = { "MEMPROF_DEPTH=7", "MEMPROF_DEPTH=8", NULL };

	ck_assert_ptr_nonnull(strstr(preload_stderr(read_options, environment), "MEMPROF_DEPTH=7\n"));
}
END_TEST

START_TEST(several_bad_values_are_named_in_the_order_of_the_list)
{
	const char *const environment[] = { "MEMPROF_QUIT=on", "MEMPROF_DEPTH=0", "MEMPROF_MODE=half",
					    "MEMPROF_QUIET=yes", NULL };
	const char *text = preload_stderr(read_options, environment);
	static const char want[] = "memprof: MEMPROF_QUIET=yes is not one of off|on; using off\n"
				   "memprof: MEMPROF_MODE=half is not one of full|off|dormant; using full\n"
				   "memprof: MEMPROF_DEPTH=0 is not a number in range; using 512\n"
				   "memprof: MEMPROF_QUIT is not an option of memprof; ignored\n";

	ck_assert_msg(!strncmp(text, want, strlen(want)), "%s", text);
}
END_TEST

START_TEST(quiet_silences_all_warnings)
{
	const char *const environment[] = { "MEMPROF_DEPTH=0", "MEMPROF_NO=1", "MEMPROF_QUIET=on", NULL };
	const char *text = preload_stderr(read_options, environment);

	ck_assert_ptr_null(strstr(text, "memprof: "));
	ck_assert_ptr_nonnull(strstr(text, "MEMPROF_DEPTH=512\n"));
	ck_assert_ptr_nonnull(strstr(text, "MEMPROF_QUIET=on\n"));
}
END_TEST

START_TEST(a_text_without_end_is_refused)
{
	static char entry[10000] = "MEMPROF_OUT=";
	const char *const environment[] = { entry, NULL };
	const char *text;

	memset(entry + strlen(entry), 'p', sizeof(entry) - strlen(entry) - 1);
	text = preload_stderr(read_options, environment);
	ck_assert_ptr_eq(text, strstr(text, "memprof: MEMPROF_OUT is too long; using memprof.%e.%p.bin\n"
					    "MEMPROF_OUT=memprof.%e.%p.bin\n"));
}
END_TEST

Suite *suite_options(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("options");

	tcase_add_test(tcase, without_variables_all_are_defaults);
	tcase_add_loop_test(tcase, every_option_takes_its_range_and_no_more, 0, (int)UNIT_LENGTH(options));
	tcase_add_loop_test(tcase, numbers_have_units_and_do_not_wrap, 0, (int)UNIT_LENGTH(numbers));
	tcase_add_loop_test(tcase, variables_that_look_like_ours_are_named, 0, (int)UNIT_LENGTH(strangers));
	tcase_add_test(tcase, the_first_of_two_equal_names_counts);
	tcase_add_test(tcase, several_bad_values_are_named_in_the_order_of_the_list);
	tcase_add_test(tcase, quiet_silences_all_warnings);
	tcase_add_test(tcase, a_text_without_end_is_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}
