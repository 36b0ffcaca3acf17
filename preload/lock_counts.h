/* SPDX-License-Identifier: MIT */
/* Acquisitions by address: slots of threads, what is kept for addresses without a number, shares of those with one. */
#ifndef MP_LOCK_COUNTS_H
#define MP_LOCK_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "shard.h"
#include "thread.h"

/* What addresses of one hash have in common: its lock guards all that is private about them. */
struct lock_bucket;

struct lock_bucket *lock_bucket_lock(uint64_t address);
void lock_bucket_unlock(struct lock_bucket *b);
/* Was a count of some address of B ever thrown away? With its lock held. */
bool lock_bucket_gave_up(const struct lock_bucket *b);

/* The row of SHARD for lock NUMBER, 0 = no room (counted). */
row_id lock_share(struct shard *shard, uint32_t number);

/* Puts into a row what all threads have counted for ADDRESS, now lock NUMBER. With B's lock held. */
void lock_counts_claim(struct lock_bucket *b, uint64_t address, uint32_t number);
/* The lock at ADDRESS is no more: what T and B have counted for it goes. With B's lock held. */
void lock_counts_forget(struct thread *t, struct lock_bucket *b, uint64_t address);
/* Hands over all that is in T's slots. Context: end of the thread. */
void lock_slots_empty(struct thread *t);

/* After an address got its number, or lost it. */
void lock_epoch_next(void);

/* false: no memory. Context: setup. */
bool lock_counts_init(void);
/* In a fork child, where the buckets are wiped. Context: setup. */
void lock_counts_forked(void);

#endif
