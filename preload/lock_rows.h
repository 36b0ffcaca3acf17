/* SPDX-License-Identifier: MIT */
/* The rows of the dump in which a thread counts its waits for locks, and its holds. */
#ifndef MP_LOCK_ROWS_H
#define MP_LOCK_ROWS_H

#include <stdint.h>

#include "capture.h"
#include "lock_state.h"
#include "lock_table.h"
#include "mp_dump.h"
#include "thread.h"

/* T's row, made if need be. NULL: no room, counted. Context: hook, gate closed. */
struct mp_lock_wait *lock_wait_row(struct thread *t, uint32_t number, stack_id stack, enum lock_mode mode);
struct mp_lock_culprit *lock_culprit_row(struct thread *t, uint32_t number, stack_id waiter, stack_id culprit);
/* Of too many pairs of threads the rest is counted together, as one of nobody. */
struct mp_lock_pair *lock_pair_row(struct thread *t, struct lock_local *l, uint32_t waiter, uint32_t culprit);
struct mp_lock_hold *lock_hold_row(struct thread *t, struct lock_local *l);
struct mp_lock_wake *lock_wake_row(struct thread *t, uint64_t address, uint32_t kind, stack_id stack);

/* Counts a time in a histogram of T and the lock. Context: hook, gate closed. */
void lock_hist_add(struct thread *t, struct lock_local *l, enum mp_lock_hist_kind what, uint64_t ns);

#endif
