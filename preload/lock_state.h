/* SPDX-License-Identifier: MIT */
/* What memprof keeps of a lock that was contended, beside its row in the dump; for lock_table.c and lock_wait.c. */
#ifndef MP_LOCK_STATE_H
#define MP_LOCK_STATE_H

#include <stdint.h>

#include "compiler.h"
#include "lock_ring.h"
#include "lock_table.h"
#include "mp_dump.h"
#include "os.h"
#include "shard.h"
#include "thread.h"

/* One per number; never freed, and given to the next lock together with the number. */
struct lock_state {
	uint32_t number;
	uint32_t kind;  /* enum mp_lock_kind */
	uint32_t flags; /* MP_LOCK_FLAG_* */
	struct mp_lock *row;
	uint64_t block;                   /* start of the heap block it lies in, 0 = in none that is known */
	struct lock_state *next_in_block; /* of those whose blocks share a hash */
	struct lock_state *next_retired;  /* of those whose classes share a hash */

	/* Goes from processor to processor when somebody waits, so it is one cache line. */
	uint64_t crowd MP_ALIGNED(64); /* waiters at this moment; above, how often one came or went, modulo 2^32 */
	struct os_lock busy;           /* guards the ring of a lock that several threads can have or wake */
	bool ring_small;               /* a wait overlapped more holds than the ring had */
	struct lock_ring ring;

	struct lock_past first[LOCK_RING_FIRST];
};

/* One thread's view of such a lock: a cache of its rows, which may lose its place to that of another lock. */
struct lock_local {
	uint32_t number; /* 0 = free */
	uint32_t seen;   /* crowd_moves() when they last changed */
	uint32_t hot;    /* acquisitions still to be measured because of them */
	uint32_t left;   /* how many may still be, all in all */
	uint32_t skip;   /* acquisitions until one is measured although the lock is not hot */
	struct lock_state *state;
	struct mp_lock_share *share; /* NULL: no room */
	struct mp_lock_hold *hold;   /* NULL: none measured yet */
	struct {
		uint32_t what_octave;
		row_id row;
	} hist[2];
	uint32_t pairs; /* rows of pairs entered */
};
#define LOCK_LOCALS 64u
/*
 * So many acquisitions of each thread after a contention are measured, until these are LOCK_HOT_LIMIT: of a lock that
 * is fought for all the time, to measure every hold costs a quarter of the throughput.
 */
#define LOCK_HOT_HOLDS 256u
#define LOCK_HOT_LIMIT 4096u

/* A hold that is being measured. */
struct lock_held {
	uint64_t address;
	uint64_t from_ns;
	uint64_t blocked_ns; /* the thread's sums when it got the lock */
	uint64_t alloc_count;
	uint64_t alloc_bytes;
	uint32_t number;
	uint32_t stack; /* where it was taken; 0 unless the order of locks is recorded */
	uint8_t mode;   /* enum lock_mode */
	bool hot;
};
#define LOCK_HELD_FIRST 8u

/* What lock_settle() has to do, each if its number is not 0. */
struct lock_noted {
	struct {
		struct lock_wait wait; /* that has got the lock */
		struct lock_span span;
		uint64_t ns;
	} wait;
	struct {
		struct lock_held held; /* that is over */
		uint64_t ns;
		uint64_t blocked_ns;
		uint64_t alloc_count; /* the thread's sums at its end */
		uint64_t alloc_bytes;
	} hold;
};
#define LOCK_STACKS     32u

/* What a thread needs once it meets a contended lock. */
struct lock_store {
	struct lock_store *next; /* in the list of unused ones */
	struct lock_held *held;  /* t->locks_held of them, oldest first */
	uint32_t held_room;
	uint32_t order_stack; /* where the lock that comes next is taken, see lock_order.c */
	struct {
		uint64_t hash;
		uint32_t stack;
	} stacks[LOCK_STACKS]; /* numbers of stacks seen lately */
	struct lock_noted noted;
	struct lock_held first_held[LOCK_HELD_FIRST];
	struct lock_local locals[LOCK_LOCALS];
};

static inline uint32_t crowd_waiters(const struct lock_state *state)
{
	return (uint32_t)load_relaxed(&state->crowd);
}

/* Changes whenever a wait begins or ends. */
static inline uint32_t crowd_moves(const struct lock_state *state)
{
	return (uint32_t)(load_relaxed(&state->crowd) >> 32);
}

/* Returns how many wait now. */
static inline uint32_t crowd_join(struct lock_state *state)
{
	return (uint32_t)add_relaxed(&state->crowd, (UINT64_C(1) << 32) + 1);
}

static inline void crowd_leave(struct lock_state *state)
{
	add_relaxed(&state->crowd, (UINT64_C(1) << 32) - 1);
}

struct lock_local *lock_local_find(struct thread *t, uint32_t number);

/* T's view of lock NUMBER. NULL: no memory. */
static inline struct lock_local *lock_local(struct thread *t, uint32_t number)
{
	struct lock_store *store = t->lock_store;

	if (likely(store != NULL)) {
		struct lock_local *l = &store->locals[number % LOCK_LOCALS];

		if (likely(l->number == number))
			return l;
	}
	return lock_local_find(t, number);
}

/* The same for the lock at ADDRESS; NULL also if it has no number. */
struct lock_local *lock_local_at(struct thread *t, uint64_t address);

/* The number of the lock with FACTS, given now unless it has one. DRAFT: stacks and times of its row. 0: no room. */
uint32_t lock_number(const struct lock_facts *facts, struct mp_lock *draft);

/* Changes when the process becomes a fork child. */
extern uint32_t lock_forks;

/* The key of a row: two different ones of A, B and C give the same with a chance of about 2^-64. */
static inline uint64_t lock_key(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ b * 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	return h ^ h >> 29;
}

#endif
