/* SPDX-License-Identifier: MIT */
/* Waits beyond mutexes: readers that share a rwlock, and two threads that wake each other in turn. */
#include <pthread.h>
#include <semaphore.h>

#include "bench.h"

#define USAGE   "bench_sync readers|semaphores|condvars ROUNDS"
#define READERS 2

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t ready;
static sem_t sems[2];
static int turn;
static uint64_t rounds;

static void *read_often(void *unused)
{
	pthread_barrier_wait(&ready);
	for (uint64_t i = 0; i < rounds; i++) {
		pthread_rwlock_rdlock(&rwlock);
		BENCH_USE(unused);
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void *semaphores(void *self)
{
	int me = self != NULL;

	pthread_barrier_wait(&ready);
	for (uint64_t i = 0; i < rounds; i++) {
		sem_wait(&sems[me]);
		sem_post(&sems[!me]);
	}
	return NULL;
}

static void *condvars(void *self)
{
	int me = self != NULL;

	pthread_barrier_wait(&ready);
	for (uint64_t i = 0; i < rounds; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = !me;
		pthread_mutex_unlock(&mutex);
		pthread_cond_signal(&cond);
	}
	return NULL;
}

static int run(void *(*routine)(void *))
{
	pthread_t threads[READERS];
	double start;

	sem_init(&sems[0], 0, 1);
	sem_init(&sems[1], 0, 0);
	pthread_barrier_init(&ready, NULL, READERS + 1);
	for (int i = 0; i < READERS; i++)
		if (pthread_create(&threads[i], NULL, routine, i ? &turn : NULL) != 0)
			return 1;
	start = bench_wall_ns();
	pthread_barrier_wait(&ready);
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	bench_print("pairs_per_s", (double)(READERS * rounds) / (bench_wall_ns() - start) * 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	rounds = bench_number(argc, argv, 2, USAGE);
	if (strcmp(argv[1], "readers") == 0)
		return run(read_often);
	if (strcmp(argv[1], "semaphores") == 0)
		return run(semaphores);
	if (strcmp(argv[1], "condvars") != 0)
		bench_usage(USAGE);
	return run(condvars);
}
