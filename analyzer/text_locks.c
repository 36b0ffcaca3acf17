/* SPDX-License-Identifier: MIT */
/* The lists of locks in the text report: which of them, in which order, under which heading. */
#include <inttypes.h>
#include <stdio.h>

#include "out.h"
#include "text_lock.h"
#include "units.h"

#define NAMES_SHOWN 10u

/* The columns of the matrix fit a terminal; the JSON report has the rest. */
static const struct text_lock_limits all_limits[] = {
	[OUT_LOCKS_BRIEF] = { .locks = 5, .coordination = 3 },
	[OUT_LOCKS_DETAIL] = { .locks = 20,
			       .coordination = 5,
			       .culprits = 4,
			       .waiters = 4,
			       .pairs = 5,
			       .instances = 4,
			       .rows = 6,
			       .columns = 6 },
	[OUT_LOCKS_FULL] = { .locks = SIZE_MAX,
			     .coordination = SIZE_MAX,
			     .culprits = SIZE_MAX,
			     .waiters = SIZE_MAX,
			     .pairs = SIZE_MAX,
			     .instances = 20,
			     .rows = 26,
			     .columns = 8 },
};

/* Who took what while holding what: the stacks tell where the locks were taken. */
static void print_step(struct text_locks *text, const struct mp_lock_order *step)
{
	const struct term *term = text->term;
	char inner[256], outer[256];

	fprintf(term->out, "%*sthread ", (int)TEXT_LOCK_INDENT, "");
	text_lock_thread(text, step->tid);
	fputs(" took ", term->out);
	term_text(term, lock_classes_name(text->report->lock_classes, step->inner, inner, sizeof(inner)), 0, 0, false);
	fputs(" while it held ", term->out);
	term_text(term, lock_classes_name(text->report->lock_classes, step->outer, outer, sizeof(outer)), 0, 0, false);
	fprintf(term->out, " (%s):\n", units_plural(units_signed(step->count), "time").text);
	text_lock_stack(text, step->inner_stack);
	fprintf(term->out, "%*swhich it had taken in:\n", (int)TEXT_LOCK_INDENT, "");
	text_lock_stack(text, step->outer_stack);
}

static void print_cycles(struct text_locks *text)
{
	const struct lock_classes *classes = text->report->lock_classes;
	const struct term *term = text->term;
	size_t shown = classes->cycle_count < text->limits.locks ? classes->cycle_count : text->limits.locks;

	if (text->report->profile->lock_order_count == 0)
		return;
	fputc('\n', term->out);
	term_print(term, TERM_TITLE, "LOCK ORDER");
	if (classes->cycle_count == 0) {
		fputs("  no locks were taken in opposite orders\n", term->out);
		return;
	}
	fprintf(term->out, "  %s of locks taken in opposite orders, which can deadlock\n",
		units_plural((int64_t)classes->cycle_count, "cycle").text);
	for (size_t i = 0; i < shown; i++) {
		const struct lock_cycle *cycle = &classes->cycles[i];

		fprintf(term->out, "#%-3zu", i + 1);
		for (size_t j = 0; j <= cycle->step_count; j++) {
			char name[256];

			fputs(j > 0 ? ", then " : "", term->out);
			term_style(term, TERM_VALUE);
			term_text(term,
				  lock_classes_name(text->report->lock_classes,
						    cycle->steps[j % cycle->step_count]->outer, name, sizeof(name)),
				  0, 0, false);
			term_style(term, TERM_PLAIN);
		}
		fputc('\n', term->out);
		for (size_t j = 0; j < cycle->step_count; j++)
			print_step(text, cycle->steps[j]);
	}
	text_lock_more(term, classes->cycle_count - shown, "more cycle");
}

static bool any_threads(const struct profile *profile)
{
	uint64_t threads = 0;

	for (size_t i = 0; i < profile->thread_count; i++)
		threads += profile->threads[i].threads;
	return threads > 1;
}

static void print_unseen(const struct text_locks *text)
{
	term_line(
		text->term, TERM_DIM,
		"  Not seen: locks within glibc (malloc, stdio, the loader), of Go, and of static binaries; locks that "
		"spin without a library.");
}

/* LOCKS are COUNT ranked ones of one category. */
static void print_section(struct text_locks *text, const struct lock_class **locks, size_t count, size_t limit,
			  uint64_t total_ns)
{
	size_t shown = count < limit ? count : limit;

	for (size_t i = 0; i < shown; i++)
		text_lock_print(text, i + 1, locks[i], total_ns);
	if (shown < count)
		term_line(text->term, TERM_DIM, "%s %s", term_ellipsis(text->term),
			  units_plural((int64_t)(count - shown), "more lock").text);
}

static void print_contention(struct text_locks *text, size_t count)
{
	const struct report *report = text->report;
	const struct term *term = text->term;
	uint64_t total_ns = report->lock_classes->contention_ns;

	term_print(term, TERM_TITLE, "LOCKS");
	if (count == 0)
		fputs("  no thread had to wait for one\n", term->out);
	else
		fprintf(term->out, "  %s waited in all threads for %s\n", units_duration(total_ns).text,
			units_plural((int64_t)count, "lock").text);
	print_section(text, report->locks, count, text->limits.locks, total_ns);
}

/* Waiting is the purpose here, so this never leads the ranking. */
static void print_coordination(struct text_locks *text, size_t first)
{
	const struct report *report = text->report;
	const struct term *term = text->term;
	uint64_t total_ns = report->lock_classes->coordination_ns;
	size_t count = report->lock_count - first;

	/* Those for which no wait has ended yet have nothing to tell beside others. */
	while (text->brief && count > 0 && report->locks[first + count - 1]->wait_ns == 0)
		count--;
	if (count == 0)
		return;
	fputs(first > 0 || text->brief ? "\n" : "", term->out);
	term_print(term, TERM_TITLE, "COORDINATION");
	fprintf(term->out, "  %s waited for work or for each other, which may well be meant so\n",
		units_duration(total_ns).text);
	print_section(text, report->locks + first, count, text->limits.coordination, total_ns);
}

static void print_no_such_lock(const struct text_locks *text)
{
	const struct lock_classes *classes = text->report->lock_classes;
	const struct term *term = text->term;
	size_t shown = 0;

	fputs("  no lock that threads waited for is called ", term->out);
	term_text(term, text->report->options->lock, 0, 0, false);
	for (size_t i = 0; i < classes->count && shown < NAMES_SHOWN; i++) {
		if (!classes->list[i].name)
			continue;
		fputs(shown++ > 0 ? ", " : "; there are ", term->out);
		term_text(term, classes->list[i].name, TEXT_LOCK_NAME_MAX, 0, false);
	}
	fputc('\n', term->out);
}

void out_text_locks(const struct report *report, const struct term *term)
{
	struct text_locks text = { .report = report,
				   .term = term,
				   .limits = all_limits[report->options->locks],
				   .brief = report->options->locks == OUT_LOCKS_BRIEF };
	bool recorded = report->profile->process.features & MP_FEATURE_LOCKS;
	size_t contention = 0;

	if (report->options->top > 0)
		text.limits.locks = text.limits.coordination = (size_t)report->options->top;
	if (text.brief && report->lock_count == 0 && (!recorded || !any_threads(report->profile) || report->filter))
		return;
	lock_classes_rank(report->locks, report->lock_count);
	while (contention < report->lock_count && lock_class_is_contention(report->locks[contention]))
		contention++;
	if (!recorded && report->lock_count == 0)
		fputs("LOCKS  not recorded\n", term->out);
	else if (report->lock_count == 0 && report->options->lock)
		print_no_such_lock(&text);
	else if (text.brief || contention > 0 || report->lock_count == 0)
		print_contention(&text, contention);
	print_coordination(&text, contention);
	print_cycles(&text);
	if (recorded)
		print_unseen(&text);
	fputc('\n', term->out);
	stack_view_free(&text.view);
}
