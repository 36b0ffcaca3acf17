/* SPDX-License-Identifier: MIT */
/* Priority-protected mutexes (P13), locked and unlocked often: a test counts the scheduler's system calls. */
#include <pthread.h>
#include <sched.h>

#include "facts.h"

#define ROUNDS 20

int main(void)
{
	struct sched_param param = { .sched_priority = 5 };
	pthread_mutexattr_t attr;
	pthread_mutex_t mutex;
	int r;

	require(pthread_mutexattr_init(&attr) == 0);
	require(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_PROTECT) == 0);
	require(pthread_mutexattr_setprioceiling(&attr, 10) == 0);
	require(pthread_mutex_init(&mutex, &attr) == 0);
	r = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	for (int i = 0; i < ROUNDS; i++) {
		if (pthread_mutex_lock(&mutex) == 0)
			pthread_mutex_unlock(&mutex);
	}
	printf("%s\n", r == 0 ? "real time" : "no real time");
	return 0;
}
