/* SPDX-License-Identifier: MIT */
/* One-time initialisation: two threads wait while a third runs the routine (P29). */
#include <threads.h>

#include "meet.h"

static pthread_once_t the_once = PTHREAD_ONCE_INIT;
static once_flag the_flag = ONCE_FLAG_INIT;
static int runs, inside, release_it;

static void init(void)
{
	runs++;
	__atomic_store_n(&inside, 1, __ATOMIC_RELEASE);
	await(&release_it, 1);
}

SITE static void *initialise_here(void *c11)
{
	if (c11)
		call_once(&the_flag, init);
	else
		require(pthread_once(&the_once, init) == 0);
	keep(&runs);
	return NULL;
}

static int tids[2];

SITE static void wait_here(int i, void *c11)
{
	__atomic_store_n(&tids[i], (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	if (c11)
		call_once(&the_flag, init);
	else
		require(pthread_once(&the_once, init) == 0);
	keep(&runs);
}

static void *waiter_0(void *c11)
{
	wait_here(0, c11);
	return NULL;
}

static void *waiter_1(void *c11)
{
	wait_here(1, c11);
	return NULL;
}

static void run(void *c11)
{
	pthread_t threads[3];

	inside = 0;
	release_it = 0;
	tids[0] = 0;
	tids[1] = 0;
	require(pthread_create(&threads[0], NULL, initialise_here, c11) == 0);
	await(&inside, 1);
	require(pthread_create(&threads[1], NULL, waiter_0, c11) == 0);
	require(pthread_create(&threads[2], NULL, waiter_1, c11) == 0);
	let_it_wait(&tids[0]);
	let_it_wait(&tids[1]);
	__atomic_store_n(&release_it, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	initialise_here(c11);
}

int main(void)
{
	run(NULL);
	run(&the_flag);
	require(runs == 2);
	fact("lock the_once kind=once category=contention contentions=2 wait_ns=%u..", 2 * MEET_NS);
	fact("lock the_flag kind=once category=contention contentions=2 wait_ns=%u..", 2 * MEET_NS);
	fact("waiter the_once in=wait_here count=2");
	fact("waiter the_once in=initialise_here count=0");
	fact("culprit the_once in=initialise_here count=2 wait_ns=%u..", 2 * MEET_NS);
	fact("culprit the_flag in=initialise_here count=2 wait_ns=%u..", 2 * MEET_NS);
	puts("ok");
	return 0;
}
