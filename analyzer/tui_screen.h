/* SPDX-License-Identifier: MIT */
/* Text on the screen of curses: what a dump says can hold anything, and must not leave its place. */
#ifndef MP_TUI_SCREEN_H
#define MP_TUI_SCREEN_H

#include <stdbool.h>

#include "err.h"

/* X(NAME, colour, or -1 for that of the terminal) */
#define TUI_COLORS(X)        \
	X(PLAIN, -1)         \
	X(VALUE, COLOR_CYAN) \
	X(PLACE, COLOR_BLUE) \
	X(FOUND, COLOR_YELLOW)

#define X(name, color) TUI_##name,
enum tui_color { TUI_COLORS(X) };
#undef X

bool tui_screen_open(struct err *err);
void tui_screen_close(void);

/* Columns and lines of the screen. */
int tui_screen_width(void);
int tui_screen_height(void);

/*
 * Prints TEXT from column X on, at most COLUMNS columns; control characters and what the terminal cannot show become
 * '?'. Longer text ends with an ellipsis. Returns the columns printed.
 */
int tui_text(int y, int x, int columns, const char *text);

/* The same at the right end of COLUMNS. */
void tui_right(int y, int x, int columns, const char *text);

/* Makes line Y blank from column X on. */
void tui_blank(int y, int x);

/* Until the next one. */
void tui_style(enum tui_color color, bool bold, bool reverse);

#endif
