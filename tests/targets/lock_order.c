/* SPDX-License-Identifier: MIT */
/*
 * Orders of mutexes. Two threads take A and B in opposite order, one after the other, so that no deadlock can happen
 * here: that is to be told. Not to be told: C and D in opposite order under an outer G; E and F in opposite order by
 * one thread only; H given up before K is taken, though K comes before H elsewhere; X taken by trylock with Y held.
 */
#include <pthread.h>

#include "facts.h"

#define LOCKS(X) X(a) X(b) X(c) X(d) X(e) X(f) X(g) X(h) X(i) X(k) X(x) X(y)
#define X(name)  static pthread_mutex_t lock_##name = PTHREAD_MUTEX_INITIALIZER;
LOCKS(X)
#undef X

SITE static void both(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
	require(pthread_mutex_lock(outer) == 0);
	require(pthread_mutex_lock(inner) == 0);
	require(pthread_mutex_unlock(inner) == 0);
	require(pthread_mutex_unlock(outer) == 0);
}

static void *first(void *arg)
{
	both(&lock_a, &lock_b);
	pthread_mutex_lock(&lock_g);
	both(&lock_c, &lock_d);
	pthread_mutex_unlock(&lock_g);
	both(&lock_e, &lock_f);
	both(&lock_f, &lock_e);
	/* H, then I; H is given up before K. */
	pthread_mutex_lock(&lock_h);
	pthread_mutex_lock(&lock_i);
	pthread_mutex_unlock(&lock_h);
	pthread_mutex_lock(&lock_k);
	pthread_mutex_unlock(&lock_k);
	pthread_mutex_unlock(&lock_i);
	both(&lock_x, &lock_y);
	return arg;
}

static void *second(void *arg)
{
	both(&lock_b, &lock_a);
	pthread_mutex_lock(&lock_g);
	both(&lock_d, &lock_c);
	pthread_mutex_unlock(&lock_g);
	both(&lock_k, &lock_h);
	pthread_mutex_lock(&lock_y);
	require(pthread_mutex_trylock(&lock_x) == 0);
	pthread_mutex_unlock(&lock_x);
	pthread_mutex_unlock(&lock_y);
	return arg;
}

int main(void)
{
	pthread_t thread;

	require(pthread_create(&thread, NULL, first, NULL) == 0);
	pthread_join(thread, NULL);
	require(pthread_create(&thread, NULL, second, NULL) == 0);
	pthread_join(thread, NULL);
	return 0;
}
