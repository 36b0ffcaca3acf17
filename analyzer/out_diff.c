/* SPDX-License-Identifier: MIT */
/* The difference of two runs: for people, as JSON, as Markdown. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "json_text.h"
#include "markdown.h"
#include "stack_view.h"
#include "text_stack.h"
#include "units.h"

#define SCHEMA       "memprof-diff/1"
#define TOP_DEFAULT  5u
#define INNER_FRAMES 6u
#define STACK_INDENT 6u

static const struct {
	const char *key;
	const char *title;
	bool is_bytes;
} metrics[] = {
#define X(name, key, field, title, is_bytes) { key, title, is_bytes },
	DIFF_METRICS(X)
#undef X
};

static int64_t whole(double value)
{
	return fabs(value) < 9e18 ? (int64_t)llround(value) : INT64_MAX;
}

static struct units value_text(double value, bool is_bytes)
{
	return is_bytes ? units_bytes(whole(value)) : units_count(whole(value));
}

static struct units change_text(double change, bool is_bytes)
{
	struct units value = value_text(fabs(change), is_bytes);
	struct units units;

	snprintf(units.text, sizeof(units.text), "%c%.38s", change < 0 ? '-' : '+', value.text);
	return units;
}

/* "+5.2 %"; "" where there was nothing. */
static struct units percent_text(double old, double now)
{
	struct units units = { "" };

	if (old > 0)
		snprintf(units.text, sizeof(units.text), "%+.1f %%", 100 * (now - old) / old);
	return units;
}

/* Totals in the order of printing. X(title, JSON member, value in struct summary_totals *totals, kind: b, n, t) */
#define TOTALS(X)                                                             \
	X("peak", "peak_bytes", totals->peak_bytes.value, 'b')                \
	X("not freed", "live_bytes", totals->live_bytes.value, 'b')           \
	X("allocated", "alloc_bytes", totals->alloc_bytes.value, 'b')         \
	X("allocations", "alloc_count", totals->alloc_count.value, 'n')       \
	X("temporary", "temporary_count", totals->temporary_count.value, 'n') \
	X("lock waits", "wait_ns", (double)totals->wait_ns, 't')

struct total_row {
	const char *title;
	const char *key;
	char kind;
	double old, now;
};

#define TOTAL_ROWS 6u

static void fill_totals(const struct diff *diff, struct total_row *rows)
{
	size_t count = 0;

#define X(row_title, row_key, value, row_kind)                                       \
	{                                                                            \
		const struct summary_totals *totals = &diff->old->totals;            \
		struct total_row *row = &rows[count++];                              \
		*row = (struct total_row){ row_title, row_key, row_kind, value, 0 }; \
		totals = &diff->now->totals;                                         \
		row->now = value;                                                    \
	}
	TOTALS(X)
#undef X
}

static struct units total_text(const struct total_row *row, double value)
{
	return row->kind == 't' ? units_duration((uint64_t)value) : value_text(value, row->kind == 'b');
}

static struct units total_change(const struct total_row *row)
{
	double change = row->now - row->old;
	struct units units;

	if (row->kind != 't')
		return change_text(change, row->kind == 'b');
	snprintf(units.text, sizeof(units.text), "%c%.38s", change < 0 ? '-' : '+',
		 units_duration((uint64_t)fabs(change)).text);
	return units;
}

/* Text. */

static void print_run(const struct term *term, const char *label, const struct summary *summary)
{
	fprintf(term->out, "%s  ", label);
	term_text(term, summary->program ? summary->program : "a baseline file", 0, 0, false);
	if (summary->dumps > 1)
		fprintf(term->out, ", %zu processes", summary->dumps);
	else if (summary->pid)
		fprintf(term->out, ", pid %" PRIu32, summary->pid);
	if (summary->sampled)
		fputs(", sampled", term->out);
	fputc('\n', term->out);
}

static void print_totals(const struct diff *diff, const struct term *term)
{
	struct total_row rows[TOTAL_ROWS];

	fill_totals(diff, rows);
	fprintf(term->out, "\n  %-12s%14s%14s%14s\n", "", "old", "new", "change");
	for (size_t i = 0; i < TOTAL_ROWS; i++)
		fprintf(term->out, "  %-12s%14s%14s%14s  %s\n", rows[i].title, total_text(&rows[i], rows[i].old).text,
			total_text(&rows[i], rows[i].now).text, total_change(&rows[i]).text,
			percent_text(rows[i].old, rows[i].now).text);
	fputc('\n', term->out);
}

struct text_out {
	const struct diff *diff;
	const struct diff_output *output;
	const struct term *term;
	struct hash_map shown; /* address of a site -> printed before */
};

static void print_head(const struct term *term, size_t rank, const char *change, const char *word)
{
	char number[24];

	snprintf(number, sizeof(number), "#%zu", rank);
	fprintf(term->out, "%-4s", number);
	term_print(term, TERM_VALUE, "%12s", change);
	fprintf(term->out, "  %s", word);
}

static void print_short_stack(const struct text_out *text, const struct summary_stack *stack)
{
	fprintf(text->term->out, "%*s", (int)STACK_INDENT, "");
	for (size_t i = 0; i < stack->count && i < 3; i++) {
		char buffer[300];

		fputs(i > 0 ? " < " : "", text->term->out);
		term_text(text->term, stack_view_name(&stack->frames[i], buffer, sizeof(buffer)), 28, 0, false);
	}
	term_line(text->term, TERM_DIM, " %s as above", term_ellipsis(text->term));
}

static void print_site(struct text_out *text, size_t rank, const struct diff_site *site, enum diff_metric metric)
{
	bool is_bytes = metrics[metric].is_bytes;
	struct amount old = diff_value(site->old, metric);
	struct amount now = diff_value(site->now, metric);
	struct summary_stack stack;
	bool is_new;

	print_head(text->term, rank, change_text(now.value - old.value, is_bytes).text,
		   diff_state_word(diff_site_state(text->diff, site, metric)));
	fprintf(text->term->out, "; %s, was %s", value_text(now.value, is_bytes).text,
		value_text(old.value, is_bytes).text);
	if (now.variance + old.variance > 0)
		fprintf(text->term->out, "; change %s %s", term_plus_minus(text->term),
			value_text(sqrt(now.variance + old.variance), is_bytes).text);
	fputc('\n', text->term->out);
	diff_stack(text->diff, site, &stack);
	hash_map_put(&text->shown, (uint64_t)(uintptr_t)site, &is_new);
	if (is_new)
		text_stack_print(text->term, stack.frames, stack.count, stack.mark, STACK_INDENT,
				 text->output->full_stacks ? SIZE_MAX : INNER_FRAMES);
	else
		print_short_stack(text, &stack);
}

static void print_section(struct text_out *text, enum diff_metric metric, size_t top)
{
	const struct diff_site **list;
	size_t count = diff_rank(text->diff, metric, &list);

	if (count > 0) {
		term_print(text->term, TERM_TITLE, "%s", metrics[metric].title);
		fprintf(text->term->out, "  %zu of %zu sites changed\n", count, text->diff->sites.count);
		for (size_t i = 0; i < count && i < top; i++)
			print_site(text, i + 1, list[i], metric);
		fputc('\n', text->term->out);
	}
	free(list);
}

static void print_leak(const struct text_out *text, size_t rank, const struct gate_leak *leak)
{
	double now = leak->state == GATE_GONE ? 0 : leak->leak.bytes.value;

	print_head(text->term, rank, change_text(now - leak->old_bytes, true).text, gate_state_word(leak->state));
	fprintf(text->term->out, "; %s, was %s; %s\n", value_text(now, true).text,
		value_text(leak->old_bytes, true).text, leak_class_text(leak->leak.leak_class));
	if (leak->leak.stack.frames) {
		text_stack_print(text->term, leak->leak.stack.frames, leak->leak.stack.count, leak->leak.stack.mark,
				 STACK_INDENT, text->output->full_stacks ? SIZE_MAX : INNER_FRAMES);
		return;
	}
	for (size_t i = 0; i < leak->leak.key.count && i < INNER_FRAMES; i++) {
		fprintf(text->term->out, "%*s", (int)STACK_INDENT, "");
		term_text(text->term, leak->leak.key.names[i], 0, 0, false);
		fputc('\n', text->term->out);
	}
}

/* Of those that the program lost: what is still reachable is in the section on blocks that were not freed. */
static bool is_told(const struct gate_leak *leak)
{
	return leak->state != GATE_UNCHANGED && leak->state != GATE_NONE &&
	       (leak->leak.leak_class == MP_LEAK_DEFINITE || leak->leak.leak_class == MP_LEAK_INDIRECT ||
		leak->leak.leak_class == MP_LEAK_POSSIBLE);
}

static void print_leaks(const struct text_out *text, size_t top)
{
	const struct gate *gate = &text->diff->leaks;
	size_t rank = 0;

	for (size_t i = 0; i < gate->leak_count + gate->gone.count && rank < top; i++) {
		const struct gate_leak *leak =
			i < gate->leak_count ? &gate->leaks[i] : &gate->gone.list[i - gate->leak_count];

		if (!is_told(leak))
			continue;
		if (rank++ == 0)
			term_line(text->term, TERM_TITLE, "LEAKS");
		print_leak(text, rank, leak);
	}
	if (rank > 0)
		fputc('\n', text->term->out);
}

static void print_lock(const struct text_out *text, size_t rank, const struct diff_lock *row)
{
	const struct summary_lock *lock = row->now ? row->now : row->old;
	double now = row->now ? (double)row->now->wait_ns : 0;
	double old = row->old ? (double)row->old->wait_ns : 0;
	struct units change;

	snprintf(change.text, sizeof(change.text), "%c%.38s", now < old ? '-' : '+',
		 units_duration((uint64_t)fabs(now - old)).text);
	print_head(text->term, rank, change.text, diff_state_word(row->state));
	fprintf(text->term->out, "; %s, was %s; waiting for %s ", units_duration((uint64_t)now).text,
		units_duration((uint64_t)old).text, lock->kind);
	term_text(text->term, lock->name ? lock->name : "without a name", 0, 0, false);
	fputc('\n', text->term->out);
	if (lock->stack.frames)
		text_stack_print(text->term, lock->stack.frames, lock->stack.count, lock->stack.mark, STACK_INDENT,
				 text->output->full_stacks ? SIZE_MAX : INNER_FRAMES);
}

void out_diff_text(const struct diff *diff, const struct diff_output *output, const struct term *term)
{
	struct text_out text = { .diff = diff, .output = output, .term = term };
	size_t top = output->top == 0 ? TOP_DEFAULT : output->top;

	print_run(term, "old", diff->old);
	print_run(term, "new", diff->now);
	print_totals(diff, term);
	print_leaks(&text, top);
	for (unsigned metric = 0; metric < DIFF_METRIC_COUNT; metric++)
		print_section(&text, (enum diff_metric)metric, top);
	if (diff->locks.count > 0)
		term_line(term, TERM_TITLE, "WAITING FOR LOCKS");
	for (size_t i = 0; i < diff->locks.count && i < top; i++)
		print_lock(&text, i + 1, &diff->locks.list[i]);
	for (int i = 0; i < 2; i++) {
		const struct summary *summary = i == 0 ? diff->old : diff->now;

		for (size_t j = 0; j < summary->notes.count && j < TOP_DEFAULT; j++) {
			term_text(term, summary->notes.list[j].dump, 0, 0, true);
			fputs(": ", term->out);
			term_text(term, summary->notes.list[j].text, 0, 0, false);
			fputc('\n', term->out);
		}
	}
	hash_map_free(&text.shown);
}

/* JSON. */

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *pair(double old, double now)
{
	return json_pack("{sIsI}", "old", (json_int_t)whole(old), "new", (json_int_t)whole(now));
}

/* NULL: nothing changed enough. */
static json_t *make_site(const struct diff *diff, const struct diff_site *site)
{
	json_t *object, *changes = json_object();
	struct summary_stack stack;

	for (unsigned i = 0; i < DIFF_METRIC_COUNT; i++) {
		enum diff_state state = diff_site_state(diff, site, (enum diff_metric)i);
		struct amount old = diff_value(site->old, (enum diff_metric)i);
		struct amount now = diff_value(site->now, (enum diff_metric)i);
		json_t *change;

		if (state == DIFF_SAME)
			continue;
		change = pair(old.value, now.value);
		put(change, "state", json_string(diff_state_word(state)));
		if (old.variance + now.variance > 0)
			put(change, "change_stderr", json_integer(whole(sqrt(old.variance + now.variance))));
		put(changes, metrics[i].key, change);
	}
	if (json_object_size(changes) == 0) {
		json_decref(changes);
		return NULL;
	}
	object = json_object();
	put(object, "state", json_string(!site->old ? "new" : !site->now ? "gone" : "changed"));
	put(object, "changes", changes);
	diff_stack(diff, site, &stack);
	put(object, "stack", json_frames(stack.frames, stack.count));
	return object;
}

static json_t *make_leak(const struct gate_leak *leak)
{
	bool gone = leak->state == GATE_GONE;
	json_t *names = json_array();
	json_t *object = json_object();

	for (size_t i = 0; i < leak->leak.key.count; i++)
		json_array_append_new(names, json_text(leak->leak.key.names[i]));
	put(object, "class", json_string(leak_class_word(leak->leak.leak_class)));
	put(object, "state", json_string(gate_state_word(leak->state)));
	put(object, "count", pair(leak->old_blocks, gone ? 0 : leak->leak.blocks.value));
	put(object, "bytes", pair(leak->old_bytes, gone ? 0 : leak->leak.bytes.value));
	put(object, "functions", names);
	return object;
}

static json_t *make_lock(const struct diff_lock *row)
{
	const struct summary_lock *lock = row->now ? row->now : row->old;
	json_t *object = json_object();

	put(object, "kind", json_text(lock->kind));
	put(object, "name", json_text(lock->name));
	put(object, "state", json_string(diff_state_word(row->state)));
	put(object, "wait_ns",
	    pair(row->old ? (double)row->old->wait_ns : 0, row->now ? (double)row->now->wait_ns : 0));
	put(object, "contentions",
	    pair(row->old ? (double)row->old->contentions : 0, row->now ? (double)row->now->contentions : 0));
	put(object, "stack", json_frames(lock->stack.frames, lock->stack.count));
	return object;
}

/* Sites by the change of bytes allocated, or those of them that changed in something else, behind. */
void out_diff_json(const struct diff *diff, const struct diff_output *output, FILE *out)
{
	size_t top = output->top == 0 ? SIZE_MAX : output->top;
	const struct gate *gate = &diff->leaks;
	struct total_row rows[TOTAL_ROWS];
	json_t *root = json_object(), *totals = json_object();
	json_t *sites = json_array(), *leaks = json_array(), *locks = json_array();

	fill_totals(diff, rows);
	for (size_t i = 0; i < TOTAL_ROWS; i++)
		put(totals, rows[i].key, pair(rows[i].old, rows[i].now));
	for (size_t i = 0; i < diff->sites.count && json_array_size(sites) < top; i++) {
		json_t *site = make_site(diff, &diff->sites.list[i]);

		if (site)
			json_array_append_new(sites, site);
	}
	for (size_t i = 0; i < gate->leak_count + gate->gone.count && json_array_size(leaks) < top; i++) {
		const struct gate_leak *leak =
			i < gate->leak_count ? &gate->leaks[i] : &gate->gone.list[i - gate->leak_count];

		if (is_told(leak))
			json_array_append_new(leaks, make_leak(leak));
	}
	for (size_t i = 0; i < diff->locks.count && i < top; i++)
		json_array_append_new(locks, make_lock(&diff->locks.list[i]));
	put(root, "schema", json_string(SCHEMA));
	put(root, "totals", totals);
	put(root, "leaks", leaks);
	put(root, "sites", sites);
	put(root, "locks", locks);
	json_dumpf(root, out, JSON_INDENT(1));
	fputc('\n', out);
	json_decref(root);
}

/* Markdown. */

void out_diff_markdown(const struct diff *diff, const struct diff_output *output, FILE *out)
{
	size_t top = output->top == 0 ? TOP_DEFAULT : output->top;
	struct total_row rows[TOTAL_ROWS];

	fill_totals(diff, rows);
	fputs("### memprof: difference\n\n| | old | new | change | |\n|---|---:|---:|---:|---:|\n", out);
	for (size_t i = 0; i < TOTAL_ROWS; i++)
		fprintf(out, "| %s | %s | %s | %s | %s |\n", rows[i].title, total_text(&rows[i], rows[i].old).text,
			total_text(&rows[i], rows[i].now).text, total_change(&rows[i]).text,
			percent_text(rows[i].old, rows[i].now).text);
	for (unsigned metric = 0; metric < DIFF_METRIC_COUNT; metric++) {
		const struct diff_site **list;
		size_t count = diff_rank(diff, (enum diff_metric)metric, &list);

		if (count > 0)
			fprintf(out, "\n#### %s\n\n", metrics[metric].title);
		for (size_t i = 0; i < count && i < top; i++) {
			struct amount old = diff_value(list[i]->old, (enum diff_metric)metric);
			struct amount now = diff_value(list[i]->now, (enum diff_metric)metric);
			struct summary_stack stack;
			const struct frame *frame;
			char buffer[300];

			diff_stack(diff, list[i], &stack);
			frame = summary_main_frame(&stack);
			fprintf(out, "<details><summary>%s (%s): ",
				change_text(now.value - old.value, metrics[metric].is_bytes).text,
				diff_state_word(diff_site_state(diff, list[i], (enum diff_metric)metric)));
			markdown_text(frame ? stack_view_name(frame, buffer, sizeof(buffer)) : "?", out);
			fputs("</summary>\n\n", out);
			markdown_stack(stack.frames, stack.count, out);
			fputs("\n</details>\n", out);
		}
		free(list);
	}
}
