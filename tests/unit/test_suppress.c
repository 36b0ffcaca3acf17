/* SPDX-License-Identifier: MIT */
/* Unit tests of suppress: both syntaxes, what they match, and what is refused with its line. */
#include "suppress.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit_util.h"

Suite *suite_suppress(void);

/* Patterns. */

static const struct {
	const char *pattern, *text;
	bool want;
} lsan_patterns[] = {
	{ "foo", "foo", true },
	{ "foo", "a_foo_b", true }, /* a part is enough */
	{ "foo", "fo", false },
	{ "^foo", "foo_b", true },
	{ "^foo", "a_foo", false },
	{ "foo$", "a_foo", true },
	{ "foo$", "foo_b", false },
	{ "^foo$", "foo", true },
	{ "^foo$", "foo2", false },
	{ "f*o", "a_f_x_o_b", true },
	{ "f*o$", "foxo_b", false },
	{ "f*o$", "foxo_bo", true },
	{ "*tls_get_addr*", "__tls_get_addr", true },
	{ "^a*b*c$", "aXbYbZc", true },
	{ "^a*b*c$", "aXcYb", false },
	{ "a?c", "abc", false }, /* no wildcard here */
	{ "*", "", true },
	{ "^$", "", true },
	{ "foo", "", false },
};

START_TEST(lsan_pattern_matches)
{
	ck_assert_msg(suppress_matches_lsan(lsan_patterns[_i].pattern, lsan_patterns[_i].text) ==
			      lsan_patterns[_i].want,
		      "'%s' and '%s'", lsan_patterns[_i].pattern, lsan_patterns[_i].text);
}
END_TEST

static const struct {
	const char *pattern, *text;
	bool want;
} globs[] = {
	{ "foo", "foo", true },
	{ "foo", "foo2", false },
	{ "foo*", "foo2", true },
	{ "*foo", "a_foo", true },
	{ "*foo", "a_foo_b", false },
	{ "f?o", "fxo", true },
	{ "f?o", "fo", false },
	{ "*", "", true },
	{ "", "", true },
	{ "", "x", false },
	{ "*/libz.so*", "/l/libz.so.1", true },
	{ "a*b*c", "aXbYbZc", true },
	{ "a*b*c", "aXcYb", false },
	{ "**a", "xa", true },
	{ "^foo", "foo", false },
};

START_TEST(glob_matches)
{
	ck_assert_msg(suppress_matches_glob(globs[_i].pattern, globs[_i].text) == globs[_i].want, "'%s' and '%s'",
		      globs[_i].pattern, globs[_i].text);
}
END_TEST

/* Files. */

/* conn_new < ns::Pool::get(int) < main, the last without debug information in a library. */
static const struct frame stack[] = {
	{ .function = "conn_new", .file = "/src/net/conn.c", .line = 88, .module = "/usr/bin/app" },
	{ .function = "ns::Pool::get(int)",
	  .symbol = "_ZN2ns4Pool3getEi",
	  .file = "pool.cc",
	  .line = 7,
	  .module = "/usr/lib/libpool.so.2" },
	{ .module = "/usr/lib/libz.so.1", .offset = 0x1234 },
	{ .function = "main", .module = "/usr/bin/app" },
	{ .function = "start.part.0", .module = "/usr/bin/app" },
};

#define ENTRY(lines) "{\n name\n Memcheck:Leak\n" lines "}\n"

static const struct {
	const char *text;
	enum mp_leak_class leak_class;
	bool want;
} rules[] = {
	{ "leak:conn_new\n", MP_LEAK_DEFINITE, true },
	{ "leak:conn_new", MP_LEAK_POSSIBLE, true }, /* no end of line, any class */
	{ "  leak:conn_new \r\n", MP_LEAK_DEFINITE, true },
	{ "# comment\n\nleak:net/conn.c\n", MP_LEAK_DEFINITE, true },
	{ "leak:libz.so\n", MP_LEAK_DEFINITE, true },
	{ "leak:ns::Pool\n", MP_LEAK_DEFINITE, true },
	{ "leak:^new$\n", MP_LEAK_DEFINITE, false },
	{ "leak:other\nleak:main\n", MP_LEAK_DEFINITE, true },
	{ ENTRY("fun:malloc\nfun:conn_new\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("fun:calloc\nfun:conn_*\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("fun:_Znwm\nfun:conn_new\nfun:_ZN2ns4Pool3getEi\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("fun:*alloc\nfun:conn_new\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("obj:*vgpreload_memcheck*\nfun:conn_new\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("fun:conn_new\n"), MP_LEAK_DEFINITE, false }, /* the allocator stands first */
	{ ENTRY("fun:malloc\nfun:main\n"), MP_LEAK_DEFINITE, false },
	{ ENTRY("fun:malloc\n...\nfun:main\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("...\nfun:main\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("...\nfun:conn_new\n...\nobj:*/libz.so*\nfun:main\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("...\nfun:main\nfun:nobody\n"), MP_LEAK_DEFINITE, false },
	{ ENTRY("...\nfun:main\nfun:start\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("...\nfun:main\nfun:start.part.0\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("...\nfun:main\nfun:star\n"), MP_LEAK_DEFINITE, false },
	{ ENTRY("fun:malloc\nsrc:conn.c:88\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("fun:malloc\nsrc:conn.c\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("fun:malloc\nsrc:conn.c:89\n"), MP_LEAK_DEFINITE, false },
	{ ENTRY("fun:malloc\nfun:conn_new\nfun:*\nfun:*\nfun:main\n"), MP_LEAK_DEFINITE, true },
	{ ENTRY("match-leak-kinds: possible,reachable\nfun:malloc\nfun:conn_new\n"), MP_LEAK_DEFINITE, false },
	{ ENTRY("match-leak-kinds: possible,reachable\nfun:malloc\nfun:conn_new\n"), MP_LEAK_POSSIBLE, true },
	{ ENTRY("match-leak-kinds: definite\nfun:malloc\nfun:conn_new\n"), MP_LEAK_UNFREED, true },
	{ ENTRY("match-leak-kinds: all\nfun:malloc\nfun:conn_new\n"), MP_LEAK_REACHABLE, true },
	{ ENTRY("match-leak-kinds: none\nfun:malloc\nfun:conn_new\n"), MP_LEAK_DEFINITE, false },
	{ "{\n n\n Memcheck:Cond\n fun:malloc\n}\nleak:conn_new\n", MP_LEAK_DEFINITE, true },
	{ "{\n n\n Memcheck:Param\n write(buf)\n fun:x\n}\n", MP_LEAK_DEFINITE, false },
	{ "{\n n\n Helgrind,Memcheck:Leak\n fun:malloc\n fun:conn_new\n}\n", MP_LEAK_DEFINITE, true },
	{ "{\n n\n Helgrind:Leak\n fun:malloc\n fun:conn_new\n}\n", MP_LEAK_DEFINITE, false },
};

START_TEST(rule_hides)
{
	struct suppressions suppressions = { 0 };
	struct err err = { 0 };
	bool got;

	ck_assert_msg(suppress_parse(&suppressions, "x.supp", rules[_i].text, strlen(rules[_i].text), &err), "%s: %s",
		      rules[_i].text, err.text);
	got = suppress_find(&suppressions, rules[_i].leak_class, stack, UNIT_LENGTH(stack)) != NULL;
	ck_assert_msg(got == rules[_i].want, "%s", rules[_i].text);
	suppress_free(&suppressions);
}
END_TEST

static const struct {
	const char *text;
	const char *want; /* a part of the error */
} broken[] = {
	{ "race:foo\n", "line 1: expected 'leak:PATTERN'" },
	{ "leak:a\n\nnonsense\n", "line 3: " },
	{ "leak:\n", "line 1: 'leak:' would hide every leak" },
	{ "leak:^$\n", "would hide every leak" },
	{ "{\n", "line 1: the entry has no '}'" },
	{ "{\n n\n Memcheck:Leak\n fun:malloc\n", "has no '}'" },
	{ "{\n n\n Memcheck\n fun:malloc\n}\n", "line 3: expected TOOL:KIND" },
	{ ENTRY("foo:bar\n"), "line 4: expected 'fun:'" },
	{ ENTRY("fun:\n"), "line 4: expected 'fun:'" },
	{ ENTRY("... x\n"), "line 4: expected 'fun:'" },
	{ ENTRY(""), "line 4: the entry names no frame" },
	{ ENTRY("...\n"), "line 5: the entry names no frame" },
	{ ENTRY("match-leak-kinds: certain\nfun:malloc\n"), "line 4: unknown kind of leak 'certain'" },
	{ "}\n", "line 1: " },
};

START_TEST(error_names_the_line)
{
	struct suppressions suppressions = { 0 };
	struct err err = { 0 };

	ck_assert(!suppress_parse(&suppressions, "x.supp", broken[_i].text, strlen(broken[_i].text), &err));
	ck_assert_msg(strstr(err.text, broken[_i].want) != NULL, "%s: '%s'", broken[_i].text, err.text);
	ck_assert_str_eq(err.path, "x.supp");
	suppress_free(&suppressions);
}
END_TEST

/* Of C++, Rust and what has no name: an entry that was printed hides what it was printed for, and nothing else. */
START_TEST(printed_entry_hides_its_leak)
{
	static const struct frame other[] = {
		{ .function = "conn_new", .module = "/usr/bin/app" },
		{ .function = "main", .module = "/usr/bin/app" },
	};
	struct suppressions suppressions = { 0 };
	struct err err = { 0 };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	suppress_print(out, MP_LEAK_DEFINITE, "12 B in 1 block", stack, UNIT_LENGTH(stack));
	fclose(out);
	ck_assert_msg(strstr(text, "leak:conn_new") != NULL, "%s", text);
	ck_assert_msg(suppress_parse(&suppressions, "p", text, size, &err), "%s in %s", err.text, text);
	ck_assert(suppress_find(&suppressions, MP_LEAK_DEFINITE, stack, UNIT_LENGTH(stack)));
	ck_assert(!suppress_find(&suppressions, MP_LEAK_POSSIBLE, stack, UNIT_LENGTH(stack)));
	ck_assert(!suppress_find(&suppressions, MP_LEAK_DEFINITE, other, UNIT_LENGTH(other)));
	suppress_free(&suppressions);
	free(text);
}
END_TEST

/* A constructor of a library that was loaded is the program's, although the loader called it. */
START_TEST(builtin_rules_look_at_system_frames_only)
{
	static const struct frame loader[] = {
		{ .function = "_dl_new_object", .module = "/lib64/ld-linux-x86-64.so.2" },
		{ .function = "dl_open_worker", .module = "/lib64/ld-linux-x86-64.so.2" },
		{ .function = "main", .module = "/usr/bin/app" },
	};
	static const struct frame constructor[] = {
		{ .function = "plugin_init", .module = "/usr/lib/plugin.so" },
		{ .function = "call_init", .module = "/lib64/ld-linux-x86-64.so.2" },
		{ .function = "dl_open_worker", .module = "/lib64/ld-linux-x86-64.so.2" },
	};
	struct suppressions suppressions = { 0 };

	suppress_add_builtin(&suppressions);
	ck_assert(suppress_find(&suppressions, MP_LEAK_DEFINITE, loader, UNIT_LENGTH(loader)));
	ck_assert(!suppress_find(&suppressions, MP_LEAK_DEFINITE, constructor, UNIT_LENGTH(constructor)));
	suppress_free(&suppressions);
}
END_TEST

START_TEST(leak_without_frames_is_hidden_by_nothing_that_names_one)
{
	static const char text[] = "leak:main\n" ENTRY("fun:malloc\nfun:main\n");
	struct suppressions suppressions = { 0 };
	struct err err = { 0 };

	ck_assert(suppress_parse(&suppressions, "x", text, strlen(text), &err));
	ck_assert(!suppress_find(&suppressions, MP_LEAK_DEFINITE, NULL, 0));
	suppress_free(&suppressions);
}
END_TEST

Suite *suite_suppress(void)
{
	Suite *suite = suite_create("suppress");
	TCase *tc = tcase_create("rules");

	tcase_add_loop_test(tc, lsan_pattern_matches, 0, (int)UNIT_LENGTH(lsan_patterns));
	tcase_add_loop_test(tc, glob_matches, 0, (int)UNIT_LENGTH(globs));
	tcase_add_loop_test(tc, rule_hides, 0, (int)UNIT_LENGTH(rules));
	tcase_add_loop_test(tc, error_names_the_line, 0, (int)UNIT_LENGTH(broken));
	tcase_add_test(tc, printed_entry_hides_its_leak);
	tcase_add_test(tc, builtin_rules_look_at_system_frames_only);
	tcase_add_test(tc, leak_without_frames_is_hidden_by_nothing_that_names_one);
	suite_add_tcase(suite, tc);
	return suite;
}
