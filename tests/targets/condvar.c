/* SPDX-License-Identifier: MIT */
/*
 * Condition variables (P1, P14, P17): waits that a signal ends, time-outs by all three calls, errors; the size of the
 * object is that of the version GLIBC_2.3.2, and what lies behind it is not touched.
 */
#include "meet.h"

#define ROUNDS   5
#define TIMEOUTS 3

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	pthread_cond_t cond;
	uint64_t behind;
} guarded = { PTHREAD_COND_INITIALIZER, 0x5eed5eed5eed5eed };
#define the_cond guarded.cond
static pthread_cond_t timed_cond = PTHREAD_COND_INITIALIZER;
static int flag;

static void lower_flag(void)
{
	flag = 0;
}

SITE static void wait_here(void)
{
	pthread_mutex_lock(&mutex);
	while (!flag)
		require(pthread_cond_wait(&the_cond, &mutex) == 0);
	pthread_mutex_unlock(&mutex);
}

SITE static void signal_here(void)
{
	pthread_mutex_lock(&mutex);
	flag = 1;
	pthread_mutex_unlock(&mutex);
	require(pthread_cond_signal(&the_cond) == 0);
}

int main(void)
{
	uint64_t ns = meet_run(ROUNDS, lower_flag, wait_here, signal_here);
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };

	require(sizeof(pthread_cond_t) == 48 && guarded.behind == 0x5eed5eed5eed5eed);
	meet_fact("guarded.cond", "condvar", ROUNDS, ns, "timeouts=0");
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < TIMEOUTS; i++) {
		require(pthread_cond_timedwait(&timed_cond, &mutex, &past) == ETIMEDOUT);
		require(pthread_cond_clockwait(&timed_cond, &mutex, CLOCK_MONOTONIC, &past) == ETIMEDOUT);
		require(pthread_mutex_trylock(&mutex) == EBUSY);
	}
	require(pthread_cond_timedwait(&timed_cond, &mutex, &bad) == EINVAL);
	require(pthread_cond_clockwait(&timed_cond, &mutex, CLOCK_MONOTONIC, &bad) == EINVAL);
	require(pthread_cond_clockwait(&timed_cond, &mutex, CLOCK_PROCESS_CPUTIME_ID, &past) == EINVAL);
	pthread_mutex_unlock(&mutex);
	/* Nobody is there to hear it. */
	pthread_cond_broadcast(&timed_cond);
	fact("lock timed_cond kind=condvar category=coordination contentions=%d timeouts=%d", 2 * TIMEOUTS,
	     2 * TIMEOUTS);
	require(pthread_cond_destroy(&timed_cond) == 0);
	puts("ok");
	return 0;
}
