/* SPDX-License-Identifier: MIT */
/* Waiting for the end of a thread: the culprit is that thread. */
#include <threads.h>

#include "sync.h"

#include "atomic.h"
#include "capture.h"
#include "clock.h"
#include "os.h"
#include "regs.h"

/*
 * Threads come and go, and each is waited for once, so a join goes by the stack that waits and not by the thread. The
 * thread is named by its number and by the function it began with.
 */

/* Who runs behind a pthread_t. The newest thread at a place wins. */
#define BEGUN 1024u

static struct begun {
	struct os_lock lock;
	uint32_t tid;
	uint64_t thread; /* pthread_t, 0 = free */
	uint64_t routine;
} begun[BEGUN];

static struct begun *place_of(uint64_t thread)
{
	return &begun[lock_hash(thread) >> 40 & (BEGUN - 1)];
}

void join_thread_begins(uint64_t thread, void (*routine)(void))
{
	struct begun *place = place_of(thread);

	if (!lock_recording)
		return;
	/* A signal handler that starts or joins threads may have interrupted us: then this thread goes unnamed. */
	if (!os_trylock(&place->lock))
		return;
	place->thread = thread;
	place->tid = os_tid();
	place->routine = (uint64_t)routine;
	os_unlock(&place->lock);
}

static struct begun look_up(uint64_t thread)
{
	struct begun *place = place_of(thread);
	struct begun found = { .thread = 0 };

	os_lock(&place->lock);
	if (place->thread == thread)
		found = *place;
	os_unlock(&place->lock);
	return found;
}

struct call {
	pthread_t thread;
	void **ret;
	const struct timespec *until; /* NULL: for ever */
	const clockid_t *clock;       /* NULL: CLOCK_REALTIME */
	int *c11_ret;
	bool c11;
};

static int call_next(const struct call *c)
{
	if (c->c11)
		return sync_next.thrd_join(c->thread, c->c11_ret);
	if (!c->until)
		return sync_next.pthread_join(c->thread, c->ret);
	return c->clock ? sync_next.pthread_clockjoin_np(c->thread, c->ret, *c->clock, c->until)
			: sync_next.pthread_timedjoin_np(c->thread, c->ret, c->until);
}

struct waiting {
	struct lock_wait wait;
	uint64_t address;
	struct begun begun;
	uint64_t thread;
};

static void finish(struct waiting *w, enum lock_outcome outcome)
{
	struct thread *t = lock_enter();
	struct begun last;

	if (unlikely(!t)) {
		lock_wait_abandon(&w->wait);
		return;
	}
	if (outcome == LOCK_GOT) {
		/*
		 * When the wait began, the thread itself may not have begun yet, and its pthread_t have been that of
		 * one that is long over. In the moment since the wait ended it has hardly got another one.
		 */
		last = look_up(w->thread);
		if (last.thread)
			w->begun = last;
		if (w->begun.thread)
			lock_wait_charge(&w->wait, t, w->begun.tid, capture_function(w->begun.routine),
					 clock_stamp() - w->wait.start_ns);
	}
	lock_wait_end(&w->wait, t, outcome);
	if (outcome == LOCK_GOT)
		lock_count(t, w->address);
	lock_leave(t);
}

static void cancelled(void *arg)
{
	finish(arg, LOCK_GAVE_UP);
}

static int wait_for(const struct call *c, const struct regs *regs)
{
	struct waiting w = { .thread = (uint64_t)c->thread };
	struct _pthread_cleanup_buffer guard;
	struct lock_facts facts = { .kind = MP_LOCK_JOIN };
	struct thread *t = lock_enter();
	enum lock_outcome outcome;
	int r;

	if (unlikely(!t))
		return call_next(c);
	w.begun = look_up(w.thread);
	w.address = sync_address_of_stack(t, regs);
	facts.address = w.address;
	sync_wait(&w.wait, t, &facts, regs);
	sync_guard(&guard, cancelled, &w);
	r = call_next(c);
	sync_unguard(&guard);
	if (c->c11)
		outcome = r == thrd_success ? LOCK_GOT : LOCK_GAVE_UP;
	else
		outcome = r == 0 ? LOCK_GOT : r == ETIMEDOUT ? LOCK_TIMED_OUT : LOCK_GAVE_UP;
	finish(&w, outcome);
	return r;
}

/* Is it over already, so that nobody waits? *RET_R is then the result. Errors are found without waiting, too. */
static bool joined_at_once(pthread_t thread, void **ret, int *ret_r)
{
	if (!sync_next.pthread_tryjoin_np)
		return false;
	*ret_r = sync_next.pthread_tryjoin_np(thread, ret);
	return *ret_r != EBUSY;
}

MP_EXPORT int pthread_join(pthread_t thread, void **ret)
{
	struct call call = { .thread = thread, .ret = ret };
	struct regs regs;
	int r;

	if (SYNC_PASS())
		return sync_next.pthread_join(thread, ret);
	if (thread != pthread_self() && joined_at_once(thread, ret, &r))
		return r;
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

MP_EXPORT int pthread_tryjoin_np(pthread_t thread, void **ret)
{
	return sync_next.pthread_tryjoin_np(thread, ret);
}

MP_EXPORT int pthread_timedjoin_np(pthread_t thread, void **ret, const struct timespec *until)
{
	struct call call = { .thread = thread, .ret = ret, .until = until };
	struct regs regs;
	int r;

	if (SYNC_PASS() || !until || !sync_time_valid(until))
		return sync_next.pthread_timedjoin_np(thread, ret, until);
	if (thread != pthread_self() && joined_at_once(thread, ret, &r))
		return r;
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

MP_EXPORT int pthread_clockjoin_np(pthread_t thread, void **ret, clockid_t clock, const struct timespec *until)
{
	struct call call = { .thread = thread, .ret = ret, .until = until, .clock = &clock };
	struct regs regs;
	int r;

	if (SYNC_PASS() || !until || !sync_clock_valid(clock) || !sync_time_valid(until))
		return sync_next.pthread_clockjoin_np(thread, ret, clock, until);
	if (thread != pthread_self() && joined_at_once(thread, ret, &r))
		return r;
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

/* A thrd_t is a pthread_t, and the int that its function returned is kept as a pointer, as by thrd_join() itself. */
MP_EXPORT int thrd_join(thrd_t thread, int *ret)
{
	struct call call = { .thread = thread, .c11_ret = ret, .c11 = true };
	struct regs regs;
	void *value;
	int r;

	if (SYNC_PASS())
		return sync_next.thrd_join(thread, ret);
	if (thread != pthread_self() && joined_at_once(thread, &value, &r)) {
		if (r != 0)
			return sync_next.thrd_join(thread, ret);
		if (ret)
			*ret = (int)(intptr_t)value;
		return thrd_success;
	}
	CALLER_REGS(&regs);
	return wait_for(&call, &regs);
}

/* Another thread of the parent may have held a lock. */
void join_forked(void)
{
	__builtin_memset(begun, 0, sizeof(begun));
}
