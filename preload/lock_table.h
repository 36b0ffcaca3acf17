/* SPDX-License-Identifier: MIT */
/* Locks of any kind: numbers for those that were ever contended, acquisition counts for all, waits by stack. */
#ifndef MP_LOCK_TABLE_H
#define MP_LOCK_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "mp_dump.h"
#include "regs.h"
#include "shard.h"
#include "thread.h"

/*
 * A lock is its address until it is first contended; only then does it get a number and a row, so locks that nobody
 * waits for cost nothing, however many there are. All functions that take a thread: context hook, its gate closed.
 */

struct lock_facts {
	uint64_t address;
	enum mp_lock_kind kind;
	uint32_t flags; /* MP_LOCK_FLAG_* */
};

/* A wait between lock_wait_begin() and lock_wait_end(); the gate is open meanwhile. */
struct lock_wait {
	struct thread *thread;
	struct mp_lock_share *share; /* NULL: the lock has no number */
	struct mp_lock_wait *row;    /* NULL: no room */
	uint64_t start_ns;
	uint32_t forks; /* a signal handler may fork while we wait: then the rows are not ours any more */
};

#define LOCK_WAYS 4u /* places in a thread's table where an address may be */

/* Changes whenever an address gets a number or loses it: slots of another epoch look their address up again. */
extern uint32_t lock_epoch;

static inline uint64_t lock_hash(uint64_t address)
{
	return address * 0x9e3779b97f4a7c15ull;
}

/* The slot of T where ADDRESS is as a rule; else it is in one of the same LOCK_WAYS. */
static inline uint32_t lock_home(uint64_t address)
{
	return (uint32_t)(lock_hash(address) >> 32) % THREAD_LOCKS;
}

struct lock_slot *lock_slot_find(struct thread *t, uint64_t address);

/* The slot of T for ADDRESS, knowing whether the lock has a number. */
static inline struct lock_slot *lock_slot(struct thread *t, uint64_t address)
{
	struct lock_slot *s = &t->locks[lock_home(address)];

	return likely(s->address == address && s->epoch == load_relaxed(&lock_epoch)) ? s : lock_slot_find(t, address);
}

/* Counts an acquisition. */
static inline void lock_count(struct thread *t, uint64_t address)
{
	struct lock_slot *s = lock_slot(t, address);
	struct mp_lock_share *share = row_at(s->share);
	uint64_t *count = s->share ? &share->acquisitions : &s->count;

	bump(count, 1);
	bump(&t->row->lock_acquisitions, 1);
}

/* Counts an attempt that found the lock taken and gave up at once. Kept only for locks that were contended. */
void lock_count_failure(struct thread *t, uint64_t address);

/* Counts a contention by the function with REGS, starts the clock. The caller then opens the gate and waits. */
void lock_wait_begin(struct lock_wait *w, struct thread *t, const struct lock_facts *facts, const struct regs *regs);
/* T: of the caller as it is now, after the wait. Does not count the acquisition. */
void lock_wait_end(const struct lock_wait *w, struct thread *t, bool timed_out);

/* The lock at ADDRESS is no more, or not yet: what comes next at this address is another one. */
void lock_retire(struct thread *t, uint64_t address);

/* false: no memory, locks cannot be recorded. Context: setup. */
bool lock_table_init(void);
/* In a fork child: forgets all locks; slots and kept counts are in memory that fork wipes. Context: setup. */
void lock_forked(void);
/* Counts that other threads have not handed over themselves go into rows now. Context: setup. */
void lock_process_end(void);

/* Resolves and tests what the hooks need, and turns them on or off for good; lock_hooks.c. Context: setup. */
void lock_init(void);

#endif
