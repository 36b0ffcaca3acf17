/* SPDX-License-Identifier: MIT */
/* Barriers: who waited, and who came last. */
#include "sync.h"

#include "arrivals.h"
#include "atomic.h"
#include "regs.h"

/* glibc's layout: in, round, count, shared. */
#define COUNT_AT  2
#define SHARED_AT 3
static bool layout_known;

static inline uint64_t address_of(const pthread_barrier_t *b)
{
	return (uint64_t)b;
}

/* How many threads of this process meet, 0 = unknown: those of other processes are not counted here. */
static uint32_t count_of(const pthread_barrier_t *b)
{
	const uint32_t *words = (const uint32_t *)(const void *)b;

	return layout_known && !load_relaxed(&words[SHARED_AT]) ? load_relaxed(&words[COUNT_AT]) : 0;
}

static void forget(uint64_t address)
{
	struct thread *t = lock_enter();

	if (unlikely(!t))
		return;
	arrivals_forget(address);
	lock_retire(t, address);
	lock_leave(t);
}

MP_EXPORT int pthread_barrier_wait(pthread_barrier_t *b)
{
	struct lock_facts facts = { .address = address_of(b), .kind = MP_LOCK_BARRIER };
	struct lock_wait w;
	struct thread *t;
	struct regs regs;
	bool last;
	int r;

	if (SYNC_PASS())
		return sync_next.pthread_barrier_wait(b);
	t = lock_enter();
	if (unlikely(!t))
		return sync_next.pthread_barrier_wait(b);
	CALLER_REGS(&regs);
	last = arrivals_last(facts.address, count_of(b));
	if (last) {
		lock_waking(t, facts.address, LOCK_WAKE_ALL, &regs);
		lock_count(t, facts.address);
		lock_leave(t);
		return sync_next.pthread_barrier_wait(b);
	}
	sync_wait(&w, t, &facts, &regs);
	r = sync_next.pthread_barrier_wait(b);
	sync_waited(&w, facts.address, LOCK_GOT, true);
	return r;
}

MP_EXPORT int pthread_barrier_init(pthread_barrier_t *b, const pthread_barrierattr_t *attr, unsigned count)
{
	int r = sync_next.pthread_barrier_init(b, attr, count);

	if (r == 0 && !SYNC_PASS())
		forget(address_of(b));
	return r;
}

MP_EXPORT int pthread_barrier_destroy(pthread_barrier_t *b)
{
	int r = sync_next.pthread_barrier_destroy(b);

	if (r == 0 && !SYNC_PASS())
		forget(address_of(b));
	return r;
}

/* Does a barrier look like those we know? */
void barrier_init(void)
{
	static pthread_barrier_t b;

	if (real.pthread_barrier_init && real.pthread_barrier_init(&b, NULL, 12345) == 0)
		layout_known = ((const uint32_t *)(const void *)&b)[COUNT_AT] == 12345 &&
			       ((const uint32_t *)(const void *)&b)[SHARED_AT] == 0;
}
