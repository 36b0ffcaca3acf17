/* SPDX-License-Identifier: MIT */
/* How long blocks live: the time from allocation to free of one block in some hundred, by allocation stack. */
#ifndef MP_LIFETIME_H
#define MP_LIFETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "mp_dump.h"
#include "shard.h"
#include "thread.h"

/*
 * The number of the allocation of this thread that is to be observed next, given that NOW is the present one's:
 * MP_LIFETIME_EVERY further on average, at random, so that no pattern of the program's meets a pattern of ours.
 * Context: hook (slow path), gate closed.
 */
uint64_t lifetime_next(struct thread *t, uint64_t now);

/*
 * The block that was just given out at ADDRESS is observed from NOW_NS on. false: no memory, or it was decided to
 * observe fewer. Context: hook (slow path), gate closed.
 */
bool lifetime_begin(struct thread *t, uint64_t address, uint64_t now_ns);
/* That block of STACK is freed. Context: hook (slow path), gate closed. */
void lifetime_end(struct thread *t, uint64_t address, uint32_t stack);

/* In a fork child: nothing is observed any more. Context: setup. */
void lifetime_forked(void);

#endif
