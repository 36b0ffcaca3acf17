/* SPDX-License-Identifier: MIT */
/* One thread allocates, another frees. */
#include <pthread.h>
#include <sched.h>

#include "facts.h"

#define BLOCKS 50000

static void *ring[64];
static unsigned head, tail;

SITE static void *produce_here(void)
{
	return keep(malloc(32));
}

static void *producer(void *unused)
{
	(void)unused;
	for (unsigned i = 0; i < BLOCKS; i++) {
		while (i - __atomic_load_n(&tail, __ATOMIC_ACQUIRE) == 64)
			sched_yield();
		ring[i % 64] = produce_here();
		__atomic_store_n(&head, i + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	require(pthread_create(&thread, NULL, producer, NULL) == 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		while (__atomic_load_n(&head, __ATOMIC_ACQUIRE) == i)
			sched_yield();
		free(ring[i % 64]);
		__atomic_store_n(&tail, i + 1, __ATOMIC_RELEASE);
	}
	pthread_join(thread, NULL);
	fact("site produce_here alloc_count=%d alloc_bytes=%d free_count=%d live_count=0 live_bytes=0 "
	     "temporary_count=0",
	     BLOCKS, BLOCKS * 32, BLOCKS);
	fact("loss unknown_free=0 unseen_free=0");
	return 0;
}
