/* SPDX-License-Identifier: MIT */
/*
 * A program with an allocator of its own that takes a mutex in every call, among them those that the dynamic linker
 * makes while memprof looks the real functions up (P23); and a mutex that a constructor takes. All are counted.
 */
#include "handoff.h"
#include "own_malloc.h"

#define ROUNDS 20

static pthread_mutex_t heap_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t early_lock = PTHREAD_MUTEX_INITIALIZER;
static char heap[8u << 20] __attribute__((aligned(16)));
static size_t used;

void *take(size_t bytes)
{
	void *block;

	pthread_mutex_lock(&heap_lock);
	require(used + bytes < sizeof(heap) - 32);
	block = heap + used + 16;
	memcpy(heap + used, &bytes, sizeof(bytes));
	used += (bytes + 16 + 15) & ~(size_t)15;
	pthread_mutex_unlock(&heap_lock);
	return block;
}

void free(void *block)
{
	(void)block;
}

__attribute__((constructor)) static void construct(void)
{
	pthread_mutex_lock(&early_lock);
	pthread_mutex_unlock(&early_lock);
}

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

int main(void)
{
	void *block;

	handoff_run(&early_lock, ROUNDS, wait_here);
	handoff_run(&heap_lock, ROUNDS, wait_here);
	block = keep(malloc(any_size(10)));
	free(block);
	fact("lock early_lock contentions=%d acquisitions=%d", ROUNDS, 2 * ROUNDS + 1);
	fact("lock heap_lock contentions=%d", ROUNDS);
	return 0;
}
