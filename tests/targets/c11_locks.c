/* SPDX-License-Identifier: MIT */
/* C11 threads, which libc leads past the pthread functions (P9): mutexes, condition variables, thread ends. */
#include <threads.h>

#include "meet.h"

#define ROUNDS 5

static mtx_t the_mutex, timed_mutex, nested_mutex, cond_mutex;
static cnd_t the_cond;
static int flag;

static void take(void)
{
	require(mtx_lock(&the_mutex) == thrd_success);
}

SITE static void wait_here(void)
{
	require(mtx_lock(&the_mutex) == thrd_success);
	require(mtx_unlock(&the_mutex) == thrd_success);
}

SITE static void give_here(void)
{
	require(mtx_unlock(&the_mutex) == thrd_success);
	keep(&the_mutex);
}

static void lower_flag(void)
{
	flag = 0;
}

SITE static void cond_wait_here(void)
{
	mtx_lock(&cond_mutex);
	while (!flag)
		require(cnd_wait(&the_cond, &cond_mutex) == thrd_success);
	mtx_unlock(&cond_mutex);
}

SITE static void signal_here(void)
{
	mtx_lock(&cond_mutex);
	flag = 1;
	mtx_unlock(&cond_mutex);
	require(cnd_signal(&the_cond) == thrd_success);
}

static int time_out(void *unused)
{
	struct timespec past = { 1, 0 };

	(void)unused;
	require(mtx_timedlock(&timed_mutex, &past) == thrd_timedout);
	require(mtx_trylock(&timed_mutex) == thrd_busy);
	return 7;
}

SITE static void join_here(thrd_t thread)
{
	int result = 0;

	require(thrd_join(thread, &result) == thrd_success && result == 7);
	keep(&flag);
}

int main(void)
{
	struct timespec past = { 1, 0 };
	thrd_t thread;
	uint64_t ns;

	require(mtx_init(&the_mutex, mtx_plain) == thrd_success && mtx_init(&timed_mutex, mtx_timed) == thrd_success);
	require(mtx_init(&nested_mutex, mtx_recursive) == thrd_success);
	require(mtx_init(&cond_mutex, mtx_plain) == thrd_success && cnd_init(&the_cond) == thrd_success);
	ns = meet_run(ROUNDS, take, wait_here, give_here);
	fact("lock the_mutex acquisitions=%d", 2 * ROUNDS);
	meet_fact("the_mutex", "mutex", ROUNDS, ns, "category=contention");
	meet_culprit("the_mutex", "give_here", ROUNDS, ns);

	ns = meet_run(ROUNDS, lower_flag, cond_wait_here, signal_here);
	fact("lock the_cond kind=condvar category=coordination contentions=%d timeouts=1 wait_ns=%lu..", ROUNDS + 1,
	     (unsigned long)ROUNDS * MEET_NS);
	fact("waiter the_cond in=cond_wait_here count=%d", ROUNDS);
	meet_culprit("the_cond", "signal_here", ROUNDS, ns);
	mtx_lock(&cond_mutex);
	require(cnd_timedwait(&the_cond, &cond_mutex, &past) == thrd_timedout);
	mtx_unlock(&cond_mutex);
	require(cnd_broadcast(&the_cond) == thrd_success);
	cnd_destroy(&the_cond);

	mtx_lock(&timed_mutex);
	require(thrd_create(&thread, time_out, NULL) == thrd_success);
	join_here(thread);
	mtx_unlock(&timed_mutex);
	fact("lock timed_mutex acquisitions=1 contentions=1 timeouts=1 trylock_failures=1");

	for (int i = 0; i < 3; i++)
		require(mtx_lock(&nested_mutex) == thrd_success);
	for (int i = 0; i < 3; i++)
		require(mtx_unlock(&nested_mutex) == thrd_success);
	mtx_destroy(&nested_mutex);
	fact("lock nested_mutex contentions=0");
	puts("ok");
	return 0;
}
