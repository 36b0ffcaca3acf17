/* SPDX-License-Identifier: MIT */
/* What a report is made of, and the writers that make one. */
#ifndef MP_OUT_H
#define MP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "aggregate.h"
#include "filter.h"
#include "lock_class.h"
#include "profile.h"
#include "symbolize.h"
#include "term.h"

/*
 * What stacks can be weighed with. UNIT: of the numbers. VERDICTS: bits by enum mp_leak_class, bytes of which are
 * meant; 0 = the metric is not about leaks. X(NAME, option value, unit, verdicts)
 */
#define OUT_METRICS(X)                                                                 \
	X(LIVE, "live", BYTES, 0)                                                      \
	X(PEAK, "peak", BYTES, 0)                                                      \
	X(BYTES, "bytes", BYTES, 0)                                                    \
	X(COUNT, "count", COUNT, 0)                                                    \
	X(TEMPORARY, "temporary", COUNT, 0)                                            \
	X(LEAKED, "leaked", BYTES, 1u << MP_LEAK_DEFINITE | 1u << MP_LEAK_INDIRECT)    \
	X(DEFINITE, "definite", BYTES, 1u << MP_LEAK_DEFINITE)                         \
	X(INDIRECT, "indirect", BYTES, 1u << MP_LEAK_INDIRECT)                         \
	X(POSSIBLE, "possible", BYTES, 1u << MP_LEAK_POSSIBLE)                         \
	X(REACHABLE, "reachable", BYTES, 1u << MP_LEAK_REACHABLE)                      \
	X(WAIT, "wait", TIME, 0)                                                       \
	X(CULPRIT, "culprit", TIME, 0)

#define X(name, text, unit, verdicts) OUT_METRIC_##name,
enum out_metric { OUT_METRICS(X) };
#undef X

enum out_unit { OUT_UNIT_BYTES, OUT_UNIT_COUNT, OUT_UNIT_TIME };

/* How much is told about locks: beside all else, in place of all else, of chosen ones everything. */
enum out_locks { OUT_LOCKS_BRIEF, OUT_LOCKS_DETAIL, OUT_LOCKS_FULL };

struct out_options {
	uint64_t top;     /* most sites and locks of a list; 0 = the writer decides */
	bool single;      /* text: one table ranked by `key` in place of the usual sections */
	bool full_stacks; /* text: no frame is left out */
	bool no_files;    /* no file but the dump may be opened */
	enum site_key key;
	enum out_metric metric;
	enum out_locks locks;
	const char *lock; /* text: what was asked for, NULL = all */
	enum term_color color;
	size_t width; /* columns; 0 = by the terminal */
};

struct report {
	const struct profile *profile;
	const struct aggregate *aggregate;
	struct lock_classes *lock_classes;
	struct symbolizer *symbols;
	struct filter *filter; /* NULL = none */
	const struct out_options *options;
	/* What the filter lets through, in the writer's own order: writers sort them. */
	const struct site **sites;
	size_t site_count;
	const struct lock_class **locks;
	size_t lock_count;
};

/* X(NAME, option value, writer, help) */
#define OUT_FORMATS(X)                                       \
	X(TEXT, "text", out_text, "for people")              \
	X(JSON, "json", out_json, "for scripts: one object") \
	X(FOLDED, "folded", out_folded, "for flame graphs: one stack per line")

#define X(name, text, writer, help) OUT_FORMAT_##name,
enum out_format { OUT_FORMATS(X) };
#undef X

/* Each writes REPORT to OUT; the caller checks OUT for errors. */
#define X(name, text, writer, help) void writer(const struct report *report, FILE *out);
OUT_FORMATS(X)
#undef X

/* Parts of the text report. Numbers and curves stand behind labels of this width. */
#define OUT_LABEL_COLUMNS 12
void out_text_timeline(const struct report *report, const struct term *term);
void out_text_marks(const struct report *report, const struct term *term);
void out_text_threads(const struct report *report, const struct term *term);
void out_text_reallocs(const struct report *report, const struct term *term);
void out_text_free_pairs(const struct report *report, const struct term *term);
void out_text_sites(const struct report *report, const struct term *term);
void out_text_leaks(const struct report *report, const struct term *term);
void out_text_growth(const struct report *report, const struct term *term);
void out_text_locks(const struct report *report, const struct term *term);

#endif
