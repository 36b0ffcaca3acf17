/* SPDX-License-Identifier: MIT */
/* The recent holds of one lock, and how a wait is shared out among them. Pure: no clock, no locks, no dump. */
#ifndef MP_LOCK_RING_H
#define MP_LOCK_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

/*
 * A hold that is over, entered by who gives the lock up while it still has it: for a lock that one thread has at a time
 * the lock itself puts the calls in order. Several holds in a row by one thread and stack are one entry as long as no
 * new wait began: whoever waited for the first waited for all of them.
 */
struct lock_past {
	uint64_t from_ns;    /* got it; 0 = unknown */
	uint64_t to_ns;      /* gave it up, or woke the waiters */
	uint64_t held_ns;    /* of that time, had it; 0 if from_ns is */
	uint64_t blocked_ns; /* of held_ns, waited itself */
	uint32_t tid;
	uint32_t stack;    /* 0 = unknown */
	uint32_t moves;    /* waits begun and waits over, until then */
} MP_ALIGNED(64);

#define LOCK_RING_FIRST 8u
#define LOCK_RING_MAX   256u

struct lock_ring {
	uint32_t version; /* odd while it changes, for readers that do not have the lock */
	uint32_t added;   /* entries so far */
	uint32_t size;    /* a power of two */
	struct lock_past *past;
	uint64_t forgotten_ns; /* end of the newest hold that is in no entry any more */
};

void lock_ring_add(struct lock_ring *ring, const struct lock_past *past);

/* Forgets all, and has room for SIZE entries in PAST from now on. */
void lock_ring_replace(struct lock_ring *ring, struct lock_past *past, uint32_t size);

/* A wait. */
struct lock_span {
	uint64_t from_ns;
	uint64_t to_ns;
	uint32_t owner;  /* thread that had the lock at the start, 0 = unknown or nobody */
	uint32_t holder; /* thread that has it at the end, 0 = the waiter, or unknown */
	bool got;        /* the waiter has had the lock from to_ns on: who gave it up later is not of this wait */
	bool elsewhere;  /* others may have the lock, of other processes say: what nobody is known for was theirs */
};

/* What one culprit is charged with. */
struct lock_charge {
	uint32_t tid;
	uint32_t stack;
	uint64_t ns;
	uint64_t running_ns; /* of ns, the culprit did not wait itself, in proportion to the whole hold */
	uint64_t approx_ns;  /* of ns, not known exactly */
};
#define LOCK_CHARGES 24u /* culprits of one wait; those beyond go to the last one */

struct lock_share_out {
	uint32_t count;
	struct lock_charge charges[LOCK_CHARGES];
	uint64_t handoff_ns; /* nobody had the lock. With all charges it adds up to the wait. */
	bool lost;           /* the ring was too small for this wait */
};

/* Charges those who had the lock during SPAN, each with its own part. */
void lock_ring_share_out(const struct lock_ring *ring, const struct lock_span *span, struct lock_share_out *ret);

/* Charges who woke the waiter last, up to that moment; what came after is hand-off. 0: nobody did, all is unknown. */
uint64_t lock_ring_last_wake(const struct lock_ring *ring, const struct lock_span *span, struct lock_share_out *ret);

/* Adds to the charges of a wait. */
void lock_charge_add(struct lock_share_out *out, const struct lock_charge *charge);

#endif
