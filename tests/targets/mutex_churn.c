/* SPDX-License-Identifier: MIT */
/*
 * Mutexes come and go, all contended (P21): memory stays flat, and none is merged with one of another class. With an
 * argument, that many seconds of 10,000 mutexes each, some of them contended.
 */
#include <stdbool.h>

#include "handoff.h"

#define BATCH      50
#define WARM       1500 /* contended mutexes until everything has its room */
#define ROUNDS     4500
#define PER_SECOND 10000
#define UNWATCHED  300000 /* created, locked and destroyed without contention */
#define SLACK_KIB  1024

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

SITE static pthread_mutex_t *make_even(void)
{
	return keep(malloc(any_size(sizeof(pthread_mutex_t))));
}

SITE static pthread_mutex_t *make_odd(void)
{
	return keep(malloc(any_size(sizeof(pthread_mutex_t) + 64)));
}

/* By the page tables: statm is a sum of counters of all processors that are brought up to date now and then. */
static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long resident = -1;

	while (file && resident < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Rss: %ld kB", &resident) != 1)
			resident = -1;
	}
	require(resident >= 0);
	fclose(file);
	return resident;
}

struct pair {
	pthread_mutex_t *mutex;
	int turn;
};

static struct pair now;

static void *other(void *arg)
{
	for (int i = 1;; i++) {
		wait_for(&now.turn, 2 * i - 1);
		if (!now.mutex)
			return arg;
		require(wait_here(now.mutex) == 0);
		pthread_mutex_unlock(now.mutex);
		__atomic_store_n(&now.turn, 2 * i, __ATOMIC_RELEASE);
	}
}

static int contended;

static void contend(pthread_mutex_t *mutex)
{
	int turn = 2 * ++contended;

	require(pthread_mutex_lock(mutex) == 0);
	now.mutex = mutex;
	__atomic_store_n(&now.turn, turn - 1, __ATOMIC_RELEASE);
	wait_until_blocked(mutex);
	pthread_mutex_unlock(mutex);
	wait_for(&now.turn, turn);
}

/* COUNT mutexes of both classes in turn, the first WANTED of which are contended. */
SITE static void run_batch(int count, int wanted)
{
	pthread_mutex_t *batch[BATCH];

	for (int k = 0; k < count; k++) {
		batch[k] = k % 2 ? make_odd() : make_even();
		pthread_mutex_init(batch[k], NULL);
		if (k < wanted)
			contend(batch[k]);
		require(pthread_mutex_lock(batch[k]) == 0);
		require(pthread_mutex_unlock(batch[k]) == 0);
	}
	for (int k = 0; k < count; k++) {
		pthread_mutex_destroy(batch[k]);
		free(batch[k]);
	}
}

static long resident_before;

/* What comes before batch number I, below 0 while everything gets its room; PACED: returns when it is due. */
SITE static void prepare(int i, bool paced)
{
	static uint64_t start;
	uint64_t due = start + (uint64_t)i * (1000000000u / (PER_SECOND / BATCH)), time = now_ns();

	if (i == 0) {
		resident_before = resident_kib();
		start = time;
	} else if (i > 0 && paced && time < due) {
		usleep((useconds_t)((due - time) / 1000));
	}
}

SITE static int contended_of(int i, bool paced)
{
	return i < 0 || !paced ? BATCH : 2;
}

int main(int argc, char **argv)
{
	int batches = argc > 1 ? atoi(argv[1]) * (PER_SECOND / BATCH) : ROUNDS / BATCH;
	pthread_t thread;

	require(pthread_create(&thread, NULL, other, NULL) == 0);
	/* All from one call in the code: other callers would make other classes. */
	for (int i = -WARM / BATCH; i < batches; i++) {
		prepare(i, argc > 1);
		run_batch(BATCH, contended_of(i, argc > 1));
	}
	for (int i = 0; i < UNWATCHED; i++) {
		pthread_mutex_t mutex;

		pthread_mutex_init(&mutex, NULL);
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
		pthread_mutex_destroy(&mutex);
	}
	require(resident_kib() - resident_before < SLACK_KIB);
	now.mutex = NULL;
	__atomic_store_n(&now.turn, 2 * contended + 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	fact("waiter * in=wait_here count=%d", contended);
	printf("%d\n", contended / 2);
	return 0;
}
