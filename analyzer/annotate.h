/* SPDX-License-Identifier: MIT */
/* What went through each line of the program's source: bytes, calls and waits, counted once per stack and line. */
#ifndef MP_ANNOTATE_H
#define MP_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "out.h"
#include "strtab.h"
#include "vec.h"

struct annotate_sums {
	int64_t peak_bytes, live_bytes;
	uint64_t alloc_bytes, alloc_count;
	uint64_t wait_ns; /* for locks: of contention */
};

struct annotate_line {
	uint32_t file; /* index */
	uint32_t line;
	uint64_t last_stack; /* number of the stack that was counted last, so that recursion counts once */
	struct annotate_sums sums;
};

struct annotate_file {
	const char *path;
	uint64_t last_stack;
	struct annotate_sums sums;
	size_t first_line, line_count; /* in lines */
};

struct annotate {
	VEC(struct annotate_file) files; /* the most bytes at the peak first, then the most allocated, then waits */
	VEC(struct annotate_line) lines; /* by file and line */
	bool waits;                      /* some line has any */
	struct strtab paths;
};

/*
 * Counts the stacks that REPORT selects. PLACE, if not NULL, limits it to files with that path, end of a path or name,
 * or if there are none to functions that have it in their name.
 */
void annotate_init(struct annotate *annotate, const struct report *report, const char *place);
void annotate_free(struct annotate *annotate);

struct annotate_options {
	const char *source_dir; /* where to look for files that are not where the debug information says; NULL = "." */
	const char *sysroot;    /* put in front of absolute paths; NULL = none */
	size_t top;             /* most files */
};

void annotate_print(const struct annotate *annotate, const struct annotate_options *options, const struct term *term);

#endif
