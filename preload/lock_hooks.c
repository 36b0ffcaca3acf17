/* SPDX-License-Identifier: MIT */
/* The pthread_mutex family: acquisitions counted, waits timed; results and errno are those of the real calls. */
#include <errno.h>
#include <pthread.h>

#include "atomic.h"
#include "clock.h"
#include "compiler.h"
#include "dump_map.h"
#include "init.h"
#include "lock_order.h"
#include "lock_table.h"
#include "options.h"
#include "os.h"
#include "real.h"
#include "regs.h"
#include "sync.h"
#include "thread.h"

/*
 * A mutex that is free is taken by the real trylock (or, while the process has one thread, by the real lock, which is
 * cheaper then) with the gate shut: a few nanoseconds in which a signal handler goes unrecorded. What may block is
 * called with the gate open.
 *
 * unlock looks only at the mutex's own word, and at whether this thread measures a hold: as a rule neither says that
 * there is anything to do, and it is a jump.
 */

/* Bits of pthread_mutex_t's kind, which static initialisers have made part of glibc's binary interface. */
#define KIND_TYPE       3
#define KIND_RECURSIVE  1
#define KIND_ERRORCHECK 2
#define KIND_ADAPTIVE   3
#define KIND_ROBUST     16
#define KIND_PI         32
#define KIND_PP         64
#define KIND_PSHARED    128
/*
 * Not by trylock first: on a robust mutex it may say EOWNERDEAD, on PP it changes priorities with system calls. A
 * destroyed mutex (kind -1) is among them.
 */
#define KIND_SPECIAL (KIND_ROBUST | KIND_PI | KIND_PP)

#define WORD_WAITERS 0x80000000u /* of a robust or PI mutex: somebody waits */
#define WORD_TID     0x3fffffffu /* of a robust or PI mutex: the holder */
#define WORD_PP      0x7ffffu    /* of a PP mutex: 0 = free; above is the priority ceiling */

static int start_lock(pthread_mutex_t *m);
static int start_trylock(pthread_mutex_t *m);
static int start_timedlock(pthread_mutex_t *m, const struct timespec *until);
static int start_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until);
static int start_unlock(pthread_mutex_t *m);
static int start_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr);
static int start_destroy(pthread_mutex_t *m);

bool lock_recording;

static const char no;

/* What the hooks read; constant after lock_init(). */
static struct {
	bool layout_known; /* the words of a mutex are what we think */
	const char *alone; /* real_single_threaded_flag, if recording, but not where mutexes are taken */
	/* While not recording, hooks are a jump through these: first to the start_ functions, then to the real ones. */
	__typeof__(real.pthread_mutex_lock) lock;
	__typeof__(real.pthread_mutex_trylock) trylock;
	__typeof__(real.pthread_mutex_timedlock) timedlock;
	__typeof__(real.pthread_mutex_clocklock) clocklock; /* NULL before glibc 2.30, where no program calls it */
	__typeof__(real.pthread_mutex_unlock) unlock;
	__typeof__(real.pthread_mutex_init) init;
	__typeof__(real.pthread_mutex_destroy) destroy;
} MP_ALIGNED(64) next = {
	.alone = &no,
	.lock = start_lock,
	.trylock = start_trylock,
	.timedlock = start_timedlock,
	.clocklock = start_clocklock,
	.unlock = start_unlock,
	.init = start_init,
	.destroy = start_destroy,
};

/* EOWNERDEAD: the previous owner died, but the lock is ours now. */
static inline bool got_lock(int r)
{
	return r == 0 || r == EOWNERDEAD;
}

/* Has the calling thread, which has the mutex, had it before already? */
static inline bool is_inner_level(const pthread_mutex_t *m)
{
	return (load_relaxed(&m->__data.__kind) & KIND_TYPE) == KIND_RECURSIVE && load_relaxed(&m->__data.__count) > 1;
}

static inline uint64_t address_of(const pthread_mutex_t *m)
{
	return (uint64_t)m;
}

/* An acquisition that succeeded. Levels of a recursive mutex within the first are counted, but are one hold. */
static inline void acquired(struct thread *t, const pthread_mutex_t *m)
{
	if (unlikely(is_inner_level(m)))
		lock_count(t, address_of(m));
	else
		lock_acquired(t, address_of(m), LOCK_EXCLUSIVE);
}

/* The same for the function with REGS, in modes where where it was taken matters. */
static void taken(struct thread *t, const pthread_mutex_t *m, bool tried, const struct regs *regs)
{
	if (unlikely(lock_order_on) && !is_inner_level(m)) {
		struct lock_facts facts = mutex_facts(m);

		lock_order_taking(t, &facts, LOCK_EXCLUSIVE, tried, regs);
	}
	acquired(t, m);
}

/* --- waiting --- */

/* Which of the three ways to lock, to be called again. */
struct call {
	pthread_mutex_t *mutex;
	const struct timespec *until; /* NULL: lock */
	const clockid_t *clock;       /* NULL: timedlock */
};

static int call_next(const struct call *c)
{
	if (!c->until)
		return next.lock(c->mutex);
	return c->clock ? next.clocklock(c->mutex, *c->clock, c->until) : next.timedlock(c->mutex, c->until);
}

static uint32_t own_tid(const struct thread *t)
{
	return t == thread_self ? t->tid : os_tid();
}

/* Will locking this mutex wait, as far as can be seen? After a trylock that failed (TRIED), or without one. */
static bool will_wait(const pthread_mutex_t *m, const struct thread *t, bool tried)
{
	int kind = load_relaxed(&m->__data.__kind);
	uint32_t word = (uint32_t)load_relaxed(&m->__data.__lock);
	uint32_t owner = (uint32_t)load_relaxed(&m->__data.__owner);

	if (!next.layout_known)
		return tried && (kind & KIND_TYPE) != KIND_ERRORCHECK;
	if (tried)
		return (kind & KIND_TYPE) != KIND_ERRORCHECK || owner != own_tid(t);
	if (kind < 0)
		return false;
	if (kind & (KIND_ROBUST | KIND_PI))
		return (word & WORD_TID) && (word & WORD_TID) != own_tid(t);
	return (word & WORD_PP) && owner != own_tid(t);
}

struct lock_facts mutex_facts(const pthread_mutex_t *m)
{
	int kind = load_relaxed(&m->__data.__kind);
	uint32_t flags = 0;

	switch (kind & KIND_TYPE) {
	case KIND_RECURSIVE:
		flags = MP_LOCK_FLAG_RECURSIVE;
		break;
	case KIND_ERRORCHECK:
		flags = MP_LOCK_FLAG_ERRORCHECK;
		break;
	case KIND_ADAPTIVE:
		flags = MP_LOCK_FLAG_ADAPTIVE;
		break;
	}
	flags |= kind & KIND_ROBUST ? MP_LOCK_FLAG_ROBUST : 0;
	flags |= kind & KIND_PI ? MP_LOCK_FLAG_PI : 0;
	flags |= kind & KIND_PP ? MP_LOCK_FLAG_PP : 0;
	flags |= kind & KIND_PSHARED ? MP_LOCK_FLAG_PSHARED : 0;
	return (struct lock_facts){ .address = address_of(m), .kind = MP_LOCK_MUTEX, .flags = flags };
}

/* The thread that has the mutex, 0 = unknown. */
static uint32_t owner_of(const pthread_mutex_t *m)
{
	return next.layout_known ? (uint32_t)load_relaxed(&m->__data.__owner) : 0;
}

static enum lock_outcome outcome_of(int r)
{
	return got_lock(r) ? LOCK_GOT : r == ETIMEDOUT ? LOCK_TIMED_OUT : LOCK_GAVE_UP;
}

/* Makes the call with the clock running if it will wait. Comes with the gate closed, goes with it open. */
static int lock_slow(struct thread *t, const struct call *c, const struct regs *regs, bool tried)
{
	bool wait = will_wait(c->mutex, t, tried);
	struct lock_wait w = { .thread = NULL };
	int r;

	if (wait) {
		struct lock_facts facts = mutex_facts(c->mutex);

		/* Before the wait: in a deadlock there is nothing after it. */
		if (unlikely(lock_order_on))
			lock_order_taking(t, &facts, LOCK_EXCLUSIVE, false, regs);
		lock_wait_begin(&w, t, &facts, LOCK_EXCLUSIVE, owner_of(c->mutex), regs);
	}
	lock_leave(t);
	r = call_next(c);
	if (!wait && !got_lock(r))
		return r;
	t = lock_enter();
	if (unlikely(!t)) {
		lock_wait_abandon(&w);
		return r;
	}
	if (got_lock(r) && wait) {
		lock_acquired_at(t, address_of(c->mutex), LOCK_EXCLUSIVE, lock_wait_got(&w, t));
	} else if (got_lock(r)) {
		taken(t, c->mutex, false, regs);
	} else if (wait) {
		w.holder = owner_of(c->mutex);
		lock_wait_end(&w, t, outcome_of(r));
	}
	lock_leave(t);
	return r;
}

/* --- hooks --- */

static inline bool special(const pthread_mutex_t *m)
{
	return load_relaxed(&m->__data.__kind) & KIND_SPECIAL;
}

/* With the gate closed. EBUSY: not to be had without waiting, or not to be tried. */
static inline int try_first(pthread_mutex_t *m)
{
	int kind = load_relaxed(&m->__data.__kind);

	if (unlikely(kind & KIND_SPECIAL))
		return EBUSY;
	/* One thread may still have to wait for another process. */
	return real_single_threaded() && !(kind & KIND_PSHARED) ? next.lock(m) : next.trylock(m);
}

/*
 * The rest of pthread_mutex_lock(), when it could not have the mutex at once or the gate was shut (T is NULL). The
 * registers of the caller come one by one, so that the hook need not keep them in memory and ends in a jump.
 */
static MP_NOINLINE int lock_rest(pthread_mutex_t *m, struct thread *t, int r, uint64_t ip, uint64_t sp, uint64_t bp)
{
	struct regs regs = { .ip = ip, .sp = sp, .bp = bp };
	struct call call = { .mutex = m };

	if (!t) {
		t = thread_enter_slow_quiet();
		if (!t)
			return next.lock(m);
		r = try_first(m);
	}
	if (r == EBUSY)
		return lock_slow(t, &call, &regs, !special(m));
	if (got_lock(r))
		taken(t, m, false, &regs);
	lock_leave(t);
	return r;
}

/* Entered by a jump, so that the caller of this function is the program. */
static MP_NOINLINE int lock_among_threads(pthread_mutex_t *m)
{
	struct thread *t = thread_self;
	struct regs regs;
	int r = 0;

	if (unlikely(!lock_recording))
		return next.lock(m);
	if (likely(gate_enter(t))) {
		r = try_first(m);
		if (likely(r == 0) && likely(!lock_order_on)) {
			acquired(t, m);
			gate_leave(t);
			return 0;
		}
	} else {
		t = NULL;
	}
	CALLER_REGS(&regs);
	return lock_rest(m, t, r, regs.ip, regs.sp, regs.bp);
}

/*
 * While the process has one thread, no plain mutex makes it wait, so the acquisition can be counted beforehand and the
 * rest is a jump: if the thread has a place for the mutex already, and the mutex cannot be refused (ERRORCHECK can).
 */
MP_EXPORT MP_HOT int pthread_mutex_lock(pthread_mutex_t *m)
{
	if (*(const volatile char *)next.alone && likely(!(load_relaxed(&m->__data.__kind) & ~KIND_RECURSIVE)) &&
	    likely(lock_count_calm(thread_self, address_of(m))))
		return next.lock(m);
	return lock_among_threads(m);
}

MP_EXPORT MP_HOT int pthread_mutex_trylock(pthread_mutex_t *m)
{
	struct regs regs;
	struct thread *t;
	int r;

	if (unlikely(!lock_recording))
		return next.trylock(m);
	t = lock_enter();
	r = next.trylock(m);
	if (unlikely(!t))
		return r;
	CALLER_REGS(&regs);
	if (got_lock(r))
		taken(t, m, true, &regs);
	else if (r == EBUSY)
		lock_count_failure(t, address_of(m));
	lock_leave(t);
	return r;
}

/* Timed locking: what is free is taken whatever the time says, as the real functions do. */
static int lock_timed(const struct call *c, const struct regs *regs)
{
	struct thread *t = lock_enter();
	bool try = !special(c->mutex);

	if (unlikely(!t))
		return call_next(c);
	if (likely(try)) {
		int r = next.trylock(c->mutex);

		if (r == 0)
			taken(t, c->mutex, false, regs);
		if (r != EBUSY) {
			lock_leave(t);
			return r;
		}
	}
	return lock_slow(t, c, regs, try);
}

MP_EXPORT int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
	struct call call = { .mutex = m, .until = until };
	struct regs regs;

	if (unlikely(!lock_recording))
		return next.timedlock(m, until);
	CALLER_REGS(&regs);
	return lock_timed(&call, &regs);
}

MP_EXPORT int pthread_mutex_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
	struct call call = { .mutex = m, .until = until, .clock = &clock };
	struct regs regs;

	/* Another clock is an error even when the mutex is free. */
	if (unlikely(!lock_recording) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
		return next.clocklock(m, clock, until);
	CALLER_REGS(&regs);
	return lock_timed(&call, &regs);
}

/* What is known about this address was about another mutex. */
static void retire(pthread_mutex_t *m)
{
	struct thread *t = lock_enter_to_end();

	if (unlikely(!t))
		return;
	lock_retire(t, address_of(m));
	lock_leave(t);
}

MP_EXPORT int pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
	int r = next.init(m, attr);

	if (likely(r == 0) && lock_recording)
		retire(m);
	return r;
}

MP_EXPORT int pthread_mutex_destroy(pthread_mutex_t *m)
{
	int r = next.destroy(m);

	/* Fails for a mutex that is held, which then lives on. Its memory is the caller's until we return. */
	if (likely(r == 0) && lock_recording)
		retire(m);
	return r;
}

/* What the mutex says of itself, which its owner asks: does anybody wait, as far as that can be seen? */
static bool maybe_waiters(const pthread_mutex_t *m)
{
	uint32_t word = (uint32_t)load_relaxed(&m->__data.__lock);
	int kind = load_relaxed(&m->__data.__kind);

	if (kind & (KIND_ROBUST | KIND_PI))
		return word & WORD_WAITERS;
	return (word & WORD_PP) > 1;
}

void mutex_given_up(struct thread *t, pthread_mutex_t *m, const struct regs *regs)
{
	/* Not by who does not have it: that is an error, or a way to hand it over that has no holder. */
	if (next.layout_known && owner_of(m) == own_tid(t) && !is_inner_level(m))
		lock_releasing(t, address_of(m), LOCK_EXCLUSIVE, maybe_waiters(m), regs);
}

void mutex_got_back(struct thread *t, pthread_mutex_t *m)
{
	acquired(t, m);
}

static MP_NOINLINE int unlock_rest(pthread_mutex_t *m, uint64_t ip, uint64_t sp, uint64_t bp)
{
	struct regs regs = { .ip = ip, .sp = sp, .bp = bp };
	struct thread *t;
	int r;

	if (!lock_recording)
		return next.unlock(m);
	t = lock_enter();
	if (t) {
		mutex_given_up(t, m, &regs);
		lock_leave(t);
	}
	/* Once it is unlocked, it may be gone: what comes after this does not look at it. */
	r = next.unlock(m);
	lock_settle_open();
	return r;
}

MP_EXPORT MP_HOT int pthread_mutex_unlock(pthread_mutex_t *m)
{
	struct regs regs;

	if (likely((uint32_t)load_relaxed(&m->__data.__lock) <= 1 && !lock_holds_any(thread_self)))
		return next.unlock(m);
	CALLER_REGS(&regs);
	return unlock_rest(m, regs.ip, regs.sp, regs.bp);
}

/* --- start --- */

/* libc's functions by their other names. */
#define X(result, name, parameters) extern result name parameters __attribute__((weak));
X(int, __pthread_mutex_lock, (pthread_mutex_t *))
X(int, __pthread_mutex_trylock, (pthread_mutex_t *))
X(int, __pthread_mutex_unlock, (pthread_mutex_t *))
X(int, __pthread_mutex_init, (pthread_mutex_t *, const pthread_mutexattr_t *))
X(int, __pthread_mutex_destroy, (pthread_mutex_t *))
#undef X

/*
 * A look-up makes glibc before 2.34 allocate; an allocator of the program's own may take a mutex for that, and so come
 * back here. OWN, libc's function by its other name, then ends it: bound by the linker where the library is built for
 * such a libc, else NULL and not needed.
 */
static MP_COLD void *find_early(const char *name, void *own)
{
	static MP_TLS bool finding;
	void *p;

	if (finding && own)
		return own;
	finding = true;
	p = real_find(name);
	finding = false;
	return p;
}

/*
 * The real function, also before the table of them is complete: as for other waits (sync.c), when an allocator in front
 * of us is just starting, it must not hear of allocations by the look-up of all.
 */
#define REAL(name, own) \
	(REAL_SO_FAR(name) ? REAL_SO_FAR(name) : (__typeof__(real.name))find_early(#name, (void *)(uintptr_t)(own)))

/* First calls of all, before lock_init() has run. */
static void start(void)
{
	if (real_is_ready())
		process_ready();
}

static int started(pthread_mutex_t *m, int r)
{
	struct thread *t;

	if (!got_lock(r) || !lock_recording)
		return r;
	t = lock_enter();
	if (t) {
		lock_count(t, address_of(m));
		lock_leave(t);
	}
	return r;
}

static MP_COLD int start_lock(pthread_mutex_t *m)
{
	start();
	return started(m, REAL(pthread_mutex_lock, __pthread_mutex_lock)(m));
}

static MP_COLD int start_trylock(pthread_mutex_t *m)
{
	start();
	return started(m, REAL(pthread_mutex_trylock, __pthread_mutex_trylock)(m));
}

static MP_COLD int start_timedlock(pthread_mutex_t *m, const struct timespec *until)
{
	start();
	return started(m, REAL(pthread_mutex_timedlock, NULL)(m, until));
}

static MP_COLD int start_clocklock(pthread_mutex_t *m, clockid_t clock, const struct timespec *until)
{
	start();
	return started(m, REAL(pthread_mutex_clocklock, NULL)(m, clock, until));
}

static MP_COLD int start_unlock(pthread_mutex_t *m)
{
	start();
	return REAL(pthread_mutex_unlock, __pthread_mutex_unlock)(m);
}

static MP_COLD int start_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
	start();
	return REAL(pthread_mutex_init, __pthread_mutex_init)(m, attr);
}

static MP_COLD int start_destroy(pthread_mutex_t *m)
{
	start();
	return REAL(pthread_mutex_destroy, __pthread_mutex_destroy)(m);
}

/* Does a mutex look like those we know? A future libc, or lock elision, may do it differently. */
static bool test_layout(void)
{
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	bool as_expected = false;

	if (real.pthread_mutex_lock(&m) == 0) {
		as_expected = (uint32_t)m.__data.__owner == os_tid() && m.__data.__lock == 1;
		real.pthread_mutex_unlock(&m);
	}
	return as_expected;
}

void lock_init(void)
{
	next.lock = real.pthread_mutex_lock;
	next.trylock = real.pthread_mutex_trylock;
	next.timedlock = real.pthread_mutex_timedlock;
	next.clocklock = real.pthread_mutex_clocklock;
	next.unlock = real.pthread_mutex_unlock;
	next.init = real.pthread_mutex_init;
	next.destroy = real.pthread_mutex_destroy;
	if (!dump_base || !opt.locks || !next.lock || !next.trylock || !next.unlock || !lock_table_init()) {
		sync_init(false);
		return;
	}
	clock_init();
	lock_order_init();
	next.layout_known = test_layout();
	sync_init(true);
	store_release(&lock_recording, true);
	if (!lock_order_on)
		next.alone = real_single_threaded_flag;
}
