/* SPDX-License-Identifier: MIT */
/*
 * A condition variable that is signalled with its mutex held (P17): whoever waits wakes up only to wait for the mutex,
 * for as long as the signaller keeps it. That part is told apart, is a wait for the mutex too, and the signaller's.
 * And one that is signalled after unlocking, of which nothing like that is to be told.
 */
#include "handoff.h"
#include "meet.h"

#define ROUNDS  12
#define KEEP_NS 1000000u

static pthread_mutex_t the_mutex = PTHREAD_MUTEX_INITIALIZER, calm_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t locked_cond = PTHREAD_COND_INITIALIZER, calm_cond = PTHREAD_COND_INITIALIZER;
static int flag;

static void lower_flag(void)
{
	flag = 0;
}

SITE static void wait_here(void)
{
	pthread_mutex_lock(&the_mutex);
	while (!flag)
		require(pthread_cond_wait(&locked_cond, &the_mutex) == 0);
	pthread_mutex_unlock(&the_mutex);
}

SITE static void signal_here(void)
{
	require(pthread_cond_signal(&locked_cond) == 0);
	keep(&flag);
}

SITE static void keep_here(void)
{
	wait_until_blocked(&the_mutex);
	pass_time(KEEP_NS);
	pthread_mutex_unlock(&the_mutex);
	keep(&flag);
}

static void signal_and_keep(void)
{
	pthread_mutex_lock(&the_mutex);
	flag = 1;
	signal_here();
	keep_here();
}

SITE static void wait_calmly_here(void)
{
	pthread_mutex_lock(&calm_mutex);
	while (!flag)
		require(pthread_cond_wait(&calm_cond, &calm_mutex) == 0);
	pthread_mutex_unlock(&calm_mutex);
}

static void signal_calmly(void)
{
	pthread_mutex_lock(&calm_mutex);
	flag = 1;
	pthread_mutex_unlock(&calm_mutex);
	require(pthread_cond_signal(&calm_cond) == 0);
}

int main(void)
{
	unsigned long least = (unsigned long)ROUNDS * KEEP_NS;
	unsigned long ns = meet_run(ROUNDS, lower_flag, wait_here, signal_and_keep);

	meet_fact("locked_cond", "condvar", ROUNDS, ns, "category=coordination");
	fact("waiter locked_cond in=wait_here reacquire_ns=%lu..%lu", least, ns);
	fact("culprit locked_cond in=signal_here count=%d", ROUNDS);
	fact("lock the_mutex category=contention contentions=%d wait_ns=%lu..%lu", ROUNDS, least, ns);
	fact("waiter the_mutex in=wait_here count=%d", ROUNDS);
	fact("culprit the_mutex in=keep_here count=%d wait_ns=%lu..%lu", ROUNDS, least, ns);
	meet_run(ROUNDS, lower_flag, wait_calmly_here, signal_calmly);
	fact("lock calm_cond contentions=%d", ROUNDS);
	fact("lock calm_mutex contentions=0");
	return 0;
}
