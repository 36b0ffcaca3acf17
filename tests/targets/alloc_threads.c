/* SPDX-License-Identifier: MIT */
/* Two threads, or as many as argv[1] says, allocate and resize at the same time, and free each other's blocks. */
#include <pthread.h>

#include "facts.h"

#define THREADS_MAX 64
#define ROUNDS      200
#define BLOCKS      50

static int threads;
static pthread_barrier_t all;
static void *blocks[THREADS_MAX][BLOCKS];

SITE static void *made_here(int i)
{
	return keep(malloc(16 + (size_t)i));
}

SITE static void *resized_here(void *block, int i)
{
	return keep(realloc(block, 200 + (size_t)i));
}

static void *thread_main(void *arg)
{
	int me = (int)(intptr_t)arg;
	int next = (me + 1) % threads;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < BLOCKS; i++)
			blocks[me][i] = resized_here(made_here(i), i);
		pthread_barrier_wait(&all);
		for (int i = 0; i < BLOCKS; i++)
			free(blocks[next][i]);
		pthread_barrier_wait(&all);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t ids[THREADS_MAX];
	int count, bytes = 0;

	threads = argc > 1 ? atoi(argv[1]) : 2;
	require(threads > 0 && threads <= THREADS_MAX);
	pthread_barrier_init(&all, NULL, (unsigned)threads);
	for (int i = 1; i < threads; i++)
		require(pthread_create(&ids[i], NULL, thread_main, (void *)(intptr_t)i) == 0);
	thread_main(NULL);
	for (int i = 1; i < threads; i++)
		pthread_join(ids[i], NULL);
	count = threads * ROUNDS * BLOCKS;
	for (int i = 0; i < BLOCKS; i++)
		bytes += threads * ROUNDS * i;
	fact("site made_here alloc_count=%d alloc_bytes=%d live_count=0", count, 16 * count + bytes);
	fact("site resized_here alloc_count=%d alloc_bytes=%d free_count=%d live_count=0", count,
	     200 * count + bytes, count);
	fact("loss unknown_free=0 unseen_free=0");
	return 0;
}
