/* SPDX-License-Identifier: MIT */
/* Spinlocks: the time that threads burn until they have one. */
#include "sync.h"

#include "regs.h"

static inline uint64_t address_of(const volatile int *s)
{
	return (uint64_t)s;
}

static MP_NOINLINE int spin(pthread_spinlock_t *s, struct thread *t, const struct regs *regs)
{
	struct lock_facts facts = { .address = address_of(s), .kind = MP_LOCK_SPIN };
	struct lock_wait w;
	int r;

	sync_wait(&w, t, &facts, regs);
	r = sync_next.pthread_spin_lock(s);
	t = lock_enter();
	if (unlikely(!t)) {
		lock_wait_abandon(&w);
		return r;
	}
	lock_acquired_at(t, facts.address, LOCK_EXCLUSIVE, lock_wait_got(&w, t));
	lock_leave(t);
	return r;
}

MP_EXPORT MP_HOT int pthread_spin_lock(pthread_spinlock_t *s)
{
	struct thread *t;
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.pthread_spin_lock(s);
	t = lock_enter();
	if (unlikely(!t))
		return sync_next.pthread_spin_lock(s);
	if (unlikely(sync_next.pthread_spin_trylock(s) != 0)) {
		CALLER_REGS(&regs);
		return spin(s, t, &regs);
	}
	lock_acquired(t, address_of(s), LOCK_EXCLUSIVE);
	lock_leave(t);
	return 0;
}

MP_EXPORT int pthread_spin_trylock(pthread_spinlock_t *s)
{
	int r = sync_next.pthread_spin_trylock(s);
	struct thread *t;

	if (SYNC_PASS())
		return r;
	t = lock_enter();
	if (unlikely(!t))
		return r;
	if (r == 0)
		lock_acquired(t, address_of(s), LOCK_EXCLUSIVE);
	else
		lock_count_failure(t, address_of(s));
	lock_leave(t);
	return r;
}

/* The word does not tell whether somebody waits; our own records do. */
MP_EXPORT MP_HOT int pthread_spin_unlock(pthread_spinlock_t *s)
{
	struct thread *t;
	struct regs regs;
	int r;

	if (SYNC_PASS())
		return sync_next.pthread_spin_unlock(s);
	t = lock_enter();
	if (likely(t)) {
		bool waiters = lock_waiters(t, address_of(s));

		if (unlikely(waiters || lock_holds_any(t))) {
			CALLER_REGS(&regs);
			lock_releasing(t, address_of(s), LOCK_EXCLUSIVE, waiters, &regs);
		}
		lock_leave(t);
	}
	r = sync_next.pthread_spin_unlock(s);
	lock_settle_open();
	return r;
}

MP_EXPORT int pthread_spin_init(pthread_spinlock_t *s, int shared)
{
	int r = sync_next.pthread_spin_init(s, shared);

	if (r == 0 && !SYNC_PASS())
		sync_retire(address_of(s));
	return r;
}

MP_EXPORT int pthread_spin_destroy(pthread_spinlock_t *s)
{
	int r = sync_next.pthread_spin_destroy(s);

	if (r == 0 && !SYNC_PASS())
		sync_retire(address_of(s));
	return r;
}
