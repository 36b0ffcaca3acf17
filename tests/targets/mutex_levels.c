/* SPDX-License-Identifier: MIT */
/* Three levels of a recursive mutex are three acquisitions but one hold (P13). */
#include "handoff.h"

#define ROUNDS 20
#define DEEP   10

static pthread_mutex_t the_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

int main(void)
{
	handoff_run(&the_lock, ROUNDS, wait_here);
	for (int i = 0; i < DEEP; i++) {
		for (int level = 0; level < 3; level++)
			require(pthread_mutex_lock(&the_lock) == 0);
		for (int level = 0; level < 3; level++)
			require(pthread_mutex_unlock(&the_lock) == 0);
	}
	fact("lock the_lock acquisitions=%d contentions=%d", 2 * ROUNDS + 3 * DEEP, ROUNDS);
	/* All but the first were taken after the first contention. */
	printf("%d\n", 2 * ROUNDS - 1 + DEEP);
	return 0;
}
