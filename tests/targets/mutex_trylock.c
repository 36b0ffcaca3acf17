/* SPDX-License-Identifier: MIT */
/* pthread_mutex_trylock that fails and succeeds known numbers of times. */
#include "handoff.h"

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

static void *try_and_fail(void *unused)
{
	(void)unused;
	for (int i = 0; i < 300; i++)
		require(pthread_mutex_trylock(&the_lock) == EBUSY);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	handoff_run(&the_lock, 5, wait_here); /* a lock is listed from its first contention on */
	pthread_mutex_lock(&the_lock);
	require(pthread_create(&thread, NULL, try_and_fail, NULL) == 0);
	pthread_join(thread, NULL);
	pthread_mutex_unlock(&the_lock);
	for (int i = 0; i < 100; i++) {
		require(pthread_mutex_trylock(&the_lock) == 0);
		pthread_mutex_unlock(&the_lock);
	}
	fact("lock the_lock acquisitions=%d contentions=5 trylock_failures=300", 10 + 1 + 100);
	return 0;
}
