/* SPDX-License-Identifier: MIT */
/*
 * A barrier: all but the last thread wait, and one of them is told to be the serial one (P30). And one that two
 * processes share, each of which knows its own arrivals only.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "meet.h"

#define THREADS 3
#define ROUNDS  10

static pthread_barrier_t the_barrier;
static int serial;
static int before; /* threads that are at the barrier, or about to be */
static int tids[THREADS - 1];

SITE static void early_here(void)
{
	int r;

	__atomic_add_fetch(&before, 1, __ATOMIC_ACQ_REL);
	r = pthread_barrier_wait(&the_barrier);
	require(r == 0 || r == PTHREAD_BARRIER_SERIAL_THREAD);
	if (r)
		__atomic_add_fetch(&serial, 1, __ATOMIC_ACQ_REL);
}

SITE static void late_here(void)
{
	int r = pthread_barrier_wait(&the_barrier);

	if (r)
		__atomic_add_fetch(&serial, 1, __ATOMIC_ACQ_REL);
}

static void *early(void *tid)
{
	__atomic_store_n((int *)tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	for (int i = 0; i < ROUNDS; i++)
		early_here();
	return NULL;
}

struct shared {
	pthread_barrier_t barrier;
	int round; /* the parent is about to wait in this one */
};

SITE static void share_here(struct shared *shared)
{
	int r = pthread_barrier_wait(&shared->barrier);

	require(r == 0 || r == PTHREAD_BARRIER_SERIAL_THREAD);
}

static void with_another_process(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;
	pid_t child, parent = getpid();

	require(shared != MAP_FAILED && pthread_barrierattr_init(&attr) == 0 &&
		pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
		pthread_barrier_init(&shared->barrier, &attr, 2) == 0);
	child = fork();
	for (int i = 1; i <= ROUNDS; i++) {
		if (child == 0) {
			await(&shared->round, i);
			while (!is_process_asleep(parent))
				sched_yield();
			pass_time(MEET_NS);
		} else {
			__atomic_store_n(&shared->round, i, __ATOMIC_RELEASE);
		}
		share_here(shared);
	}
	if (child == 0)
		_exit(0);
	require(waitpid(child, NULL, 0) == child);
	fact("waiter * in=share_here count=%d wait_ns=%lu..", ROUNDS, (unsigned long)ROUNDS * MEET_NS / 2);
}

int main(void)
{
	pthread_t threads[THREADS - 1];

	require(pthread_barrier_init(&the_barrier, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS - 1; i++)
		require(pthread_create(&threads[i], NULL, early, &tids[i]) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		while (__atomic_load_n(&before, __ATOMIC_ACQUIRE) < i * (THREADS - 1))
			sched_yield();
		/* They are last in no round, also where nothing runs in time. */
		for (int j = 0; j < THREADS - 1; j++)
			let_it_wait(&tids[j]);
		late_here();
	}
	for (int i = 0; i < THREADS - 1; i++)
		pthread_join(threads[i], NULL);
	require(serial == ROUNDS);
	fact("lock the_barrier kind=barrier category=coordination acquisitions=%d contentions=%d wait_ns=%lu..",
	     THREADS * ROUNDS, (THREADS - 1) * ROUNDS, (THREADS - 1ul) * ROUNDS * MEET_NS);
	fact("waiter the_barrier in=early_here count=%d", (THREADS - 1) * ROUNDS);
	fact("waiter the_barrier in=late_here count=0");
	fact("culprit the_barrier in=late_here count=%d wait_ns=%lu..", (THREADS - 1) * ROUNDS,
	     (THREADS - 1ul) * ROUNDS * MEET_NS);
	require(pthread_barrier_destroy(&the_barrier) == 0);
	with_another_process();
	puts("ok");
	return 0;
}
