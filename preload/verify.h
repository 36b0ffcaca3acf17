/* SPDX-License-Identifier: MIT */
/* MEMPROF_VERIFY: compares every captured stack with libunwind's own walk of the same stack. */
#ifndef MP_VERIFY_H
#define MP_VERIFY_H

#include "regs.h"
#include "thread.h"

/* Loads libunwind's local interface and takes the counters' rows from the dump. Context: setup. */
void verify_init(void);
/* Begins to count in the dump that was just made: in a fork child, whose parent's is gone. Context: setup. */
void verify_add_rows(void);

/* Before a fork by T, and after it in both processes. Context: setup. */
void verify_fork_begins(const struct thread *t);
void verify_fork_over(const struct thread *t, bool child);

/*
 * Compares t->frames with what libunwind finds from REGS on, unless another thread is at it. Context: hook, gate
 * closed; unlike everything else in a hook it takes the loader's lock, through libunwind, which is why it is for tests
 * only.
 */
void verify_stack(struct thread *t, const struct regs *regs);

/* Counts a stack that was taken for a known one and was not. Context: hook. */
void verify_memo_failed(void);

#endif
