/* SPDX-License-Identifier: MIT */
/* The verdict on blocks that were not freed: of the leak scan that counts, or none and why. */
#ifndef MP_LEAK_VIEW_H
#define MP_LEAK_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate.h"
#include "profile.h"

/* Blocks of one class, stack and owner. */
struct leak {
	enum mp_leak_class leak_class; /* all of one view are MP_LEAK_UNFREED if there is no verdict */
	uint32_t stack;                /* the site: stack of the allocation, 0 = not in the file */
	uint32_t owner;                /* INDIRECT: stack of the definitely lost blocks that lead here; else 0 */
	uint64_t count;
	uint64_t bytes;
	uint64_t held_count; /* DEFINITE: INDIRECT blocks behind these, and their bytes */
	uint64_t held_bytes;
	uint64_t cycle_count; /* DEFINITE: of these blocks, on a cycle */
};

struct leak_scan {
	bool ran;
	const char *why_not;            /* NULL if it ran */
	const struct mp_leak_scan *row; /* NULL: none was tried */
};

struct leak_sum {
	uint64_t count;
	uint64_t bytes;
};

struct leak_view {
	struct leak_scan scan;
	/* By class in the order of enum mp_leak_class, then by bytes (with held ones), most first. */
	struct leak *leaks;
	size_t leak_count;
	struct leak_sum sums[MP_LEAK_UNFREED + 1]; /* by enum mp_leak_class */
};

/* The last scan of PROFILE counts; without a verdict of it, every site with live blocks is a leak of class UNFREED. */
void leak_view_init(struct leak_view *view, const struct profile *profile, const struct aggregate *aggregate);
void leak_view_free(struct leak_view *view);

#endif
