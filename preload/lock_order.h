/* SPDX-License-Identifier: MIT */
/* MEMPROF_LOCK_ORDER: which mutexes and rwlocks are taken while which others are held. */
#ifndef MP_LOCK_ORDER_H
#define MP_LOCK_ORDER_H

#include <stdbool.h>

#include "lock_table.h"
#include "thread.h"

/* Asked for; constant after lock_order_init(). Then every hold is measured. */
extern bool lock_order_on;

/*
 * The function with REGS takes the lock with FACTS, or is about to wait for it; TRIED: by a call that would not have
 * waited. To be called before lock_acquired(). Context: hook, gate closed.
 */
void lock_order_taking(struct thread *t, const struct lock_facts *facts, enum lock_mode mode, bool tried,
		       const struct regs *regs);

/* Context: setup. */
void lock_order_init(void);

#endif
