/* SPDX-License-Identifier: MIT */
/* Unit tests of the writers: the JSON contract member by member, folded stacks, and what the text must say. */
#include "out.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump_read.h"
#include "unit_util.h"

Suite *suite_out(void);

/* A report of the sample dump, see unit_util.c, as text. */
struct output {
	struct unit_dump dump;
	struct profile profile;
	struct aggregate aggregate;
	struct lock_classes lock_classes;
	struct out_options options;
	struct report report;
	char *text;
	size_t size;
};

/* The dump may be changed between prepare() and write_out(). */
static void prepare(struct output *o)
{
	*o = (struct output){ 0 };
	o->options = (struct out_options){ .key = SITE_KEY_PEAK, .color = TERM_COLOR_NEVER };
	unit_dump_sample(&o->dump);
}

static void write_out(struct output *o, void (*writer)(const struct report *report, FILE *out))
{
	const struct symbolizer_options symbol_options = { .inlines = true, .enabled = false };
	struct err err = { 0 };
	FILE *out = open_memstream(&o->text, &o->size);

	ck_assert_ptr_nonnull(out);
	profile_init(&o->profile, "sample.bin");
	ck_assert_msg(dump_read(o->dump.bytes, o->dump.size, "sample.bin", &o->profile, &err), "%s", err.text);
	aggregate_init(&o->aggregate, &o->profile);
	o->report.profile = &o->profile;
	o->report.aggregate = &o->aggregate;
	o->report.options = &o->options;
	o->report.symbols = symbolizer_new(&o->profile, &symbol_options);
	o->report.sites = calloc(o->aggregate.site_count + 1, sizeof(*o->report.sites));
	lock_classes_init(&o->lock_classes, &o->profile, &o->aggregate, o->report.symbols);
	o->report.lock_classes = &o->lock_classes;
	o->report.locks = calloc(o->lock_classes.count + 1, sizeof(*o->report.locks));
	for (size_t i = 0; i < o->aggregate.site_count; i++)
		o->report.sites[o->report.site_count++] = &o->aggregate.sites[i];
	for (size_t i = 0; i < o->lock_classes.count; i++)
		o->report.locks[o->report.lock_count++] = &o->lock_classes.list[i];
	writer(&o->report, out);
	ck_assert_int_eq(fclose(out), 0);
}

static void finish(struct output *o)
{
	free(o->text);
	free(o->report.sites);
	free(o->report.locks);
	lock_classes_free(&o->lock_classes);
	symbolizer_free(o->report.symbols);
	aggregate_free(&o->aggregate);
	profile_free(&o->profile);
	unit_dump_free(&o->dump);
}

static json_t *parse(const struct output *o)
{
	json_error_t error;
	json_t *root = json_loads(o->text, JSON_REJECT_DUPLICATES, &error);

	ck_assert_msg(root != NULL, "line %d: %s", error.line, error.text);
	return root;
}

/*
 * The value at PATH: members and list indexes, separated by dots. Fails the test if there is none, which is not the
 * same as null.
 */
static const json_t *at(const json_t *root, const char *path)
{
	char copy[256], *rest = copy;
	const json_t *value = root;

	snprintf(copy, sizeof(copy), "%s", path);
	for (const char *step; (step = strsep(&rest, ".")) != NULL;) {
		if (json_is_array(value))
			value = json_array_get(value, (size_t)atoi(step));
		else
			value = json_object_get(value, step);
		ck_assert_msg(value != NULL, "no %s in %s", step, path);
	}
	return value;
}

/* What the contract promises for the sample dump. */
static const struct {
	const char *path;
	const char *want; /* as compact JSON */
} members[] = {
	{ "schema", "\"memprof-report/1\"" },
	{ "dump", "\"sample.bin\"" },
	{ "partial", "false" },
	{ "filter", "null" },
	{ "process.pid", "4711" },
	{ "process.parent_pid", "4710" },
	{ "process.exe", "\"/opt/sample/app\"" },
	{ "process.argv", "[\"app\",\"--fast\",\"two words\"]" },
	{ "process.cwd", "null" },
	{ "process.start_time", "\"2023-11-14T22:13:20.000Z\"" },
	{ "process.duration_ns", "1000000000" },
	{ "process.ended", "\"exit\"" },
	{ "process.exit_status", "0" },
	{ "process.signal", "null" },
	{ "process.mode", "\"full\"" },
	{ "process.sample_bytes", "null" },
	{ "process.hostname", "null" },
	{ "process.forked", "false" },
	{ "totals.alloc_count", "20" },
	{ "totals.alloc_bytes", "1770" },
	{ "totals.free_count", "12" },
	{ "totals.free_bytes", "1020" },
	{ "totals.live_count", "8" },
	{ "totals.live_bytes", "750" },
	{ "totals.peak_bytes", "1150" },
	{ "totals.peak_count", "12" },
	{ "totals.peak_time_ns", "500000000" },
	{ "totals.temporary_count", "4" },
	{ "totals.realloc_count", "1" },
	{ "losses", "{\"nested\":6}" },
	{ "stacks", "{\"depth\":2}" },
	{ "options", "{\"MEMPROF_DEPTH\":\"512\",\"MEMPROF_MODE\":\"full\"}" },
	{ "threads.0.tid", "4711" },
	{ "threads.0.name", "\"app\"" },
	{ "threads.0.threads", "1" },
	{ "threads.0.start_ns", "1" },
	{ "threads.0.end_ns", "null" },
	{ "threads.0.alloc_count", "15" },
	{ "threads.0.lock_acquisitions", "100" },
	{ "threads.0.lock_contentions", "3" },
	{ "threads.0.lock_wait_ns", "3000" },
	{ "threads.1.tid", "null" },
	{ "threads.1.threads", "2" },
	{ "threads.1.end_ns", "900000000" },
	{ "timeline.0.time_ns", "100000000" },
	{ "timeline.0.live_bytes", "500" },
	{ "timeline.0.rss_bytes", "100000" },
	{ "timeline.1.rss_bytes", "null" },
	{ "timeline.1.alloc_bytes", "1500" },
	{ "sites.0.id", "1" },
	{ "sites.0.alloc_count", "10" },
	{ "sites.0.alloc_bytes", "1000" },
	{ "sites.0.free_count", "4" },
	{ "sites.0.free_bytes", "400" },
	{ "sites.0.live_count", "6" },
	{ "sites.0.live_bytes", "600" },
	{ "sites.0.peak_bytes", "900" },
	{ "sites.0.peak_count", "9" },
	{ "sites.0.temporary_count", "2" },
	{ "sites.0.realloc_count", "0" },
	{ "sites.0.cut", "null" },
	{ "sites.1.peak_bytes", "200" },
	{ "sites.2.stack.0.function", "null" },
	{ "sites.2.stack.0.file", "null" },
	{ "sites.2.stack.0.line", "null" },
	{ "sites.2.stack.0.module", "\"/opt/sample/libplugin.so\"" },
	{ "sites.2.stack.0.address", "\"0x7f0000001100\"" },
	{ "sites.2.stack.0.inlined", "false" },
	{ "sites.2.stack.1.address", "\"0x401100\"" },
	{ "sites.3.cut", "\"depth\"" },
	{ "locks.0.id", "1" },
	{ "locks.0.kind", "\"mutex\"" },
	{ "locks.0.category", "\"contention\"" },
	{ "locks.0.name", "null" },
	{ "locks.0.address", "\"0x404040\"" },
	{ "locks.0.acquisitions", "140" },
	{ "locks.0.acquisitions_complete", "true" },
	{ "locks.0.contentions", "5" },
	{ "locks.0.trylock_failures", "0" },
	{ "locks.0.timeouts", "0" },
	{ "locks.0.wait_ns", "10000" },
	{ "locks.0.wait_max_ns", "6000" },
	{ "locks.0.waiters.0.count", "2" },
	{ "locks.0.waiters.0.wait_ns", "7000" },
	{ "locks.0.waiters.0.wait_max_ns", "6000" },
	{ "locks.0.waiters.0.stack.0.address", "\"0x401100\"" },
	{ "locks.0.waiters.1.cut", "null" },
	{ "locks.1.kind", "\"rwlock\"" },
	{ "locks.1.acquisitions_complete", "false" },
	{ "locks.1.trylock_failures", "4" },
	{ "locks.1.timeouts", "1" },
	{ "locks.1.waiters", "[]" },
	{ "warnings", "[]" },
};

START_TEST(json_keeps_its_contract)
{
	struct output o;
	json_t *root;

	prepare(&o);
	write_out(&o, out_json);
	root = parse(&o);
	for (size_t i = 0; i < UNIT_LENGTH(members); i++) {
		char *got = json_dumps(at(root, members[i].path), JSON_COMPACT | JSON_ENCODE_ANY);

		unit_assert_text(got, members[i].want, members[i].path);
		free(got);
	}
	ck_assert_uint_eq(json_array_size(at(root, "sites")), 4);
	ck_assert_uint_eq(json_array_size(at(root, "sites.2.stack")), 2);
	ck_assert_uint_eq(json_array_size(at(root, "locks")), 2);
	json_decref(root);
	finish(&o);
}
END_TEST

static const struct {
	uint32_t ended;
	int32_t status;
	const char *word, *exit_status, *signal;
} ends[] = {
	{ MP_ENDED_EXIT, 3, "\"exit\"", "3", "null" },
	{ MP_ENDED_SIGNAL, 6, "\"signal\"", "null", "6" },
	{ MP_ENDED_EXEC, 0, "\"exec\"", "null", "null" },
	{ MP_ENDED_RUNNING, 0, "\"running\"", "null", "null" },
};

static void assert_member(const json_t *root, const char *path, const char *want)
{
	char *got = json_dumps(at(root, path), JSON_COMPACT | JSON_ENCODE_ANY);

	unit_assert_text(got, want, path);
	free(got);
}

START_TEST(json_tells_how_the_process_ended)
{
	struct output o;
	json_t *root;

	prepare(&o);
	unit_dump_header(&o.dump)->ended = ends[_i].ended;
	unit_dump_header(&o.dump)->end_status = ends[_i].status;
	write_out(&o, out_json);
	root = parse(&o);
	assert_member(root, "process.ended", ends[_i].word);
	assert_member(root, "process.exit_status", ends[_i].exit_status);
	assert_member(root, "process.signal", ends[_i].signal);
	json_decref(root);
	finish(&o);
}
END_TEST

START_TEST(json_survives_any_text_and_any_number)
{
	static const char hostile[] = "a\"b\\c\n\t\x01\xff\xc3\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82\xac";
	struct output o;
	struct mp_header *header;
	uint64_t text;
	json_t *root;

	prepare(&o);
	text = unit_dump_string(&o.dump, hostile);
	header = unit_dump_header(&o.dump);
	header->exe = header->cwd = header->argv = header->hostname = header->producer = text;
	header->start_realtime_ns = header->start_ns = header->peak_bytes = header->self_bytes = UINT64_MAX;
	header->live_bytes = INT64_MIN;
	header->mode = 99;
	write_out(&o, out_json);
	root = parse(&o);
	ck_assert(strncmp(json_string_value(at(root, "process.exe")), "a\"b\\c\n\t\x01\xef\xbf\xbd", 11) == 0);
	ck_assert_int_eq(json_integer_value(at(root, "totals.peak_bytes")), INT64_MAX);
	ck_assert(json_is_null(at(root, "process.mode")));
	json_decref(root);
	finish(&o);
}
END_TEST

START_TEST(a_damaged_dump_says_so_in_every_format)
{
	struct output o;
	json_t *root;

	prepare(&o);
	o.dump.size -= 500;
	write_out(&o, out_json);
	root = parse(&o);
	ck_assert(json_is_true(at(root, "partial")));
	ck_assert_uint_gt(json_array_size(at(root, "warnings")), 0);
	json_decref(root);
	finish(&o);
	prepare(&o);
	o.dump.size -= 500;
	write_out(&o, out_text);
	ck_assert_ptr_nonnull(strstr(o.text, "PARTIAL REPORT"));
	finish(&o);
}
END_TEST

START_TEST(top_limits_the_lists)
{
	struct output o;
	json_t *root;

	prepare(&o);
	o.options.top = 1;
	o.options.key = SITE_KEY_TEMPORARY;
	write_out(&o, out_json);
	root = parse(&o);
	ck_assert_uint_eq(json_array_size(at(root, "sites")), 1);
	ck_assert_uint_eq(json_array_size(at(root, "locks")), 1);
	assert_member(root, "totals.alloc_count", "20");
	json_decref(root);
	finish(&o);
}
END_TEST

static const struct {
	enum out_metric metric;
	const char *want;
} folded[] = {
	{ OUT_METRIC_COUNT, "app+0x1100 10\n"
			    "app+0x1100;app+0x1200 7\n"
			    "app+0x1100;libplugin.so+0x1100 1\n"
			    "[cut: deeper than the limit];app+0x1300 2\n" },
	/* What came to nothing has no line. */
	{ OUT_METRIC_LIVE, "app+0x1100 600\n"
			   "app+0x1100;app+0x1200 100\n"
			   "app+0x1100;libplugin.so+0x1100 50\n" },
	{ OUT_METRIC_WAIT, "app+0x1100 7000\n"
			   "app+0x1100;app+0x1200 3000\n" },
};

START_TEST(folded_stacks_begin_outside)
{
	struct output o;

	prepare(&o);
	o.options.metric = folded[_i].metric;
	write_out(&o, out_folded);
	ck_assert_str_eq(o.text, folded[_i].want);
	finish(&o);
}
END_TEST

START_TEST(text_tells_what_matters)
{
	static const char *const wanted[] = {
		"app --fast 'two words'",
		"4711",
		"1.73 KiB", /* allocated */
		"750 B",    /* not freed */
		"1.12 KiB", /* peak */
		"libplugin.so",
		"worker",
		"10.0 us", /* waited */
		"NOT RECORDED",
	};
	struct output o;

	prepare(&o);
	write_out(&o, out_text);
	for (size_t i = 0; i < UNIT_LENGTH(wanted); i++)
		ck_assert_msg(strstr(o.text, wanted[i]) != NULL, "no \"%s\" in:\n%s", wanted[i], o.text);
	ck_assert_ptr_null(strstr(o.text, "PARTIAL"));
	ck_assert_ptr_null(strchr(o.text, '\033'));
	finish(&o);
}
END_TEST

START_TEST(text_keeps_to_its_width_and_colours)
{
	struct output o;

	prepare(&o);
	o.options.color = TERM_COLOR_ALWAYS;
	o.options.width = 80;
	o.options.single = true;
	o.options.full_stacks = true;
	write_out(&o, out_text);
	ck_assert_ptr_nonnull(strchr(o.text, '\033'));
	finish(&o);
}
END_TEST

START_TEST(an_empty_dump_has_a_report_in_every_format)
{
	void (*const writers[])(const struct report *, FILE *) = { out_text, out_json, out_folded };
	struct output o;

	prepare(&o);
	unit_dump_free(&o.dump);
	unit_dump_begin(&o.dump);
	write_out(&o, writers[_i]);
	ck_assert_int_eq(o.size > 0, writers[_i] != out_folded);
	finish(&o);
}
END_TEST

Suite *suite_out(void)
{
	Suite *suite = suite_create("out");
	TCase *json = tcase_create("json");
	TCase *other = tcase_create("other");

	tcase_add_test(json, json_keeps_its_contract);
	tcase_add_loop_test(json, json_tells_how_the_process_ended, 0, (int)UNIT_LENGTH(ends));
	tcase_add_test(json, json_survives_any_text_and_any_number);
	tcase_add_test(json, a_damaged_dump_says_so_in_every_format);
	tcase_add_test(json, top_limits_the_lists);
	suite_add_tcase(suite, json);
	tcase_add_loop_test(other, folded_stacks_begin_outside, 0, (int)UNIT_LENGTH(folded));
	tcase_add_test(other, text_tells_what_matters);
	tcase_add_test(other, text_keeps_to_its_width_and_colours);
	tcase_add_loop_test(other, an_empty_dump_has_a_report_in_every_format, 0, 3);
	suite_add_tcase(suite, other);
	return suite;
}
