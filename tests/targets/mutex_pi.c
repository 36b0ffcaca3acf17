/* SPDX-License-Identifier: MIT */
/* Priority inheritance, adaptive and process-shared mutexes (P13). */
#include "handoff.h"

#define ROUNDS 30

static pthread_mutex_t pi_lock;
static pthread_mutex_t shared_lock;
static pthread_mutex_t adaptive_lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

int main(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	require(pthread_mutex_init(&shared_lock, &attributes) == 0);
	pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	require(pthread_mutex_init(&pi_lock, &attributes) == 0);
	handoff_run(&pi_lock, ROUNDS, wait_here);
	handoff_run(&shared_lock, ROUNDS, wait_here);
	handoff_run(&adaptive_lock, ROUNDS, wait_here);
	fact("lock pi_lock acquisitions=%d contentions=%d", 2 * ROUNDS, ROUNDS);
	fact("lock shared_lock acquisitions=%d contentions=%d", 2 * ROUNDS, ROUNDS);
	fact("lock adaptive_lock acquisitions=%d contentions=%d", 2 * ROUNDS, ROUNDS);
	return 0;
}
