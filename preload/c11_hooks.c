/* SPDX-License-Identifier: MIT */
/* Mutexes of C11, which libc leads past the pthread functions; condition variables are in cond_hooks.c. */
#include <threads.h>

#include "sync.h"

#include "atomic.h"
#include "regs.h"

/*
 * The objects are pthread mutexes; the results are not, so a call always goes on to the function of its own name. There
 * are no robust, PI or PP ones: all can be tried first.
 */
static inline pthread_mutex_t *mutex_of(mtx_t *m)
{
	return (pthread_mutex_t *)(void *)m;
}

static inline uint64_t address_of(const mtx_t *m)
{
	return (uint64_t)m;
}

static int lock_waiting(struct thread *t, mtx_t *m, const struct timespec *until, const struct regs *regs)
{
	struct lock_facts facts = mutex_facts(mutex_of(m));
	uint32_t owner = (uint32_t)load_relaxed(&mutex_of(m)->__data.__owner);
	struct lock_wait w;
	int r;

	lock_wait_begin(&w, t, &facts, LOCK_EXCLUSIVE, owner, regs);
	lock_leave(t);
	r = until ? sync_next.mtx_timedlock(m, until) : sync_next.mtx_lock(m);
	t = lock_enter();
	if (unlikely(!t)) {
		lock_wait_abandon(&w);
		return r;
	}
	lock_wait_end(&w, t, r == thrd_success ? LOCK_GOT : r == thrd_timedout ? LOCK_TIMED_OUT : LOCK_GAVE_UP);
	if (r == thrd_success)
		mutex_got_back(t, mutex_of(m));
	lock_leave(t);
	return r;
}

static int lock_tried(mtx_t *m, const struct timespec *until, const struct regs *regs)
{
	struct thread *t = lock_enter();
	int r;

	if (unlikely(!t))
		return until ? sync_next.mtx_timedlock(m, until) : sync_next.mtx_lock(m);
	r = sync_next.mtx_trylock(m);
	if (r == thrd_busy)
		return lock_waiting(t, m, until, regs);
	if (r == thrd_success)
		mutex_got_back(t, mutex_of(m));
	lock_leave(t);
	return r;
}

MP_EXPORT int mtx_lock(mtx_t *m)
{
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.mtx_lock(m);
	CALLER_REGS(&regs);
	return lock_tried(m, NULL, &regs);
}

MP_EXPORT int mtx_timedlock(mtx_t *m, const struct timespec *until)
{
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.mtx_timedlock(m, until);
	CALLER_REGS(&regs);
	return lock_tried(m, until, &regs);
}

MP_EXPORT int mtx_trylock(mtx_t *m)
{
	int r = sync_next.mtx_trylock(m);
	struct thread *t;

	if (SYNC_PASS())
		return r;
	t = lock_enter();
	if (unlikely(!t))
		return r;
	if (r == thrd_success)
		mutex_got_back(t, mutex_of(m));
	else if (r == thrd_busy)
		lock_count_failure(t, address_of(m));
	lock_leave(t);
	return r;
}

MP_EXPORT int mtx_unlock(mtx_t *m)
{
	struct thread *t;
	struct regs regs;
	int r;

	if (SYNC_PASS() || (load_relaxed(&mutex_of(m)->__data.__lock) <= 1 && !lock_holds_any(thread_self)))
		return sync_next.mtx_unlock(m);
	CALLER_REGS(&regs);
	t = lock_enter();
	if (likely(t)) {
		mutex_given_up(t, mutex_of(m), &regs);
		lock_leave(t);
	}
	r = sync_next.mtx_unlock(m);
	lock_settle_open();
	return r;
}

MP_EXPORT int mtx_init(mtx_t *m, int type)
{
	int r = sync_next.mtx_init(m, type);

	if (r == thrd_success && !SYNC_PASS())
		sync_retire(address_of(m));
	return r;
}

MP_EXPORT void mtx_destroy(mtx_t *m)
{
	sync_next.mtx_destroy(m);
	if (!SYNC_PASS())
		sync_retire(address_of(m));
}
