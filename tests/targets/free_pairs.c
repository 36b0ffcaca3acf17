/* SPDX-License-Identifier: MIT */
/*
 * As many threads as argv[1] says, two by default: each frees I + 1 blocks of 100 bytes of the thread I places further
 * on, for every I but 0, and 10 of its own; the first also resizes one block of every other one.
 */
#include <pthread.h>

#include "facts.h"

#define THREADS_MAX 100
#define OWN         10

static int threads;
static pthread_barrier_t all;
static void *blocks[THREADS_MAX][THREADS_MAX][THREADS_MAX]; /* of whom, for whom */
static void *resized[THREADS_MAX];

SITE static void *give_here(size_t bytes)
{
	return keep(malloc(bytes));
}

SITE static void *own_here(void)
{
	return keep(malloc(100));
}

static int count_for(int from, int to)
{
	return (from - to + threads) % threads + 1;
}

static void *thread_main(void *arg)
{
	int me = (int)(intptr_t)arg;
	char name[16];

	snprintf(name, sizeof(name), "pair-%d", me);
	pthread_setname_np(pthread_self(), name);
	for (int to = 0; to < threads; to++) {
		for (int i = 0; to != me && i < count_for(me, to); i++)
			blocks[me][to][i] = give_here(100);
	}
	resized[me] = give_here(1000);
	for (int i = 0; i < OWN; i++)
		free(own_here());
	pthread_barrier_wait(&all);
	for (int from = 0; from < threads; from++) {
		for (int i = 0; from != me && i < count_for(from, me); i++)
			free(blocks[from][me][i]);
	}
	for (int from = 0; me == 0 && from < threads; from++)
		free(keep(realloc(resized[from], 3000)));
	/* None of them ends before the last is done: no thread takes the place of another. */
	pthread_barrier_wait(&all);
	return NULL;
}

static void tell_pairs(void)
{
	int count = 0, bytes = 0;

	for (int from = 0; from < threads; from++) {
		for (int to = 0; to < threads; to++) {
			int blocks_here = from == to ? 0 : count_for(from, to) + (to == 0);
			int bytes_here = from == to ? 0 : 100 * count_for(from, to) + 1000 * (to == 0);

			/* Beyond 64 it is by chance which of them are told apart. */
			if (threads <= 64)
				fact("pair pair-%d:pair-%d count=%d bytes=%d", from, to, blocks_here, bytes_here);
			count += blocks_here;
			bytes += bytes_here;
		}
	}
	fact("pair * count=%d bytes=%d pairs=%d", count, bytes, threads * (threads <= 64 ? threads - 1 : 65));
	fact("total freed_elsewhere_count=%d freed_elsewhere_bytes=%d", count, bytes);
	fact("site own_here freed_elsewhere_count=0");
	fact("site give_here freed_elsewhere_count=%d freed_elsewhere_bytes=%d", count, bytes);
}

int main(int argc, char **argv)
{
	pthread_t ids[THREADS_MAX];

	threads = argc > 1 ? atoi(argv[1]) : 2;
	require(threads > 0 && threads <= THREADS_MAX);
	pthread_barrier_init(&all, NULL, (unsigned)threads);
	for (int i = 1; i < threads; i++)
		require(pthread_create(&ids[i], NULL, thread_main, (void *)(intptr_t)i) == 0);
	thread_main(NULL);
	for (int i = 1; i < threads; i++)
		require(pthread_join(ids[i], NULL) == 0);
	tell_pairs();
	return 0;
}
