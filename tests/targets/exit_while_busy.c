/* SPDX-License-Identifier: MIT */
/* main returns while three threads allocate, free and pass blocks on; one block of each was lost long before. */
#include <pthread.h>
#include <stdatomic.h>

#include "facts.h"

#define THREADS 3
#define HELD    16

static _Atomic(void *) passed; /* from thread to thread */
static pthread_barrier_t ready;

SITE static void *lost_here(void)
{
	return keep(malloc(1001));
}

SITE static void *busy_here(void)
{
	return keep(malloc(64));
}

SITE static void *first_here(void)
{
	return keep(malloc(128));
}

/* Overwrites what earlier calls left on the stack. */
SITE static void wipe(void)
{
	volatile char junk[16384];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = 0;
}

/*
 * Moves the arena of this thread beyond where its low half could be the number of a thread. Such a number in a word
 * whose upper half is left of a pointer would lead into the lost block, now and then.
 */
static void skip_low_addresses(void)
{
	static _Thread_local void *volatile skipped[48];

	for (unsigned i = 0; i < sizeof(skipped) / sizeof(*skipped); i++)
		skipped[i] = malloc(100000);
}

static void *busy(void *held)
{
	void **blocks = held;

	skip_low_addresses();
	lost_here();
	wipe();
	for (unsigned i = 0; i < HELD; i++)
		blocks[i] = first_here();
	pthread_barrier_wait(&ready);
	for (unsigned i = 0;; i++) {
		void *other = atomic_exchange(&passed, busy_here());

		free(other);
		free(blocks[i % HELD]);
		blocks[i % HELD] = busy_here();
	}
	return NULL;
}

int main(void)
{
	static void *held[THREADS][HELD];
	pthread_t thread;

	pthread_barrier_init(&ready, NULL, THREADS + 1);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&thread, NULL, busy, held[i]);
	pthread_barrier_wait(&ready);
	fact("site lost_here alloc_count=%d live_count=%d", THREADS, THREADS);
	return 3;
}
