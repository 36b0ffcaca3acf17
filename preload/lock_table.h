/* SPDX-License-Identifier: MIT */
/* Locks of any kind: numbers for those that were ever contended, acquisition counts for all, waits by stack. */
#ifndef MP_LOCK_TABLE_H
#define MP_LOCK_TABLE_H

#include <pthread.h>
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

extern bool lock_recording; /* false: hooks only pass calls on. Set once, by lock_init(). */

/* What a hook begins and ends its own work with. NULL: pass the call on unrecorded. */
static inline struct thread *lock_enter(void)
{
	struct thread *t = thread_self;

	return likely(gate_enter(t)) ? t : thread_enter_slow_quiet();
}

void lock_leave_late(struct thread *t);
static inline void lock_leave(struct thread *t)
{
	if (unlikely(t != thread_self))
		lock_leave_late(t);
	else
		gate_leave(t);
}

/* The same for the end of a lock, which counts also while the thread is paused. */
static inline struct thread *lock_enter_to_end(void)
{
	struct thread *t = lock_enter();

	return likely(t) ? t : thread_enter_paused();
}

struct lock_facts {
	uint64_t address;
	enum mp_lock_kind kind;
	uint32_t flags; /* MP_LOCK_FLAG_* */
};

enum lock_mode {
	LOCK_EXCLUSIVE,
	LOCK_SHARED, /* a rwlock, to read */
};

/* How a wait ended. */
enum lock_outcome {
	LOCK_GOT,
	LOCK_TIMED_OUT,
	LOCK_GAVE_UP, /* interrupted, cancelled, or an error */
};

/* A wait between lock_wait_begin() and lock_wait_end(); the gate is open meanwhile. */
struct lock_wait {
	struct thread *thread;
	struct lock_state *state; /* NULL: the lock has no number */
	struct mp_lock_wait *row; /* NULL: no room */
	uint64_t start_ns;
	uint64_t charged_ns; /* by lock_wait_charge() */
	uint32_t number;
	uint32_t forks; /* a signal handler may fork while we wait: then the rows are not ours any more */
	enum mp_lock_kind kind;
	enum lock_mode mode;
	uint32_t owner;  /* thread that had the lock at the start, 0 = unknown */
	uint32_t holder; /* set by the hook after a wait in vain: who has it still, 0 = unknown */
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

/* Does S say, as of now, that nobody ever waited for the lock at ADDRESS? */
static inline bool lock_slot_is_calm(const struct lock_slot *s, uint64_t address)
{
	uint64_t epoch_number = load_relaxed(&s->epoch_number);

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "epoch_number is epoch with a number of 0"
#endif
	return s->address == address && epoch_number == load_relaxed(&lock_epoch);
}

/*
 * Counts an acquisition that is about to succeed, if that is all there is to do: then the rest of the hook is a jump.
 * With the gate as it is: a signal handler between two of these instructions may cost a count, as anywhere while the
 * gate is shut.
 */
static inline bool lock_count_calm(struct thread *t, uint64_t address)
{
	struct lock_slot *s;

	if (unlikely(!load_relaxed(&t->open)))
		return false;
	s = t->last_lock;
	if (unlikely(!lock_slot_is_calm(s, address))) {
		s = &t->locks[lock_home(address)];
		if (!lock_slot_is_calm(s, address))
			return false;
		t->last_lock = s;
	}
	bump(&s->count, 1);
	bump(&t->row->lock_acquisitions, 1);
	return true;
}

/* The rest of lock_count() and lock_acquired(), for a lock that has a number. */
void lock_count_numbered(struct thread *t, uint32_t number);
void lock_acquired_numbered(struct thread *t, uint64_t address, uint32_t number, enum lock_mode mode, uint64_t now_ns);

/* Counts an acquisition. */
static inline void lock_count(struct thread *t, uint64_t address)
{
	struct lock_slot *s = lock_slot(t, address);

	bump(&t->row->lock_acquisitions, 1);
	if (likely(!s->number))
		bump(&s->count, 1);
	else
		lock_count_numbered(t, s->number);
}

/* Counts an attempt that found the lock taken and gave up at once. Kept only for locks that were contended. */
void lock_count_failure(struct thread *t, uint64_t address);

/* --- locks that somebody has: mutex, rwlock, spinlock --- */

/*
 * T has got the lock: counts the acquisition (instead of lock_count()), and measures the hold if it is one to be
 * measured. Not for further levels of a recursive lock: those are counted only. NOW_NS: clock_stamp() of this moment, 0
 * = not read so far.
 */
static inline void lock_acquired_at(struct thread *t, uint64_t address, enum lock_mode mode, uint64_t now_ns)
{
	struct lock_slot *s = lock_slot(t, address);

	bump(&t->row->lock_acquisitions, 1);
	if (likely(!s->number))
		bump(&s->count, 1);
	else
		lock_acquired_numbered(t, address, s->number, mode, now_ns);
}

static inline void lock_acquired(struct thread *t, uint64_t address, enum lock_mode mode)
{
	lock_acquired_at(t, address, mode, 0);
}

/* Does T measure a hold now? If not, and the lock's own word says that nobody waits, a release needs no look. */
static inline bool lock_holds_any(const struct thread *t)
{
	return t->locks_held != 0;
}

/*
 * T is about to give the lock up: ends the measured hold, leaves for those who wait who they waited for. MAYBE_WAITERS:
 * what the lock's own word says. To be called BEFORE the real release; afterwards the lock may be gone.
 */
void lock_releasing(struct thread *t, uint64_t address, enum lock_mode mode, bool maybe_waiters,
		    const struct regs *regs);

/*
 * Does what lock_releasing() and lock_wait_got() have only noted. To be called right AFTER the real release, or before
 * what may take long: as long as it is not done, an end of the process loses one short wait and one hold of the thread.
 */
void lock_settle_noted(struct thread *t);
static inline void lock_settle(struct thread *t)
{
	if (unlikely(t->lock_noted))
		lock_settle_noted(t);
}
/* The same with the gate open. */
static inline void lock_settle_open(void)
{
	struct thread *t = thread_self;

	if (unlikely(t->lock_noted) && (t = lock_enter()) != NULL) {
		lock_settle(t);
		lock_leave(t);
	}
}

/* --- waits --- */

/*
 * Counts a contention by the function with REGS, starts the clock. The caller then opens the gate and waits. OWNER: the
 * thread that has the lock, if the lock says so, else 0.
 */
void lock_wait_begin(struct lock_wait *w, struct thread *t, const struct lock_facts *facts, enum lock_mode mode,
		     uint32_t owner, const struct regs *regs);
/*
 * T: of the caller as it is now, after the wait. Does not count the acquisition; to be called before lock_acquired().
 * Charges those who had the lock meanwhile, for kinds that somebody has; for the others, who woke the waiter last. Of a
 * condition variable it takes what came after the last wake as the time to get the mutex back. Returns that last wake,
 * CLOCK_MONOTONIC ns, 0 = none seen since the wait began.
 */
uint64_t lock_wait_end(const struct lock_wait *w, struct thread *t, enum lock_outcome outcome);
/*
 * Instead of it, when the wait got a lock that one thread has at a time: takes no longer than it must, because every
 * nanosecond that we have the lock others may wait. The rest is for lock_settle(). Returns the time, for
 * lock_acquired_at().
 */
uint64_t lock_wait_got(const struct lock_wait *w, struct thread *t);
/* Instead of it, when lock_enter() failed after the wait: it is not counted. */
void lock_wait_abandon(const struct lock_wait *w);
/* Instead of it, when the call did not wait at all, as was known only afterwards: takes the contention back. */
void lock_wait_undo(const struct lock_wait *w, struct thread *t);
/*
 * The wait that has just begun goes on with one that this thread ended at once before, by its time-out (TIMED_OUT) or
 * by a signal: they are one, and not two.
 */
void lock_wait_goes_on(const struct lock_wait *w, struct thread *t, bool timed_out);
/*
 * Charges a part of the wait to a culprit that the hook knows itself (the thread joined, the initialiser), before
 * lock_wait_end(), which then charges what is left. STACK 0: unknown.
 */
void lock_wait_charge(struct lock_wait *w, struct thread *t, uint32_t culprit_tid, uint32_t culprit_stack, uint64_t ns);
/*
 * A wait that is only known afterwards: a condition variable's waiter waited for its mutex from FROM_NS to now. Counts
 * it as a contention of that mutex and charges its holders. To be called with the mutex held, after lock_wait_end() of
 * the condition variable and before lock_acquired() of the mutex. OWNER: had the mutex then, 0 = unknown.
 */
void lock_wait_past(struct thread *t, const struct lock_facts *facts, uint64_t from_ns, uint32_t owner,
		    const struct regs *regs);
/*
 * The number of a lock that T has or takes, given now although nobody has waited for it yet. 0: no room. STACK: where
 * somebody will wait, as far as can be told.
 */
uint32_t lock_foresee(struct thread *t, const struct lock_facts *facts, uint32_t stack);

/* --- locks that somebody is woken from: condition variable, semaphore, barrier, futex --- */

#define LOCK_WAKE_ALL    1u /* all waiters at once */
#define LOCK_WAKE_LOCKED 2u /* the caller has the mutex that the waiters will need */

/*
 * T is about to wake whoever waits at ADDRESS: counts it, and leaves its stack for those who wait. Nothing to do (and
 * cheap) while nobody ever waited there. To be called BEFORE the real wake.
 */
void lock_waking(struct thread *t, uint64_t address, unsigned flags, const struct regs *regs);
/* The same where those who wait are of other processes. */
void lock_waking_elsewhere(struct thread *t, uint64_t address, enum mp_lock_kind kind, const struct regs *regs);
/* How many wait at ADDRESS at this moment, as far as memprof sees. */
uint32_t lock_waiters(struct thread *t, uint64_t address);
/* T's row for what only some kinds count; NULL: the lock was never contended, or no room. In lock_rows.c. */
struct mp_lock_extra *lock_extra(struct thread *t, uint64_t address);

/* --- mutexes for condition variables; lock_hooks.c --- */

struct lock_facts mutex_facts(const pthread_mutex_t *m);
/* A condition variable is about to give M up for its caller, which has REGS; and the caller has M again. */
void mutex_given_up(struct thread *t, pthread_mutex_t *m, const struct regs *regs);
void mutex_got_back(struct thread *t, pthread_mutex_t *m);

/* --- life --- */

/*
 * The heap block at START is about to be freed: its locks are no more. The test is for every free; few blocks that hold
 * no lock pass it. Context: hook, gate closed.
 */
#define LOCK_BLOCKS 4096u
extern uint8_t lock_blocks[LOCK_BLOCKS]; /* how many contended locks lie in blocks of this hash, saturates */
extern bool lock_blocks_any;
static inline uint32_t lock_block_hash(uint64_t start)
{
	return (uint32_t)(start >> 4 ^ start >> 16) % LOCK_BLOCKS;
}
static inline bool lock_may_lie_in(uint64_t start)
{
	return unlikely(load_relaxed(&lock_blocks_any)) && load_relaxed(&lock_blocks[lock_block_hash(start)]);
}
void lock_block_freed(struct thread *t, uint64_t start);

/* The lock at ADDRESS is no more, or not yet: what comes next at this address is another one. */
void lock_retire(struct thread *t, uint64_t address);

/*
 * The lock at ADDRESS, contended or not so far, is called NAME until it ends. false: no room, counted. Context: setup,
 * gate closed, nothing kept outside of the live table.
 */
bool lock_name(uint64_t address, const char *name);

/* false: no memory, locks cannot be recorded. Context: setup. */
bool lock_table_init(void);
/* In a fork child: forgets all locks; slots and kept counts are in memory that fork wipes. Context: setup. */
void lock_forked(void);
/* Counts that other threads have not handed over themselves go into rows now. Context: setup. */
void lock_process_end(void);

/* Resolves and tests what the hooks need, and turns them on or off for good; lock_hooks.c. Context: setup. */
void lock_init(void);

#endif
