/* SPDX-License-Identifier: MIT */
/* The terminal, or the file that stands for it. */

#include "term.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "utf8.h"

#define WIDTH_MIN 60u /* a narrower report is harder to read than wrapped lines */

static bool can_color(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *name = getenv("TERM");

	return isatty(fileno(out)) && !(no_color && *no_color) && name && strcmp(name, "dumb") != 0;
}

static size_t find_width(FILE *out)
{
	struct winsize size;

	if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 0;
	return size.ws_col;
}

void term_init(struct term *term, FILE *out, enum term_color color, size_t width)
{
	*term = (struct term){
		.out = out,
		.color = color == TERM_COLOR_ALWAYS || (color == TERM_COLOR_AUTO && can_color(out)),
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.width = width ? width : find_width(out),
	};
	if (term->width > 0 && term->width < WIDTH_MIN)
		term->width = WIDTH_MIN;
}

void term_style(const struct term *term, enum term_style style)
{
#define X(name, sequence) sequence,
	static const char *const sequences[] = { TERM_STYLES(X) };
#undef X

	if (term->color)
		fputs(sequences[style], term->out);
}

static void __attribute__((format(printf, 3, 0)))
print_styled(const struct term *term, enum term_style style, const char *format, va_list args)
{
	term_style(term, style);
	vfprintf(term->out, format, args);
	if (style != TERM_PLAIN)
		term_style(term, TERM_PLAIN);
}

void term_print(const struct term *term, enum term_style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_styled(term, style, format, args);
	va_end(args);
}

void term_line(const struct term *term, enum term_style style, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_styled(term, style, format, args);
	va_end(args);
	fputc('\n', term->out);
}

/* One character of a text: its bytes, 0 if it has to be shown as '?', and its columns. */
struct glyph {
	size_t bytes;
	size_t columns;
	bool shown;
};

static struct glyph next_glyph(const struct term *term, const char *text)
{
	uint32_t code = 0;
	size_t bytes = utf8_decode(text, &code);
	int columns;

	if (bytes == 0 || code < 0x20 || code == 0x7f || (code >= 0x80 && !term->utf8))
		return (struct glyph){ .bytes = bytes ? bytes : 1, .columns = 1 };
	if (code < 0x7f)
		return (struct glyph){ .bytes = 1, .columns = 1, .shown = true };
	/* -1: not printable; characters that change the direction of the text answer so here or below */
	columns = wcwidth((wchar_t)code);
	if (columns < 0 || (code >= 0x200b && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069))
		return (struct glyph){ .bytes = bytes, .columns = 1 };
	return (struct glyph){ .bytes = bytes, .columns = (size_t)columns, .shown = true };
}

size_t term_columns(const struct term *term, const char *text)
{
	size_t columns = 0;

	while (*text) {
		struct glyph glyph = next_glyph(term, text);

		columns += glyph.columns;
		text += glyph.bytes;
	}
	return columns;
}

/* Prints the glyphs that lie wholly within the columns [FROM, TO) of TEXT. Returns the columns printed. */
static size_t print_range(const struct term *term, const char *text, size_t from, size_t to)
{
	size_t column = 0;
	size_t printed = 0;

	while (*text && column < to) {
		struct glyph glyph = next_glyph(term, text);

		if (column >= from && column + glyph.columns <= to) {
			if (glyph.shown)
				fwrite(text, 1, glyph.bytes, term->out);
			else
				fputc('?', term->out);
			printed += glyph.columns;
		}
		column += glyph.columns;
		text += glyph.bytes;
	}
	return printed;
}

const char *term_ellipsis(const struct term *term)
{
	return term->utf8 ? "…" : "...";
}

const char *term_plus_minus(const struct term *term)
{
	return term->utf8 ? "±" : "+-";
}

size_t term_text(const struct term *term, const char *text, size_t columns, size_t pad, bool keep_end)
{
	size_t total = term_columns(term, text);
	size_t dots = term->utf8 ? 1 : 3;
	size_t printed;

	if (columns == 0 || total <= columns) {
		printed = print_range(term, text, 0, total);
	} else {
		size_t room = columns > dots ? columns - dots : 0;
		size_t head = keep_end ? 0 : room * 2 / 3;

		printed = print_range(term, text, 0, head);
		fputs(term_ellipsis(term), term->out);
		printed += dots + print_range(term, text, total - (room - head), total);
	}
	for (; printed < pad; printed++)
		fputc(' ', term->out);
	return printed;
}

const char *term_bar(const struct term *term, unsigned level)
{
	static const char *const blocks[TERM_LEVELS] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[TERM_LEVELS] = { " ", ".", ":", "-", "=", "+", "*", "#", "@" };

	return term->utf8 ? blocks[level] : ascii[level];
}
