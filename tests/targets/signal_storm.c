/* SPDX-License-Identifier: MIT */
/*
 * As many signals as argv[1] says, to three threads that allocate and lock, from timers of their own, every 30 us. The
 * handler, on an alternate stack in two of them, allocates, frees and takes a mutex of its own: in the middle of our
 * hooks.
 */
#include <pthread.h>
#include <signal.h>

#include "facts.h"

/* Linked to an allocator that handlers may enter. */

#define THREADS 3

static pthread_t threads[THREADS];
static volatile int handled[THREADS];
static int each;
static __thread int self;
static pthread_mutex_t handler_lock[THREADS] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
						 PTHREAD_MUTEX_INITIALIZER };
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;

SITE static void *handler_here(void)
{
	return keep(malloc(24));
}

SITE static void *interrupted_here(void)
{
	return keep(malloc(16));
}

static void handler(int number)
{
	int saved = errno;

	(void)number;
	if (handled[self] >= each)
		return;
	free(handler_here());
	pthread_mutex_lock(&handler_lock[self]);
	pthread_mutex_unlock(&handler_lock[self]);
	errno = saved;
	handled[self]++;
}

static void *work(void *argument)
{
	static char stacks[THREADS][65536];
	stack_t stack = { .ss_size = sizeof(stacks[0]) };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	struct itimerspec often = { { 0, 30000 }, { 0, 30000 } };
	timer_t timer;

	self = (int)(intptr_t)argument;
	stack.ss_sp = stacks[self];
	if (self > 0)
		require(sigaltstack(&stack, NULL) == 0);
	event._sigev_un._tid = gettid();
	require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
	while (handled[self] < each) {
		errno = 77;
		free(interrupted_here());
		pthread_mutex_lock(&shared_lock);
		pthread_mutex_unlock(&shared_lock);
		require(errno == 77);
	}
	timer_delete(timer);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK };

	each = (argc > 1 ? atoi(argv[1]) : 3000) / THREADS;
	require(sigaction(SIGUSR1, &action, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	fact("site handler_here alloc_count+nested=%d.. alloc_count=..%d live_count=0", THREADS * each, THREADS * each);
	fact("site interrupted_here live_count=0");
	fact("loss unknown_free=0 unseen_free=0");
	puts("done");
	return 0;
}
