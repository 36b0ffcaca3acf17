/* SPDX-License-Identifier: MIT */
/* Killed while a thread waits: what was counted until then is in the file, and the wait that never ended too (P28). */
#include <signal.h>

#include "handoff.h"

#define ROUNDS 50

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

static void *wait_for_ever(void *arg)
{
	wait_here(&the_lock);
	return arg;
}

int main(void)
{
	pthread_t thread;

	handoff_run(&the_lock, ROUNDS, wait_here);
	require(pthread_mutex_lock(&the_lock) == 0);
	require(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
	wait_until_blocked(&the_lock);
	fact("lock the_lock contentions=%d", ROUNDS + 1);
	fact("waiter the_lock in=wait_here count=%d", ROUNDS + 1);
	kill(getpid(), SIGKILL);
	return 0;
}
