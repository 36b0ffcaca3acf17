/* SPDX-License-Identifier: MIT */
/*
 * A program whose own allocator takes a mutex and names its memory as it starts, and bears no call of itself until it
 * has started, as that of Firefox. libstdc++ calls it first, before any constructor of the program, and of memprof.
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>

#include "facts.h"
#include "own_malloc.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA           0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

static enum { ASLEEP, STARTING, AWAKE } heap_state;
static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;
static char heap[8u << 20] __attribute__((aligned(16)));
static size_t used;
static int named;

static void start()
{
	static const char early[] = "the allocator is called while it starts\n";

	if (heap_state == AWAKE)
		return;
	if (heap_state == STARTING) {
		(void)!write(2, early, sizeof(early) - 1);
		_exit(1);
	}
	heap_state = STARTING;
	pthread_mutex_lock(&start_lock);
	/* Of a kernel without names for memory, too, the answer is that of the kernel. */
	named = prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, heap, sizeof(heap), "heap") ? errno : 0;
	pthread_mutex_unlock(&start_lock);
	heap_state = AWAKE;
}

void *take(size_t bytes)
{
	start();
	size_t at = __atomic_fetch_add(&used, (bytes + 31) & ~(size_t)15, __ATOMIC_RELAXED);
	require(at + bytes < sizeof(heap) - 32);
	memcpy(heap + at, &bytes, sizeof(bytes));
	return heap + at + 16;
}

/* Takes a mutex, too, before it notes that the block is free; one that is already ends the program. */
extern "C" void free(void *block)
{
	static const char twice[] = "a block is freed twice\n";
	size_t *bytes = (size_t *)block - 2;

	start();
	if (!block)
		return;
	pthread_mutex_lock(&free_lock);
	pthread_mutex_unlock(&free_lock);
	if (*bytes == SIZE_MAX) {
		(void)!write(2, twice, sizeof(twice) - 1);
		_exit(1);
	}
	*bytes = SIZE_MAX;
}

int main()
{
	std::string *text = new std::string(100, 'x');

	printf("%zu %d\n", text->size(), named);
	delete text;
	fact("process ended=exit exit_status=0");
	return 0;
}
