/* SPDX-License-Identifier: MIT */
/* The stack interface that hooks see: the caller's registers in, the hash or the number of the stack out. */
#ifndef MP_CAPTURE_H
#define MP_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "regs.h"
#include "thread.h"

/* Names a stack within one dump; 0 = none. */
typedef uint32_t stack_id;

/*
 * Walks the stack from REGS outward into t->frames and returns its hash, which names the whole stack (two different
 * stacks share one with a chance of about 2^-64 per pair). Context: hook, gate closed. No allocation, no lock, no
 * loader; reads only memory that is known to be a stack.
 */
uint64_t capture(struct thread *t, const struct regs *regs);

/*
 * The number of the stack that capture() left in t->frames, entering it when new: a slow path, under a lock. When the
 * table is full, the number of the stack "other" (counted).
 */
stack_id capture_intern(struct thread *t);

/*
 * Number of the stack that is nothing but the function at ADDRESS, for events of a thread that is not on the spot. May
 * look for the module that holds it. Context: hook (slow path).
 */
stack_id capture_function(uint64_t address);

/* Number of a stack that is only a mark, for events that have no stack. */
stack_id capture_mark(enum mp_stack_mark mark);

/* The innermost node of STACK; NULL = no such stack. Context: setup, in a snapshot too. */
const struct mp_node *capture_node(stack_id stack);

/* Starts with no stacks, for a new dump; also in a fork child. Context: setup. */
void capture_reset(void);

#endif
