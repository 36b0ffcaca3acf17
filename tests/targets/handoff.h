/* SPDX-License-Identifier: MIT */
/* Contention of a known number: one thread holds the mutex until the other is seen to wait for it. */
#ifndef MP_HANDOFF_H
#define MP_HANDOFF_H

#include <pthread.h>
#include <sched.h>

#include "facts.h"

#define HANDOFF_HOLD_NS 200000u

struct handoff {
	pthread_mutex_t *mutex;
	int rounds;
	int (*wait_here)(pthread_mutex_t *mutex); /* locks; runs in the thread that waits */
	int round;                                /* the waiter may start on this round */
	int done;                                 /* the waiter has finished this round */
	uint64_t waited_ns;                       /* the waiter's own clock around wait_here */
};

/* The lock word of glibc: 2 means taken and waited for; protocols of the kernel set the top bit instead. */
static inline void wait_until_blocked(pthread_mutex_t *mutex)
{
	const unsigned *word = (const unsigned *)&mutex->__data.__lock;

	for (;;) {
		unsigned value = __atomic_load_n(word, __ATOMIC_RELAXED);

		if (value == 2 || (value & 0x80000000u))
			return;
		sched_yield();
	}
}

static inline void wait_for(const int *word, int value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
		sched_yield();
}

static inline void spin_ns(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

static inline void *handoff_waiter(void *argument)
{
	struct handoff *handoff = (struct handoff *)argument;

	for (int i = 1; i <= handoff->rounds; i++) {
		uint64_t start;

		wait_for(&handoff->round, i);
		start = now_ns();
		require(handoff->wait_here(handoff->mutex) == 0);
		handoff->waited_ns += now_ns() - start;
		require(pthread_mutex_unlock(handoff->mutex) == 0);
		__atomic_store_n(&handoff->done, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

/*
 * ROUNDS times: this thread locks, the other one waits at least HANDOFF_HOLD_NS for it in WAIT_HERE and locks too. That
 * is 2 * ROUNDS acquisitions and ROUNDS contentions. Returns the time that the other thread spent in WAIT_HERE.
 */
static inline uint64_t handoff_run(pthread_mutex_t *mutex, int rounds, int (*wait_here)(pthread_mutex_t *))
{
	struct handoff handoff = { mutex, rounds, wait_here, 0, 0, 0 };
	pthread_t thread;

	require(pthread_create(&thread, NULL, handoff_waiter, &handoff) == 0);
	for (int i = 1; i <= rounds; i++) {
		require(pthread_mutex_lock(mutex) == 0);
		__atomic_store_n(&handoff.round, i, __ATOMIC_RELEASE);
		wait_until_blocked(mutex);
		spin_ns(HANDOFF_HOLD_NS);
		require(pthread_mutex_unlock(mutex) == 0);
		wait_for(&handoff.done, i);
	}
	pthread_join(thread, NULL);
	return handoff.waited_ns;
}

#endif
