/* SPDX-License-Identifier: MIT */
/* Waits of a known number and length: one thread waits, the other one sees it asleep, lets time pass and wakes it. */
#ifndef MP_MEET_H
#define MP_MEET_H

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "facts.h"

#define MEET_NS 2000000u /* the least that a wait lasts */

struct meet {
	int rounds;
	void (*wait_here)(void); /* in a thread of its own, ROUNDS times; waits until wake() of the same round */
	void (*wake_here)(void); /* in the calling thread */
	int round;               /* the waiter may start on this round */
	int done;                /* the waiter has finished this round */
	int tid;                 /* of the waiter */
	uint64_t waited_ns;      /* the waiter's own clock around wait_here */
};

static inline int sleeps_by(const char *path)
{
	char text[256];
	const char *end;
	FILE *file;
	size_t n;

	file = fopen(path, "r");
	if (!file)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	end = strrchr(text, ')');
	return end && end[1] && end[2] == 'S';
}

/* Has thread TID of this process gone to sleep? As the kernel sees it. */
static inline int is_asleep(int tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	return sleeps_by(path);
}

/* The same of another process, by its first thread. */
static inline int is_process_asleep(int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return sleeps_by(path);
}

static inline void pass_time(uint64_t ns)
{
	struct timespec time = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

static inline void await(const int *word, int value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
		sched_yield();
}

/* Returns when thread TID sleeps and time has passed since. */
static inline void let_it_wait(const int *tid)
{
	while (!__atomic_load_n(tid, __ATOMIC_ACQUIRE))
		sched_yield();
	while (!is_asleep(__atomic_load_n(tid, __ATOMIC_ACQUIRE)))
		sched_yield();
	pass_time(MEET_NS);
}

/*
 * Threads that burn time where they wait, as those of spinlocks and OpenMP do, never sleep, or not at once. But one
 * that has run for ten milliseconds since it said that it was about to wait has got there, even if memprof had to do
 * much before. about_to_wait() is for the thread that waits, let_it_get_there() for the other one.
 */
#define GET_THERE_NS 10000000u

struct wait_ahead {
	int tid; /* 0 = not yet */
	clockid_t clock;
	uint64_t ran_ns;
};

static inline uint64_t ran_ns(clockid_t clock)
{
	struct timespec time;

	require(clock_gettime(clock, &time) == 0);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline void about_to_wait(struct wait_ahead *self)
{
	require(pthread_getcpuclockid(pthread_self(), &self->clock) == 0);
	self->ran_ns = ran_ns(self->clock);
	__atomic_store_n(&self->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
}

static inline void let_it_get_there(const struct wait_ahead *other)
{
	while (!__atomic_load_n(&other->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	/* Asleep, not yielding: the other one may have no other processor. */
	while (!is_asleep(other->tid) && ran_ns(other->clock) - other->ran_ns < GET_THERE_NS)
		pass_time(GET_THERE_NS / 20);
}

static inline void *meet_waiter(void *argument)
{
	struct meet *meet = (struct meet *)argument;

	for (int i = 1; i <= meet->rounds; i++) {
		uint64_t start;

		await(&meet->round, i);
		start = now_ns();
		__atomic_store_n(&meet->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
		meet->wait_here();
		meet->waited_ns += now_ns() - start;
		__atomic_store_n(&meet->tid, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&meet->done, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

/*
 * ROUNDS times: BEFORE, if any; the other thread waits in WAIT_HERE for at least MEET_NS, until WAKE_HERE ends. Returns
 * the time that the other thread spent in WAIT_HERE.
 */
static inline uint64_t meet_run(int rounds, void (*before)(void), void (*wait_here)(void), void (*wake_here)(void))
{
	struct meet meet = { rounds, wait_here, wake_here, 0, 0, 0, 0 };
	pthread_t thread;

	require(pthread_create(&thread, NULL, meet_waiter, &meet) == 0);
	for (int i = 1; i <= rounds; i++) {
		if (before)
			before();
		__atomic_store_n(&meet.round, i, __ATOMIC_RELEASE);
		let_it_wait(&meet.tid);
		wake_here();
		await(&meet.done, i);
	}
	pthread_join(thread, NULL);
	return meet.waited_ns;
}

/* What the report must say of lock NAME after ROUNDS such rounds that took WAITED_NS. */
static inline void meet_fact(const char *name, const char *kind, int rounds, uint64_t waited_ns, const char *more)
{
	fact("lock %s kind=%s contentions=%d wait_ns=%lu..%lu %s", name, kind, rounds, (unsigned long)rounds * MEET_NS,
	     (unsigned long)waited_ns, more);
	fact("waiter %s in=wait_here count=%d wait_ns=%lu..%lu", name, rounds, (unsigned long)rounds * MEET_NS,
	     (unsigned long)waited_ns);
}

/* And that FUNCTION made them all wait, or woke them: what is left of the wait is the time until the waiter ran. */
static inline void meet_culprit(const char *name, const char *function, int rounds, uint64_t waited_ns)
{
	fact("culprit %s in=%s count=%d wait_ns=%lu..%lu", name, function, rounds, (unsigned long)rounds * MEET_NS,
	     (unsigned long)waited_ns);
}

#endif
