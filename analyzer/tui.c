/* SPDX-License-Identifier: MIT */
/*
 * Views that are lists of rows, and a pager for everything that the text report says already: the whole of it, a stack,
 * a lock.
 */
#include "tui.h"

#include <curses.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "call_tree.h"
#include "leak_class.h"
#include "leak_view.h"
#include "samples.h"
#include "stack_view.h"
#include "summary.h"
#include "text_stack.h"
#include "tui_screen.h"
#include "units.h"

#define TOP_LINES    3 /* title, views, column heads */
#define BOTTOM_LINES 1
#define INDENT       2
#define INDENT_MAX   30 /* levels; deeper ones stand below each other */
#define SEARCH_MAX   200
#define ESCAPE       27

/* X(NAME, title, keys that are special there) */
#define TUI_VIEWS(X)                                       \
	X(SITES, "Sites", "s sort")                        \
	X(DOWN, "Top-down", "m metric  -> open  <- close") \
	X(UP, "Bottom-up", "m metric  -> open  <- close")  \
	X(LEAKS, "Leaks", "")                              \
	X(LOCKS, "Locks", "s sort")                        \
	X(REPORT, "Report", "")

#define X(name, title, keys) VIEW_##name,
enum tui_view { TUI_VIEWS(X) VIEW_COUNT };
#undef X

/* X(field of struct lock_class, title) */
#define LOCK_KEYS(X)             \
	X(wait_ns, "waited")     \
	X(contentions, "waits")  \
	X(acquisitions, "taken") \
	X(wait_max_ns, "longest")

#define X(field, title) LOCK_KEY_##field,
enum lock_key { LOCK_KEYS(X) LOCK_KEY_COUNT };
#undef X

struct place {
	size_t top, selected;
};

/* Lines of text, from a stream in memory. */
struct pages {
	char *text;
	size_t bytes;
	VEC(const char *) lines;
	struct place place;
	char title[128];
};

struct shown_tree {
	struct call_tree tree;
	bool built;
	enum out_metric metric;
	bool *open; /* by node */
	VEC(struct {
		uint32_t node;
		uint32_t depth;
	})
	rows; /* of what is open */
};

struct tui {
	const struct report *report;
	enum tui_view view;
	struct place places[VIEW_COUNT];
	enum site_key site_key;
	enum lock_key lock_key;
	struct shown_tree trees[2]; /* VIEW_DOWN, VIEW_UP */
	struct leak_view leaks;
	struct pages report_pages;
	struct pages detail; /* lines.count > 0: it is what is shown */
	struct stack_view stack;
	char search[SEARCH_MAX];
	char message[160];
	bool ended;
};

static const char *const view_titles[] = {
#define X(name, title, keys) title,
	TUI_VIEWS(X)
#undef X
};

static const char *const view_keys[] = {
#define X(name, title, keys) keys,
	TUI_VIEWS(X)
#undef X
};

static const char *const site_key_names[] = {
#define X(name, text, field) text,
	SITE_KEYS(X)
#undef X
};

static const char *const metric_names[] = {
#define X(name, text, unit, verdicts) text,
	OUT_METRICS(X)
#undef X
};

static const char *const lock_key_names[] = {
#define X(field, title) title,
	LOCK_KEYS(X)
#undef X
};

/* Pages. */

static void pages_free(struct pages *pages)
{
	vec_free(&pages->lines);
	free(pages->text);
	*pages = (struct pages){ 0 };
}

/* A terminal that writes into PAGES; pages_end() turns what it got into lines. */
static struct term pages_begin(struct pages *pages, const char *title)
{
	struct term term;

	pages_free(pages);
	snprintf(pages->title, sizeof(pages->title), "%s", title);
	term_init(&term, open_memstream(&pages->text, &pages->bytes), TERM_COLOR_NEVER,
		  (size_t)(tui_screen_width() > 40 ? tui_screen_width() - 1 : 39));
	term.utf8 = true; /* tui_text() replaces what the terminal cannot show */
	return term;
}

static void pages_end(struct pages *pages, FILE *stream)
{
	fclose(stream);
	for (char *at = pages->text; at && *at;) {
		size_t length = strcspn(at, "\n");
		bool more = at[length] != 0;

		at[length] = 0;
		vec_push(&pages->lines) = at;
		at += length + more;
	}
	if (pages->lines.count == 0)
		vec_push(&pages->lines) = "";
}

static void show_stack(struct tui *tui, uint32_t stack, const char *title)
{
	struct term term = pages_begin(&tui->detail, title);

	stack_view_fill(&tui->stack, tui->report->profile, tui->report->symbols, stack);
	text_stack_print(&term, tui->stack.frames.list, tui->stack.frames.count, tui->stack.mark, 2, SIZE_MAX);
	pages_end(&tui->detail, term.out);
}

/* Everything about one lock, as report --lock says it. */
static void show_lock(struct tui *tui, const struct lock_class *lock)
{
	struct out_options options = *tui->report->options;
	struct report report = *tui->report;
	struct term term = pages_begin(&tui->detail, lock->name ? lock->name : "lock");

	options.locks = OUT_LOCKS_FULL;
	options.full_stacks = true;
	report.options = &options;
	report.locks = &lock;
	report.lock_count = 1;
	out_text_locks(&report, &term);
	pages_end(&tui->detail, term.out);
}

static void fill_report(struct tui *tui)
{
	struct out_options options = *tui->report->options;
	struct report report = *tui->report;
	struct term term;

	if (tui->report_pages.lines.count > 0)
		return;
	term = pages_begin(&tui->report_pages, "report");
	options.width = term.width;
	options.color = TERM_COLOR_NEVER;
	report.options = &options;
	out_text(&report, term.out);
	pages_end(&tui->report_pages, term.out);
}

/* Trees. */

static struct shown_tree *shown_tree(struct tui *tui)
{
	return tui->view == VIEW_DOWN ? &tui->trees[0] : tui->view == VIEW_UP ? &tui->trees[1] : NULL;
}

static void list_rows(struct shown_tree *shown)
{
	const struct call_node *nodes = shown->tree.nodes.list;
	uint32_t node = nodes[0].first_child;
	uint32_t depth = 0;

	shown->rows.count = 0;
	while (node) {
		vec_push(&shown->rows).node = node;
		shown->rows.list[shown->rows.count - 1].depth = depth;
		if (shown->open[node] && nodes[node].first_child) {
			node = nodes[node].first_child;
			depth++;
			continue;
		}
		while (node && !nodes[node].next_sibling) {
			node = nodes[node].parent;
			depth -= node ? 1 : 0;
		}
		node = node ? nodes[node].next_sibling : 0;
	}
}

static void free_tree(struct shown_tree *shown)
{
	if (shown->built)
		call_tree_free(&shown->tree);
	free(shown->open);
	vec_free(&shown->rows);
	shown->open = NULL;
	shown->built = false;
}

/* Top-down, the way that most goes is open at first. */
static void build_tree(struct tui *tui, struct shown_tree *shown)
{
	const struct call_node *nodes;

	if (shown->built)
		return;
	call_tree_init(&shown->tree, tui->report, shown->metric, shown == &tui->trees[1]);
	shown->built = true;
	nodes = shown->tree.nodes.list;
	shown->open = memory_zeroed(shown->tree.nodes.count, sizeof(*shown->open));
	for (uint32_t node = nodes[0].first_child; shown == &tui->trees[0] && node; node = nodes[node].first_child) {
		if (nodes[node].total * 2 < nodes[0].total)
			break;
		shown->open[node] = true;
	}
	list_rows(shown);
}

static const char *metric_text(enum out_metric metric, int64_t value, struct units *units)
{
	switch (samples_unit(metric)) {
	case OUT_UNIT_BYTES:
		*units = units_bytes(value);
		break;
	case OUT_UNIT_COUNT:
		*units = units_count(value);
		break;
	case OUT_UNIT_TIME:
		*units = units_duration((uint64_t)value);
		break;
	}
	return units->text;
}

/* Rows of the view at hand. */

static size_t row_count(struct tui *tui)
{
	if (tui->detail.lines.count > 0)
		return tui->detail.lines.count;
	switch (tui->view) {
	case VIEW_SITES:
		return tui->report->site_count;
	case VIEW_DOWN:
	case VIEW_UP:
		return shown_tree(tui)->rows.count;
	case VIEW_LEAKS:
		return tui->leaks.leak_count;
	case VIEW_LOCKS:
		return tui->report->lock_count;
	default:
		return tui->report_pages.lines.count;
	}
}

static struct place *place_of(struct tui *tui)
{
	return tui->detail.lines.count > 0 ? &tui->detail.place : &tui->places[tui->view];
}

/* The frame that a person would look at first: the innermost one of the program, not of the C or C++ library. */
static const struct frame *main_frame(struct tui *tui, uint32_t stack)
{
	struct summary_stack whole;

	stack_view_fill(&tui->stack, tui->report->profile, tui->report->symbols, stack);
	whole = (struct summary_stack){ tui->stack.frames.list, tui->stack.frames.count, tui->stack.mark };
	return summary_main_frame(&whole);
}

static void draw_place(struct tui *tui, int y, int x, uint32_t stack)
{
	const struct frame *frame = main_frame(tui, stack);
	char buffer[256], line[300];
	int used;

	if (!frame) {
		tui_text(y, x, tui_screen_width() - x, "(no stack)");
		return;
	}
	used = tui_text(y, x, tui_screen_width() - x, stack_view_name(frame, buffer, sizeof(buffer)));
	if (!frame->file)
		return;
	snprintf(line, sizeof(line), "%.250s:%" PRIu32, stack_view_base_name(frame->file), frame->line);
	tui_text(y, x + used + 2, tui_screen_width() - x - used - 2, line);
}

static void draw_site(struct tui *tui, int y, size_t index)
{
	const struct site *site = tui->report->sites[index];

	tui_right(y, 0, 10, units_bytes(site->peak_bytes).text);
	tui_right(y, 11, 10, units_bytes(site->live_bytes).text);
	tui_right(y, 22, 10, units_bytes(units_signed(site->alloc_bytes)).text);
	tui_right(y, 33, 12, units_count(units_signed(site->alloc_count)).text);
	tui_right(y, 46, 11, units_count(units_signed(site->temporary_count)).text);
	draw_place(tui, y, 59, site->stack);
}

static void draw_node(struct tui *tui, int y, size_t index)
{
	struct shown_tree *shown = shown_tree(tui);
	uint32_t number = shown->rows.list[index].node;
	uint32_t depth = shown->rows.list[index].depth;
	const struct call_node *node = &shown->tree.nodes.list[number];
	int64_t whole = shown->tree.nodes.list[0].total;
	int x = 36 + INDENT * (int)(depth < INDENT_MAX ? depth : INDENT_MAX);
	struct units units;

	tui_right(y, 0, 12, metric_text(shown->metric, node->total, &units));
	tui_right(y, 13, 8, units_share(node->total, (uint64_t)whole).text);
	if (node->self > 0)
		tui_right(y, 22, 12, metric_text(shown->metric, node->self, &units));
	tui_text(y, x, 1, !node->first_child ? " " : shown->open[number] ? "-" : "+");
	tui_text(y, x + 2, tui_screen_width() - x - 2, node->name);
}

static void draw_leak(struct tui *tui, int y, size_t index)
{
	const struct leak *leak = &tui->leaks.leaks[index];

	tui_text(y, 0, 16, leak_class_text(leak->leak_class));
	tui_right(y, 17, 10, units_bytes(units_signed(leak->bytes)).text);
	tui_right(y, 28, 10, units_count(units_signed(leak->count)).text);
	draw_place(tui, y, 40, leak->stack);
}

static void draw_lock(struct tui *tui, int y, size_t index)
{
	const struct lock_class *lock = tui->report->locks[index];
	const char *kind = lock->primitive ? lock->primitive : profile_lock_kind_name(lock->kind);

	tui_right(y, 0, 11, units_duration(lock->wait_ns).text);
	tui_right(y, 12, 10, units_count(units_signed(lock->contentions)).text);
	tui_right(y, 23, 13, lock->counted ? units_count(units_signed(lock->acquisitions)).text : "unknown");
	tui_right(y, 37, 11, units_duration(lock->wait_max_ns).text);
	tui_text(y, 50, 12, kind ? kind : "?");
	tui_text(y, 63, tui_screen_width() - 63, lock->name ? lock->name : "(only an address)");
}

static const struct pages *pages_of(const struct tui *tui)
{
	return tui->detail.lines.count > 0 ? &tui->detail : tui->view == VIEW_REPORT ? &tui->report_pages : NULL;
}

static void draw_row(struct tui *tui, int y, size_t index)
{
	const struct pages *pages = pages_of(tui);

	if (pages)
		tui_text(y, 0, tui_screen_width(), pages->lines.list[index]);
	else if (tui->view == VIEW_SITES)
		draw_site(tui, y, index);
	else if (tui->view == VIEW_LEAKS)
		draw_leak(tui, y, index);
	else if (tui->view == VIEW_LOCKS)
		draw_lock(tui, y, index);
	else
		draw_node(tui, y, index);
}

static bool stack_has(struct tui *tui, uint32_t stack, const char *text)
{
	stack_view_fill(&tui->stack, tui->report->profile, tui->report->symbols, stack);
	for (size_t i = 0; i < tui->stack.frames.count; i++) {
		const struct frame *frame = &tui->stack.frames.list[i];
		char buffer[256];

		if (strcasestr(stack_view_name(frame, buffer, sizeof(buffer)), text) ||
		    (frame->file && strcasestr(frame->file, text)) ||
		    (frame->module && strcasestr(frame->module, text)))
			return true;
	}
	return false;
}

/* What a search looks at: of sites and leaks the whole stack. */
static bool row_has(struct tui *tui, size_t index, const char *text)
{
	const struct pages *pages = pages_of(tui);
	const struct shown_tree *shown = shown_tree(tui);

	if (pages)
		return strcasestr(pages->lines.list[index], text) != NULL;
	if (tui->view == VIEW_SITES)
		return stack_has(tui, tui->report->sites[index]->stack, text);
	if (tui->view == VIEW_LEAKS)
		return stack_has(tui, tui->leaks.leaks[index].stack, text);
	if (tui->view == VIEW_LOCKS)
		return tui->report->locks[index]->name && strcasestr(tui->report->locks[index]->name, text);
	return strcasestr(shown->tree.nodes.list[shown->rows.list[index].node].name, text) != NULL;
}

/* The screen. */

static void draw_heads(struct tui *tui)
{
	char line[160] = "";
	const char *head = "";

	if (tui->view == VIEW_SITES) {
		head = "      peak  not freed  allocated  allocations   temporary  function";
		snprintf(line, sizeof(line), "sorted by %s", site_key_names[tui->site_key]);
	} else if (shown_tree(tui)) {
		head = "       total    share         self  function";
		enum out_metric metric = shown_tree(tui)->metric;

		snprintf(line, sizeof(line), "metric: %s%s", metric_names[metric],
			 samples_need_verdict(metric) && !tui->leaks.scan.ran ? ", no verdict" : "");
	} else if (tui->view == VIEW_LEAKS) {
		head = "verdict               bytes     blocks  allocated in";
	} else if (tui->view == VIEW_LOCKS) {
		head = "     waited      waits         taken     longest  kind         lock";
		snprintf(line, sizeof(line), "sorted by %s", lock_key_names[tui->lock_key]);
	}
	if (pages_of(tui)) {
		head = pages_of(tui)->title;
		line[0] = 0;
	}
	tui_style(TUI_PLAIN, false, true);
	mvhline(2, 0, ' ', tui_screen_width());
	tui_text(2, 0, tui_screen_width(), head);
	tui_right(2, 0, tui_screen_width(), line);
}

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
	for (int i = 0; i < VIEW_COUNT; i++) {
		tui_style(TUI_PLAIN, i == (int)tui->view, i == (int)tui->view);
		snprintf(line, sizeof(line), " %d %s ", i + 1, view_titles[i]);
		x += tui_text(1, x, tui_screen_width() - x, line) + 1;
	}
	draw_heads(tui);
}

static size_t list_lines(void)
{
	int lines = tui_screen_height() - TOP_LINES - BOTTOM_LINES;

	return lines > 1 ? (size_t)lines : 1;
}

/* Keeps the selected row on the screen. */
static void settle(struct tui *tui)
{
	struct place *place = place_of(tui);
	size_t count = row_count(tui), lines = list_lines();

	if (place->selected >= count)
		place->selected = count > 0 ? count - 1 : 0;
	if (place->selected < place->top)
		place->top = place->selected;
	if (place->selected >= place->top + lines)
		place->top = place->selected - lines + 1;
}

static void draw(struct tui *tui)
{
	struct place *place = place_of(tui);
	size_t count = row_count(tui);
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
			mvhline(y, 0, ' ', tui_screen_width());
		draw_row(tui, y, index);
	}
	if (count == 0) {
		tui_style(TUI_PLAIN, false, false);
		tui_text(TOP_LINES + 1, 2, tui_screen_width() - 2,
			 tui->view != VIEW_LOCKS                    ? "Nothing here."
			 : profile_is_sampled(tui->report->profile) ? "Locks are not recorded when sampling."
								    : "Nobody waited.");
	}
	tui_style(TUI_PLACE, false, false);
	snprintf(line, sizeof(line), "%s  1-%d views  Enter details  / search  n next  q %s   %zu of %zu",
		 pages_of(tui) ? "" : view_keys[tui->view], VIEW_COUNT, tui->detail.lines.count > 0 ? "back" : "quit",
		 count > 0 ? place->selected + 1 : 0, count);
	tui_text(tui_screen_height() - 1, 0, tui_screen_width(), tui->message[0] ? tui->message : line);
	refresh();
}

/* Keys. */

static void open_view(struct tui *tui, enum tui_view view)
{
	pages_free(&tui->detail);
	tui->view = view;
	if (shown_tree(tui))
		build_tree(tui, shown_tree(tui));
	if (view == VIEW_REPORT)
		fill_report(tui);
}

static int compare_locks(const void *a, const void *b, void *context)
{
	const struct lock_class *left = *(const struct lock_class *const *)a;
	const struct lock_class *right = *(const struct lock_class *const *)b;
	enum lock_key key = *(const enum lock_key *)context;
	uint64_t x = 0, y = 0;

	switch (key) {
#define X(field, title)           \
	case LOCK_KEY_##field:    \
		x = left->field;  \
		y = right->field; \
		break;
		LOCK_KEYS(X)
#undef X
	case LOCK_KEY_COUNT:
		break;
	}
	return x != y ? (x > y ? -1 : 1) : left->id < right->id ? -1 : left->id > right->id;
}

static void change_order(struct tui *tui)
{
	const size_t site_keys = sizeof(site_key_names) / sizeof(*site_key_names);

	/* Else another row would be chosen when the pages are closed. */
	if (pages_of(tui))
		return;
	if (tui->view == VIEW_SITES) {
		tui->site_key = (enum site_key)((tui->site_key + 1) % site_keys);
		aggregate_rank_sites(tui->report->sites, tui->report->site_count, tui->site_key);
	} else if (tui->view == VIEW_LOCKS) {
		tui->lock_key = (enum lock_key)((tui->lock_key + 1) % LOCK_KEY_COUNT);
		qsort_r(tui->report->locks, tui->report->lock_count, sizeof(const struct lock_class *), compare_locks,
			&tui->lock_key);
	}
	*place_of(tui) = (struct place){ 0 };
}

static void change_metric(struct tui *tui)
{
	const size_t metrics = sizeof(metric_names) / sizeof(*metric_names);
	struct shown_tree *shown = shown_tree(tui);

	if (!shown)
		return;
	free_tree(shown);
	shown->metric = (enum out_metric)((shown->metric + 1) % metrics);
	build_tree(tui, shown);
	*place_of(tui) = (struct place){ 0 };
}

/* Opens or closes the selected node; a closed one, asked to close, gives way to its parent. */
static void open_node(struct tui *tui, bool open)
{
	struct shown_tree *shown = shown_tree(tui);
	struct place *place = place_of(tui);
	uint32_t node, depth;

	if (!shown || place->selected >= shown->rows.count)
		return;
	node = shown->rows.list[place->selected].node;
	depth = shown->rows.list[place->selected].depth;
	if (!open && !shown->open[node]) {
		while (place->selected > 0 && depth > 0 && shown->rows.list[place->selected].depth >= depth)
			place->selected--;
		return;
	}
	shown->open[node] = open;
	list_rows(shown);
}

static void enter(struct tui *tui)
{
	size_t index = place_of(tui)->selected;

	if (pages_of(tui) || index >= row_count(tui))
		return;
	if (tui->view == VIEW_SITES)
		show_stack(tui, tui->report->sites[index]->stack, "stack of the site");
	else if (tui->view == VIEW_LEAKS)
		show_stack(tui, tui->leaks.leaks[index].stack, "allocated at");
	else if (tui->view == VIEW_LOCKS)
		show_lock(tui, tui->report->locks[index]);
	else
		open_node(tui, !shown_tree(tui)->open[shown_tree(tui)->rows.list[index].node]);
}

/* The next row with what was searched for, from FIRST on, around the end. */
static void find(struct tui *tui, size_t first)
{
	size_t count = row_count(tui);

	for (size_t i = 0; i < count && tui->search[0]; i++) {
		size_t index = (first + i) % count;

		if (!row_has(tui, index, tui->search))
			continue;
		place_of(tui)->selected = index;
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
		mvhline(y, x, ' ', tui_screen_width() - x);
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
	mvhline(y, 0, ' ', tui_screen_width());
	mvaddch(y, 0, '/');
	if (read_line(y, 1, line, sizeof(line))) {
		memcpy(tui->search, line, sizeof(line));
		find(tui, place_of(tui)->selected);
	}
}

static void move_by(struct tui *tui, long rows)
{
	struct place *place = place_of(tui);
	size_t count = row_count(tui);
	size_t back = (size_t)-rows;

	if (rows < 0)
		place->selected = back > place->selected ? 0 : place->selected - back;
	else if (count > 0)
		place->selected =
			(size_t)rows > count - 1 - place->selected ? count - 1 : place->selected + (size_t)rows;
}

static void back_or_quit(struct tui *tui)
{
	if (tui->detail.lines.count > 0)
		pages_free(&tui->detail);
	else
		tui->ended = true;
}

static void handle(struct tui *tui, int key)
{
	long page = (long)list_lines();

	tui->message[0] = 0;
	switch (key) {
	case 'q':
		back_or_quit(tui);
		break;
	case ESCAPE:
		pages_free(&tui->detail);
		break;
	case KEY_DOWN:
	case 'j':
		move_by(tui, 1);
		break;
	case KEY_UP:
	case 'k':
		move_by(tui, -1);
		break;
	case KEY_NPAGE:
	case ' ':
		move_by(tui, page);
		break;
	case KEY_PPAGE:
		move_by(tui, -page);
		break;
	case KEY_HOME:
	case 'g':
		move_by(tui, -(long)row_count(tui));
		break;
	case KEY_END:
	case 'G':
		move_by(tui, (long)row_count(tui));
		break;
	case KEY_RIGHT:
	case 'l':
		open_node(tui, true);
		break;
	case KEY_LEFT:
	case 'h':
		open_node(tui, false);
		break;
	case '\n':
	case '\r':
	case KEY_ENTER:
		enter(tui);
		break;
	case 's':
		change_order(tui);
		break;
	case 'm':
		change_metric(tui);
		break;
	case '/':
		ask_search(tui);
		break;
	case 'n':
		find(tui, place_of(tui)->selected + 1);
		break;
	case KEY_RESIZE:
		pages_free(&tui->report_pages);
		open_view(tui, tui->view);
		break;
	default:
		if (key >= '1' && key < '1' + VIEW_COUNT)
			open_view(tui, (enum tui_view)(key - '1'));
	}
}

/* Sites and locks come filtered. */
static void filter_leaks(struct tui *tui)
{
	struct leak_view *view = &tui->leaks;
	size_t kept = 0;

	for (size_t i = 0; i < view->leak_count; i++) {
		if (!tui->report->filter || filter_matches_stack(tui->report->filter, view->leaks[i].stack))
			view->leaks[kept++] = view->leaks[i];
	}
	view->leak_count = kept;
}

bool tui_run(const struct report *report, struct err *err)
{
	struct tui tui = { .report = report, .site_key = SITE_KEY_PEAK };
	int key;

	tui.trees[0].metric = tui.trees[1].metric = OUT_METRIC_PEAK;
	if (!tui_screen_open(err))
		return false;
	aggregate_rank_sites(report->sites, report->site_count, tui.site_key);
	lock_classes_rank(report->locks, report->lock_count);
	leak_view_init(&tui.leaks, report->profile, report->aggregate);
	filter_leaks(&tui);
	open_view(&tui, VIEW_SITES);
	draw(&tui);
	while (!tui.ended && (key = getch()) != ERR) {
		handle(&tui, key);
		if (!tui.ended)
			draw(&tui);
	}
	tui_screen_close();
	free_tree(&tui.trees[0]);
	free_tree(&tui.trees[1]);
	leak_view_free(&tui.leaks);
	pages_free(&tui.report_pages);
	pages_free(&tui.detail);
	stack_view_free(&tui.stack);
	return true;
}
