/* SPDX-License-Identifier: MIT */
/* C++20 (P32): atomic::wait, counting_semaphore, a local static, which come down to futexes in the program itself. */
#include <atomic>
#include <chrono>
#include <semaphore>

#include "meet.h"

#define ROUNDS 5

static std::atomic<int> the_atomic;
static std::counting_semaphore<8> the_sem(0);

static void lower()
{
	the_atomic = 0;
}

extern "C" SITE void wait_here()
{
	the_atomic.wait(0);
	keep(&the_atomic);
}

extern "C" SITE void notify_here()
{
	the_atomic = 1;
	the_atomic.notify_one();
	keep(&the_atomic);
}

extern "C" SITE void acquire_here()
{
	the_sem.acquire();
	keep(&the_sem);
}

extern "C" SITE void release_here()
{
	the_sem.release();
	keep(&the_sem);
}

static int inside, tid;

static int slow()
{
	__atomic_store_n(&inside, 1, __ATOMIC_RELEASE);
	let_it_wait(&tid);
	return 7;
}

extern "C" SITE int *local_here()
{
	static int value = slow();

	return (int *)keep(&value);
}

static void *local_waiter(void *)
{
	await(&inside, 1);
	__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	require(*local_here() == 7);
	return NULL;
}

int main()
{
	uint64_t ns = meet_run(ROUNDS, lower, wait_here, notify_here);
	pthread_t thread;

	fact("waiter the_atomic in=wait_here count=%d wait_ns=%lu..%lu", ROUNDS, (unsigned long)ROUNDS * MEET_NS,
	     (unsigned long)ns);
	meet_culprit("the_atomic", "notify_here", ROUNDS, ns);
	ns = meet_run(ROUNDS, NULL, acquire_here, release_here);
	fact("waiter the_sem in=acquire_here count=%d wait_ns=%lu..%lu", ROUNDS, (unsigned long)ROUNDS * MEET_NS,
	     (unsigned long)ns);
	meet_culprit("the_sem", "release_here", ROUNDS, ns);
	require(pthread_create(&thread, NULL, local_waiter, NULL) == 0);
	require(*local_here() == 7);
	pthread_join(thread, NULL);
	fact("waiter * in=local_here count=1 wait_ns=%u..", MEET_NS);
	fact("culprit * in=local_here count=1 wait_ns=%u..", MEET_NS);
	puts("ok");
	return 0;
}
