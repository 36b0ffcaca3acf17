/* SPDX-License-Identifier: MIT */
/* The verdict on what was not freed, for people: the sums by class, then what is lost, the worst first. */
#include <inttypes.h>
#include <stdio.h>

#include "growth_view.h"
#include "leak_view.h"
#include "out.h"
#include "stack_view.h"
#include "text_stack.h"
#include "units.h"

#define INNER_FRAMES 8u
#define STACK_INDENT 6u
#define SHOWN        5u

/* X(class, words) in the order of the report. */
#define CLASSES(X)                      \
	X(DEFINITE, "definitely lost")  \
	X(INDIRECT, "indirectly lost")  \
	X(POSSIBLE, "possibly lost")    \
	X(REACHABLE, "still reachable") \
	X(UNFREED, "not known")

static const char *class_words(enum mp_leak_class leak_class)
{
	static const char *const words[] = {
#define X(name, text) [MP_LEAK_##name] = text,
		CLASSES(X)
#undef X
	};

	return words[leak_class];
}

static const char *blocks(uint64_t count)
{
	return count == 1 ? "block" : "blocks";
}

static void print_sums(const struct leak_view *view, const struct term *term)
{
	for (uint32_t class = MP_LEAK_DEFINITE; class <= MP_LEAK_UNFREED; class ++) {
		const struct leak_sum *sum = &view->sums[class];

		if (sum->count == 0 && class != MP_LEAK_DEFINITE)
			continue;
		fprintf(term->out, "  %-16s", class_words(class));
		term_print(term, TERM_VALUE, "%11s", units_bytes(units_signed(sum->bytes)).text);
		fprintf(term->out, "  in %s %s\n", units_count(units_signed(sum->count)).text, blocks(sum->count));
	}
}

static void print_stack(const struct report *report, const struct term *term, uint32_t node)
{
	struct stack_view stack = { 0 };

	stack_view_fill(&stack, report->profile, report->symbols, node);
	text_stack_print(term, stack.frames.list, stack.frames.count, stack.mark, STACK_INDENT,
			 report->options->full_stacks ? SIZE_MAX : INNER_FRAMES);
	stack_view_free(&stack);
}

static void print_leak(const struct report *report, const struct term *term, size_t rank, const struct leak *leak)
{
	char number[24];

	snprintf(number, sizeof(number), "#%zu", rank);
	fprintf(term->out, "%-4s", number);
	term_print(term, TERM_VALUE, "%11s", units_bytes(units_signed(leak->bytes)).text);
	fprintf(term->out, "  %s, %s %s", class_words(leak->leak_class), units_count(units_signed(leak->count)).text,
		blocks(leak->count));
	if (leak->held_count > 0)
		fprintf(term->out, "; %s in %s %s hang on them", units_bytes(units_signed(leak->held_bytes)).text,
			units_count(units_signed(leak->held_count)).text, blocks(leak->held_count));
	if (leak->cycle_count > 0)
		fprintf(term->out, "; %s in cycles", units_count(units_signed(leak->cycle_count)).text);
	fputc('\n', term->out);
	print_stack(report, term, leak->stack);
}

static bool is_shown(const struct report *report, const struct leak *leak)
{
	return (leak->leak_class == MP_LEAK_DEFINITE || leak->leak_class == MP_LEAK_POSSIBLE) &&
	       (!report->filter || filter_matches_stack(report->filter, leak->stack));
}

static void print_leaks(const struct report *report, const struct leak_view *view, const struct term *term)
{
	size_t top = report->options->top > 0 ? (size_t)report->options->top : SHOWN;
	size_t shown = 0;
	size_t more = 0;

	for (size_t i = 0; i < view->leak_count; i++) {
		if (!is_shown(report, &view->leaks[i]))
			continue;
		if (shown < top)
			print_leak(report, term, ++shown, &view->leaks[i]);
		else
			more++;
	}
	if (more > 0)
		term_line(term, TERM_DIM, "%s %zu more", term_ellipsis(term), more);
}

void out_text_leaks(const struct report *report, const struct term *term)
{
	struct leak_view view;

	leak_view_init(&view, report->profile, report->aggregate);
	if (view.scan.ran) {
		term_print(term, TERM_TITLE, "LEAKS");
		fprintf(term->out, "  looked at %s %s in %s",
			units_count(units_signed(view.scan.row->block_count)).text, blocks(view.scan.row->block_count),
			units_duration(view.scan.row->duration_ns).text);
		if (view.scan.row->trigger != MP_SCAN_EXIT)
			fputs(", before the end", term->out);
		fputc('\n', term->out);
		print_sums(&view, term);
		print_leaks(report, &view, term);
		fputc('\n', term->out);
	} else if (view.leak_count > 0) {
		term_print(term, TERM_TITLE, "LEAKS");
		fprintf(term->out, "  no verdict on what was not freed: %s\n\n", view.scan.why_not);
	}
	leak_view_free(&view);
}

/* Slopes are small numbers per second, and what people remember is the memory after a day. */
#define S_PER_HOUR 3600

static struct units bytes_per_hour(double bytes_per_s)
{
	return units_bytes((int64_t)(bytes_per_s * S_PER_HOUR));
}

static void print_growth(const struct report *report, const struct term *term, size_t rank, const struct growth *growth)
{
	char number[24];

	snprintf(number, sizeof(number), "#%zu", rank);
	fprintf(term->out, "%-4s", number);
	term_print(term, TERM_VALUE, "%11s", bytes_per_hour(growth->bytes_per_s).text);
	fprintf(term->out, "/h  (at least %s), %s blocks/h, score %.2f; %s in %s %s so far\n",
		bytes_per_hour(growth->bytes_per_s_low).text,
		units_count((int64_t)(growth->blocks_per_s * S_PER_HOUR)).text, growth->score,
		units_bytes(units_signed(growth->live_bytes)).text, units_count(units_signed(growth->live_count)).text,
		blocks(growth->live_count));
	print_stack(report, term, growth->stack);
}

void out_text_growth(const struct report *report, const struct term *term)
{
	size_t top = report->options->top > 0 ? (size_t)report->options->top : SHOWN;
	struct growth_view view;
	size_t shown = 0;

	growth_view_init(&view, report->profile);
	if (view.count > 0) {
		term_print(term, TERM_TITLE, "GROWING");
		fprintf(term->out, "  %s, over the last %s at %zu points in time%s\n",
			units_plural((int64_t)view.count, "site").text,
			units_duration(view.to_ns - view.from_ns).text, view.points,
			profile_is_sampled(report->profile) ? "; figures are estimates from a sample" : "");
		for (size_t i = 0; i < view.count && shown < top; i++) {
			if (!report->filter || filter_matches_stack(report->filter, view.list[i].stack))
				print_growth(report, term, ++shown, &view.list[i]);
		}
		if (view.count > shown && !report->filter)
			term_line(term, TERM_DIM, "%s %zu more", term_ellipsis(term), view.count - shown);
		fputc('\n', term->out);
	}
	growth_view_free(&view);
}
