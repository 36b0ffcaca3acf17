/* SPDX-License-Identifier: MIT */
/* Each view knows its rows by their number in what the report has: sites, nodes of a tree, leaks, locks or lines. */
#include "tui_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leak_class.h"
#include "samples.h"
#include "summary.h"
#include "text_stack.h"
#include "tui_screen.h"
#include "units.h"

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

static const char *const lock_key_names[] = {
#define X(field, title) title,
	TUI_LOCK_KEYS(X)
#undef X
};

/* Sites and locks come filtered. */
static void filter_leaks(struct tui_views *v)
{
	struct leak_view *view = &v->leaks;
	size_t kept = 0;

	for (size_t i = 0; i < view->leak_count; i++) {
		if (!v->report->filter || filter_matches_stack(v->report->filter, view->leaks[i].stack))
			view->leaks[kept++] = view->leaks[i];
	}
	view->leak_count = kept;
}

void tui_views_init(struct tui_views *v, const struct report *report)
{
	*v = (struct tui_views){ .report = report, .site_key = SITE_KEY_PEAK };
	v->trees[0].metric = v->trees[1].metric = OUT_METRIC_PEAK;
	v->trees[1].inverted = true;
	aggregate_rank_sites(report->sites, report->site_count, v->site_key);
	lock_classes_rank(report->locks, report->lock_count);
	leak_view_init(&v->leaks, report->profile, report->aggregate);
	filter_leaks(v);
	tui_views_open(v, TUI_VIEW_SITES);
}

void tui_views_free(struct tui_views *v)
{
	tui_tree_free(&v->trees[0]);
	tui_tree_free(&v->trees[1]);
	leak_view_free(&v->leaks);
	tui_pages_free(&v->report_pages);
	tui_pages_free(&v->detail);
	stack_view_free(&v->stack);
}

bool tui_views_is_detail(const struct tui_views *v)
{
	return v->detail.lines.count > 0;
}

/* The lines that are shown; NULL = rows of another kind are. */
static const struct tui_pages *pages_of(const struct tui_views *v)
{
	return tui_views_is_detail(v) ? &v->detail : v->view == TUI_VIEW_REPORT ? &v->report_pages : NULL;
}

static struct tui_tree *shown_tree(struct tui_views *v)
{
	return v->view == TUI_VIEW_DOWN ? &v->trees[0] : v->view == TUI_VIEW_UP ? &v->trees[1] : NULL;
}

size_t tui_views_count(struct tui_views *v)
{
	if (tui_views_is_detail(v))
		return v->detail.lines.count;
	switch (v->view) {
	case TUI_VIEW_SITES:
		return v->report->site_count;
	case TUI_VIEW_DOWN:
	case TUI_VIEW_UP:
		return shown_tree(v)->rows.count;
	case TUI_VIEW_LEAKS:
		return v->leaks.leak_count;
	case TUI_VIEW_LOCKS:
		return v->report->lock_count;
	default:
		return v->report_pages.lines.count;
	}
}

struct tui_place *tui_views_place(struct tui_views *v)
{
	return tui_views_is_detail(v) ? &v->detail.place : &v->places[v->view];
}

/* Details. */

static void show_stack(struct tui_views *v, uint32_t stack, const char *title)
{
	struct term term = tui_pages_begin(&v->detail, title);

	stack_view_fill(&v->stack, v->report->profile, v->report->symbols, stack);
	text_stack_print(&term, v->stack.frames.list, v->stack.frames.count, v->stack.mark, 2, SIZE_MAX);
	tui_pages_end(&v->detail, term.out);
}

/* Everything about one lock, as report --lock says it. */
static void show_lock(struct tui_views *v, const struct lock_class *lock)
{
	struct out_options options = *v->report->options;
	struct report report = *v->report;
	struct term term = tui_pages_begin(&v->detail, lock->name ? lock->name : "lock");

	options.locks = OUT_LOCKS_FULL;
	options.full_stacks = true;
	report.options = &options;
	report.locks = &lock;
	report.lock_count = 1;
	out_text_locks(&report, &term);
	tui_pages_end(&v->detail, term.out);
}

static void fill_report(struct tui_views *v)
{
	struct out_options options = *v->report->options;
	struct report report = *v->report;
	struct term term;

	if (v->report_pages.lines.count > 0)
		return;
	term = tui_pages_begin(&v->report_pages, "report");
	options.width = term.width;
	options.color = TERM_COLOR_NEVER;
	report.options = &options;
	out_text(&report, term.out);
	tui_pages_end(&v->report_pages, term.out);
}

/* Rows. */

/* The frame that a person would look at first: the innermost one of the program, not of the C or C++ library. */
static const struct frame *main_frame(struct tui_views *v, uint32_t stack)
{
	struct summary_stack whole;

	stack_view_fill(&v->stack, v->report->profile, v->report->symbols, stack);
	whole = (struct summary_stack){ v->stack.frames.list, v->stack.frames.count, v->stack.mark };
	return summary_main_frame(&whole);
}

static void draw_place(struct tui_views *v, int y, int x, uint32_t stack)
{
	const struct frame *frame = main_frame(v, stack);
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

static void draw_site(struct tui_views *v, int y, size_t index)
{
	const struct site *site = v->report->sites[index];

	tui_right(y, 0, 10, units_bytes(site->peak_bytes).text);
	tui_right(y, 11, 10, units_bytes(site->live_bytes).text);
	tui_right(y, 22, 10, units_bytes(units_signed(site->alloc_bytes)).text);
	tui_right(y, 33, 12, units_count(units_signed(site->alloc_count)).text);
	tui_right(y, 46, 11, units_count(units_signed(site->temporary_count)).text);
	draw_place(v, y, 59, site->stack);
}

static void draw_leak(struct tui_views *v, int y, size_t index)
{
	const struct leak *leak = &v->leaks.leaks[index];

	tui_text(y, 0, 16, leak_class_text(leak->leak_class));
	tui_right(y, 17, 10, units_bytes(units_signed(leak->bytes)).text);
	tui_right(y, 28, 10, units_count(units_signed(leak->count)).text);
	draw_place(v, y, 40, leak->stack);
}

static void draw_lock(struct tui_views *v, int y, size_t index)
{
	const struct lock_class *lock = v->report->locks[index];
	const char *kind = lock->primitive ? lock->primitive : profile_lock_kind_name(lock->kind);

	tui_right(y, 0, 11, units_duration(lock->wait_ns).text);
	tui_right(y, 12, 10, units_count(units_signed(lock->contentions)).text);
	tui_right(y, 23, 13, lock->counted ? units_count(units_signed(lock->acquisitions)).text : "unknown");
	tui_right(y, 37, 11, units_duration(lock->wait_max_ns).text);
	tui_text(y, 50, 12, kind ? kind : "?");
	tui_text(y, 63, tui_screen_width() - 63, lock->name ? lock->name : "(only an address)");
}

void tui_views_draw_row(struct tui_views *v, int y, size_t index)
{
	const struct tui_pages *pages = pages_of(v);

	if (pages)
		tui_text(y, 0, tui_screen_width(), pages->lines.list[index]);
	else if (v->view == TUI_VIEW_SITES)
		draw_site(v, y, index);
	else if (v->view == TUI_VIEW_LEAKS)
		draw_leak(v, y, index);
	else if (v->view == TUI_VIEW_LOCKS)
		draw_lock(v, y, index);
	else
		tui_tree_draw(shown_tree(v), y, index);
}

/* In what the page of this stack shows: of an object its name, not its path. */
static bool stack_has(struct tui_views *v, uint32_t stack, const char *text)
{
	stack_view_fill(&v->stack, v->report->profile, v->report->symbols, stack);
	for (size_t i = 0; i < v->stack.frames.count; i++) {
		const struct frame *frame = &v->stack.frames.list[i];
		char buffer[256];

		if (strcasestr(stack_view_name(frame, buffer, sizeof(buffer)), text) ||
		    (frame->file && strcasestr(frame->file, text)) ||
		    (frame->module && strcasestr(stack_view_base_name(frame->module), text)))
			return true;
	}
	return false;
}

bool tui_views_has(struct tui_views *v, size_t index, const char *text)
{
	const struct tui_pages *pages = pages_of(v);

	if (pages)
		return strcasestr(pages->lines.list[index], text) != NULL;
	if (v->view == TUI_VIEW_SITES)
		return stack_has(v, v->report->sites[index]->stack, text);
	if (v->view == TUI_VIEW_LEAKS)
		return stack_has(v, v->leaks.leaks[index].stack, text);
	if (v->view == TUI_VIEW_LOCKS)
		return v->report->locks[index]->name && strcasestr(v->report->locks[index]->name, text);
	return strcasestr(tui_tree_name(shown_tree(v), index), text) != NULL;
}

void tui_views_draw_heads(struct tui_views *v, int y)
{
	char line[160] = "";
	const char *head = "";

	if (v->view == TUI_VIEW_SITES) {
		head = "      peak  not freed  allocated  allocations   temporary  function";
		snprintf(line, sizeof(line), "sorted by %s", site_key_names[v->site_key]);
	} else if (shown_tree(v)) {
		const struct tui_tree *tree = shown_tree(v);

		head = "       total    share         self  function";
		snprintf(line, sizeof(line), "metric: %s%s", tui_tree_metric_name(tree),
			 samples_need_verdict(tree->metric) && !v->leaks.scan.ran ? ", no verdict" : "");
	} else if (v->view == TUI_VIEW_LEAKS) {
		head = "verdict               bytes     blocks  allocated in";
	} else if (v->view == TUI_VIEW_LOCKS) {
		head = "     waited      waits         taken     longest  kind         lock";
		snprintf(line, sizeof(line), "sorted by %s", lock_key_names[v->lock_key]);
	}
	if (pages_of(v)) {
		head = pages_of(v)->title;
		line[0] = 0;
	}
	tui_style(TUI_PLAIN, false, true);
	tui_blank(y, 0);
	tui_text(y, 0, tui_screen_width(), head);
	tui_right(y, 0, tui_screen_width(), line);
}

const char *tui_views_title(enum tui_view view)
{
	return view_titles[view];
}

const char *tui_views_keys(const struct tui_views *v)
{
	return pages_of(v) ? "" : view_keys[v->view];
}

const char *tui_views_nothing(const struct tui_views *v)
{
	return v->view != TUI_VIEW_LOCKS                ? "Nothing here."
	       : profile_is_sampled(v->report->profile) ? "Locks are not recorded when sampling."
							: "Nobody waited.";
}

/* Keys. */

void tui_views_open(struct tui_views *v, enum tui_view view)
{
	tui_pages_free(&v->detail);
	v->view = view;
	if (shown_tree(v))
		tui_tree_build(shown_tree(v), v->report);
	if (view == TUI_VIEW_REPORT)
		fill_report(v);
}

void tui_views_resized(struct tui_views *v)
{
	tui_pages_free(&v->report_pages);
	tui_views_open(v, v->view);
}

/* Contention comes first by every key, as in the report: pools that idle must not lead. */
static int compare_locks(const void *a, const void *b, void *context)
{
	const struct lock_class *left = *(const struct lock_class *const *)a;
	const struct lock_class *right = *(const struct lock_class *const *)b;
	enum tui_lock_key key = *(const enum tui_lock_key *)context;
	uint64_t x = 0, y = 0;

	if (lock_class_is_contention(left) != lock_class_is_contention(right))
		return lock_class_is_contention(left) ? -1 : 1;
	switch (key) {
#define X(field, title)            \
	case TUI_LOCK_KEY_##field: \
		x = left->field;   \
		y = right->field;  \
		break;
		TUI_LOCK_KEYS(X)
#undef X
	case TUI_LOCK_KEY_COUNT:
		break;
	}
	return x != y ? (x > y ? -1 : 1) : left->id < right->id ? -1 : left->id > right->id;
}

void tui_views_change_order(struct tui_views *v)
{
	const size_t site_keys = sizeof(site_key_names) / sizeof(*site_key_names);

	/* Else another row would be chosen when the pages are closed. */
	if (pages_of(v))
		return;
	if (v->view == TUI_VIEW_SITES) {
		v->site_key = (enum site_key)((v->site_key + 1) % site_keys);
		aggregate_rank_sites(v->report->sites, v->report->site_count, v->site_key);
	} else if (v->view == TUI_VIEW_LOCKS) {
		v->lock_key = (enum tui_lock_key)((v->lock_key + 1) % TUI_LOCK_KEY_COUNT);
		qsort_r(v->report->locks, v->report->lock_count, sizeof(const struct lock_class *), compare_locks,
			&v->lock_key);
	}
	*tui_views_place(v) = (struct tui_place){ 0 };
}

void tui_views_change_metric(struct tui_views *v)
{
	if (!shown_tree(v))
		return;
	tui_tree_change_metric(shown_tree(v), v->report);
	*tui_views_place(v) = (struct tui_place){ 0 };
}

void tui_views_open_node(struct tui_views *v, bool open)
{
	if (shown_tree(v))
		tui_tree_open(shown_tree(v), &tui_views_place(v)->selected, open);
}

void tui_views_enter(struct tui_views *v)
{
	size_t index = tui_views_place(v)->selected;

	if (pages_of(v) || index >= tui_views_count(v))
		return;
	if (v->view == TUI_VIEW_SITES)
		show_stack(v, v->report->sites[index]->stack, "stack of the site");
	else if (v->view == TUI_VIEW_LEAKS)
		show_stack(v, v->leaks.leaks[index].stack, "allocated at");
	else if (v->view == TUI_VIEW_LOCKS)
		show_lock(v, v->report->locks[index]);
	else
		tui_tree_toggle(shown_tree(v), index);
}

bool tui_views_close_detail(struct tui_views *v)
{
	bool was_open = tui_views_is_detail(v);

	tui_pages_free(&v->detail);
	return was_open;
}
