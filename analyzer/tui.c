/* SPDX-License-Identifier: MIT */
/* The screen and the keys: what is on the screen at a time, and where a key leads from there. */
#include "tui.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "stack_view.h"
#include "tui_screen.h"
#include "tui_views.h"
#include "units.h"

#define HEADS_LINE   2 /* below title and views */
#define TOP_LINES    (HEADS_LINE + 1)
#define BOTTOM_LINES 1
#define SEARCH_MAX   200
#define ESCAPE       27

struct tui {
	const struct report *report;
	struct tui_views views;
	char search[SEARCH_MAX];
	char message[160];
	bool ended;
};

static void draw_top(struct tui *tui)
{
	const struct report *report = tui->report;
	char line[300];
	int x = 0;

	tui_style(TUI_PLAIN, true, false);
	snprintf(line, sizeof(line), "%.100s  ",
		 report->profile->process.exe ? stack_view_base_name(report->profile->process.exe) : "program");
	x = tui_text(0, 0, tui_screen_width(), line);
	tui_style(TUI_PLAIN, false, false);
	snprintf(line, sizeof(line), "peak %s, allocated %s in %s, not freed %s, waited %s",
		 units_bytes(units_signed(report->profile->peak_bytes)).text,
		 units_bytes(units_signed(report->aggregate->totals.alloc_bytes)).text,
		 units_plural(units_signed(report->aggregate->totals.alloc_count), "call").text,
		 units_bytes(report->aggregate->totals.live_bytes).text,
		 units_duration(report->lock_classes->contention_ns).text);
	tui_text(0, x, tui_screen_width() - x, line);
	x = 0;
	for (int i = 0; i < TUI_VIEW_COUNT; i++) {
		bool shown = i == (int)tui->views.view;

		tui_style(TUI_PLAIN, shown, shown);
		snprintf(line, sizeof(line), " %d %s ", i + 1, tui_views_title((enum tui_view)i));
		x += tui_text(1, x, tui_screen_width() - x, line) + 1;
	}
	tui_views_draw_heads(&tui->views, HEADS_LINE);
}

static size_t list_lines(void)
{
	int lines = tui_screen_height() - TOP_LINES - BOTTOM_LINES;

	return lines > 1 ? (size_t)lines : 1;
}

/* Keeps the selected row on the screen. */
static void settle(struct tui *tui)
{
	struct tui_place *place = tui_views_place(&tui->views);
	size_t count = tui_views_count(&tui->views), lines = list_lines();

	if (place->selected >= count)
		place->selected = count > 0 ? count - 1 : 0;
	if (place->selected < place->top)
		place->top = place->selected;
	if (place->selected >= place->top + lines)
		place->top = place->selected - lines + 1;
}

static void draw(struct tui *tui)
{
	struct tui_place *place = tui_views_place(&tui->views);
	size_t count = tui_views_count(&tui->views);
	char line[300];

	settle(tui);
	erase();
	draw_top(tui);
	for (size_t i = 0; i < list_lines() && place->top + i < count; i++) {
		size_t index = place->top + i;
		int y = TOP_LINES + (int)i;
		bool selected = index == place->selected;

		tui_style(TUI_PLAIN, false, selected);
		if (selected)
			tui_blank(y, 0);
		tui_views_draw_row(&tui->views, y, index);
	}
	if (count == 0) {
		tui_style(TUI_PLAIN, false, false);
		tui_text(TOP_LINES + 1, 2, tui_screen_width() - 2, tui_views_nothing(&tui->views));
	}
	tui_style(TUI_PLACE, false, false);
	snprintf(line, sizeof(line), "%s  1-%d views  Enter details  / search  n next  q %s   %zu of %zu",
		 tui_views_keys(&tui->views), TUI_VIEW_COUNT, tui_views_is_detail(&tui->views) ? "back" : "quit",
		 count > 0 ? place->selected + 1 : 0, count);
	tui_text(tui_screen_height() - 1, 0, tui_screen_width(), tui->message[0] ? tui->message : line);
	refresh();
}

/* The next row with what was searched for, from FIRST on, around the end. */
static void find(struct tui *tui, size_t first)
{
	size_t count = tui_views_count(&tui->views);

	for (size_t i = 0; i < count && tui->search[0]; i++) {
		size_t index = (first + i) % count;

		if (!tui_views_has(&tui->views, index, tui->search))
			continue;
		tui_views_place(&tui->views)->selected = index;
		return;
	}
	snprintf(tui->message, sizeof(tui->message), "not found: %.100s", tui->search);
}

/* What is typed at the end of line Y. false: nothing, or it was left by Escape. getnstr() would take that for text. */
static bool read_line(int y, int x, char *line, size_t bytes)
{
	size_t used = 0;
	int key = 0;

	curs_set(1);
	while (key != '\n' && key != '\r' && key != KEY_ENTER && key != ESCAPE && key != ERR) {
		line[used] = 0;
		tui_blank(y, x);
		mvaddstr(y, x, line);
		key = getch();
		if (key == KEY_BACKSPACE || key == 127 || key == '\b') {
			/* A whole character of UTF-8. */
			while (used > 0 && (line[--used] & 0xc0) == 0x80)
				;
		} else if (key >= ' ' && key < 256 && key != 127 && used + 1 < bytes) {
			line[used++] = (char)key;
		}
	}
	curs_set(0);
	return used > 0 && key != ESCAPE && key != ERR;
}

static void ask_search(struct tui *tui)
{
	int y = tui_screen_height() - 1;
	char line[SEARCH_MAX] = "";

	tui_style(TUI_PLAIN, false, false);
	tui_blank(y, 0);
	mvaddch(y, 0, '/');
	if (read_line(y, 1, line, sizeof(line))) {
		memcpy(tui->search, line, sizeof(line));
		find(tui, tui_views_place(&tui->views)->selected);
	}
}

static void move_by(struct tui *tui, long rows)
{
	struct tui_place *place = tui_views_place(&tui->views);
	size_t count = tui_views_count(&tui->views);
	size_t back = (size_t)-rows;

	if (rows < 0)
		place->selected = back > place->selected ? 0 : place->selected - back;
	else if (count > 0)
		place->selected =
			(size_t)rows > count - 1 - place->selected ? count - 1 : place->selected + (size_t)rows;
}

/* Keys that select another row. false: KEY is none of them. */
static bool move_selection(struct tui *tui, int key)
{
	long page = (long)list_lines();
	long all = (long)tui_views_count(&tui->views);

	switch (key) {
	case KEY_DOWN:
	case 'j':
		move_by(tui, 1);
		return true;
	case KEY_UP:
	case 'k':
		move_by(tui, -1);
		return true;
	case KEY_NPAGE:
	case ' ':
		move_by(tui, page);
		return true;
	case KEY_PPAGE:
		move_by(tui, -page);
		return true;
	case KEY_HOME:
	case 'g':
		move_by(tui, -all);
		return true;
	case KEY_END:
	case 'G':
		move_by(tui, all);
		return true;
	default:
		return false;
	}
}

static void handle(struct tui *tui, int key)
{
	struct tui_views *views = &tui->views;

	tui->message[0] = 0;
	if (move_selection(tui, key))
		return;
	switch (key) {
	case 'q':
		tui->ended = !tui_views_close_detail(views);
		break;
	case ESCAPE:
		tui_views_close_detail(views);
		break;
	case KEY_RIGHT:
	case 'l':
		tui_views_open_node(views, true);
		break;
	case KEY_LEFT:
	case 'h':
		tui_views_open_node(views, false);
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
		tui_views_enter(views);
		break;
	case 's':
		tui_views_change_order(views);
		break;
	case 'm':
		tui_views_change_metric(views);
		break;
	case '/':
		ask_search(tui);
		break;
	case 'n':
		find(tui, tui_views_place(views)->selected + 1);
		break;
	case KEY_RESIZE:
		tui_views_resized(views);
		break;
	default:
		if (key >= '1' && key < '1' + TUI_VIEW_COUNT)
			tui_views_open(views, (enum tui_view)(key - '1'));
	}
}

bool tui_run(const struct report *report, struct err *err)
{
	struct tui tui = { .report = report };
	int key;

	if (!tui_screen_open(err))
		return false;
	tui_views_init(&tui.views, report);
	draw(&tui);
	while (!tui.ended && (key = getch()) != ERR) {
		handle(&tui, key);
		if (!tui.ended)
			draw(&tui);
	}
	tui_screen_close();
	tui_views_free(&tui.views);
	return true;
}
