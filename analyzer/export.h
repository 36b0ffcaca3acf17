/* SPDX-License-Identifier: MIT */
/* Files for the tools of others: every format, and what their writers share. */
#ifndef MP_EXPORT_H
#define MP_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "out.h"
#include "text_index.h"

#define EXPORT_GZIP    1u /* always compressed; text formats are when the name of the file ends in ".gz" */
#define EXPORT_SEVERAL 2u /* one file can hold several dumps */
#define EXPORT_BINARY  4u /* nothing for a terminal */

/* X(NAME, option value, writer, flags, what opens it) */
#define EXPORT_FORMATS(X)                                                                                           \
	X(PPROF, "pprof", export_pprof, EXPORT_GZIP | EXPORT_BINARY | EXPORT_SEVERAL,                               \
	  "heap profile: go tool pprof, Pyroscope, Parca")                                                          \
	X(PPROF_MUTEX, "pprof-mutex", export_pprof_mutex, EXPORT_GZIP | EXPORT_BINARY | EXPORT_SEVERAL,             \
	  "contention profile: the same")                                                                           \
	X(PPROF_BLOCK, "pprof-block", export_pprof_block, EXPORT_GZIP | EXPORT_BINARY | EXPORT_SEVERAL,             \
	  "all waits: the same")                                                                                    \
	X(SPEEDSCOPE, "speedscope", export_speedscope, EXPORT_SEVERAL, "speedscope")                                \
	X(FOLDED, "folded", export_folded, EXPORT_SEVERAL, "flamegraph.pl, inferno, speedscope")                    \
	X(CALLGRIND, "callgrind", export_callgrind, 0, "kcachegrind, callgrind_annotate")                           \
	X(MASSIF, "massif", export_massif, 0, "ms_print, massif-visualizer")                                        \
	X(DHAT, "dhat", export_dhat, 0, "dh_view.html of valgrind")                                                 \
	X(FIREFOX, "firefox", export_firefox, EXPORT_GZIP | EXPORT_BINARY | EXPORT_SEVERAL, "profiler.firefox.com") \
	X(PERFETTO, "perfetto", export_perfetto, EXPORT_SEVERAL, "ui.perfetto.dev, chrome://tracing")               \
	X(HEAPTRACK, "heaptrack", export_heaptrack, 0, "heaptrack_gui, heaptrack_print")                            \
	X(SQLITE, "sqlite", export_sqlite, EXPORT_BINARY | EXPORT_SEVERAL, "sqlite3 and whatever speaks SQL")       \
	X(OPENMETRICS, "openmetrics", export_openmetrics, EXPORT_SEVERAL, "Prometheus: textfile collector")

#define X(name, text, writer, flags, help) EXPORT_FORMAT_##name,
enum export_format { EXPORT_FORMATS(X) };
#undef X

/* What a writer gets: one report per dump, two or more only if the format can hold several. */
struct export
{
	const struct report *const *reports;
	size_t count;
	FILE *out; /* the caller looks for errors of the stream */
};

/* false: the format cannot hold this; ERR says why. */
#define X(name, text, writer, flags, help) bool writer(const struct export *export, struct err *err);
EXPORT_FORMATS(X)
#undef X

/*
 * One line without line breaks for the place that a format has for remarks: who wrote it, and if numbers are
 * estimates, how sure they are.
 */
#define EXPORT_REMARK_BYTES 512
const char *export_remark(const struct report *report, char *buf, size_t bytes);

/* What the program was called: its arguments, else its executable, else "?"; the caller frees it. */
char *export_command(const struct profile *profile);

/* Base name of the program, for titles. */
const char *export_program(const struct profile *profile);

/* "program 4242 " before a title where there are several dumps, else "". Into BUF. */
const char *export_prefix(const struct export *export, const struct report *report, char *buf, size_t bytes);

/* What tells frames apart in a table of a format, besides the name. */
#define EXPORT_BY_FILE   1u
#define EXPORT_BY_LINE   2u
#define EXPORT_BY_MODULE 4u

/* The number of FRAME among those that differ in their name or in what BY says. */
uint32_t export_frame_number(struct text_index *index, const struct frame *frame, unsigned by, bool *ret_is_new);

/* TEXT as a string of JSON, with its quotes; NULL as null. Whatever is no UTF-8 becomes U+FFFD. */
void export_json_string(FILE *out, const char *text);

#endif
