/* SPDX-License-Identifier: MIT */
/* main returns while another thread has a mutex that it had to wait for: that wait is over, and counts. */
#include "handoff.h"

#define WAIT_NS 5000000u

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static int got;

SITE static void wait_here(void)
{
	require(pthread_mutex_lock(&the_lock) == 0);
	keep(&the_lock);
}

SITE static void hold_here(void)
{
	require(pthread_mutex_unlock(&the_lock) == 0);
	keep(&the_lock);
}

static void *keep_it(void *arg)
{
	wait_here();
	__atomic_store_n(&got, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
	return arg;
}

int main(void)
{
	pthread_t thread;

	require(pthread_mutex_lock(&the_lock) == 0);
	require(pthread_create(&thread, NULL, keep_it, NULL) == 0);
	wait_until_blocked(&the_lock);
	spin_ns(WAIT_NS);
	hold_here();
	wait_for(&got, 1);
	fact("lock the_lock contentions=1 wait_ns=%u..", WAIT_NS);
	fact("waiter the_lock in=wait_here count=1 wait_ns=%u..", WAIT_NS);
	fact("culprit the_lock in=hold_here count=1 wait_ns=%u..", WAIT_NS);
	puts("done");
	return 0;
}
