/* SPDX-License-Identifier: MIT */
/* Semaphores: who waits, and who posted. */
#include <semaphore.h>

#include "sync.h"

#include "atomic.h"
#include "regs.h"

static inline uint64_t address_of(const sem_t *s)
{
	return (uint64_t)s;
}

struct call {
	sem_t *sem;
	const struct timespec *until; /* NULL: for ever */
	const clockid_t *clock;       /* NULL: CLOCK_REALTIME */
};

static int call_next(const struct call *c)
{
	if (!c->until)
		return sync_next.sem_wait(c->sem);
	return c->clock ? sync_next.sem_clockwait(c->sem, *c->clock, c->until)
			: sync_next.sem_timedwait(c->sem, c->until);
}

struct waiting {
	struct lock_wait wait;
	uint64_t address;
};

static void cancelled(void *arg)
{
	const struct waiting *w = arg;

	sync_waited(&w->wait, w->address, LOCK_GAVE_UP, false);
}

/* With the gate closed, and leaves it open. */
static int wait_for(struct thread *t, const struct call *c, const struct regs *regs)
{
	struct lock_facts facts = { .address = address_of(c->sem), .kind = MP_LOCK_SEM };
	struct waiting w = { .address = facts.address };
	struct _pthread_cleanup_buffer guard;
	int r, saved;

	sync_wait(&w.wait, t, &facts, regs);
	sync_guard(&guard, cancelled, &w);
	r = call_next(c);
	sync_unguard(&guard);
	saved = errno;
	sync_waited(&w.wait, w.address, r == 0 ? LOCK_GOT : saved == ETIMEDOUT ? LOCK_TIMED_OUT : LOCK_GAVE_UP, r == 0);
	errno = saved;
	return r;
}

/* What is there is taken at once, as the real functions do, but not by a thread that is to be cancelled. */
static int take(const struct call *c, const struct regs *regs)
{
	struct thread *t;
	int saved = errno;

	if (likely(real.pthread_testcancel))
		real.pthread_testcancel();
	t = lock_enter();
	if (unlikely(!t))
		return call_next(c);
	if (sync_next.sem_trywait(c->sem) != 0) {
		errno = saved;
		return wait_for(t, c, regs);
	}
	lock_count(t, address_of(c->sem));
	lock_leave(t);
	return 0;
}

MP_EXPORT int sem_wait(sem_t *s)
{
	struct call call = { .sem = s };
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.sem_wait(s);
	CALLER_REGS(&regs);
	return take(&call, &regs);
}

MP_EXPORT int sem_timedwait(sem_t *s, const struct timespec *until)
{
	struct call call = { .sem = s, .until = until };
	struct regs regs;

	if (SYNC_PASS() || !sync_time_valid(until))
		return sync_next.sem_timedwait(s, until);
	CALLER_REGS(&regs);
	return take(&call, &regs);
}

MP_EXPORT int sem_clockwait(sem_t *s, clockid_t clock, const struct timespec *until)
{
	struct call call = { .sem = s, .until = until, .clock = &clock };
	struct regs regs;

	if (SYNC_PASS() || !sync_clock_valid(clock) || !sync_time_valid(until))
		return sync_next.sem_clockwait(s, clock, until);
	CALLER_REGS(&regs);
	return take(&call, &regs);
}

MP_EXPORT int sem_trywait(sem_t *s)
{
	struct thread *t;
	int r, saved;

	if (SYNC_PASS())
		return sync_next.sem_trywait(s);
	r = sync_next.sem_trywait(s);
	saved = errno;
	t = lock_enter();
	if (likely(t)) {
		if (r == 0)
			lock_count(t, address_of(s));
		else if (saved == EAGAIN)
			lock_count_failure(t, address_of(s));
		lock_leave(t);
	}
	errno = saved;
	return r;
}

/*
 * What lies in a semaphore of glibc: the value in the lower half of a word, who waits in the upper, and whether
 * processes share it, which is looked at only if a semaphore of our own is like that.
 */
struct inside {
	uint64_t value_waiters;
	int32_t shared;
	int32_t unused;
};
#define SHARED 128

static bool known_inside;

void sem_learn(void)
{
	union {
		sem_t sem;
		struct inside inside;
	} ours, theirs;

	known_inside = sync_next.sem_init(&ours.sem, 0, 3) == 0 && sync_next.sem_init(&theirs.sem, 1, 5) == 0 &&
		       ours.inside.value_waiters == 3 && ours.inside.shared == 0 && theirs.inside.value_waiters == 5 &&
		       theirs.inside.shared == SHARED;
}

/* Somebody waits for it, maybe in another process. */
static bool is_waited_for_elsewhere(const sem_t *s)
{
	const struct inside *inside = (const struct inside *)s;

	return known_inside && inside->shared == SHARED && load_relaxed(&inside->value_waiters) >> 32 != 0;
}

/* Also called by signal handlers: they find the gate shut, if they interrupt a hook. */
MP_EXPORT int sem_post(sem_t *s)
{
	struct thread *t;
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.sem_post(s);
	CALLER_REGS(&regs);
	t = lock_enter();
	if (likely(t)) {
		lock_waking(t, address_of(s), 0, &regs);
		if (unlikely(is_waited_for_elsewhere(s)) && lock_waiters(t, address_of(s)) == 0)
			lock_waking_elsewhere(t, address_of(s), MP_LOCK_SEM, &regs);
		lock_leave(t);
	}
	return sync_next.sem_post(s);
}

MP_EXPORT int sem_init(sem_t *s, int shared, unsigned value)
{
	int r = sync_next.sem_init(s, shared, value);

	if (r == 0 && !SYNC_PASS())
		sync_retire(address_of(s));
	return r;
}

MP_EXPORT int sem_destroy(sem_t *s)
{
	int r = sync_next.sem_destroy(s);

	if (r == 0 && !SYNC_PASS())
		sync_retire(address_of(s));
	return r;
}
