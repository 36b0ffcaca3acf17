/* SPDX-License-Identifier: MIT */
/* Unit tests of policy and json_where: limits as texts and as files, and errors with their place. */
#include "policy.h"

#include <check.h>
#include <string.h>

#include "json_where.h"
#include "unit_util.h"

Suite *suite_policy(void);

/* Limits as options. */

static const struct {
	enum limit_kind kind;
	const char *text;
	bool ok;
	double value;
	bool relative, percent;
} values[] = {
	{ LIMIT_PEAK, "64M", true, 64 * 1048576.0, false, false },
	{ LIMIT_PEAK, "0", true, 0, false, false },
	{ LIMIT_PEAK, "+10%", true, 10, true, true },
	{ LIMIT_PEAK, "+1M", true, 1048576, true, false },
	{ LIMIT_PEAK, "10%", false, 0, false, false },
	{ LIMIT_PEAK, "-1", false, 0, false, false },
	{ LIMIT_PEAK, "", false, 0, false, false },
	{ LIMIT_PEAK, "+", false, 0, false, false },
	{ LIMIT_PEAK, "64X", false, 0, false, false },
	{ LIMIT_ALLOCS, "1000", true, 1000, false, false },
	{ LIMIT_ALLOCS, "1K", false, 0, false, false },
	{ LIMIT_TEMPORARY, "20%", true, 20, false, false },
	{ LIMIT_TEMPORARY, "2.5", true, 2.5, false, false },
	{ LIMIT_TEMPORARY, "101%", false, 0, false, false },
	{ LIMIT_TEMPORARY, "+5%", false, 0, false, false },
	{ LIMIT_WAIT, "10ms", true, 1e7, false, false },
	{ LIMIT_WAIT, "10", false, 0, false, false }, /* ten of what? */
	{ LIMIT_WAIT, "0", true, 0, false, false },
	{ LIMIT_STACK_BYTES, "1K", true, 1024, false, false },
	{ LIMIT_STACK_BYTES, "+1K", false, 0, false, false },
	{ LIMIT_TOTAL_BLOCKS, "3", true, 3, false, false },
};

START_TEST(limit_is_read)
{
	struct policy policy;
	struct err err = { 0 };
	const struct limit *limit;

	policy_init(&policy);
	ck_assert_msg(policy_set_limit(&policy, values[_i].kind, values[_i].text, "--x", &err) == values[_i].ok, "%s",
		      values[_i].text);
	ck_assert_int_eq(err.set, !values[_i].ok);
	if (values[_i].ok) {
		ck_assert_uint_eq(policy.limits.count, 1);
		limit = &policy.limits.list[0];
		ck_assert_int_eq(limit->kind, values[_i].kind);
		ck_assert_msg(limit->value == values[_i].value, "%s is %f", values[_i].text, limit->value);
		ck_assert_int_eq(limit->relative, values[_i].relative);
		ck_assert_int_eq(limit->percent, values[_i].percent);
	} else {
		ck_assert_msg(strncmp(err.text, "--x: ", 5) == 0, "%s", err.text);
	}
	policy_free(&policy);
}
END_TEST

START_TEST(limit_is_for_a_class_or_a_lock)
{
	struct policy policy;
	struct err err = { 0 };

	policy_init(&policy);
	ck_assert(policy_set_limit(&policy, LIMIT_STACK_BYTES, "1K", "x", &err));
	ck_assert_int_eq(policy.limits.list[0].class, MP_LEAK_DEFINITE);
	ck_assert(policy_set_limit(&policy, LIMIT_STACK_BYTES, "possible,reachable=2K", "x", &err));
	ck_assert_uint_eq(policy.limits.count, 3);
	ck_assert_int_eq(policy.limits.list[2].class, MP_LEAK_REACHABLE);
	/* a later one replaces an earlier one */
	ck_assert(policy_set_limit(&policy, LIMIT_STACK_BYTES, "definite=5", "x", &err));
	ck_assert_uint_eq(policy.limits.count, 3);
	ck_assert(policy.limits.list[0].value == 5);
	ck_assert(policy_set_limit(&policy, LIMIT_LOCK_WAIT, "map<a, b>::operator==::lock=5ms", "x", &err));
	ck_assert_str_eq(policy.limits.list[3].lock, "map<a, b>::operator==::lock");
	ck_assert(policy_set_limit(&policy, LIMIT_LOCK_WAIT, "5ms", "x", &err));
	ck_assert_ptr_null(policy.limits.list[4].lock);
	ck_assert(!policy_set_limit(&policy, LIMIT_STACK_BYTES, "certain=1K", "x", &err));
	policy_free(&policy);
}
END_TEST

START_TEST(classes_are_read)
{
	struct policy policy;
	struct err err = { 0 };

	policy_init(&policy);
	ck_assert_uint_eq(policy.fail_on, 1u << MP_LEAK_DEFINITE);
	ck_assert(policy_set_fail_on(&policy, "definite,indirect", "x", &err));
	ck_assert_uint_eq(policy.fail_on, 1u << MP_LEAK_DEFINITE | 1u << MP_LEAK_INDIRECT);
	ck_assert(policy_set_fail_on(&policy, "none", "x", &err));
	ck_assert_uint_eq(policy.fail_on, 0);
	ck_assert(!policy_set_fail_on(&policy, "definite,", "x", &err));
	policy_free(&policy);
}
END_TEST

/* Files. */

START_TEST(file_is_read)
{
	static const char text[] = "{\"fail_on\": [\"definite\", \"possible\"],\n"
				   " \"limit_leaks\": {\"reachable\": \"64K\", \"indirect\": 100},\n"
				   " \"limit_peak\": \"+10%\", \"limit_allocs\": 1000,\n"
				   " \"limit_lock_wait\": {\"*\": \"10ms\", \"cache_lock\": \"1s\"},\n"
				   " \"baseline\": \"base.json\", \"suppressions\": [\"a.supp\", \"/b.supp\"],\n"
				   " \"tolerance\": \"5%\", \"allow_unscanned\": true}\n";
	struct policy policy;
	struct err err = { 0 };

	policy_init(&policy);
	ck_assert_msg(policy_parse(&policy, "ci/policy.json", text, strlen(text), &err), "%s", err.text);
	ck_assert_uint_eq(policy.fail_on, 1u << MP_LEAK_DEFINITE | 1u << MP_LEAK_POSSIBLE);
	ck_assert_uint_eq(policy.limits.count, 6);
	ck_assert_str_eq(policy.baseline, "ci/base.json");
	ck_assert_uint_eq(policy.suppressions.count, 2);
	ck_assert_str_eq(policy.suppressions.list[0], "ci/a.supp");
	ck_assert_str_eq(policy.suppressions.list[1], "/b.supp");
	ck_assert(policy.tolerance_percent == 5);
	ck_assert(policy.allow_unscanned && !policy.allow_partial);
	policy_free(&policy);
}
END_TEST

static const struct {
	const char *text;
	const char *want;
} broken[] = {
	{ "", "line 1, column 0" },
	{ "[]", "a policy is an object" },
	{ "{\n  \"limit_peek\": 1\n}", "line 2, column 3: unknown member \"limit_peek\"" },
	{ "{\"a\\nb\": {\"x\": [\"}\"]}, \"limit_peak\": 1}", "line 1, column 2: unknown member" },
	{ "{\"limit_peak\": 1,\n\n \"limit_leaks\": {\"definite\": 1,\n  \"certain\": 2}}",
	  "line 4, column 3: \"certain\": 'certain' is no class" },
	{ "{\"limit_peak\": \"10%\"}", "line 1, column 2: \"limit_peak\": expected a size" },
	{ "{\"limit_peak\": -1}", "takes a number that is not negative" },
	{ "{\"limit_peak\": null}", "takes a number" },
	{ "{\"limit_peak\": {\"x\": 1}}", "takes one limit" },
	{ "{\"limit_peak\": 1, \"limit_peak\": 2}", "duplicate object key" },
	{ "{\"fail_on\": 1}", "takes a text or a list" },
	{ "{\"fail_on\": [\"x\"]}", "'x' is no class" },
	{ "{\"baseline\": 1}", "takes the name of a file" },
	{ "{\"suppressions\": [1]}", "takes texts" },
	{ "{\"allow_partial\": 1}", "takes true or false" },
	{ "{\"tolerance\": \"much\"}", "expected a percentage" },
	{ "{\"limit_wait\": 5}", "expected a time" },
};

START_TEST(error_names_the_place)
{
	struct policy policy;
	struct err err = { 0 };

	policy_init(&policy);
	ck_assert(!policy_parse(&policy, "p.json", broken[_i].text, strlen(broken[_i].text), &err));
	ck_assert_msg(strstr(err.text, broken[_i].want) != NULL, "%s: '%s'", broken[_i].text, err.text);
	ck_assert_str_eq(err.path, "p.json");
	policy_free(&policy);
}
END_TEST

static const struct {
	const char *text, *outer, *key;
	unsigned line, column;
} places[] = {
	{ "{\"a\":1}", NULL, "a", 1, 2 },
	{ "{\"b\":{\"a\":[{\"a\":\"}\"}]},\n \"a\":1}", NULL, "a", 2, 2 },
	{ "{\"b\":{\"c\":1,\n\"a\":2}}", "b", "a", 2, 1 },
	{ "{\"\\u0061\":1}", NULL, "a", 1, 2 }, /* escaped */
	{ "{\"x\\\"a\":1,\"a\":2}", NULL, "a", 1, 11 },
	{ "{\"b\":1}", NULL, "a", 1, 1 },
	{ "{\"b\":1}", "b", "a", 1, 1 },
};

START_TEST(member_is_found)
{
	struct json_place place =
		json_where(places[_i].text, strlen(places[_i].text), places[_i].outer, places[_i].key);

	ck_assert_msg(place.line == places[_i].line && place.column == places[_i].column, "%s: %u:%u", places[_i].text,
		      place.line, place.column);
}
END_TEST

Suite *suite_policy(void)
{
	Suite *suite = suite_create("policy");
	TCase *tc = tcase_create("policies");

	tcase_add_loop_test(tc, limit_is_read, 0, (int)UNIT_LENGTH(values));
	tcase_add_test(tc, limit_is_for_a_class_or_a_lock);
	tcase_add_test(tc, classes_are_read);
	tcase_add_test(tc, file_is_read);
	tcase_add_loop_test(tc, error_names_the_place, 0, (int)UNIT_LENGTH(broken));
	tcase_add_loop_test(tc, member_is_found, 0, (int)UNIT_LENGTH(places));
	suite_add_tcase(suite, tc);
	return suite;
}
