/* SPDX-License-Identifier: MIT */
/* Walks the frames of the calling thread by compiled rules, inside known stack memory only. */
#ifndef MP_FRAME_WALK_H
#define MP_FRAME_WALK_H

#include <stdint.h>

#include "regs.h"
#include "thread.h"

/*
 * Fills t->frames (outermost first) with the stack from REGS outward, the innermost MAX_FRAMES of it at most, and sets
 * t->frame_count and t->mark (0: complete to the outermost frame). Keeps what it can prove to be unchanged since the last walk:
 * t->hashed frames, which have their hashes still; the others' are left to the caller. Context: hook, gate closed.
 */
void frame_walk(struct thread *t, const struct regs *regs, uint32_t max_frames);

#endif
