/* SPDX-License-Identifier: MIT */
/* Where text goes: colours, width, and what characters it can show. */
#ifndef MP_TERM_H
#define MP_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* X(NAME, escape sequence) */
#define TERM_STYLES(X)       \
	X(PLAIN, "\033[0m")  \
	X(TITLE, "\033[1m")  \
	X(VALUE, "\033[1m")  \
	X(DIM, "\033[2m")    \
	X(PLACE, "\033[36m") \
	X(GRAPH, "\033[32m") \
	X(ALARM, "\033[1;31m")

#define X(name, sequence) TERM_##name,
enum term_style { TERM_STYLES(X) };
#undef X

enum term_color { TERM_COLOR_AUTO, TERM_COLOR_ALWAYS, TERM_COLOR_NEVER };

struct term {
	FILE *out;
	bool color;
	bool utf8;
	size_t width; /* columns, 0 = no limit */
};

/*
 * COLOR AUTO: if OUT is a terminal that can, and NO_COLOR is not set. WIDTH 0: that of the terminal; none if OUT is not
 * one.
 */
void term_init(struct term *term, FILE *out, enum term_color color, size_t width);

void term_style(const struct term *term, enum term_style style);

/* Prints in a style and goes back to plain. */
void term_print(const struct term *term, enum term_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, and ends the line behind the style: pagers show a style that crosses lines wrong. */
void term_line(const struct term *term, enum term_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Text from a dump or a symbol table, made harmless: control characters and what is not valid in the terminal's
 * encoding become '?'. At most COLUMNS columns (0 = no limit): longer text loses its middle, or with KEEP_END its
 * beginning. Padded with spaces to PAD columns. Returns the columns printed.
 */
size_t term_text(const struct term *term, const char *text, size_t columns, size_t pad, bool keep_end);

/* Columns that term_text() needs for TEXT without a limit. */
size_t term_columns(const struct term *term, const char *text);

const char *term_ellipsis(const struct term *term);
const char *term_plus_minus(const struct term *term);

/* One column of a bar chart, LEVEL from 0 to TERM_LEVELS - 1. */
#define TERM_LEVELS 9
const char *term_bar(const struct term *term, unsigned level);

#endif
