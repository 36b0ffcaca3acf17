/* SPDX-License-Identifier: MIT */
/* A mutex with a priority ceiling (P13), locked and unlocked: each time libc changes the thread's priority. */
#include <pthread.h>

#include "facts.h"

#define ROUNDS 10

int main(void)
{
	const struct sched_param param = { .sched_priority = 1 };
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;

	if (sched_setscheduler(0, SCHED_FIFO, &param) != 0)
		return 77; /* not allowed */
	pthread_mutexattr_init(&attr);
	require(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_PROTECT) == 0);
	require(pthread_mutexattr_setprioceiling(&attr, 5) == 0);
	require(pthread_mutex_init(&mutex, &attr) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		require(pthread_mutex_lock(&mutex) == 0);
		require(pthread_mutex_unlock(&mutex) == 0);
	}
	fact("total lock_acquisitions=%d", ROUNDS);
	return 0;
}
