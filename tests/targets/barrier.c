/* SPDX-License-Identifier: MIT */
/* A barrier: all but the last thread wait, and one of them is told to be the serial one (P30). */
#include "meet.h"

#define THREADS 3
#define ROUNDS  10

static pthread_barrier_t the_barrier;
static int serial;
static int before; /* threads that are at the barrier, or about to be */

SITE static void early_here(void)
{
	int r;

	__atomic_add_fetch(&before, 1, __ATOMIC_ACQ_REL);
	r = pthread_barrier_wait(&the_barrier);
	require(r == 0 || r == PTHREAD_BARRIER_SERIAL_THREAD);
	if (r)
		__atomic_add_fetch(&serial, 1, __ATOMIC_ACQ_REL);
}

SITE static void late_here(void)
{
	int r = pthread_barrier_wait(&the_barrier);

	if (r)
		__atomic_add_fetch(&serial, 1, __ATOMIC_ACQ_REL);
}

static void *early(void *unused)
{
	(void)unused;
	for (int i = 0; i < ROUNDS; i++)
		early_here();
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS - 1];

	require(pthread_barrier_init(&the_barrier, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS - 1; i++)
		require(pthread_create(&threads[i], NULL, early, NULL) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		while (__atomic_load_n(&before, __ATOMIC_ACQUIRE) < i * (THREADS - 1))
			sched_yield();
		pass_time(MEET_NS);
		late_here();
	}
	for (int i = 0; i < THREADS - 1; i++)
		pthread_join(threads[i], NULL);
	require(serial == ROUNDS);
	fact("lock the_barrier kind=barrier category=coordination acquisitions=%d contentions=%d wait_ns=%lu..",
	     THREADS * ROUNDS, (THREADS - 1) * ROUNDS, (THREADS - 1ul) * ROUNDS * MEET_NS);
	fact("waiter the_barrier in=early_here count=%d", (THREADS - 1) * ROUNDS);
	fact("waiter the_barrier in=late_here count=0");
	require(pthread_barrier_destroy(&the_barrier) == 0);
	puts("ok");
	return 0;
}
