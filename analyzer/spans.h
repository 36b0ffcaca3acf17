/* SPDX-License-Identifier: MIT */
/* Which of many ranges hold an address, when ranges may nest and overlap. */
#ifndef MP_SPANS_H
#define MP_SPANS_H

#include <stddef.h>
#include <stdint.h>

#include "vec.h"

struct span {
	uint64_t start;
	uint64_t end;   /* first address behind it */
	uint64_t reach; /* largest end of this and all spans before it: where a search outward may stop */
	union {
		size_t index;     /* the user's meaning */
		const char *name; /* of a symbol */
	};
	uint32_t rank; /* of spans with equal start the lowest is found first */
};

/* Zeroes are an empty list. Add all, sort once, then find. */
struct spans {
	VEC(struct span) spans;
};

/* An empty or reversed range is not added. */
void spans_add(struct spans *s, struct span span);
void spans_sort(struct spans *s);
void spans_free(struct spans *s);

/*
 * The span that holds ADDRESS and starts last, so the innermost of nested ones; with AFTER, the next one outward after
 * that result. NULL: no more.
 */
const struct span *spans_find(const struct spans *s, uint64_t address, const struct span *after);

/* The last span that starts at or before ADDRESS, whether it holds it or not; NULL = none. */
const struct span *spans_before(const struct spans *s, uint64_t address);

#endif
