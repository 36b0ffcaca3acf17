/* SPDX-License-Identifier: MIT */
/* Walks the frames of the calling thread by compiled rules, inside known stack memory only. */
#ifndef MP_FRAME_WALK_H
#define MP_FRAME_WALK_H

#include <stdint.h>

#include "regs.h"
#include "thread.h"

/*
 * Fills t->frames from REGS outward, at most MAX_FRAMES, and sets t->frame_count and t->mark (0: complete to the outermost
 * frame). Hashes are left to the caller. Context: hook, gate closed.
 */
void frame_walk(struct thread *t, const struct regs *regs, uint32_t max_frames);

#endif
