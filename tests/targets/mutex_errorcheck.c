/* SPDX-License-Identifier: MIT */
/* An error-checking mutex (P13): locking twice is an answer, not a wait. */
#include "handoff.h"

static pthread_mutex_t the_lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

int main(void)
{
	struct timespec past = { 1, 0 };

	for (int i = 0; i < 20; i++) {
		require(pthread_mutex_lock(&the_lock) == 0);
		require(pthread_mutex_lock(&the_lock) == EDEADLK);
		require(pthread_mutex_timedlock(&the_lock, &past) == EDEADLK);
		require(pthread_mutex_trylock(&the_lock) == EBUSY);
		require(pthread_mutex_unlock(&the_lock) == 0);
		require(pthread_mutex_unlock(&the_lock) == EPERM);
	}
	require(pthread_mutex_destroy(&the_lock) == 0);
	fact("lock the_lock contentions=0 wait_ns=0");
	return 0;
}
