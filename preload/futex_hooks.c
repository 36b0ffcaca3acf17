/* SPDX-License-Identifier: MIT */
/*
 * Futexes by way of libc's syscall(): locks that languages and libraries make themselves. Rust's standard library and
 * parking_lot, C++20's atomic waits, semaphores, latches and static locals, abseil and libomp all come here; libc,
 * libgomp and Go enter the kernel themselves and do not.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>

#include "sync.h"

#include "atomic.h"
#include "clock.h"
#include "regs.h"

/* In assembly: whatever is no futex call jumps on through syscall_other. */
long syscall_raw(long number, ...);
long (*syscall_other)(long number, ...) = syscall_raw;
long (*syscall_futex)(long number, ...) = syscall_raw;

#if defined(__x86_64__)
#define NR_FUTEX 202
#elif defined(__aarch64__)
#define NR_FUTEX 98
#endif
#define NR_FUTEX_WAITV 449
#define NR_FUTEX_WAKE  454
#define NR_FUTEX_WAIT  455

#define OP_LOCK_PI2 13 /* Linux 5.14 */

/* --- words of threads --- */

/*
 * Some locks (parking_lot's) let each thread sleep on a word of its own, so the word says nothing about the lock: such
 * a wait goes by the stack that waits. Whoever wakes the thread knows only the word: this says what it stands for.
 */
#define PARKED    1024u
#define TLS_BYTES 16384u /* around the thread pointer of the main thread, whose variables do not lie on its stack */

static struct parked {
	uint64_t word;
	uint64_t stands_for;
} parked[PARKED];

static struct parked *parked_at(uint64_t word)
{
	return &parked[lock_hash(word) >> 40 & (PARKED - 1)];
}

static bool is_own_word(const struct thread *t, uint64_t word)
{
	uint64_t self = (uint64_t)pthread_self();

	return (word >= t->stack.start && word < t->stack.end) || word - (self - TLS_BYTES) < 2 * TLS_BYTES;
}

static void note_parked(uint64_t word, uint64_t stands_for)
{
	struct parked *p = parked_at(word);

	store_relaxed(&p->word, 0);
	store_release(&p->stands_for, stands_for);
	store_release(&p->word, word);
}

static uint64_t address_for_wake(uint64_t word)
{
	const struct parked *p = parked_at(word);
	uint64_t stands_for;

	if (load_acquire(&p->word) != word)
		return word;
	stands_for = load_acquire(&p->stands_for);
	return load_relaxed(&p->word) == word ? stands_for : word;
}

/* --- calls --- */

enum what { OTHER, WAITS, WAKES };

static enum what what_of(long number, long op)
{
	if (number == NR_FUTEX_WAIT || number == NR_FUTEX_WAITV)
		return WAITS;
	if (number == NR_FUTEX_WAKE)
		return WAKES;
	if (number != NR_FUTEX)
		return OTHER;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_LOCK_PI:
	case OP_LOCK_PI2:
	case FUTEX_WAIT_REQUEUE_PI:
		return WAITS;
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
	case FUTEX_WAKE_OP:
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_CMP_REQUEUE_PI:
	case FUTEX_UNLOCK_PI:
		return WAKES;
	default:
		return OTHER;
	}
}

struct call {
	long number;
	long args[6];
};

static long call_next(const struct call *c)
{
	return syscall_other(c->number, c->args[0], c->args[1], c->args[2], c->args[3], c->args[4], c->args[5]);
}

/*
 * The last wait of this thread, if it ended early: by a signal, or because its time was up, as it is after two seconds
 * in libc++'s atomic waits. When it goes on at once, it is one wait and not two.
 */
#define GOES_ON_NS 1000000u

static MP_TLS struct {
	uint64_t word;
	uint64_t end_ns : 63; /* room for what every thread has is scarce */
	uint64_t timed_out : 1;
} unfinished;

static long wait_for(struct thread *t, const struct call *c, const struct regs *regs)
{
	uint64_t word = (uint64_t)c->args[0];
	struct lock_facts facts = { .address = word, .kind = MP_LOCK_FUTEX, .flags = MP_LOCK_FLAG_UNCOUNTED };
	struct lock_wait w;
	long r;
	int saved;

	/* Of futex_waitv() the first argument is a list. */
	if (c->number == NR_FUTEX_WAITV) {
		facts.address = sync_address_of_stack(t, regs);
	} else if (is_own_word(t, word)) {
		facts.address = sync_address_of_stack(t, regs);
		note_parked(word, facts.address);
	} else if (load_relaxed(&parked_at(word)->word) == word) {
		store_relaxed(&parked_at(word)->word, 0);
	}
	lock_wait_begin(&w, t, &facts, LOCK_EXCLUSIVE, 0, regs);
	if (unfinished.word == word && w.start_ns - unfinished.end_ns < GOES_ON_NS)
		lock_wait_goes_on(&w, t, unfinished.timed_out);
	unfinished.word = 0;
	lock_leave(t);

	r = call_next(c);
	saved = errno;
	t = lock_enter();
	if (unlikely(!t)) {
		lock_wait_abandon(&w);
		errno = saved;
		return r;
	}
	if (r >= 0) {
		lock_wait_end(&w, t, LOCK_GOT);
	} else if (saved == ETIMEDOUT || saved == EINTR) {
		lock_wait_end(&w, t, saved == ETIMEDOUT ? LOCK_TIMED_OUT : LOCK_GAVE_UP);
		unfinished.word = word;
		unfinished.end_ns = clock_stamp();
		unfinished.timed_out = saved == ETIMEDOUT;
	} else {
		/* EAGAIN: the word had changed already. The others are errors. */
		lock_wait_undo(&w, t);
	}
	lock_leave(t);
	errno = saved;
	return r;
}

/* More than one thread may be woken. FUTEX_UNLOCK_PI has no number of threads. */
static bool wakes_many(const struct call *c)
{
	return c->number == NR_FUTEX_WAKE ? c->args[2] != 1
					  : (c->args[1] & FUTEX_CMD_MASK) != FUTEX_UNLOCK_PI && (int)c->args[2] != 1;
}

static long wake(struct thread *t, const struct call *c, const struct regs *regs)
{
	/* Before the call: afterwards the waiter may be on its way already, and have found no trace of who woke it. */
	lock_waking(t, address_for_wake((uint64_t)c->args[0]), wakes_many(c) ? LOCK_WAKE_ALL : 0, regs);
	lock_leave(t);
	return call_next(c);
}

/* The assembly jumps here, so the caller is the program. Of the arguments, those that were not given are noise. */
static long futex_call(long number, long a, long b, long c, long d, long e, long f)
{
	struct call call = { .number = number, .args = { a, b, c, d, e, f } };
	enum what what = what_of(number, b);
	struct thread *t;
	struct regs regs;

	CALLER_REGS(&regs);
	/* No word at all is an error, which the kernel will tell. */
	t = what == OTHER || !a ? NULL : lock_enter();
	if (unlikely(!t))
		return call_next(&call);
	return what == WAITS ? wait_for(t, &call, &regs) : wake(t, &call, &regs);
}

void futex_init(bool recording)
{
	if (!real.syscall)
		return;
	store_release(&syscall_other, real.syscall);
	store_release(&syscall_futex, recording ? (long (*)(long, ...))futex_call : real.syscall);
}
