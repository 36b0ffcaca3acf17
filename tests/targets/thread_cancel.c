/* SPDX-License-Identifier: MIT */
/*
 * Threads cancelled in the middle of waiting and of work, deferred ones and one at any instruction; their cleanup
 * handlers free and unlock.
 */
#include <pthread.h>

#include "facts.h"

#define ROUNDS 100

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static volatile int started;

SITE static void *held_here(void)
{
	return keep(malloc(64));
}

static void give_back(void *block)
{
	free(block);
}

static void unlock(void *mutex)
{
	pthread_mutex_unlock(mutex);
}

static void *waiter(void *unused)
{
	void *block = held_here();

	(void)unused;
	pthread_cleanup_push(give_back, block);
	pthread_mutex_lock(&lock);
	pthread_cleanup_push(unlock, &lock);
	started = 1;
	for (;;)
		pthread_cond_wait(&never, &lock);
	pthread_cleanup_pop(1);
	pthread_cleanup_pop(1);
	return NULL;
}

static void *worker(void *unused)
{
	void *block = held_here();

	(void)unused;
	pthread_cleanup_push(give_back, block);
	started = 1;
	for (;;) {
		free(held_here());
		pthread_testcancel();
	}
	pthread_cleanup_pop(1);
	return NULL;
}

static void *spinner(void *unused)
{
	(void)unused;
	free(held_here());
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	started = 1;
	for (;;)
		;
	return NULL;
}

int main(void)
{
	void *(*const kinds[])(void *) = { waiter, worker, spinner };

	for (int i = 0; i < ROUNDS; i++) {
		pthread_t thread;
		void *result;

		started = 0;
		require(pthread_create(&thread, NULL, kinds[i % 3], NULL) == 0);
		while (!started)
			sched_yield();
		require(pthread_cancel(thread) == 0);
		require(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	}
	require(pthread_mutex_trylock(&lock) == 0);
	fact("site held_here live_count=0 alloc_count=%d..", ROUNDS);
	fact("loss unknown_free=0");
	puts("done");
	return 0;
}
