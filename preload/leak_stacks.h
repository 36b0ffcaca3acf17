/* SPDX-License-Identifier: MIT */
/* Which stacks the threads of the process run on, and what those that wait in the kernel hold in registers. */
#ifndef MP_LEAK_STACKS_H
#define MP_LEAK_STACKS_H

#include <stdint.h>

#include "leak_roots.h"

/* A thread's stack is over, or in use again. Context: setup. */
void stacks_over(uint64_t start, uint64_t end);
void stacks_used(uint64_t start, uint64_t end);

/*
 * Sets the stacks that nobody runs on any more, and words that other threads than SELF hold, in ROOTS: good until the
 * next call. Returns the number of threads; 0 if that is not known. One search at a time. Context: setup, gate closed.
 */
uint32_t stacks_look(struct roots *roots, uint32_t self);

/* In a fork child. Context: setup. */
void stacks_forked(void);

#endif
