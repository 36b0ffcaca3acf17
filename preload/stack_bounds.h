/* SPDX-License-Identifier: MIT */
/*
 * Which memory is readable stack: the thread's own, and foreign ones (signal stacks, coroutines) learned as they are
 * met.
 */
#ifndef MP_STACK_BOUNDS_H
#define MP_STACK_BOUNDS_H

#include <stdint.h>

#include "thread.h"

/* The slow half of stack_end(). Context: hook; reads /proc/self/maps at most once per unknown stack. */
uint64_t stack_end_slow(struct thread *t, uint64_t sp);

/*
 * First address behind the readable stack memory that holds SP, an address the thread runs on or has just read from
 * its own stack; 0 = not known to be a stack.
 */
static inline uint64_t stack_end(struct thread *t, uint64_t sp)
{
	if (likely(sp >= t->stack.start && sp < t->stack.end))
		return t->stack.end;
	return stack_end_slow(t, sp);
}

#endif
