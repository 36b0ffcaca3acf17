/* SPDX-License-Identifier: MIT */
/* The only file that knows curses' characters. */
#include "tui_screen.h"

#include <curses.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "utf8.h"

#define ESCAPE_MS 25 /* Escape by itself is a key, too: the default of a second feels broken */

static bool has_color;

bool tui_screen_open(struct err *err)
{
	static const short colors[] = {
#define X(name, color) color,
		TUI_COLORS(X)
#undef X
	};
	const char *terminal = getenv("TERM");

	/* initscr() would end the program. */
	if (!newterm(NULL, stdout, stdin))
		return err_set(err, NULL, ERR_NO_OFFSET, "tui: unknown terminal '%s'", terminal ? terminal : "");
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	has_color = !getenv("NO_COLOR") && has_colors() && start_color() == OK && use_default_colors() == OK;
	for (size_t i = 1; has_color && i < sizeof(colors) / sizeof(*colors); i++)
		init_pair((short)i, colors[i], -1);
	return true;
}

void tui_screen_close(void)
{
	endwin();
}

int tui_screen_width(void)
{
	return COLS;
}

int tui_screen_height(void)
{
	return LINES;
}

/* The next character of *TEXT, harmless, and its columns. */
static wchar_t next_character(const char **text, int *ret_columns)
{
	uint32_t code;
	size_t bytes = utf8_decode(*text, &code);
	int columns;

	*text += bytes > 0 ? bytes : 1;
	columns = bytes > 0 ? wcwidth((wchar_t)code) : -1;
	*ret_columns = columns >= 0 ? columns : 1;
	return columns >= 0 ? (wchar_t)code : L'?';
}

static int columns_of(const char *text)
{
	int sum = 0;

	while (*text) {
		int columns;

		next_character(&text, &columns);
		sum += columns;
	}
	return sum;
}

int tui_text(int y, int x, int columns, const char *text)
{
	bool cut = columns_of(text) > columns;
	int used = 0;

	if (columns <= 0 || y < 0 || y >= LINES || x >= COLS)
		return 0;
	move(y, x);
	while (*text) {
		int width;
		wchar_t c = next_character(&text, &width);

		if (used + width > columns - (cut ? 1 : 0))
			break;
		addnwstr(&c, 1);
		used += width;
	}
	if (cut) {
		addch('~');
		used++;
	}
	return used;
}

void tui_right(int y, int x, int columns, const char *text)
{
	int width = columns_of(text);

	tui_text(y, x + (width < columns ? columns - width : 0), columns, text);
}

void tui_blank(int y, int x)
{
	mvhline(y, x, ' ', COLS - x);
}

void tui_style(enum tui_color color, bool bold, bool reverse)
{
	attrset((has_color ? COLOR_PAIR(color) : 0) | (bold ? A_BOLD : 0) | (reverse ? A_REVERSE : 0));
}
