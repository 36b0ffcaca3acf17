/* SPDX-License-Identifier: MIT */
/* pthread_mutex_timedlock and clocklock (P3, P14): time-outs, and one that gets the lock. */
#include "handoff.h"

#define TIMEOUTS   5
#define TIMEOUT_NS 10000000

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

static struct timespec in_future(clockid_t clock, long ns)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_nsec += ns;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

SITE static int timed_here(pthread_mutex_t *mutex)
{
	struct timespec end = in_future(CLOCK_REALTIME, 60000000000);
	int result = pthread_mutex_timedlock(mutex, &end);

	keep(mutex);
	return result;
}

static void *time_out(void *unused)
{
	(void)unused;
	for (int i = 0; i < TIMEOUTS; i++) {
		struct timespec end = in_future(CLOCK_REALTIME, TIMEOUT_NS);

		require(pthread_mutex_timedlock(&the_lock, &end) == ETIMEDOUT);
		end = in_future(CLOCK_MONOTONIC, TIMEOUT_NS);
		require(pthread_mutex_clocklock(&the_lock, CLOCK_MONOTONIC, &end) == ETIMEDOUT);
	}
	return NULL;
}

int main(void)
{
	struct timespec past = { 1, 0 }, wrong = { 1, -1 };
	pthread_t thread;

	handoff_run(&the_lock, 20, timed_here);
	require(pthread_mutex_timedlock(&the_lock, &past) == 0); /* free: the time does not matter */
	require(pthread_create(&thread, NULL, time_out, NULL) == 0);
	pthread_join(thread, NULL);
	require(pthread_mutex_timedlock(&the_lock, &wrong) == EINVAL);
	pthread_mutex_unlock(&the_lock);
	fact("lock the_lock acquisitions=41 contentions=20..%d timeouts=%d wait_ns=%lu..", 20 + 2 * TIMEOUTS + 1,
	     2 * TIMEOUTS, 20ul * HANDOFF_HOLD_NS + TIMEOUTS * (unsigned long)TIMEOUT_NS);
	return 0;
}
