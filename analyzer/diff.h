/* SPDX-License-Identifier: MIT */
/* Two runs side by side: what is new, gone, grown and shrunk, and whether that means anything. */
#ifndef MP_DIFF_H
#define MP_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate.h"
#include "summary.h"
#include "term.h"
#include "vec.h"

/* What sites are compared by. X(NAME, JSON member, field of struct summary_site, title, is bytes) */
#define DIFF_METRICS(X)                                               \
	X(PEAK, "peak_bytes", peak_bytes, "MEMORY AT THE PEAK", true) \
	X(LIVE, "live_bytes", live_bytes, "NOT FREED", true)          \
	X(BYTES, "alloc_bytes", alloc_bytes, "BYTES ALLOCATED", true) \
	X(COUNT, "alloc_count", alloc_count, "ALLOCATIONS", false)    \
	X(TEMPORARY, "temporary_count", temporary_count, "TEMPORARY ALLOCATIONS", false)

#define X(name, key, field, title, is_bytes) DIFF_##name,
enum diff_metric { DIFF_METRICS(X) DIFF_METRIC_COUNT };
#undef X

/* X(NAME, word) */
#define DIFF_STATES(X)       \
	X(SAME, "unchanged") \
	X(NEW, "new")        \
	X(GONE, "gone")      \
	X(GROWN, "grown")    \
	X(SHRUNK, "shrunk")

#define X(name, word) DIFF_##name,
enum diff_state { DIFF_STATES(X) };
#undef X

/* A site of either run or of both. */
struct diff_site {
	const struct summary_site *old; /* NULL = only in the other */
	const struct summary_site *now;
};

struct diff_lock {
	const struct summary_lock *old, *now;
	enum diff_state state;
};

struct diff {
	struct summary *old, *now;
	double min_share; /* changes below this share of the larger total are left out */
	VEC(struct diff_site) sites;
	VEC(struct diff_lock) locks; /* that changed enough, by the change of the time waited, most first */
	struct gate leaks;           /* states and what is gone; judges nothing */
	struct policy no_policy;
	struct suppressions no_suppressions;
};

void diff_init(struct diff *diff, struct summary *old, struct summary *now, double min_percent);
void diff_free(struct diff *diff);

/* Value of a site, 0 for one that is not there. */
struct amount diff_value(const struct summary_site *site, enum diff_metric metric);

/*
 * Changed enough to tell: by more than the smallest share, and if estimated, by more than chance would have it in 5 of
 * 100 cases.
 */
enum diff_state diff_site_state(const struct diff *diff, const struct diff_site *site, enum diff_metric metric);

/* Sites that changed, by the amount of the change, most first. *RET_LIST is the caller's to free. Returns how many. */
size_t diff_rank(const struct diff *diff, enum diff_metric metric, const struct diff_site ***ret_list);

/* The frames of a site, of the newer run if it is there. */
void diff_stack(const struct diff *diff, const struct diff_site *site, struct summary_stack *ret_stack);

const char *diff_state_word(enum diff_state state);

struct diff_output {
	size_t top; /* 0 = the writer decides */
	bool full_stacks;
};

void out_diff_text(const struct diff *diff, const struct diff_output *output, const struct term *term);
void out_diff_json(const struct diff *diff, const struct diff_output *output, FILE *out);
void out_diff_markdown(const struct diff *diff, const struct diff_output *output, FILE *out);

#endif
