/* SPDX-License-Identifier: MIT */
/* Mutexes come and go, all contended: memory stays flat, and none is merged with one of another class. */
#include "handoff.h"

#define BATCH     50
#define WARM      1500 /* contended mutexes until everything has its room */
#define ROUNDS    4500
#define UNWATCHED 300000 /* created, locked and destroyed without contention */
#define SLACK_KIB 1024

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

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long all = 0, resident = 0;

	require(file && fscanf(file, "%ld %ld", &all, &resident) == 2);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

struct pair {
	pthread_mutex_t *mutex;
	int turn;
};

static struct pair now;

static void *other(void *arg)
{
	for (int i = 1; i <= WARM + ROUNDS; i++) {
		wait_for(&now.turn, 2 * i - 1);
		require(wait_here(now.mutex) == 0);
		pthread_mutex_unlock(now.mutex);
		__atomic_store_n(&now.turn, 2 * i, __ATOMIC_RELEASE);
	}
	return arg;
}

static void contend(int i, pthread_mutex_t *mutex)
{
	require(pthread_mutex_lock(mutex) == 0);
	now.mutex = mutex;
	__atomic_store_n(&now.turn, 2 * i - 1, __ATOMIC_RELEASE);
	wait_until_blocked(mutex);
	pthread_mutex_unlock(mutex);
	wait_for(&now.turn, 2 * i);
}

int main(void)
{
	pthread_mutex_t *batch[BATCH];
	pthread_t thread;
	long before = 0;

	require(pthread_create(&thread, NULL, other, NULL) == 0);
	for (int i = 1; i <= WARM + ROUNDS; i += BATCH) {
		for (int k = 0; k < BATCH; k++) {
			batch[k] = k % 2 ? make_odd() : make_even();
			pthread_mutex_init(batch[k], NULL);
			contend(i + k, batch[k]);
		}
		for (int k = 0; k < BATCH; k++) {
			pthread_mutex_destroy(batch[k]);
			free(batch[k]);
		}
		if (!before && i > WARM)
			before = resident_kib();
	}
	pthread_join(thread, NULL);
	for (int i = 0; i < UNWATCHED; i++) {
		pthread_mutex_t mutex;

		pthread_mutex_init(&mutex, NULL);
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
		pthread_mutex_destroy(&mutex);
	}
	require(resident_kib() - before < SLACK_KIB);
	fact("waiter * in=wait_here count=%d", WARM + ROUNDS);
	printf("%d\n", (WARM + ROUNDS) / 2);
	return 0;
}
