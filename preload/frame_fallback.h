/* SPDX-License-Identifier: MIT */
/* libunwind for the frames that compiled rules cannot express. */
#ifndef MP_FRAME_FALLBACK_H
#define MP_FRAME_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "regs.h"
#include "thread.h"

/* Loads libunwind. false: it is not there; stacks are then cut at such frames. Context: setup, outside of any hook. */
bool frame_fallback_init(void);

/*
 * The frame outside the one described by REGS, which must be a frame of the calling thread's present stack, whose
 * memory ends at STACK_END. Starts from the present frame, because rules like these need registers that we do not
 * track. Context: hook.
 */
bool frame_fallback_step(struct thread *t, const struct regs *regs, uint64_t stack_end, struct regs *ret_next);

#endif
