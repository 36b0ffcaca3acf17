/* SPDX-License-Identifier: MIT */
/* Walks the frames of the calling thread by compiled rules, inside known stack memory only. */
#ifndef MP_FRAME_WALK_H
#define MP_FRAME_WALK_H

#include <stdint.h>

#include "regs.h"
#include "thread.h"

/*
 * Fills t->frames (outermost first, with hashes) with the stack from REGS outward, the innermost MAX_FRAMES of it at
 * most, and sets t->frame_count and t->mark (0: complete to the outermost frame). Keeps what it can prove to be
 * unchanged since the last walk. Context: hook, gate closed.
 */
void frame_walk(struct thread *t, const struct regs *regs, uint32_t max_frames);

/* The hash of a stack that is one frame longer than the one with hash OUTER. */
static inline uint64_t frame_hash(uint64_t outer, uint64_t pc, uint64_t module)
{
	uint64_t h = (outer ^ pc ^ module << 48) * 0x9e3779b97f4a7c15ull;

	return h ^ h >> 29 ^ outer >> 7;
}

/* The hash of the empty stack, or of the mark that stands at the outer end of a cut one. */
static inline uint64_t frame_hash_root(uint32_t mark)
{
	const uint64_t root = 0x6d656d70726f6600ull;

	return mark ? frame_hash(root, mark, 0) : root;
}

#endif
