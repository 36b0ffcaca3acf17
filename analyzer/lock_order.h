/* SPDX-License-Identifier: MIT */
/* Cycles in the order in which locks were taken: those that can deadlock. */
#ifndef MP_LOCK_ORDER_H
#define MP_LOCK_ORDER_H

#include <stddef.h>

#include "arena.h"
#include "profile.h"

/* Longer cycles are not looked for: nobody could read them, and their number grows without bound. */
#define LOCK_CYCLE_MAX 6

/* Each step takes the lock that the next one holds; the last one takes that which the first one holds. */
struct lock_cycle {
	const struct mp_lock_order *steps[LOCK_CYCLE_MAX];
	size_t step_count; /* 2 or more */
};

/*
 * Cycles that at least two threads made, none of which held a lock in common with all others that would have kept them
 * apart, and in which no lock is only shared. One for each set of locks, in the order of their numbers. Returns how
 * many are in *RET_CYCLES.
 */
size_t lock_order_find(const struct profile *profile, struct arena *arena, const struct lock_cycle **ret_cycles);

#endif
