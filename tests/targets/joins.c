/* SPDX-License-Identifier: MIT */
/* Joining threads in all four ways; threads that are over already make nobody wait (P30). */
#include "meet.h"

#define ROUNDS 5

static int joiner_tid, about_to;

/* Until the other thread is seen to wait for this one, and some time more. */
SITE static void *work_here(void *result)
{
	await(&about_to, 1);
	let_it_wait(&joiner_tid);
	__atomic_store_n(&about_to, 0, __ATOMIC_RELEASE);
	keep(result);
	return result;
}

static int short_tid;

static void *at_once(void *result)
{
	__atomic_store_n(&short_tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	return result;
}

/* Returns when the thread is not even in the kernel any more. */
static void see_it_gone(void)
{
	char path[64];

	while (!__atomic_load_n(&short_tid, __ATOMIC_ACQUIRE))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d", short_tid);
	while (access(path, F_OK) == 0)
		sched_yield();
}

SITE static void join_here(pthread_t thread)
{
	void *result = NULL;

	__atomic_store_n(&about_to, 1, __ATOMIC_RELEASE);
	require(pthread_join(thread, &result) == 0);
	require(result == (void *)42);
}

SITE static void join_ended_here(pthread_t thread)
{
	void *result = NULL;

	require(pthread_join(thread, &result) == 0);
	require(result == (void *)43);
}

SITE static void join_timed_here(pthread_t thread)
{
	struct timespec past = { 1, 0 };
	void *result = NULL;

	require(pthread_tryjoin_np(thread, &result) == EBUSY);
	require(pthread_timedjoin_np(thread, &result, &past) == ETIMEDOUT);
	require(pthread_clockjoin_np(thread, &result, CLOCK_MONOTONIC, &past) == ETIMEDOUT);
	__atomic_store_n(&about_to, 1, __ATOMIC_RELEASE);
	require(pthread_clockjoin_np(thread, &result, CLOCK_REALTIME, &(struct timespec){ 1ll << 40, 0 }) == 0);
	require(result == (void *)44);
}

int main(void)
{
	pthread_t thread;

	joiner_tid = (int)syscall(SYS_gettid);
	for (int i = 0; i < ROUNDS; i++) {
		require(pthread_create(&thread, NULL, work_here, (void *)42) == 0);
		join_here(thread);
		short_tid = 0;
		require(pthread_create(&thread, NULL, at_once, (void *)43) == 0);
		see_it_gone();
		join_ended_here(thread);
	}
	require(pthread_create(&thread, NULL, work_here, (void *)44) == 0);
	join_timed_here(thread);
	require(pthread_join(pthread_self(), NULL) == EDEADLK);
	fact("waiter * in=join_here count=%d wait_ns=%lu..", ROUNDS, (unsigned long)ROUNDS * MEET_NS);
	fact("waiter * in=join_ended_here count=0");
	fact("culprit * in=work_here count=%d wait_ns=%lu..", ROUNDS + 1, (ROUNDS + 1ul) * MEET_NS);
	fact("waiter * in=join_timed_here count=3");
	puts("ok");
	return 0;
}
