/* SPDX-License-Identifier: MIT */
/* The views of a report on the screen: lists of rows, and a pager for what the text report says already. */
#ifndef MP_TUI_VIEWS_H
#define MP_TUI_VIEWS_H

#include <stdbool.h>
#include <stddef.h>

#include "leak_view.h"
#include "out.h"
#include "stack_view.h"
#include "tui_pages.h"
#include "tui_tree.h"

/* X(NAME, title, keys that are special there) */
#define TUI_VIEWS(X)                                       \
	X(SITES, "Sites", "s sort")                        \
	X(DOWN, "Top-down", "m metric  -> open  <- close") \
	X(UP, "Bottom-up", "m metric  -> open  <- close")  \
	X(LEAKS, "Leaks", "")                              \
	X(LOCKS, "Locks", "s sort")                        \
	X(REPORT, "Report", "")

#define X(name, title, keys) TUI_VIEW_##name,
enum tui_view { TUI_VIEWS(X) TUI_VIEW_COUNT };
#undef X

/* X(field of struct lock_class, title) */
#define TUI_LOCK_KEYS(X)         \
	X(wait_ns, "waited")     \
	X(contentions, "waits")  \
	X(acquisitions, "taken") \
	X(wait_max_ns, "longest")

#define X(field, title) TUI_LOCK_KEY_##field,
enum tui_lock_key { TUI_LOCK_KEYS(X) TUI_LOCK_KEY_COUNT };
#undef X

struct tui_views {
	const struct report *report;
	enum tui_view view;
	struct tui_place places[TUI_VIEW_COUNT];
	enum site_key site_key;
	enum tui_lock_key lock_key;
	struct tui_tree trees[2]; /* TUI_VIEW_DOWN, TUI_VIEW_UP */
	struct leak_view leaks;
	struct tui_pages report_pages;
	struct tui_pages detail; /* tui_views_is_detail() */
	struct stack_view stack;
};

/* The screen is open. REPORT outlives the views. */
void tui_views_init(struct tui_views *v, const struct report *report);
void tui_views_free(struct tui_views *v);

void tui_views_open(struct tui_views *v, enum tui_view view);
/* The width of the screen is another one. */
void tui_views_resized(struct tui_views *v);

/* What is shown: how many rows, and which of them. */
size_t tui_views_count(struct tui_views *v);
struct tui_place *tui_views_place(struct tui_views *v);
/* It is a stack or a lock, which some row led to. */
bool tui_views_is_detail(const struct tui_views *v);

void tui_views_draw_row(struct tui_views *v, int y, size_t index);
/* Heads of the columns in line Y. */
void tui_views_draw_heads(struct tui_views *v, int y);
const char *tui_views_title(enum tui_view view);
/* Keys that are special there. */
const char *tui_views_keys(const struct tui_views *v);
/* What to say when there is no row. */
const char *tui_views_nothing(const struct tui_views *v);

/* Is TEXT in row INDEX? Of sites and leaks the whole stack is looked at. */
bool tui_views_has(struct tui_views *v, size_t index, const char *text);

/* What keys do, where the view has it. */
void tui_views_change_order(struct tui_views *v);
void tui_views_change_metric(struct tui_views *v);
/* Opens or closes the node of the selected row. */
void tui_views_open_node(struct tui_views *v, bool open);
/* Opens what the selected row has more of. */
void tui_views_enter(struct tui_views *v);
/* false: there is none. */
bool tui_views_close_detail(struct tui_views *v);

#endif
