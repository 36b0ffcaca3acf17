/* SPDX-License-Identifier: MIT */
/* The pthread_rwlock family: who waits to read or to write, and which readers made a writer wait. */
#include "sync.h"

#include "atomic.h"
#include "lock_order.h"
#include "os.h"
#include "regs.h"

/*
 * A read lock that many share is taken by one atomic addition, while trying it first would be a loop of compare and
 * exchange, and so make the contention it looks for. The word itself tells instead whether the call will wait. A writer
 * that comes between that look and the call makes a wait that is not timed.
 */

/* Bits of __readers, which static initialisers and inlined checks have made part of glibc's binary interface. */
#define WRITE_PHASE    1u /* a writer has it, or the last that had it was one */
#define WRITE_LOCKED   2u /* a writer has it, or waits for readers to go */
#define READER_SHIFT   3
#define PREFER_WRITERS 2u /* of __flags: PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP */

static bool layout_known;
static bool calm; /* recording, but not where locks are taken */

static inline uint64_t address_of(const pthread_rwlock_t *l)
{
	return (uint64_t)l;
}

static inline uint32_t word_of(const pthread_rwlock_t *l)
{
	return load_relaxed(&l->__data.__readers);
}

static uint32_t writer_of(const pthread_rwlock_t *l)
{
	return layout_known ? (uint32_t)load_relaxed(&l->__data.__cur_writer) : 0;
}

static inline bool read_blocked(const pthread_rwlock_t *l)
{
	uint32_t word = word_of(l);

	if (likely(!(word & WRITE_LOCKED)))
		return false;
	return layout_known && (word & WRITE_PHASE || (l->__data.__flags == PREFER_WRITERS && word >> READER_SHIFT));
}

/* May somebody wait for what the calling thread is about to give up? */
static inline bool maybe_waiters(const pthread_rwlock_t *l)
{
	uint32_t word = word_of(l);

	if (!layout_known)
		return true;
	if (word & WRITE_PHASE)
		return word >> READER_SHIFT || load_relaxed(&l->__data.__writers);
	return word & WRITE_LOCKED;
}

/* Which of the ways to lock, to be called again. */
struct call {
	pthread_rwlock_t *lock;
	const struct timespec *until; /* NULL: for ever */
	const clockid_t *clock;       /* NULL: CLOCK_REALTIME */
	enum lock_mode mode;
};

static int call_next(const struct call *c)
{
	bool read = c->mode == LOCK_SHARED;

	if (!c->until)
		return read ? sync_next.pthread_rwlock_rdlock(c->lock) : sync_next.pthread_rwlock_wrlock(c->lock);
	if (!c->clock)
		return read ? sync_next.pthread_rwlock_timedrdlock(c->lock, c->until)
			    : sync_next.pthread_rwlock_timedwrlock(c->lock, c->until);
	return read ? sync_next.pthread_rwlock_clockrdlock(c->lock, *c->clock, c->until)
		    : sync_next.pthread_rwlock_clockwrlock(c->lock, *c->clock, c->until);
}

static struct lock_facts facts_of(const pthread_rwlock_t *l)
{
	return (struct lock_facts){
		.address = address_of(l),
		.kind = MP_LOCK_RWLOCK,
		.flags = (l->__data.__flags == PREFER_WRITERS ? MP_LOCK_FLAG_WRITER_FIRST : 0) |
			 (l->__data.__shared ? MP_LOCK_FLAG_PSHARED : 0),
	};
}

static inline void acquired(pthread_rwlock_t *l, enum lock_mode mode)
{
	struct thread *t = lock_enter();

	if (unlikely(!t))
		return;
	lock_acquired(t, address_of(l), mode);
	lock_leave(t);
}

/* The same with the gate closed, where it may matter where it was taken. */
static void taken(struct thread *t, pthread_rwlock_t *l, enum lock_mode mode, bool tried, const struct regs *regs)
{
	if (unlikely(lock_order_on)) {
		struct lock_facts facts = facts_of(l);

		lock_order_taking(t, &facts, mode, tried, regs);
	}
	lock_acquired(t, address_of(l), mode);
}

/* Makes the call with the clock running. With the gate closed, and leaves it open. */
static int lock_waiting(struct thread *t, const struct call *c, const struct regs *regs)
{
	struct lock_facts facts = facts_of(c->lock);
	uint32_t writer = writer_of(c->lock);
	bool wait = writer != sync_tid(t); /* else the answer is EDEADLK, at once */
	struct lock_wait w;
	int r;

	if (wait) {
		/* Before the wait: in a deadlock there is nothing after it. */
		if (unlikely(lock_order_on))
			lock_order_taking(t, &facts, c->mode, false, regs);
		lock_wait_begin(&w, t, &facts, c->mode, writer, regs);
	}
	lock_leave(t);
	r = call_next(c);
	if (!wait && r != 0)
		return r;
	t = lock_enter();
	if (unlikely(!t)) {
		if (wait)
			lock_wait_abandon(&w);
		return r;
	}
	if (wait)
		lock_wait_end(&w, t, r == 0 ? LOCK_GOT : r == ETIMEDOUT ? LOCK_TIMED_OUT : LOCK_GAVE_UP);
	if (r == 0)
		lock_acquired(t, facts.address, c->mode);
	lock_leave(t);
	return r;
}

/* To read, when a writer is in the way or the order of locks is asked for. */
static MP_NOINLINE int read_slowly(const struct call *c, const struct regs *regs)
{
	bool blocked = read_blocked(c->lock);
	struct thread *t = blocked ? lock_enter() : NULL;
	int r;

	if (t)
		return lock_waiting(t, c, regs);
	r = call_next(c);
	t = r == 0 && !blocked ? lock_enter() : NULL;
	if (t) {
		taken(t, c->lock, LOCK_SHARED, false, regs);
		lock_leave(t);
	}
	return r;
}

/* To write, what is free is taken by one compare and exchange, whatever the time says, as the real functions do. */
static int write_lock(const struct call *c, const struct regs *regs)
{
	struct thread *t = lock_enter();
	int r;

	if (unlikely(!t))
		return call_next(c);
	r = sync_next.pthread_rwlock_trywrlock(c->lock);
	if (r == EBUSY)
		return lock_waiting(t, c, regs);
	if (likely(r == 0))
		taken(t, c->lock, LOCK_EXCLUSIVE, false, regs);
	lock_leave(t);
	return r;
}

/*
 * The look at the word comes before the atomic operation of the real function. Where several processors have it, this
 * asks for the line to write at once, so that it is fetched once and not first to read.
 */
static inline void will_write(pthread_rwlock_t *l)
{
#if defined(__x86_64__)
	__asm__("prefetchw %0" : : "m"(l->__data.__readers));
#else
	__builtin_prefetch(l, 1);
#endif
}

/* --- hooks --- */

/* Entered by a jump, so that the caller of this function is the program. */
static MP_NOINLINE int read_lock(pthread_rwlock_t *l)
{
	int r;

	if (SYNC_PASS())
		return sync_next.pthread_rwlock_rdlock(l);
	if (unlikely(lock_order_on || read_blocked(l))) {
		struct call call = { .lock = l, .mode = LOCK_SHARED };
		struct regs regs;

		CALLER_REGS(&regs);
		return read_slowly(&call, &regs);
	}
	r = sync_next.pthread_rwlock_rdlock(l);
	if (likely(r == 0))
		acquired(l, LOCK_SHARED);
	return r;
}

/* What nobody was ever seen to wait for cannot be refused but for too many readers. */
MP_EXPORT MP_HOT int pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
	will_write(l);
	if (likely(calm) && likely(!read_blocked(l)) && likely(lock_count_calm(thread_self, address_of(l))))
		return sync_next.pthread_rwlock_rdlock(l);
	return read_lock(l);
}

/* The timed forms look at the time first, and refuse it even when the lock is free. */
static int timed_read(const struct call *c, const struct regs *regs)
{
	int r;

	if (lock_order_on || read_blocked(c->lock))
		return read_slowly(c, regs);
	r = call_next(c);
	if (r == 0)
		acquired(c->lock, LOCK_SHARED);
	return r;
}

MP_EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *until)
{
	struct call call = { .lock = l, .until = until, .mode = LOCK_SHARED };
	struct regs regs;

	if (SYNC_PASS() || !sync_time_valid(until))
		return sync_next.pthread_rwlock_timedrdlock(l, until);
	CALLER_REGS(&regs);
	return timed_read(&call, &regs);
}

MP_EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
	struct call call = { .lock = l, .until = until, .clock = &clock, .mode = LOCK_SHARED };
	struct regs regs;

	if (SYNC_PASS() || !sync_clock_valid(clock) || !sync_time_valid(until))
		return sync_next.pthread_rwlock_clockrdlock(l, clock, until);
	CALLER_REGS(&regs);
	return timed_read(&call, &regs);
}

MP_EXPORT MP_HOT int pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
	struct call call = { .lock = l, .mode = LOCK_EXCLUSIVE };
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.pthread_rwlock_wrlock(l);
	CALLER_REGS(&regs);
	return write_lock(&call, &regs);
}

MP_EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *until)
{
	struct call call = { .lock = l, .until = until, .mode = LOCK_EXCLUSIVE };
	struct regs regs;

	if (SYNC_PASS() || !sync_time_valid(until))
		return sync_next.pthread_rwlock_timedwrlock(l, until);
	CALLER_REGS(&regs);
	return write_lock(&call, &regs);
}

MP_EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *l, clockid_t clock, const struct timespec *until)
{
	struct call call = { .lock = l, .until = until, .clock = &clock, .mode = LOCK_EXCLUSIVE };
	struct regs regs;

	if (SYNC_PASS() || !sync_clock_valid(clock) || !sync_time_valid(until))
		return sync_next.pthread_rwlock_clockwrlock(l, clock, until);
	CALLER_REGS(&regs);
	return write_lock(&call, &regs);
}

static int tried(pthread_rwlock_t *l, enum lock_mode mode, int r, const struct regs *regs)
{
	struct thread *t;

	if (r != 0 && r != EBUSY)
		return r;
	t = lock_enter();
	if (unlikely(!t))
		return r;
	if (r == 0)
		taken(t, l, mode, true, regs);
	else
		lock_count_failure(t, address_of(l));
	lock_leave(t);
	return r;
}

MP_EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
	int r = sync_next.pthread_rwlock_tryrdlock(l);
	struct regs regs;

	if (SYNC_PASS())
		return r;
	CALLER_REGS(&regs);
	return tried(l, LOCK_SHARED, r, &regs);
}

MP_EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
	int r = sync_next.pthread_rwlock_trywrlock(l);
	struct regs regs;

	if (SYNC_PASS())
		return r;
	CALLER_REGS(&regs);
	return tried(l, LOCK_EXCLUSIVE, r, &regs);
}

/* Before the real unlock: after it, the lock may be gone. */
static MP_NOINLINE int unlock_noted(pthread_rwlock_t *l, bool waiters, const struct regs *regs)
{
	struct thread *t = lock_enter();
	int r;

	if (likely(t)) {
		enum lock_mode mode =
			layout_known ? writer_of(l) == sync_tid(t) ? LOCK_EXCLUSIVE : LOCK_SHARED : LOCK_EXCLUSIVE;

		lock_releasing(t, address_of(l), mode, waiters, regs);
		lock_leave(t);
	}
	r = sync_next.pthread_rwlock_unlock(l);
	lock_settle_open();
	return r;
}

MP_EXPORT MP_HOT int pthread_rwlock_unlock(pthread_rwlock_t *l)
{
	bool waiters;
	struct regs regs;

	if (SYNC_PASS())
		return sync_next.pthread_rwlock_unlock(l);
	will_write(l);
	waiters = maybe_waiters(l);
	if (likely(!waiters && !lock_holds_any(thread_self)))
		return sync_next.pthread_rwlock_unlock(l);
	CALLER_REGS(&regs);
	return unlock_noted(l, waiters, &regs);
}

MP_EXPORT int pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr)
{
	int r = sync_next.pthread_rwlock_init(l, attr);

	if (r == 0 && !SYNC_PASS())
		sync_retire(address_of(l));
	return r;
}

MP_EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *l)
{
	int r = sync_next.pthread_rwlock_destroy(l);

	if (r == 0 && !SYNC_PASS())
		sync_retire(address_of(l));
	return r;
}

/* Does a rwlock look like those we know? */
void rwlock_init(void)
{
	static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;
	bool as_expected = false;

	if (real.pthread_rwlock_rdlock(&l) == 0) {
		as_expected = word_of(&l) == 1u << READER_SHIFT;
		real.pthread_rwlock_unlock(&l);
	}
	if (as_expected && real.pthread_rwlock_wrlock(&l) == 0) {
		layout_known = (word_of(&l) & 3) == (WRITE_PHASE | WRITE_LOCKED) &&
			       (uint32_t)l.__data.__cur_writer == os_tid();
		real.pthread_rwlock_unlock(&l);
	}
	calm = !lock_order_on;
}
