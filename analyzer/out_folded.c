/* SPDX-License-Identifier: MIT */
/* Folded stacks: "outermost;...;innermost value" per line, for flame graph programs. */
#include <inttypes.h>

#include "out.h"
#include "samples.h"
#include "stack_view.h"
#include "utf8.h"

/*
 * Characters that mean something in the format, and those that would break a line, become similar harmless ones; what
 * is no UTF-8 becomes U+FFFD.
 */
static void print_name(FILE *out, const char *name)
{
	while (*name) {
		unsigned char c = (unsigned char)*name;
		uint32_t code;
		size_t bytes = c < 0x80 ? 1 : utf8_decode(name, &code);

		if (c < 0x80)
			fputc(c == ';' ? ':' : c < 0x20 || c == 0x7f ? '?' : c, out);
		else if (bytes > 0)
			fwrite(name, 1, bytes, out);
		else
			fputs("\xef\xbf\xbd", out);
		name += bytes > 0 ? bytes : 1;
	}
}

static void print_frame(FILE *out, const struct frame *frame)
{
	char place[256];

	print_name(out, stack_view_name(frame, place, sizeof(place)));
}

static void print_stack(const struct report *report, struct stack_view *view, uint32_t stack, int64_t value, FILE *out)
{
	const char *separator = "";

	stack_view_fill(view, report->profile, report->symbols, stack);
	if (view->mark != 0) {
		const char *text = profile_mark_text(view->mark);

		fputc('[', out);
		print_name(out, text ? text : "cut: unknown reason");
		fputc(']', out);
		separator = ";";
	}
	for (size_t i = view->frames.count; i-- > 0; separator = ";") {
		fputs(separator, out);
		print_frame(out, &view->frames.list[i]);
	}
	/* Only frames of memprof itself: the line still needs a name. */
	if (!*separator)
		fputs("[memprof]", out);
	fprintf(out, " %" PRId64 "\n", value);
}

void out_folded(const struct report *report, FILE *out)
{
	struct stack_view view = { 0 };
	struct samples samples = { 0 };

	samples_add(&samples, report, report->options->metric);
	for (size_t i = 0; i < samples.all.count; i++) {
		const struct sample *sample = &samples.all.list[i];

		if (sample->remark)
			fprintf(out, "%s %" PRId64 "\n", sample->remark, sample->value);
		else
			print_stack(report, &view, sample->stack, sample->value, out);
	}
	vec_free(&samples.all);
	stack_view_free(&view);
}
