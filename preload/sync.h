/* SPDX-License-Identifier: MIT */
/* What the hooks of locks and waits beyond mutexes share: the functions behind them, their start, cancellation. */
#ifndef MP_SYNC_H
#define MP_SYNC_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "compiler.h"
#include "lock_table.h"
#include "os.h"
#include "real.h"

/*
 * While nothing is recorded, hooks are a jump through these: first to functions that look the real one up, then to the
 * real ones. NULL only for functions that this libc does not have, and that no program can call therefore.
 */
#define X(name, result, parameters, arguments) result(*name) parameters;
struct sync_next {
	REAL_SYNC_FUNCTIONS(X)
};
#undef X
extern struct sync_next sync_next;

/* sync_next leads to the real functions. */
extern bool sync_started;

/* The first calls of all, before sync_init() has run: sets up what can be. Is anything recorded? Context: hook. */
bool sync_start(void);

/* What every hook begins with: true: only pass the call on. */
#define SYNC_PASS() (unlikely(!lock_recording) && (sync_started || !sync_start()))

/*
 * Takes over the real functions; RECORDING: locks will be recorded. Called by lock_init(), when all or nothing is set
 * up. Context: setup.
 */
void sync_init(bool recording);

/* As sync_init(), in the files that need more than pointers. Context: setup. */
void rwlock_init(void);
void barrier_init(void);
void futex_init(bool recording);
void omp_init(void);
void sem_learn(void);

/* In a fork child: no thread of the parent is inside here. Context: setup. */
void sync_forked(void);
void join_forked(void);
void once_forked(void);
void omp_forked(void);

/* --- threads --- */

static inline uint32_t sync_tid(const struct thread *t)
{
	return t == thread_self ? t->tid : os_tid();
}

/* Tells who runs behind a pthread_t, for those who will wait for its end. Context: setup (thread start). */
void join_thread_begins(uint64_t thread, void (*routine)(void));

/* --- arguments that the real functions refuse before they do anything --- */

static inline bool sync_time_valid(const struct timespec *until)
{
	return until->tv_nsec >= 0 && until->tv_nsec < 1000000000;
}

static inline bool sync_clock_valid(clockid_t clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC;
}

/* --- cancellation points --- */

/*
 * A thread that is cancelled while it waits, or that leaves a signal handler by longjmp, never returns to the hook:
 * ROUTINE is then called with ARG in its place. The frame that holds GUARD must call sync_unguard() when the wait
 * returns. Context: hook, gate open.
 */
static inline void sync_guard(struct _pthread_cleanup_buffer *guard, void (*routine)(void *), void *arg)
{
	if (likely(real._pthread_cleanup_push && real._pthread_cleanup_pop))
		real._pthread_cleanup_push(guard, routine, arg);
}

static inline void sync_unguard(struct _pthread_cleanup_buffer *guard)
{
	if (likely(real._pthread_cleanup_push && real._pthread_cleanup_pop))
		real._pthread_cleanup_pop(guard, 0);
}

/* --- waits that need no more than this --- */

/* Begins one. Comes with the gate closed, goes with it open. */
static inline void sync_wait(struct lock_wait *w, struct thread *t, const struct lock_facts *facts,
			     const struct regs *regs)
{
	lock_wait_begin(w, t, facts, LOCK_EXCLUSIVE, 0, regs);
	lock_leave(t);
}

/* Ends it; COUNT: and counts the call as one that came through. Context: hook, gate open. */
static inline void sync_waited(const struct lock_wait *w, uint64_t address, enum lock_outcome outcome, bool count)
{
	struct thread *t = lock_enter();

	if (unlikely(!t)) {
		lock_wait_abandon(w);
		return;
	}
	lock_wait_end(w, t, outcome);
	if (count)
		lock_count(t, address);
	lock_leave(t);
}

/* The object at ADDRESS is no more, or not yet. Context: hook, gate open. */
static inline void sync_retire(uint64_t address)
{
	struct thread *t = lock_enter_to_end();

	if (unlikely(!t))
		return;
	lock_retire(t, address);
	lock_leave(t);
}

/*
 * An address for waits that have none, or whose address says nothing: one for each stack that waits. No object can lie
 * there. Context: hook, gate closed.
 */
uint64_t sync_address_of_stack(struct thread *t, const struct regs *regs);

#endif
