/* SPDX-License-Identifier: MIT */
/* A robust mutex whose owner dies (P12): EOWNERDEAD exactly once, with and without a waiter. */
#include "handoff.h"

static pthread_mutex_t the_lock;
static int owned;
static int owner_may_die;

static void *owner_main(void *unused)
{
	(void)unused;
	require(pthread_mutex_lock(&the_lock) == 0);
	__atomic_store_n(&owned, 1, __ATOMIC_RELEASE);
	wait_for(&owner_may_die, 1);
	return NULL;
}

static int answers[3];

static void *waiter_main(void *unused)
{
	(void)unused;
	answers[0] = pthread_mutex_lock(&the_lock);
	answers[1] = pthread_mutex_consistent(&the_lock);
	answers[2] = pthread_mutex_unlock(&the_lock);
	return NULL;
}

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

int main(void)
{
	pthread_mutexattr_t attributes;
	pthread_t owner, waiter;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	require(pthread_mutex_init(&the_lock, &attributes) == 0);

	/* The owner dies while another thread waits. */
	require(pthread_create(&owner, NULL, owner_main, NULL) == 0);
	wait_for(&owned, 1);
	require(pthread_create(&waiter, NULL, waiter_main, NULL) == 0);
	wait_until_blocked(&the_lock);
	__atomic_store_n(&owner_may_die, 1, __ATOMIC_RELEASE);
	pthread_join(owner, NULL);
	pthread_join(waiter, NULL);
	require(answers[0] == EOWNERDEAD && answers[1] == 0 && answers[2] == 0);

	/* The owner dies alone; the next trylock learns it. */
	owned = 0;
	require(pthread_create(&owner, NULL, owner_main, NULL) == 0);
	pthread_join(owner, NULL);
	require(pthread_mutex_trylock(&the_lock) == EOWNERDEAD);
	require(pthread_mutex_consistent(&the_lock) == 0 && pthread_mutex_unlock(&the_lock) == 0);

	handoff_run(&the_lock, 10, wait_here);

	/* Not made consistent: from now on it is dead. */
	require(pthread_create(&owner, NULL, owner_main, NULL) == 0);
	pthread_join(owner, NULL);
	require(pthread_mutex_lock(&the_lock) == EOWNERDEAD && pthread_mutex_unlock(&the_lock) == 0);
	require(pthread_mutex_lock(&the_lock) == ENOTRECOVERABLE);
	require(pthread_mutex_destroy(&the_lock) == 0);
	fact("lock the_lock acquisitions=26 contentions=11");
	puts("done");
	return 0;
}
