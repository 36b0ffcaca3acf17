/* SPDX-License-Identifier: MIT */
/*
 * Orders of locks of more kinds, one thread after the other, so that nothing can happen. To be told: R to read with S
 * to write, against S to read with R to write; a cycle of three mutexes by three threads. Not to be told: P and Q in
 * opposite order, both to read; 100 mutexes held at once, whose order never changes.
 */
#include <pthread.h>

#include "facts.h"

#define MANY 100

static pthread_rwlock_t lock_p = PTHREAD_RWLOCK_INITIALIZER, lock_q = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t lock_r = PTHREAD_RWLOCK_INITIALIZER, lock_s = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t ring_1 = PTHREAD_MUTEX_INITIALIZER, ring_2 = PTHREAD_MUTEX_INITIALIZER,
		       ring_3 = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t many[MANY];

SITE static void both(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
	require(pthread_mutex_lock(outer) == 0);
	require(pthread_mutex_lock(inner) == 0);
	require(pthread_mutex_unlock(inner) == 0);
	require(pthread_mutex_unlock(outer) == 0);
}

SITE static void read_both(pthread_rwlock_t *outer, pthread_rwlock_t *inner)
{
	require(pthread_rwlock_rdlock(outer) == 0);
	require(pthread_rwlock_rdlock(inner) == 0);
	require(pthread_rwlock_unlock(inner) == 0);
	require(pthread_rwlock_unlock(outer) == 0);
}

SITE static void read_and_write(pthread_rwlock_t *outer, pthread_rwlock_t *inner)
{
	require(pthread_rwlock_rdlock(outer) == 0);
	require(pthread_rwlock_wrlock(inner) == 0);
	require(pthread_rwlock_unlock(inner) == 0);
	require(pthread_rwlock_unlock(outer) == 0);
}

SITE static void hold_many(void)
{
	for (int i = 0; i < MANY; i++)
		require(pthread_mutex_lock(&many[i]) == 0);
	for (int i = 0; i < MANY; i++)
		require(pthread_mutex_unlock(&many[i]) == 0);
}

static void *first(void *arg)
{
	read_both(&lock_p, &lock_q);
	read_and_write(&lock_r, &lock_s);
	both(&ring_1, &ring_2);
	hold_many();
	return arg;
}

static void *second(void *arg)
{
	read_both(&lock_q, &lock_p);
	read_and_write(&lock_s, &lock_r);
	both(&ring_2, &ring_3);
	hold_many();
	return arg;
}

static void *third(void *arg)
{
	both(&ring_3, &ring_1);
	return arg;
}

int main(void)
{
	static void *(*const routines[])(void *) = { first, second, third };

	for (int i = 0; i < MANY; i++)
		pthread_mutex_init(&many[i], NULL);
	for (int i = 0; i < 3; i++) {
		pthread_t thread;

		require(pthread_create(&thread, NULL, routines[i], NULL) == 0);
		pthread_join(thread, NULL);
	}
	return 0;
}
