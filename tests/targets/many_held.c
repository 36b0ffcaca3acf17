/* SPDX-License-Identifier: MIT */
/* A thread that has 100 mutexes at once, given up in the order in which it took them; and 70 threads that want one. */
#include "handoff.h"
#include "meet.h"

#define LOCKS   100
#define WAITERS 70

static pthread_mutex_t locks[LOCKS];
static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static int arrived[WAITERS];

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

static void *waiter(void *arg)
{
	__atomic_store_n((int *)arg, gettid(), __ATOMIC_RELEASE);
	wait_here(&the_lock);
	pthread_mutex_unlock(&the_lock);
	return arg;
}

int main(void)
{
	pthread_t threads[WAITERS];

	for (int i = 0; i < LOCKS; i++) {
		pthread_mutex_init(&locks[i], NULL);
		handoff_run(&locks[i], 1, wait_here);
	}
	for (int i = 0; i < LOCKS; i++)
		require(pthread_mutex_lock(&locks[i]) == 0);
	for (int i = 0; i < LOCKS; i++)
		require(pthread_mutex_unlock(&locks[i]) == 0);

	require(pthread_mutex_lock(&the_lock) == 0);
	for (int i = 0; i < WAITERS; i++)
		require(pthread_create(&threads[i], NULL, waiter, &arrived[i]) == 0);
	for (int i = 0; i < WAITERS; i++)
		let_it_wait(&arrived[i]);
	require(pthread_mutex_unlock(&the_lock) == 0);
	for (int i = 0; i < WAITERS; i++)
		pthread_join(threads[i], NULL);
	fact("lock the_lock contentions=%d acquisitions=%d", WAITERS, WAITERS + 1);
	fact("waiter * in=wait_here count=%d", WAITERS + LOCKS);
	printf("%d\n", LOCKS);
	return 0;
}
