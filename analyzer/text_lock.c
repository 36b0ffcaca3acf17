/* SPDX-License-Identifier: MIT */
/*
 * A lock begins with what a person needs first: which lock, who made threads wait for it, who waited. Detail follows
 * below.
 */
#include "text_lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lock_advice.h"
#include "table.h"
#include "text_stack.h"
#include "units.h"

#define INDENT       TEXT_LOCK_INDENT
#define INNER_FRAMES 5u
#define CALLERS      4u /* named in short */
#define CALLER_MAX   32u

void text_lock_stack(struct text_locks *text, uint32_t stack)
{
	const struct report *report = text->report;
	const struct stack_view *view = &text->view;

	if (stack == 0) {
		term_line(text->term, TERM_DIM, "%*s[not known]", (int)INDENT + 2, "");
		return;
	}
	stack_view_fill(&text->view, report->profile, report->symbols, stack);
	text_stack_print(text->term, view->frames.list, view->frames.count, view->mark, INDENT + 2,
			 report->options->full_stacks ? SIZE_MAX : INNER_FRAMES);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void text_lock_more(const struct term *term, size_t hidden, const char *what)
{
	if (hidden > 0)
		term_line(term, TERM_DIM, "%*s%s %s", (int)INDENT, "", term_ellipsis(term),
			  units_plural((int64_t)hidden, what).text);
}

/* "rebuild()  table.c:88  (app)": what a person can act on in STACK; 0 = not known. */
static void print_actor(const struct text_locks *text, uint32_t stack)
{
	const struct term *term = text->term;
	struct frame frame;
	char place[256];

	if (stack == 0 || !lock_view_actor(text->report->profile, text->report->symbols, stack, &frame)) {
		fputs(stack == 0 ? "nobody that memprof saw" : "code without a stack", term->out);
		return;
	}
	term_style(term, TERM_VALUE);
	term_text(term, stack_view_name(&frame, place, sizeof(place)), TEXT_LOCK_NAME_MAX, 0, false);
	term_style(term, TERM_PLAIN);
	if (!frame.function)
		return;
	if (frame.file) {
		fputs("  ", term->out);
		term_style(term, TERM_PLACE);
		term_text(term, stack_view_base_name(frame.file), 0, 0, false);
		if (frame.line > 0)
			fprintf(term->out, ":%" PRIu32, frame.line);
		term_style(term, TERM_PLAIN);
	}
	if (frame.module) {
		term_style(term, TERM_DIM);
		fputs("  (", term->out);
		term_text(term, stack_view_base_name(frame.module), 0, 0, false);
		fputc(')', term->out);
		term_style(term, TERM_PLAIN);
	}
}

/* Where every thread begins says nothing about it. */
static bool is_beginning(const char *function)
{
	static const char *const names[] = {
		"start_thread",          "clone", "clone3", "__clone3", "__clone", "_start", "__libc_start_main",
		"__libc_start_call_main"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(function, names[i]) == 0)
			return true;
	}
	return false;
}

/* In short, who called what print_actor() named: "called by serve < main". */
static void print_callers(struct text_locks *text, uint32_t stack)
{
	const struct term *term = text->term;
	struct frame actor;
	size_t printed = 0, at = 0;

	if (stack == 0 || !lock_view_actor(text->report->profile, text->report->symbols, stack, &actor))
		return;
	stack_view_fill(&text->view, text->report->profile, text->report->symbols, stack);
	while (at < text->view.frames.count && (text->view.frames.list[at].address != actor.address ||
						text->view.frames.list[at].function != actor.function))
		at++;
	for (at++; at < text->view.frames.count && printed < CALLERS; at++) {
		const struct frame *frame = &text->view.frames.list[at];
		char place[256];

		if (frame->function && is_beginning(frame->function))
			break;
		if (frame->function && lock_view_is_plumbing(frame->function))
			continue;
		if (printed == 0)
			fprintf(term->out, "%*s%-11s", (int)INDENT, "", "");
		fputs(printed == 0 ? "called by " : " < ", term->out);
		term_text(term, stack_view_name(frame, place, sizeof(place)), CALLER_MAX, 0, false);
		printed++;
	}
	if (printed > 0)
		fputc('\n', term->out);
}

/* "780 ms, 96.1 %" of the wait for LOCK. */
static void print_part(const struct text_locks *text, const struct lock_class *lock, uint64_t ns)
{
	struct units share = units_share(units_signed(ns), lock->wait_ns);

	fprintf(text->term->out, "  %s%s%s", units_duration(ns).text, *share.text ? ", " : "", share.text);
}

static void print_name(const struct text_locks *text, const struct lock_class *lock)
{
	const struct term *term = text->term;
	const char *kind = lock->primitive ? lock->primitive : profile_lock_kind_name(lock->kind);

	fprintf(term->out, "%s ", kind ? kind : "lock");
	term_style(term, TERM_VALUE);
	if (lock->name)
		term_text(term, lock->name, 0, 0, false);
	else
		fprintf(term->out, "at 0x%" PRIx64, lock->rows[0]->lock->row.address);
	term_style(term, TERM_PLAIN);
	if (lock->instances > 1)
		fprintf(term->out, " (%s)", units_plural(units_signed(lock->instances), "lock").text);
}

static void print_counts(const struct text_locks *text, const struct lock_class *lock)
{
	FILE *out = text->term->out;
	bool exact = !(lock->flags & MP_LOCK_FLAG_COUNT_FROM_FIRST);

	fprintf(out, ", %s", units_plural(units_signed(lock->contentions), "wait").text);
	if (lock->counted && lock->acquisitions > 0 && lock_class_is_contention(lock))
		fprintf(out, " in %s%s (%s)", units_count(units_signed(lock->acquisitions)).text,
			exact ? " acquisitions" : " known acquisitions",
			units_share(units_signed(lock->contentions), lock->acquisitions).text);
	if (lock->timeouts > 0)
		fprintf(out, ", %s", units_plural(units_signed(lock->timeouts), "timeout").text);
	if (lock->trylock_failures > 0)
		fprintf(out, ", %s", units_plural(units_signed(lock->trylock_failures), "failed trylock").text);
	fputc('\n', out);
}

static const char *culprit_label(const struct lock_class *lock)
{
	return lock_class_is_contention(lock) ? "held by" : "woken by";
}

/* The two lines that matter: who made threads wait, and who waited. */
static void print_gist(struct text_locks *text, const struct lock_class *lock)
{
	const struct term *term = text->term;
	const struct lock_blame *culprit = NULL;

	for (size_t i = 0; i < lock->culprit_count && !culprit; i++)
		culprit = lock->culprits[i].culprit != 0 ? &lock->culprits[i] : NULL;
	if (culprit) {
		fprintf(term->out, "%*s%-11s", (int)INDENT, "", culprit_label(lock));
		print_actor(text, culprit->culprit);
		print_part(text, lock, culprit->wait_ns);
		if (culprit->approx_ns > culprit->wait_ns / 2)
			fputs(" (about)", term->out);
		fputc('\n', term->out);
		if (text->brief)
			print_callers(text, culprit->culprit);
	}
	if (lock->waiter_count > 0) {
		fprintf(term->out, "%*s%-11s", (int)INDENT, "", "waiting in");
		print_actor(text, lock->waiters[0].stack);
		print_part(text, lock, lock->waiters[0].wait_ns);
		if (lock->detailed && lock->waiters_max > 1)
			fprintf(term->out, "; up to %" PRIu32 " threads at once", lock->waiters_max);
		fputc('\n', term->out);
		if (text->brief)
			print_callers(text, lock->waiters[0].stack);
	}
}

/* Percentiles. */

static void print_times(const struct text_locks *text, const char *what, const struct lock_percentiles *times,
			uint64_t max_ns)
{
	if (times->count == 0)
		return;
	fprintf(text->term->out, "%*s%-11shalf under %s, 99 %% under %s, longest %s\n", (int)INDENT, "", what,
		units_duration(times->p50).text, units_duration(times->p99).text, units_duration(max_ns).text);
}

static void add_times(struct table *table, const char *what, const struct lock_percentiles *times, uint64_t sum_ns,
		      uint64_t max_ns)
{
	if (times->count == 0)
		return;
	table_cell(table, what);
	table_cell(table, units_count(units_signed(times->count)).text);
	table_cell(table, units_duration(times->p50).text);
	table_cell(table, units_duration(times->p90).text);
	table_cell(table, units_duration(times->p99).text);
	table_cell(table, max_ns > 0 ? units_duration(max_ns).text : "");
	table_cell(table, sum_ns > 0 ? units_duration(sum_ns).text : "");
}

static void print_percentiles(const struct text_locks *text, const struct lock_class *lock)
{
	static const struct table_column columns[] = {
		{ .title = "" },
		{ .title = "count", .right = true },
		{ .title = "50 %", .right = true },
		{ .title = "90 %", .right = true },
		{ .title = "99 %", .right = true },
		{ .title = "longest", .right = true },
		{ .title = "sum", .right = true },
	};
	bool shared = lock_class_is_shared(lock);
	struct table table;

	if (lock->wait.count == 0 && lock->hold.count == 0)
		return;
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	add_times(&table, "waits", &lock->wait, lock->wait_ns, lock->wait_max_ns);
	if (shared) {
		add_times(&table, "  to read", &lock->wait_shared, 0, 0);
		add_times(&table, "  to write", &lock->wait_exclusive, 0, 0);
	}
	add_times(&table, "wake to mutex", &lock->reacquire, lock->extras.reacquire_ns, 0);
	add_times(&table, "holds", &lock->hold, lock->holds.ns, lock->holds.max_ns);
	if (shared) {
		add_times(&table, "  to read", &lock->hold_shared, 0, 0);
		add_times(&table, "  to write", &lock->hold_exclusive, 0, 0);
	}
	table_print(&table, text->term, INDENT);
	table_free(&table);
}

/* Further numbers of LOCK, each on a line, as far as they are known and not 0. */
static void print_numbers(const struct text_locks *text, const struct lock_class *lock)
{
	FILE *out = text->term->out;
	const struct mp_lock_hold *holds = &lock->holds;
	const struct mp_lock_extra *extras = &lock->extras;

	fprintf(out, "%*s#%" PRIu32 ", %s\n", (int)INDENT, "", lock->id, lock_view_bond_text(lock->label.bond));
	if (!lock->counted)
		fprintf(out, "%*sacquisitions that did not wait cannot be seen\n", (int)INDENT, "");
	if (extras->shared_acquisitions > 0)
		fprintf(out, "%*s%s of the acquisitions to read\n", (int)INDENT, "",
			units_share(units_signed(extras->shared_acquisitions), lock->acquisitions).text);
	if (lock->handoff_ns > 0)
		fprintf(out, "%*shand-off %s (%s of the wait): nobody held the lock, the waiter did not run yet\n",
			(int)INDENT, "", units_duration(lock->handoff_ns).text,
			units_share(units_signed(lock->handoff_ns), lock->wait_ns).text);
	if (holds->blocked_ns > 0)
		fprintf(out, "%*sfor %s of the measured holds the holder itself waited (%s)\n", (int)INDENT, "",
			units_duration(holds->blocked_ns).text,
			units_share(units_signed(holds->blocked_ns), holds->ns).text);
	if (holds->count > holds->hot_count && lock->hold_period > 1)
		fprintf(out, "%*sholds measured: all while threads waited for it, else at least one in %" PRIu32 "\n",
			(int)INDENT, "", lock->hold_period);
	if (holds->alloc_count > 0)
		fprintf(out, "%*sallocations made while holding it: %s, %s, in %s\n", (int)INDENT, "",
			units_count(units_signed(holds->alloc_count)).text,
			units_bytes(units_signed(holds->alloc_bytes)).text,
			units_plural(units_signed(holds->count), "measured hold").text);
	if (extras->wakes > 0)
		fprintf(out, "%*s%s, %s of them for all, %s with nobody waiting, %s with the mutex held\n", (int)INDENT,
			"", units_plural(units_signed(extras->wakes), "wake").text,
			units_count(units_signed(extras->wakes_all)).text,
			units_count(units_signed(extras->wakes_unheard)).text,
			units_count(units_signed(extras->wakes_locked)).text);
}

static void print_advice(const struct text_locks *text, const struct lock_class *lock)
{
	struct lock_advice list[LOCK_ADVICE_MAX];
	size_t count = lock_advice(text->report->lock_classes, lock, list);

	for (size_t i = 0; i < count; i++) {
		fprintf(text->term->out, "%*s", (int)INDENT, "");
		term_print(text->term, TERM_VALUE, "> ");
		term_text(text->term, list[i].text, 0, 0, false);
		fputc('\n', text->term->out);
	}
}

/* Lists. In the detail, culprits have letters and waiters numbers, which the matrix refers to. */

static void print_culprits(struct text_locks *text, const struct lock_class *lock)
{
	const struct term *term = text->term;
	size_t shown = smaller(lock->culprit_count, text->limits.culprits);
	uint64_t running_ns = 0;

	for (size_t i = 0; i < shown; i++) {
		const struct lock_blame *culprit = &lock->culprits[i];

		running_ns += culprit->wait_ns;
		fprintf(term->out, "%*s", (int)INDENT, "");
		fprintf(term->out, "%c  ", i < 26 ? (char)('A' + i) : ' ');
		if (culprit->culprit == 0) {
			fprintf(term->out, "%s are nobody's that memprof saw\n", units_duration(culprit->wait_ns).text);
			continue;
		}
		fprintf(term->out, "%s %s, %s of the wait",
			lock_class_is_contention(lock) ? "held it for" : "ended waits of",
			units_duration(culprit->wait_ns).text,
			units_share(units_signed(culprit->wait_ns), lock->wait_ns).text);
		if (i > 0)
			fprintf(term->out, " (so far %s)", units_share(units_signed(running_ns), lock->wait_ns).text);
		fprintf(term->out, ", in %s", units_plural(units_signed(culprit->count), "wait").text);
		if (lock_class_is_contention(lock) && culprit->running_ns < culprit->wait_ns)
			fprintf(term->out, "; waiting itself for %s of that",
				units_duration(culprit->wait_ns - culprit->running_ns).text);
		fputs(culprit->approx_ns > 0 ? "; times are about right:\n" : ":\n", term->out);
		text_lock_stack(text, culprit->culprit);
	}
	text_lock_more(term, lock->culprit_count - shown, "more culprit");
}

static void print_waiters(struct text_locks *text, const struct lock_class *lock)
{
	const struct term *term = text->term;
	size_t shown = smaller(lock->waiter_count, text->limits.waiters);

	for (size_t i = 0; i < shown; i++) {
		const struct lock_waiter *waiter = &lock->waiters[i];

		fprintf(term->out, "%*s", (int)INDENT, "");
		fprintf(term->out, "%zu  ", i + 1);
		fprintf(term->out, "waited %s in %s", units_duration(waiter->wait_ns).text,
			units_plural(units_signed(waiter->count), "wait").text);
		if (lock_class_is_shared(lock) && lock->detailed)
			fputs(waiter->flags & MP_LOCK_WAIT_SHARED ? " to read" : " to write", term->out);
		fprintf(term->out, ", longest %s", units_duration(waiter->wait_max_ns).text);
		if (waiter->reacquire_ns > 0)
			fprintf(term->out, ", %s of it for the mutex after the wake",
				units_duration(waiter->reacquire_ns).text);
		if (waiter->timeouts > 0)
			fprintf(term->out, ", %s", units_plural(units_signed(waiter->timeouts), "timeout").text);
		fputs(":\n", term->out);
		text_lock_stack(text, waiter->stack);
	}
	text_lock_more(term, lock->waiter_count - shown, "more waiting stack");
}

static uint64_t matrix_ns(const struct lock_class *lock, uint32_t waiter, uint32_t culprit)
{
	for (size_t i = 0; i < lock->matrix_count; i++) {
		if (lock->matrix[i].waiter == waiter && lock->matrix[i].culprit == culprit)
			return lock->matrix[i].wait_ns;
	}
	return 0;
}

static void add_matrix_row(struct table *table, const struct text_locks *text, const struct lock_class *lock, size_t i,
			   size_t columns)
{
	struct frame frame;
	char place[256], name[320];

	if (!lock_view_actor(text->report->profile, text->report->symbols, lock->waiters[i].stack, &frame))
		snprintf(name, sizeof(name), "%zu", i + 1);
	else
		snprintf(name, sizeof(name), "%zu  %.60s", i + 1, stack_view_name(&frame, place, sizeof(place)));
	table_cell(table, name);
	for (size_t j = 0; j < columns; j++) {
		uint64_t ns = matrix_ns(lock, lock->waiters[i].stack, lock->culprits[j].culprit);

		table_cell(table, ns > 0 ? units_duration(ns).text : "-");
	}
}

/* Waiters down, culprits across. One of either says no more than the lists do. */
static void print_matrix(const struct text_locks *text, const struct lock_class *lock)
{
	static const struct table_column columns[] = {
		{ .title = "waited in, for" },   { .title = "A", .right = true }, { .title = "B", .right = true },
		{ .title = "C", .right = true }, { .title = "D", .right = true }, { .title = "E", .right = true },
		{ .title = "F", .right = true }, { .title = "G", .right = true }, { .title = "H", .right = true },
	};
	size_t row_count = smaller(lock->waiter_count, smaller(text->limits.rows, text->limits.waiters));
	size_t column_count = smaller(lock->culprit_count, smaller(text->limits.columns, text->limits.culprits));
	struct table table;

	if (row_count < 2 || column_count < 2)
		return;
	table_init(&table, columns, column_count + 1);
	for (size_t i = 0; i < row_count; i++)
		add_matrix_row(&table, text, lock, i, column_count);
	table_print(&table, text->term, INDENT);
	table_free(&table);
}

void text_lock_thread(const struct text_locks *text, uint32_t tid)
{
	const struct profile *profile = text->report->profile;
	const struct term *term = text->term;

	for (size_t i = 0; i < profile->thread_count && tid != 0; i++) {
		if (profile->threads[i].tid == tid && profile->threads[i].name[0]) {
			term_text(term, profile->threads[i].name, 0, 0, false);
			fputc(' ', term->out);
			break;
		}
	}
	if (tid != 0)
		fprintf(term->out, "%" PRIu32, tid);
	else
		fputs("others", term->out);
}

static void print_pairs(const struct text_locks *text, const struct lock_class *lock)
{
	const struct term *term = text->term;
	size_t shown = smaller(lock->pair_count, text->limits.pairs);

	for (size_t i = 0; i < shown; i++) {
		const struct lock_pair *pair = &lock->pairs[i];

		fprintf(term->out, "%*sthread ", (int)INDENT, "");
		text_lock_thread(text, pair->waiter_tid);
		fprintf(term->out, " waited %s in %s for thread ", units_duration(pair->wait_ns).text,
			units_plural(units_signed(pair->count), "wait").text);
		text_lock_thread(text, pair->culprit_tid);
		fputc('\n', term->out);
	}
	text_lock_more(term, lock->pair_count - shown, "more pair of threads");
}

static void print_instances(const struct text_locks *text, const struct lock_class *lock)
{
	const struct term *term = text->term;
	size_t shown = smaller(lock->row_count, text->limits.instances);

	if (lock->row_count < 2)
		return;
	for (size_t i = 0; i < shown; i++) {
		const struct lock_sum *row = lock->rows[i];

		fprintf(term->out, "%*slock #%" PRIu32 " at 0x%" PRIx64 ": %s in %s", (int)INDENT, "",
			row->lock->number, row->lock->row.address, units_duration(row->wait_ns).text,
			units_plural(units_signed(row->contentions), "wait").text);
		if (row->lock->row.instances > 1)
			fprintf(term->out, ", %s one after the other",
				units_plural(row->lock->row.instances, "lock").text);
		fputc('\n', term->out);
	}
	text_lock_more(term, lock->row_count - shown, "more lock");
}

void text_lock_print(struct text_locks *text, size_t rank, const struct lock_class *lock, uint64_t total_ns)
{
	text_rank_line(text->term, rank, units_duration(lock->wait_ns).text,
		       units_share(units_signed(lock->wait_ns), total_ns).text);
	print_name(text, lock);
	print_counts(text, lock);
	print_gist(text, lock);
	if (text->brief) {
		print_times(text, "waits", &lock->wait, lock->wait_max_ns);
		print_times(text, "holds", &lock->hold, lock->holds.max_ns);
		print_advice(text, lock);
		return;
	}
	print_advice(text, lock);
	print_numbers(text, lock);
	print_percentiles(text, lock);
	print_culprits(text, lock);
	print_waiters(text, lock);
	print_matrix(text, lock);
	print_pairs(text, lock);
	print_instances(text, lock);
	fputc('\n', text->term->out);
}
