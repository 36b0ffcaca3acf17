/* SPDX-License-Identifier: MIT */
/* Escapes of Markdown: entities where a backslash would not do inside of tables and HTML. */
#include "markdown.h"

#include <inttypes.h>
#include <string.h>

#include "stack_view.h"
#include "utf8.h"

void markdown_text(const char *text, FILE *out)
{
	while (*text) {
		uint32_t code = 0;
		size_t bytes = utf8_decode(text, &code);

		if (bytes == 0)
			fputs("\xef\xbf\xbd", out);
		else if (code < 0x20)
			fputc(' ', out);
		else if (code < 0x80 && strchr("&<>|*_`[]\\~#@!", (int)code))
			fprintf(out, "&#%" PRIu32 ";", code);
		else
			fwrite(text, 1, bytes, out);
		text += bytes ? bytes : 1;
	}
}

/* Within an indented block everything is literal but the end of the line. */
static void print_literal(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
}

void markdown_stack(const struct frame *frames, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct frame *frame = &frames[i];
		char buffer[300];

		fputs("    ", out);
		print_literal(stack_view_name(frame, buffer, sizeof(buffer)), out);
		if (frame->file) {
			fputs("  ", out);
			print_literal(frame->file, out);
			fprintf(out, ":%" PRIu32, frame->line);
		}
		fputc('\n', out);
	}
}
