/* SPDX-License-Identifier: MIT */
/* One-time initialisation: threads that wait while another one runs the routine. */
#include <threads.h>

#include "sync.h"

#include "atomic.h"
#include "capture.h"
#include "clock.h"
#include "os.h"
#include "regs.h"

/* Bits of the word, in pthread_once_t and once_flag alike. */
#define IN_PROGRESS 1
#define DONE        2

/* Who initialises what at present; two may contend for one place, then waiters of the other find no culprit. */
#define RUNNING 64u

static struct running {
	struct os_lock lock;
	uint32_t tid;
	uint64_t address;
	stack_id stack;
} running[RUNNING];

static struct running *place_of(uint64_t address)
{
	return &running[lock_hash(address) >> 40 & (RUNNING - 1)];
}

/* The calling thread finds nothing begun, so it is the one that runs the routine. */
static void note_initialiser(uint64_t address, const struct regs *regs)
{
	struct running *place = place_of(address);
	struct thread *t;
	stack_id stack;

	if (real_single_threaded())
		return;
	t = lock_enter();
	if (unlikely(!t))
		return;
	capture(t, regs);
	stack = capture_intern(t);
	os_lock(&place->lock);
	place->address = address;
	place->tid = sync_tid(t);
	place->stack = stack;
	os_unlock(&place->lock);
	lock_leave(t);
}

static void charge(struct lock_wait *w, uint64_t address, bool done)
{
	struct running *place = place_of(address);
	struct thread *t = lock_enter();
	uint32_t tid = 0;
	stack_id stack = 0;

	if (unlikely(!t)) {
		lock_wait_abandon(w);
		return;
	}
	os_lock(&place->lock);
	if (place->address == address) {
		tid = place->tid;
		stack = place->stack;
	}
	os_unlock(&place->lock);
	if (tid)
		lock_wait_charge(w, t, tid, stack, clock_stamp() - w->start_ns);
	lock_wait_end(w, t, done ? LOCK_GOT : LOCK_GAVE_UP);
	lock_leave(t);
}

/* Is another thread running the routine now? If so the wait begins, and the caller ends it by charge(). */
static bool begin(struct lock_wait *w, const int *word, const struct regs *regs)
{
	struct lock_facts facts = { .address = (uint64_t)word, .kind = MP_LOCK_ONCE, .flags = MP_LOCK_FLAG_UNCOUNTED };
	struct thread *t;

	if (!(load_relaxed(word) & IN_PROGRESS)) {
		note_initialiser(facts.address, regs);
		return false;
	}
	t = lock_enter();
	if (unlikely(!t))
		return false;
	sync_wait(w, t, &facts, regs);
	return true;
}

MP_EXPORT MP_HOT int pthread_once(pthread_once_t *once, void (*routine)(void))
{
	struct lock_wait w;
	struct regs regs;
	int r;

	if (likely(load_relaxed(once) & DONE) || SYNC_PASS())
		return sync_next.pthread_once(once, routine);
	CALLER_REGS(&regs);
	if (!begin(&w, once, &regs))
		return sync_next.pthread_once(once, routine);
	r = sync_next.pthread_once(once, routine);
	charge(&w, (uint64_t)once, r == 0);
	return r;
}

MP_EXPORT MP_HOT void call_once(once_flag *once, void (*routine)(void))
{
	const int *word = (const int *)(const void *)once;
	struct lock_wait w;
	struct regs regs;

	if (likely(load_relaxed(word) & DONE) || SYNC_PASS()) {
		sync_next.call_once(once, routine);
		return;
	}
	CALLER_REGS(&regs);
	if (!begin(&w, word, &regs)) {
		sync_next.call_once(once, routine);
		return;
	}
	sync_next.call_once(once, routine);
	charge(&w, (uint64_t)once, true);
}

/* Another thread of the parent may have held a lock. */
void once_forked(void)
{
	__builtin_memset(running, 0, sizeof(running));
}
