/* SPDX-License-Identifier: MIT */
/* Unit tests of summary and diff: dumps added up, and two runs compared. */
#include "diff.h"

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "unit_util.h"

Suite *suite_diff(void);

static char directory[64];
static struct strtab names;
static struct summary old, now;
static struct diff diff;

static void begin(void)
{
	unit_make_directory(directory, sizeof(directory));
	names = (struct strtab){ 0 };
	summary_init(&old, &names);
	summary_init(&now, &names);
	old.with_sites = now.with_sites = true;
}

static void end(void)
{
	summary_free(&old);
	summary_free(&now);
	strtab_free(&names);
	unit_remove_directory(directory);
}

/* The sample dump of unit_util.c as a file, with FACTOR times as many allocations in its site rows. */
static void add_dump(struct summary *summary, const char *name, uint64_t factor)
{
	struct unit_dump dump = { 0 };
	struct err err = { 0 };
	char path[128];

	unit_dump_sample(&dump);
	for (size_t at = MP_HEADER_BYTES; at < dump.size;) {
		struct mp_chunk *chunk = unit_dump_chunk_at(&dump, at);
		struct mp_site *rows = (struct mp_site *)(void *)(dump.bytes + at + sizeof(*chunk));

		for (uint64_t i = 0; chunk->kind == MP_CHUNK_SITE && i < chunk->rows; i++) {
			rows[i].alloc_count *= factor;
			rows[i].alloc_bytes *= factor;
		}
		at += chunk->bytes;
	}
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unit_write_file(path, dump.bytes, dump.size);
	ck_assert_msg(summary_add_dump(summary, path, &err), "%s", err.text);
	unit_dump_free(&dump);
}

START_TEST(dumps_are_added_up)
{
	struct summary_totals once;

	add_dump(&now, "a", 1);
	once = now.totals;
	add_dump(&now, "b", 1);
	ck_assert_uint_eq(now.dumps, 2);
	ck_assert(now.totals.alloc_count.value == 2 * once.alloc_count.value);
	ck_assert(now.totals.peak_bytes.value == once.peak_bytes.value); /* of one process */
	ck_assert_uint_eq(now.totals.wait_ns, 2 * once.wait_ns);
	ck_assert_uint_gt(now.leaks.count, 0);
	for (size_t i = 0; i < now.leaks.count; i++)
		ck_assert_uint_eq(now.leaks.list[i].dumps, 2);
}
END_TEST

START_TEST(run_does_not_differ_from_itself)
{
	add_dump(&old, "a", 1);
	add_dump(&now, "b", 1);
	diff_init(&diff, &old, &now, 0);
	for (unsigned metric = 0; metric < DIFF_METRIC_COUNT; metric++) {
		const struct diff_site **list;

		ck_assert_uint_eq(diff_rank(&diff, (enum diff_metric)metric, &list), 0);
		free(list);
	}
	ck_assert_uint_eq(diff.locks.count, 0);
	diff_free(&diff);
}
END_TEST

START_TEST(changes_are_ranked)
{
	const struct diff_site **list;
	double last = 1e18;
	size_t count;

	add_dump(&old, "a", 1);
	add_dump(&now, "b", 3);
	diff_init(&diff, &old, &now, 0);
	count = diff_rank(&diff, DIFF_BYTES, &list);
	ck_assert_uint_gt(count, 1);
	for (size_t i = 0; i < count; i++) {
		double change = diff_value(list[i]->now, DIFF_BYTES).value - diff_value(list[i]->old, DIFF_BYTES).value;

		ck_assert(change > 0 && change <= last);
		ck_assert_int_eq(diff_site_state(&diff, list[i], DIFF_BYTES), DIFF_GROWN);
		last = change;
	}
	free(list);
	diff_free(&diff);
}
END_TEST

/* The other way round everything is gone, and what is small beside the total is left out. */
START_TEST(small_changes_are_left_out)
{
	const struct diff_site **list;
	size_t all, large;

	add_dump(&old, "a", 1);
	diff_init(&diff, &old, &now, 0);
	all = diff_rank(&diff, DIFF_BYTES, &list);
	ck_assert_int_eq(diff_site_state(&diff, list[0], DIFF_BYTES), DIFF_GONE);
	free(list);
	diff_free(&diff);
	diff_init(&diff, &old, &now, 40);
	large = diff_rank(&diff, DIFF_BYTES, &list);
	ck_assert_uint_lt(large, all);
	free(list);
	diff_free(&diff);
}
END_TEST

/* 100 more, standard error 60: chance explains that. */
START_TEST(chance_is_no_change)
{
	struct summary_site before = { .alloc_bytes = { 1000, 1800 } };
	struct summary_site after = { .alloc_bytes = { 1100, 1800 } };
	const struct diff_site site = { &before, &after };

	diff_init(&diff, &old, &now, 0);
	ck_assert_int_eq(diff_site_state(&diff, &site, DIFF_BYTES), DIFF_SAME);
	after.alloc_bytes.value = 1130;
	ck_assert_int_eq(diff_site_state(&diff, &site, DIFF_BYTES), DIFF_GROWN);
	diff_free(&diff);
}
END_TEST

START_TEST(every_writer_writes)
{
	static const struct diff_output output = { .top = SIZE_MAX };
	struct term term;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *root;

	add_dump(&old, "a", 1);
	add_dump(&now, "b", 2);
	diff_init(&diff, &old, &now, 0);
	out_diff_json(&diff, &output, out);
	fflush(out);
	root = json_loadb(text, size, 0, NULL);
	ck_assert_msg(root != NULL, "%s", text);
	ck_assert_uint_gt(json_array_size(json_object_get(root, "sites")), 0);
	json_decref(root);
	out_diff_markdown(&diff, &output, out);
	term_init(&term, out, TERM_COLOR_ALWAYS, 60);
	out_diff_text(&diff, &output, &term);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "### memprof: difference"));
	free(text);
	diff_free(&diff);
}
END_TEST

Suite *suite_diff(void)
{
	Suite *suite = suite_create("diff");
	TCase *tc = tcase_create("runs");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, dumps_are_added_up);
	tcase_add_test(tc, run_does_not_differ_from_itself);
	tcase_add_test(tc, changes_are_ranked);
	tcase_add_test(tc, small_changes_are_left_out);
	tcase_add_test(tc, chance_is_no_change);
	tcase_add_test(tc, every_writer_writes);
	suite_add_tcase(suite, tc);
	return suite;
}
