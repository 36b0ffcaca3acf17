/* SPDX-License-Identifier: MIT */
/* Frames in columns: what they are called, where they are in the source, which object they belong to. */
#include "text_stack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "profile.h"
#include "stack_view.h"

/* A stack longer than these and the inner ones and one more loses its middle; these say which part of the program. */
#define OUTER_FRAMES 2u
#define FUNCTION_MAX 48u /* columns, so that places stay in sight where one name is very long */

static size_t frame_function_columns(const struct term *term, const struct frame *frame)
{
	char place[256];

	return term_columns(term, stack_view_name(frame, place, sizeof(place)));
}

/* "file:line  (module)" within COLUMNS (0 = no limit). */
static void print_place(const struct term *term, const struct frame *frame, size_t columns)
{
	char line[24] = "";
	const char *module = frame->module ? stack_view_base_name(frame->module) : NULL;
	size_t taken = module ? term_columns(term, module) + 4 : 0;

	if (frame->file) {
		if (frame->line > 0)
			snprintf(line, sizeof(line), ":%" PRIu32, frame->line);
		taken += strlen(line);
		term_style(term, TERM_PLACE);
		term_text(term, frame->file,
			  columns == 0           ? 0
			  : columns > taken + 12 ? columns - taken
						 : 12,
			  0,
			  /*keep_end=*/true);
		fprintf(term->out, "%s%s", line, module ? "  " : "");
		term_style(term, TERM_PLAIN);
	}
	if (module) {
		term_style(term, TERM_DIM);
		fputc('(', term->out);
		term_text(term, module, 0, 0, false);
		fputc(')', term->out);
		term_style(term, TERM_PLAIN);
	}
}

static void print_frame(const struct term *term, const struct frame *frame, size_t indent, size_t function_columns)
{
	char place[256];
	const char *function = stack_view_name(frame, place, sizeof(place));

	fprintf(term->out, "%*s", (int)indent, "");
	if (!frame->function) { /* goes by its module already */
		term_text(term, function, 0, 0, false);
		fputc('\n', term->out);
		return;
	}
	term_text(term, function, function_columns, function_columns, false);
	fputs("  ", term->out);
	print_place(term, frame, term->width > 0 ? term->width - indent - function_columns - 2 : 0);
	if (frame->inlined)
		term_print(term, TERM_DIM, "  inlined");
	fputc('\n', term->out);
}

static void print_mark(const struct term *term, uint32_t mark, size_t indent)
{
	const char *text = profile_mark_text(mark);

	term_line(term, TERM_DIM, "%*s[%s]", (int)indent, "",
		  text ? text : "cut: for a reason this program does not know");
}

void text_stack_print(const struct term *term, const struct frame *frames, size_t count, uint32_t mark, size_t indent,
		      size_t inner)
{
	size_t hidden = 0;
	size_t widest = 0;

	if (count > OUTER_FRAMES + 1 && count - OUTER_FRAMES - 1 > inner)
		hidden = count - inner - OUTER_FRAMES;
	for (size_t i = 0; i < count; i++) {
		size_t columns = frame_function_columns(term, &frames[i]);

		if ((hidden == 0 || i < inner || i >= inner + hidden) && columns > widest)
			widest = columns;
	}
	if (widest > FUNCTION_MAX)
		widest = FUNCTION_MAX;
	for (size_t i = 0; i < count; i++) {
		if (hidden > 0 && i == inner) {
			term_line(term, TERM_DIM, "%*s%s %zu more", (int)indent, "", term_ellipsis(term), hidden);
			i += hidden;
		}
		print_frame(term, &frames[i], indent, widest);
	}
	if (mark)
		print_mark(term, mark, indent);
	else if (count == 0)
		term_line(term, TERM_DIM, "%*s[within memprof itself]", (int)indent, "");
}

void text_rank_line(const struct term *term, size_t rank, const char *value, const char *share)
{
	char number[24];

	snprintf(number, sizeof(number), "#%zu", rank);
	fprintf(term->out, "%-4s", number);
	term_print(term, TERM_VALUE, "%11s", value);
	if (*share)
		fprintf(term->out, " %8s", share);
	fputs("  ", term->out);
}
