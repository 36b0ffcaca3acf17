/* SPDX-License-Identifier: MIT */
/* Two threads that hammer one static mutex and time their own waits. */
#include <sys/resource.h>

#include "handoff.h"

#define ROUNDS 20000

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t start;
static unsigned long sum;

struct worker {
	uint64_t in_lock_ns; /* all calls */
	uint64_t long_ns;    /* long calls in which the thread went to sleep, less the limit */
	pthread_t thread;
};

#define LONG_NS 100000u

/* How often the thread has gone to sleep; a call may also be long because another process took its processor. */
static long sleeps(void)
{
	struct rusage usage;

	require(getrusage(RUSAGE_THREAD, &usage) == 0);
	return usage.ru_nvcsw;
}

SITE static void hammer_here(struct worker *worker)
{
	for (int i = 0; i < ROUNDS; i++) {
		long slept = sleeps();
		uint64_t before = now_ns(), took;

		pthread_mutex_lock(&the_lock);
		took = now_ns() - before;
		worker->in_lock_ns += took;
		if (took > LONG_NS && sleeps() > slept)
			worker->long_ns += took - LONG_NS;
		sum++;
		if (i % 100 == 0)
			spin_ns(300000);
		pthread_mutex_unlock(&the_lock);
	}
}

static void *worker_main(void *argument)
{
	pthread_barrier_wait(&start);
	hammer_here(argument);
	return NULL;
}

int main(void)
{
	struct worker workers[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	pthread_barrier_init(&start, NULL, 2);
	for (int i = 0; i < 2; i++)
		require(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(workers[i].thread, NULL);
	require(sum == 2 * ROUNDS);
	fact("lock the_lock kind=mutex acquisitions=%d contentions=1..%d wait_ns=%lu..%lu", 2 * ROUNDS, 2 * ROUNDS,
	     (workers[0].long_ns + workers[1].long_ns) / 2, workers[0].in_lock_ns + workers[1].in_lock_ns);
	return 0;
}
