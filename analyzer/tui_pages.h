/* SPDX-License-Identifier: MIT */
/* What the text report says, as lines to page through. */
#ifndef MP_TUI_PAGES_H
#define MP_TUI_PAGES_H

#include <stddef.h>
#include <stdio.h>

#include "term.h"
#include "vec.h"

/* Which rows are on the screen, and which of them is selected. */
struct tui_place {
	size_t top, selected;
};

/* Zeroes are none. */
struct tui_pages {
	char *text;
	size_t bytes;
	VEC(const char *) lines;
	struct tui_place place;
	char title[128];
};

/* A terminal that writes into PAGES, in place of what is there; tui_pages_end() turns what it got into lines. */
struct term tui_pages_begin(struct tui_pages *pages, const char *title);
void tui_pages_end(struct tui_pages *pages, FILE *stream);
void tui_pages_free(struct tui_pages *pages);

#endif
