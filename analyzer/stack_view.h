/* SPDX-License-Identifier: MIT */
/* A stack as people see it: symbolized frames, without those of memprof itself. */
#ifndef MP_STACK_VIEW_H
#define MP_STACK_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "profile.h"
#include "symbolize.h"
#include "vec.h"

/* Zeroes are an empty one; it can be filled any number of times. */
struct stack_view {
	VEC(struct frame) frames; /* innermost first */
	uint32_t mark;            /* what ends it, as profile_stack_mark(); 0 = it is complete */
};

void stack_view_fill(struct stack_view *view, const struct profile *profile, struct symbolizer *symbols,
		     uint32_t stack);
void stack_view_free(struct stack_view *view);

/* Frames of one node; none for a node of memprof itself. */
const struct frame *stack_view_node_frames(const struct profile *profile, struct symbolizer *symbols, uint32_t node,
					   size_t *ret_count);

/*
 * What a frame is called: its function, else "object+0x12ab" (the address in the file, so the same in every run), else
 * the address in memory. Into BUF, cut where it ends; returns BUF or the function's name.
 */
const char *stack_view_name(const struct frame *frame, char *buf, size_t bytes);

/* Last component of a path. */
const char *stack_view_base_name(const char *path);

#endif
