/* SPDX-License-Identifier: MIT */
/* Unit tests of gate, gate_match, baseline, stack_key and the writers of verdicts. */
#include "gate.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "unit_util.h"

Suite *suite_gate(void);

static struct strtab names;
static struct summary summary, baseline;
static struct policy policy;
static struct suppressions suppressions;
static struct gate gate;
static bool has_baseline;

static void begin(void)
{
	names = (struct strtab){ 0 };
	summary_init(&summary, &names);
	summary_init(&baseline, &names);
	policy_init(&policy);
	suppressions = (struct suppressions){ 0 };
	summary.dumps = 1;
	summary.program = "app";
	has_baseline = false;
}

static void end(void)
{
	gate_free(&gate);
	suppress_free(&suppressions);
	policy_free(&policy);
	summary_free(&summary);
	summary_free(&baseline);
	strtab_free(&names);
}

/* STACK is "inner<outer<outermost"; a frame of each function lies in "app". */
static struct summary_leak *add(struct summary *to, enum mp_leak_class class, double blocks, double bytes,
				const char *stack)
{
	struct summary_leak leak = { .leak_class = class, .blocks = { blocks, 0 }, .bytes = { bytes, 0 }, .dumps = 1 };
	const char *list[20];
	struct frame *frames = arena_array(&to->arena, struct frame, 20);
	size_t count = 0;

	for (const char *at = stack; *at; count++) {
		size_t length = strcspn(at, "<");

		list[count] = strtab_intern_bytes(&names, at, length);
		frames[count] = (struct frame){ .function = list[count], .module = "/bin/app" };
		at += length + (at[length] == '<');
	}
	leak.key = stack_key_of_names(arena_copy(&to->arena, list, count * sizeof(*list)), count);
	leak.stack = (struct summary_stack){ .frames = frames, .count = count };
	summary_add_leak(to, &leak);
	return &to->leaks.list[to->leaks.count - 1];
}

static void known(enum mp_leak_class class, double blocks, double bytes, const char *stack)
{
	has_baseline = true;
	add(&baseline, class, blocks, bytes, stack);
}

static void limit(enum limit_kind kind, const char *text)
{
	struct err err = { 0 };

	ck_assert_msg(policy_set_limit(&policy, kind, text, "test", &err), "%s", err.text);
}

static const char *judge(void)
{
	gate_judge(&gate, &policy, &summary, has_baseline ? &baseline : NULL, &suppressions);
	return gate_verdict(&gate);
}

/* Without a baseline. */

START_TEST(lost_blocks_fail)
{
	add(&summary, MP_LEAK_DEFINITE, 2, 200, "f<main");
	add(&summary, MP_LEAK_REACHABLE, 9, 900, "g<main");
	ck_assert_str_eq(judge(), "FAILED");
	ck_assert_uint_eq(gate.rules.count, 1);
	ck_assert_uint_eq(gate.rules.list[0].leaks.count, 1);
	ck_assert_str_eq(gate.rules.list[0].found, "1 stack, 200 B in 2 blocks");
	ck_assert(gate.leaks[0].fails && !gate.leaks[1].fails);
}
END_TEST

START_TEST(block_of_no_bytes_fails)
{
	add(&summary, MP_LEAK_DEFINITE, 1, 0, "f<main");
	ck_assert_str_eq(judge(), "FAILED");
}
END_TEST

START_TEST(what_is_not_lost_passes)
{
	add(&summary, MP_LEAK_REACHABLE, 9, 900, "g<main");
	add(&summary, MP_LEAK_POSSIBLE, 9, 900, "h<main");
	ck_assert_str_eq(judge(), "PASSED");
}
END_TEST

START_TEST(no_verdict_does_not_pass)
{
	add(&summary, MP_LEAK_UNFREED, 9, 900, "g<main");
	summary.defects[SUMMARY_UNSCANNED] = 1;
	ck_assert_str_eq(judge(), "NOT JUDGED");
	ck_assert_uint_eq(gate.not_judged, 1);
	gate_free(&gate);
	policy.allow_unscanned = true;
	ck_assert_str_eq(judge(), "PASSED");
	gate_free(&gate);
	policy.allow_unscanned = false;
	policy.fail_on = 1u << MP_LEAK_UNFREED;
	ck_assert_str_eq(judge(), "FAILED");
}
END_TEST

/* What is certain is told also where something else is missing. */
START_TEST(failure_outweighs_what_is_missing)
{
	add(&summary, MP_LEAK_DEFINITE, 1, 10, "g<main");
	summary.defects[SUMMARY_UNSCANNED] = 1;
	summary.defects[SUMMARY_PARTIAL] = 1;
	ck_assert_str_eq(judge(), "FAILED");
}
END_TEST

START_TEST(partial_dump_does_not_pass)
{
	summary.defects[SUMMARY_PARTIAL] = 1;
	ck_assert_str_eq(judge(), "NOT JUDGED");
	gate_free(&gate);
	policy.allow_partial = true;
	ck_assert_str_eq(judge(), "PASSED");
}
END_TEST

static const struct {
	enum limit_kind kind;
	const char *text;
	const char *want;
} limits[] = {
	{ LIMIT_STACK_BYTES, "200", "PASSED" },        { LIMIT_STACK_BYTES, "199", "FAILED" },
	{ LIMIT_STACK_BYTES, "indirect=1", "FAILED" }, /* by the default rule for definite */
	{ LIMIT_TOTAL_BYTES, "300", "PASSED" },        { LIMIT_TOTAL_BYTES, "299", "FAILED" },
	{ LIMIT_STACK_BLOCKS, "2", "PASSED" },         { LIMIT_STACK_BLOCKS, "1", "FAILED" },
	{ LIMIT_TOTAL_BLOCKS, "3", "PASSED" },         { LIMIT_TOTAL_BLOCKS, "2", "FAILED" },
};

START_TEST(limit_allows_so_much)
{
	add(&summary, MP_LEAK_DEFINITE, 2, 200, "f<main");
	add(&summary, MP_LEAK_DEFINITE, 1, 100, "g<main");
	add(&summary, MP_LEAK_REACHABLE, 100, 100000, "h<main");
	limit(limits[_i].kind, limits[_i].text);
	ck_assert_msg(strcmp(judge(), limits[_i].want) == 0, "%s", limits[_i].text);
}
END_TEST

START_TEST(limit_for_unfreed_counts_every_class)
{
	add(&summary, MP_LEAK_DEFINITE, 2, 200, "f<main");
	add(&summary, MP_LEAK_REACHABLE, 1, 100, "g<main");
	policy.fail_on = 0;
	limit(LIMIT_TOTAL_BYTES, "unfreed=299");
	ck_assert_str_eq(judge(), "FAILED");
}
END_TEST

START_TEST(totals_have_limits)
{
	summary.totals.peak_bytes.value = 1000;
	summary.totals.alloc_count.value = 100;
	summary.totals.temporary_count.value = 30;
	summary.totals.wait_ns = 5000;
	limit(LIMIT_PEAK, "999");
	limit(LIMIT_ALLOCS, "100");
	limit(LIMIT_TEMPORARY, "29%");
	limit(LIMIT_WAIT, "5us");
	ck_assert_str_eq(judge(), "FAILED");
	ck_assert_uint_eq(gate.failed, 2);
	ck_assert_int_eq(gate.rules.list[1].outcome, GATE_FAILED);
	ck_assert_int_eq(gate.rules.list[2].outcome, GATE_PASSED);
	ck_assert_int_eq(gate.rules.list[3].outcome, GATE_FAILED);
	ck_assert_int_eq(gate.rules.list[4].outcome, GATE_PASSED);
}
END_TEST

START_TEST(locks_have_limits)
{
	const struct summary_lock cache = { .name = "cache", .kind = "mutex", .hash = 1, .wait_ns = 5000 };
	const struct summary_lock queue = { .name = "queue", .kind = "mutex", .hash = 2, .wait_ns = 9000 };

	summary_add_lock(&summary, &cache);
	summary_add_lock(&summary, &queue);
	limit(LIMIT_LOCK_WAIT, "5us");
	limit(LIMIT_LOCK_WAIT, "queue=9us");
	ck_assert_str_eq(judge(), "PASSED"); /* its own limit goes before the one for any */
	gate_free(&gate);
	limit(LIMIT_LOCK_WAIT, "queue=8us");
	ck_assert_str_eq(judge(), "FAILED");
	ck_assert_str_eq(gate.rules.list[2].lock->name, "queue");
	gate_free(&gate);
	limit(LIMIT_LOCK_WAIT, "queue=9us");
	summary.without_locks = 1;
	ck_assert_str_eq(judge(), "NOT JUDGED");
}
END_TEST

/* 1000 bytes, standard error 200: at least 608 in 95 of 100 cases. */
START_TEST(estimates_are_judged_by_what_is_certain)
{
	struct summary_leak *leak = add(&summary, MP_LEAK_DEFINITE, 10, 1000, "f<main");

	leak->bytes.variance = 200 * 200;
	limit(LIMIT_STACK_BYTES, "610");
	ck_assert_str_eq(judge(), "PASSED");
	gate_free(&gate);
	limit(LIMIT_STACK_BYTES, "600");
	ck_assert_str_eq(judge(), "FAILED");
	gate_free(&gate);
	/* However unsure its size, something was seen. */
	policy.limits.count = 0;
	summary.leaks.list[0].bytes.variance = 1e9;
	summary.leaks.list[0].blocks.variance = 1e9;
	ck_assert_str_eq(judge(), "FAILED");
}
END_TEST

START_TEST(suppressed_leak_takes_along_what_hangs_on_it)
{
	static const char text[] = "leak:f\nleak:unused\n";
	struct summary_leak *owner = add(&summary, MP_LEAK_DEFINITE, 1, 10, "f<main");
	uint64_t hash = owner->key.hash;
	struct err err = { 0 };

	add(&summary, MP_LEAK_INDIRECT, 5, 50, "g<main")->owner = hash;
	policy.fail_on |= 1u << MP_LEAK_INDIRECT;
	ck_assert(suppress_parse(&suppressions, "x", text, strlen(text), &err));
	ck_assert_str_eq(judge(), "PASSED");
	ck_assert_uint_eq(suppressions.rules.list[0]->stacks, 2);
	ck_assert_uint_eq(suppressions.rules.list[0]->bytes, 60);
	ck_assert_uint_eq(suppressions.rules.list[1]->stacks, 0);
}
END_TEST

/* With a baseline: one leak in it, one found. */

static const struct {
	enum mp_leak_class old_class;
	double old_blocks, old_bytes;
	const char *old_stack;
	enum mp_leak_class class;
	double blocks, bytes;
	const char *stack;
	enum gate_state want;
} comparisons[] = {
	{ MP_LEAK_DEFINITE, 2, 200, "f<main", MP_LEAK_DEFINITE, 2, 200, "f<main", GATE_UNCHANGED },
	{ MP_LEAK_DEFINITE, 2, 200, "f<main", MP_LEAK_DEFINITE, 1, 100, "f<main", GATE_UNCHANGED },
	{ MP_LEAK_DEFINITE, 2, 200, "f<main", MP_LEAK_DEFINITE, 3, 200, "f<main", GATE_GROWN },
	{ MP_LEAK_DEFINITE, 2, 200, "f<main", MP_LEAK_DEFINITE, 2, 300, "f<main", GATE_GROWN },
	{ MP_LEAK_DEFINITE, 2, 200, "f<main", MP_LEAK_DEFINITE, 2, 200, "g<main", GATE_NEW },
	/* calls that were inlined where no debug information tells of it, and the other way round */
	{ MP_LEAK_DEFINITE, 2, 200, "f<g<run<main", MP_LEAK_DEFINITE, 2, 200, "f<run<main", GATE_UNCHANGED },
	{ MP_LEAK_DEFINITE, 2, 200, "f<run<main", MP_LEAK_DEFINITE, 2, 200, "f<g<run<main", GATE_UNCHANGED },
	{ MP_LEAK_DEFINITE, 2, 200, "f<run<main", MP_LEAK_DEFINITE, 4, 400, "f<g<run<main", GATE_GROWN },
	{ MP_LEAK_DEFINITE, 2, 200, "f<run<main", MP_LEAK_DEFINITE, 2, 64, "f<g<run<main",
	  GATE_NEW },                                                                             /* other blocks */
	{ MP_LEAK_DEFINITE, 2, 200, "main", MP_LEAK_DEFINITE, 2, 200, "f<g<run<main", GATE_NEW }, /* says nothing */
	/* which block of a cycle is the lost one is chance */
	{ MP_LEAK_INDIRECT, 2, 200, "f<main", MP_LEAK_DEFINITE, 2, 200, "f<main", GATE_UNCHANGED },
	{ MP_LEAK_UNFREED, 2, 200, "f<main", MP_LEAK_DEFINITE, 2, 200, "f<main", GATE_UNCHANGED },
	{ MP_LEAK_REACHABLE, 2, 200, "f<main", MP_LEAK_DEFINITE, 2, 200, "f<main", GATE_NEW },
	{ MP_LEAK_POSSIBLE, 2, 200, "f<main", MP_LEAK_DEFINITE, 2, 200, "f<main", GATE_NEW },
};

START_TEST(baseline_is_compared)
{
	known(comparisons[_i].old_class, comparisons[_i].old_blocks, comparisons[_i].old_bytes,
	      comparisons[_i].old_stack);
	add(&summary, comparisons[_i].class, comparisons[_i].blocks, comparisons[_i].bytes, comparisons[_i].stack);
	ck_assert_str_eq(judge(), comparisons[_i].want == GATE_UNCHANGED ? "PASSED" : "FAILED");
	ck_assert_int_eq(gate.leaks[0].state, comparisons[_i].want);
	ck_assert_uint_eq(gate.gone.count, comparisons[_i].want == GATE_NEW);
}
END_TEST

START_TEST(known_leaks_may_grow_by_the_tolerance)
{
	known(MP_LEAK_DEFINITE, 10, 1000, "f<main");
	add(&summary, MP_LEAK_DEFINITE, 11, 1100, "f<main");
	policy.tolerance_percent = 10;
	ck_assert_str_eq(judge(), "PASSED");
	gate_free(&gate);
	policy.tolerance_percent = 9;
	ck_assert_str_eq(judge(), "FAILED");
}
END_TEST

/* Equal stacks first: the new leak must not be taken for the old one because it is like it, too. */
START_TEST(equal_stack_is_found_before_a_like_one)
{
	known(MP_LEAK_DEFINITE, 2, 200, "f<run<main");
	add(&summary, MP_LEAK_DEFINITE, 2, 200, "f<g<run<main");
	add(&summary, MP_LEAK_DEFINITE, 2, 200, "f<run<main");
	ck_assert_str_eq(judge(), "FAILED");
	ck_assert_uint_eq(gate.rules.list[0].leaks.count, 1);
	ck_assert_uint_eq(gate.rules.list[0].leaks.list[0]->leak.key.count, 4);
}
END_TEST

START_TEST(relative_limits_are_of_the_baseline)
{
	has_baseline = true;
	baseline.totals.peak_bytes.value = 1000;
	summary.totals.peak_bytes.value = 1101;
	limit(LIMIT_PEAK, "+10%");
	ck_assert_str_eq(judge(), "FAILED");
	gate_free(&gate);
	limit(LIMIT_PEAK, "+101");
	ck_assert_str_eq(judge(), "PASSED");
}
END_TEST

/* Likeness of stacks. */

static const struct {
	const char *a[6], *b[6];
	bool want;
} stacks[] = {
	{ { "f", "main" }, { "f", "main" }, true },
	{ { "f", "g", "main" }, { "f", "main" }, true },
	{ { "f", "g", "h", "main" }, { "f", "main" }, true },
	{ { "f", "g", "h", "i", "main" }, { "f", "main" }, false }, /* too much is missing */
	{ { "f", "g", "main" }, { "g", "f" }, false },              /* another order */
	{ { "f", "main" }, { NULL }, false },
};

START_TEST(stacks_are_alike)
{
	struct stack_key keys[2];
	const char *const *lists[2] = { stacks[_i].a, stacks[_i].b };
	const char *interned[2][6];

	for (int i = 0; i < 2; i++) {
		size_t count = 0;

		for (; count < 6 && lists[i][count]; count++)
			interned[i][count] = strtab_intern(&names, lists[i][count]);
		keys[i] = stack_key_of_names(interned[i], count);
	}
	ck_assert_int_eq(stack_key_is_similar(&keys[0], &keys[1]), stacks[_i].want);
	ck_assert_int_eq(stack_key_is_similar(&keys[1], &keys[0]), stacks[_i].want);
	judge();
}
END_TEST

/* Files of baselines. */

START_TEST(baseline_file_says_the_same_as_the_run)
{
	struct summary accepted;
	struct err err = { 0 };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	add(&summary, MP_LEAK_DEFINITE, 2, 200, "f<main");
	add(&summary, MP_LEAK_REACHABLE, 3, 300, "\xff<\"quoted\"<main");
	summary.totals.peak_bytes.value = 1234;
	summary_add_lock(&summary, &(struct summary_lock){ .name = "l", .kind = "mutex", .hash = 5, .wait_ns = 7 });
	judge();
	gate_accepted(&gate, &names, &accepted);
	baseline_write(&accepted, out);
	fclose(out);
	ck_assert_msg(baseline_parse(&baseline, "b.json", text, size, &err), "%s in %s", err.text, text);
	ck_assert_uint_eq(baseline.leaks.count, 2);
	ck_assert(baseline.totals.peak_bytes.value == 1234);
	ck_assert_uint_eq(baseline.locks.list[0].wait_ns, 7);
	gate_free(&gate);
	has_baseline = true;
	ck_assert_str_eq(judge(), "PASSED");
	summary_free(&accepted);
	free(text);
}
END_TEST

#define BASE                                                                                      \
	"\"schema\":\"memprof-baseline/1\",\"peak_bytes\":1,\"alloc_count\":1,\"alloc_bytes\":1," \
	"\"temporary_count\":1,\"wait_ns\":1,"

static const struct {
	const char *text;
	const char *want; /* NULL = it is right */
} files[] = {
	{ "{" BASE "\"leaks\":[],\"locks\":[]}", NULL },
	{ "{" BASE "\"leaks\":[],\"locks\":[],\"more\":1}", NULL },
	{ "{" BASE "\"leaks\":[{\"class\":\"definite\",\"blocks\":1,\"bytes\":1,\"stack\":[]}],\"locks\":[]}", NULL },
	{ "{" BASE "\"leaks\":[{\"class\":\"x\",\"blocks\":1,\"bytes\":1,\"stack\":[]}],\"locks\":[]}",
	  "leaks[0]: unknown class \"x\"" },
	{ "{" BASE "\"leaks\":[{\"class\":\"definite\",\"blocks\":-1,\"bytes\":1,\"stack\":[]}],\"locks\":[]}",
	  "leaks[0]: \"blocks\" must be" },
	{ "{" BASE "\"leaks\":[{\"class\":\"definite\",\"blocks\":1,\"bytes\":1,\"stack\":[1]}],\"locks\":[]}",
	  "leaks[0]: \"stack\" must be" },
	{ "{" BASE "\"leaks\":[1],\"locks\":[]}", "leaks[0]: \"class\" must be" },
	{ "{" BASE "\"leaks\":{},\"locks\":[]}", "\"leaks\" must be a list" },
	{ "{" BASE "\"leaks\":[],\"locks\":[{\"kind\":\"mutex\"}]}", "locks[0]: \"name\" must be" },
	{ "{\"schema\":\"memprof-report/1\"}", "this is a report" },
	{ "{\"schema\":\"memprof-baseline/2\"}", "not a baseline of this version" },
	{ "{}", "not a baseline" },
	{ "[]", "not a baseline" },
	{ "{", "line 1" },
};

START_TEST(baseline_file_is_checked)
{
	struct err err = { 0 };
	bool ok = baseline_parse(&baseline, "b.json", files[_i].text, strlen(files[_i].text), &err);

	ck_assert_msg(ok == (files[_i].want == NULL), "%s: %s", files[_i].text, err.text);
	if (files[_i].want)
		ck_assert_msg(strstr(err.text, files[_i].want) != NULL, "%s: %s", files[_i].text, err.text);
	judge();
}
END_TEST

/* Writers, with a name that breaks what is not escaped. */

static char *written(void (*writer)(const struct gate *gate, const struct gate_output *output, FILE *out))
{
	static const struct gate_output output = { .root = "/nowhere" };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	writer(&gate, &output, out);
	fclose(out);
	return text;
}

static void judge_hostile(void)
{
	add(&summary, MP_LEAK_DEFINITE, 2, 200, "f&\"'\x01\xff%|`:,\r\n::error::x<main");
	summary.program = "a p,p";
	limit(LIMIT_PEAK, "0");
	summary.totals.peak_bytes.value = 1;
	judge();
}

START_TEST(github_commands_are_escaped)
{
	char *text;

	judge_hostile();
	text = written(out_github);
	ck_assert_msg(strstr(text, "f&\"'\x01\xff%25|`:,%0D%0A::error::x") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "\n::error::x") == NULL, "%s", text);
	ck_assert_msg(strncmp(text, "::error title=Limit exceeded::peak: 1 B; limit 0 B\n::error title=Memory leak::",
			      78) == 0,
		      "%s", text);
	free(text);
}
END_TEST

START_TEST(xml_is_escaped)
{
	char *text;

	judge_hostile();
	text = written(out_junit);
	ck_assert_msg(strstr(text, "f&amp;&quot;'?\xef\xbf\xbd%|`:,?\n::error::x") != NULL, "%s", text);
	ck_assert_ptr_null(strchr(text, 1));
	ck_assert_msg(strstr(text, "tests=\"3\" failures=\"2\" errors=\"0\"") != NULL, "%s", text);
	free(text);
}
END_TEST

START_TEST(markdown_is_escaped)
{
	char *text;

	judge_hostile();
	text = written(out_markdown);
	ck_assert_msg(strstr(text, "f&#38;\"' \xef\xbf\xbd%&#124;&#96;:,  ::error::x") != NULL, "%s", text);
	free(text);
}
END_TEST

START_TEST(sarif_and_json_are_json)
{
	char *texts[2];
	json_t *root, *results;

	judge_hostile();
	texts[0] = written(out_sarif);
	root = json_loads(texts[0], 0, NULL);
	ck_assert_msg(root != NULL, "%s", texts[0]);
	results = json_object_get(json_array_get(json_object_get(root, "runs"), 0), "results");
	ck_assert_uint_eq(json_array_size(results), 2);
	json_decref(root);
	texts[1] = written(out_gate_json);
	root = json_loads(texts[1], 0, NULL);
	ck_assert_msg(root != NULL, "%s", texts[1]);
	ck_assert_str_eq(json_string_value(json_object_get(root, "verdict")), "failed");
	json_decref(root);
	free(texts[0]);
	free(texts[1]);
}
END_TEST

Suite *suite_gate(void)
{
	Suite *suite = suite_create("gate");
	TCase *tc = tcase_create("verdicts");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, lost_blocks_fail);
	tcase_add_test(tc, block_of_no_bytes_fails);
	tcase_add_test(tc, what_is_not_lost_passes);
	tcase_add_test(tc, no_verdict_does_not_pass);
	tcase_add_test(tc, failure_outweighs_what_is_missing);
	tcase_add_test(tc, partial_dump_does_not_pass);
	tcase_add_loop_test(tc, limit_allows_so_much, 0, (int)UNIT_LENGTH(limits));
	tcase_add_test(tc, limit_for_unfreed_counts_every_class);
	tcase_add_test(tc, totals_have_limits);
	tcase_add_test(tc, locks_have_limits);
	tcase_add_test(tc, estimates_are_judged_by_what_is_certain);
	tcase_add_test(tc, suppressed_leak_takes_along_what_hangs_on_it);
	tcase_add_loop_test(tc, baseline_is_compared, 0, (int)UNIT_LENGTH(comparisons));
	tcase_add_test(tc, known_leaks_may_grow_by_the_tolerance);
	tcase_add_test(tc, equal_stack_is_found_before_a_like_one);
	tcase_add_test(tc, relative_limits_are_of_the_baseline);
	tcase_add_loop_test(tc, stacks_are_alike, 0, (int)UNIT_LENGTH(stacks));
	tcase_add_test(tc, baseline_file_says_the_same_as_the_run);
	tcase_add_loop_test(tc, baseline_file_is_checked, 0, (int)UNIT_LENGTH(files));
	tcase_add_test(tc, github_commands_are_escaped);
	tcase_add_test(tc, xml_is_escaped);
	tcase_add_test(tc, markdown_is_escaped);
	tcase_add_test(tc, sarif_and_json_are_json);
	suite_add_tcase(suite, tc);
	return suite;
}
