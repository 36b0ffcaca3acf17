/* SPDX-License-Identifier: MIT */
/* Allocates with and without a contended mutex. */
#include "handoff.h"

#define ROUNDS 10
#define INSIDE 7

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

int main(void)
{
	void *block;

	handoff_run(&the_lock, ROUNDS, wait_here);
	for (int i = 0; i < ROUNDS; i++) {
		require(pthread_mutex_lock(&the_lock) == 0);
		for (int k = 0; k < INSIDE; k++) {
			block = keep(malloc(any_size(100)));
			free(block);
		}
		require(pthread_mutex_unlock(&the_lock) == 0);
		block = keep(malloc(any_size(1000)));
		free(block);
	}
	printf("%d %d\n", ROUNDS * INSIDE, ROUNDS * INSIDE * 100);
	return 0;
}
