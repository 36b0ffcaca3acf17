/* SPDX-License-Identifier: MIT */
/* Condition variables of POSIX and of C11: who waits, who signalled, and how long the mutex then took. */
#include <threads.h>

#include "sync.h"

#include "atomic.h"
#include "clock.h"
#include "regs.h"

/*
 * The wait gives the caller's mutex up and takes it back inside libc, where no hook sees it; so the hook says so to
 * the records of that mutex. C11's functions reach the others inside libc too, and have hooks of their own: a call is
 * always passed on to its own family, whose objects are the same but whose results are not.
 */
struct call {
	void *cond;
	pthread_mutex_t *mutex;
	const struct timespec *until; /* NULL: for ever */
	const clockid_t *clock;       /* NULL: that of the condition variable */
	bool c11;
};

static inline uint64_t address_of(const void *cond)
{
	return (uint64_t)cond;
}

static int call_next(const struct call *c)
{
	if (c->c11 && !c->until)
		return sync_next.cnd_wait(c->cond, (mtx_t *)(void *)c->mutex);
	if (c->c11)
		return sync_next.cnd_timedwait(c->cond, (mtx_t *)(void *)c->mutex, c->until);
	if (!c->until)
		return sync_next.pthread_cond_wait(c->cond, c->mutex);
	return c->clock ? sync_next.pthread_cond_clockwait(c->cond, c->mutex, *c->clock, c->until)
			: sync_next.pthread_cond_timedwait(c->cond, c->mutex, c->until);
}

/* --- which mutex a condition variable goes with --- */

#define PAIRS 512u

/*
 * Written by waiters. Two condition variables may contend for one place: then the other one's signals go without the
 * look at the mutex.
 */
static struct pair {
	uint64_t cond;
	pthread_mutex_t *mutex;
	uint64_t locked_ns; /* last wake by a thread that had the mutex */
	uint32_t locked_tid;
	uint32_t wait_stack; /* of the last that waited, 0 = unknown */
} pairs[PAIRS];

static struct pair *pair_of(uint64_t cond)
{
	return &pairs[lock_hash(cond) >> 40 & (PAIRS - 1)];
}

static void remember_mutex(const struct call *c)
{
	struct pair *p = pair_of(address_of(c->cond));

	if (load_relaxed(&p->cond) == address_of(c->cond) && load_relaxed(&p->mutex) == c->mutex)
		return;
	store_relaxed(&p->cond, 0);
	store_release(&p->mutex, c->mutex);
	store_release(&p->cond, address_of(c->cond));
}

/*
 * Does T have the mutex of those who wait? As long as somebody waits, the mutex cannot be gone. Whoever wakes up will
 * want it before T has given it up: by then it has a number, and T leaves a trace.
 */
static bool signals_locked(struct thread *t, uint64_t cond)
{
	struct pair *p = pair_of(cond);
	const pthread_mutex_t *m;
	struct lock_facts facts;

	if (load_acquire(&p->cond) != cond)
		return false;
	m = load_acquire(&p->mutex);
	if (load_relaxed(&p->cond) != cond || !lock_waiters(t, cond) ||
	    (uint32_t)load_relaxed(&m->__data.__owner) != sync_tid(t))
		return false;
	facts = mutex_facts(m);
	if (load_relaxed(&p->wait_stack))
		lock_foresee(t, &facts, load_relaxed(&p->wait_stack));
	store_relaxed(&p->locked_tid, sync_tid(t));
	store_relaxed(&p->locked_ns, clock_stamp());
	return true;
}

/* --- waiting --- */

struct waiting {
	struct lock_wait wait;
	const struct call *call;
	const struct regs *regs;
};

/*
 * From WOKEN_NS on it was about the mutex. That it was not free then is known when the one that signalled had it: it is
 * a wait for the mutex too, and its holders made it.
 */
static void note_reacquire(const struct waiting *w, struct thread *t, uint64_t woken_ns)
{
	const struct pair *p = pair_of(address_of(w->call->cond));
	struct mp_lock_extra *extra = lock_extra(t, address_of(w->call->cond));
	uint64_t now = clock_stamp();

	if (extra)
		bump(&extra->reacquire_ns, now > woken_ns ? now - woken_ns : 0);
	if (load_relaxed(&p->cond) == address_of(w->call->cond) && load_relaxed(&p->locked_ns) >= w->wait.start_ns) {
		struct lock_facts facts = mutex_facts(w->call->mutex);

		if (extra)
			bump(&extra->reacquire_count, 1);
		lock_wait_past(t, &facts, woken_ns, load_relaxed(&p->locked_tid), w->regs);
	}
}

static void finish(const struct waiting *w, enum lock_outcome outcome, bool have_mutex)
{
	struct thread *t = lock_enter();
	uint64_t woken_ns;

	if (unlikely(!t)) {
		lock_wait_abandon(&w->wait);
		return;
	}
	woken_ns = lock_wait_end(&w->wait, t, outcome);
	if (outcome == LOCK_GOT)
		lock_count(t, address_of(w->call->cond));
	if (have_mutex) {
		if (woken_ns)
			note_reacquire(w, t, woken_ns);
		mutex_got_back(t, w->call->mutex);
	}
	lock_leave(t);
}

/* The thread is cancelled: libc has taken the mutex for its clean-up handlers. */
static void cancelled(void *arg)
{
	finish(arg, LOCK_GAVE_UP, true);
}

static int wait_for(const struct call *c, const struct regs *regs)
{
	struct lock_facts facts = { .address = address_of(c->cond), .kind = MP_LOCK_COND };
	struct waiting w = { .call = c, .regs = regs };
	struct _pthread_cleanup_buffer guard;
	struct thread *t = lock_enter();
	enum lock_outcome outcome;
	bool have_mutex;
	int r;

	if (unlikely(!t))
		return call_next(c);
	remember_mutex(c);
	lock_wait_begin(&w.wait, t, &facts, LOCK_EXCLUSIVE, 0, regs);
	store_relaxed(&pair_of(facts.address)->wait_stack, w.wait.row ? w.wait.row->stack : 0);
	mutex_given_up(t, c->mutex, regs);
	lock_settle(t);
	lock_leave(t);
	sync_guard(&guard, cancelled, &w);
	r = call_next(c);
	sync_unguard(&guard);
	if (c->c11) {
		outcome = r == thrd_success ? LOCK_GOT : r == thrd_timedout ? LOCK_TIMED_OUT : LOCK_GAVE_UP;
		have_mutex = outcome != LOCK_GAVE_UP;
	} else {
		/* EOWNERDEAD: the last owner of the mutex died, but it is ours now. */
		outcome = r == 0 || r == EOWNERDEAD ? LOCK_GOT : r == ETIMEDOUT ? LOCK_TIMED_OUT : LOCK_GAVE_UP;
		have_mutex = r == 0 || r == EOWNERDEAD || r == ETIMEDOUT;
	}
	finish(&w, outcome, have_mutex);
	return r;
}

/* --- hooks --- */

MP_EXPORT int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	struct call call = { .cond = c, .mutex = m };
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.pthread_cond_wait(c, m);
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

MP_EXPORT int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *until)
{
	struct call call = { .cond = c, .mutex = m, .until = until };
	struct regs regs;

	if (SYNC_PASS() || !sync_time_valid(until))
		return sync_next.pthread_cond_timedwait(c, m, until);
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

/* What the C++ library calls for wait_for(), and for wait_until() with a steady clock. */
MP_EXPORT int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock,
				     const struct timespec *until)
{
	struct call call = { .cond = c, .mutex = m, .until = until, .clock = &clock };
	struct regs regs;

	if (SYNC_PASS() || !sync_clock_valid(clock) || !sync_time_valid(until))
		return sync_next.pthread_cond_clockwait(c, m, clock, until);
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

MP_EXPORT int cnd_wait(cnd_t *c, mtx_t *m)
{
	struct call call = { .cond = c, .mutex = (pthread_mutex_t *)(void *)m, .c11 = true };
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.cnd_wait(c, m);
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

MP_EXPORT int cnd_timedwait(cnd_t *c, mtx_t *m, const struct timespec *until)
{
	struct call call = { .cond = c, .mutex = (pthread_mutex_t *)(void *)m, .until = until, .c11 = true };
	struct regs regs;

	if (SYNC_PASS() || !sync_time_valid(until))
		return sync_next.cnd_timedwait(c, m, until);
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

/* Before the real call: afterwards the waiter may be gone already, and have found no trace of who woke it. */
static void waking(const void *cond, unsigned flags, const struct regs *regs)
{
	struct thread *t = lock_enter();

	if (unlikely(!t))
		return;
	if (signals_locked(t, address_of(cond)))
		flags |= LOCK_WAKE_LOCKED;
	lock_waking(t, address_of(cond), flags, regs);
	lock_leave(t);
}

/* NAME(c), which wakes one or, with LOCK_WAKE_ALL, all. */
#define WAKE(name, type, flags)                  \
	MP_EXPORT int name(type *c)              \
	{                                        \
		struct regs regs;                \
                                                 \
		if (!SYNC_PASS()) {              \
			CALLER_REGS(&regs);      \
			waking(c, flags, &regs); \
		}                                \
		return sync_next.name(c);        \
	}
WAKE(pthread_cond_signal, pthread_cond_t, 0)
WAKE(pthread_cond_broadcast, pthread_cond_t, LOCK_WAKE_ALL)
WAKE(cnd_signal, cnd_t, 0)
WAKE(cnd_broadcast, cnd_t, LOCK_WAKE_ALL)

MP_EXPORT int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr)
{
	int r = sync_next.pthread_cond_init(c, attr);

	if (r == 0 && !SYNC_PASS())
		sync_retire(address_of(c));
	return r;
}

MP_EXPORT int cnd_init(cnd_t *c)
{
	int r = sync_next.cnd_init(c);

	if (r == thrd_success && !SYNC_PASS())
		sync_retire(address_of(c));
	return r;
}

/* Waits until the last waiter has left; then the memory is still the caller's. */
MP_EXPORT int pthread_cond_destroy(pthread_cond_t *c)
{
	int r = sync_next.pthread_cond_destroy(c);

	if (r == 0 && !SYNC_PASS())
		sync_retire(address_of(c));
	return r;
}

MP_EXPORT void cnd_destroy(cnd_t *c)
{
	sync_next.cnd_destroy(c);
	if (!SYNC_PASS())
		sync_retire(address_of(c));
}
