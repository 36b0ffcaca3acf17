/* SPDX-License-Identifier: MIT */
/* A thread that waits for a mutex once. */
#ifndef MP_ONE_WAIT_H
#define MP_ONE_WAIT_H

#include "handoff.h"

static inline void *one_wait_take(void *arg)
{
	pthread_mutex_t *mutex = (pthread_mutex_t *)arg;

	pthread_mutex_lock(mutex);
	pthread_mutex_unlock(mutex);
	return NULL;
}

static inline void one_wait(pthread_mutex_t *mutex)
{
	pthread_t thread;

	pthread_mutex_lock(mutex);
	require(pthread_create(&thread, NULL, one_wait_take, mutex) == 0);
	wait_until_blocked(mutex);
	pthread_mutex_unlock(mutex);
	pthread_join(thread, NULL);
}

#endif
