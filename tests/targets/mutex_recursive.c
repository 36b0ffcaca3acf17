/* SPDX-License-Identifier: MIT */
/* A recursive mutex (P13), locked three deep. */
#include "handoff.h"

#define ROUNDS 50

static pthread_mutex_t the_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	require(pthread_mutex_lock(mutex) == 0 && pthread_mutex_trylock(mutex) == 0);
	require(pthread_mutex_unlock(mutex) == 0 && pthread_mutex_unlock(mutex) == 0);
	return result;
}

int main(void)
{
	handoff_run(&the_lock, ROUNDS, wait_here);
	require(pthread_mutex_unlock(&the_lock) == EPERM);
	/* Whether locking again what is held counts as an acquisition is not promised. */
	fact("lock the_lock acquisitions=%d..%d contentions=%d trylock_failures=0", 2 * ROUNDS, 4 * ROUNDS, ROUNDS);
	return 0;
}
