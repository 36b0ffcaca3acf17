/* SPDX-License-Identifier: MIT */
/*
 * A pool of 32 threads that wait for work, and get some twice, each by itself (P34): nobody waits for a lock. They
 * still wait when the program ends.
 */
#include "meet.h"

#define THREADS 32
#define PIECES  (2 * THREADS)

static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pool_cond = PTHREAD_COND_INITIALIZER;
static int pieces, done, tid;

SITE static void idle_here(void)
{
	while (!pieces)
		pthread_cond_wait(&pool_cond, &pool_mutex);
	keep(&pieces);
}

static void *work(void *unused)
{
	pthread_mutex_lock(&pool_mutex);
	for (;;) {
		__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
		idle_here();
		pieces--;
		__atomic_add_fetch(&done, 1, __ATOMIC_RELEASE);
	}
	return unused;
}

/* So that nobody is on its way to the mutex. */
static void until_all_sleep(void)
{
	while (!__atomic_load_n(&tid, __ATOMIC_ACQUIRE) || !is_asleep(tid))
		sched_yield();
	__atomic_store_n(&tid, 0, __ATOMIC_RELEASE);
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < THREADS; i++) {
		require(pthread_create(&thread, NULL, work, NULL) == 0);
		until_all_sleep();
	}
	for (int i = 1; i <= PIECES; i++) {
		pthread_mutex_lock(&pool_mutex);
		pieces++;
		pthread_mutex_unlock(&pool_mutex);
		pthread_cond_signal(&pool_cond);
		await(&done, i);
		until_all_sleep();
	}
	fact("lock pool_cond category=coordination contentions=%d waiters_max=%d", THREADS + PIECES, THREADS);
	fact("waiter pool_cond in=idle_here count=%d", THREADS + PIECES);
	puts("ok");
	return 0;
}
