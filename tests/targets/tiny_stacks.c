/* SPDX-License-Identifier: MIT */
/* Threads with the smallest stack there is, that allocate on many stacks, lock and load their first symbols. */
#include <limits.h>
#include <pthread.h>

#include "spread.h"

#define THREADS 20

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

SITE static void *tiny_here(void)
{
	return keep(malloc(25));
}

static void *thread_main(void *unused)
{
	(void)unused;
	for (int i = 0; i < 64; i++) {
		pthread_mutex_lock(&lock);
		spread(6, i, tiny_here);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	pthread_attr_t attr;

	require(pthread_attr_init(&attr) == 0);
	require(pthread_attr_setstacksize(&attr, (size_t)sysconf(_SC_THREAD_STACK_MIN)) == 0);
	for (int i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], &attr, thread_main, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	fact("site tiny_here alloc_count=%d live_count=%d", THREADS * 64, THREADS * 64);
	puts("done");
	return 0;
}
