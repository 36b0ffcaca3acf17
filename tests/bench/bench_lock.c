/* SPDX-License-Identifier: MIT */
/*
 * pthread mutexes: uncontended before and after the process has a second thread, taken by another one now and then, and
 * contended by two, with sections TIMES as long. And the steps that mutrace takes for each critical section, as its
 * source tells: the thread's number, two readings of the clock, and a mutex of its own around the look at its table,
 * when one is taken and again when it is given up. To be had without a preload, for what that way costs at least.
 */
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define USAGE         "bench_lock single|threaded|hot|contended[TIMES]|mutrace PAIRS"
#define INSIDE_STEPS  100 /* of work() with the lock held */
#define OUTSIDE_STEPS 200 /* and without */
#define CONTENDERS    2
#define NUDGE_US      100 /* between the other thread's turns while the mutex is hot */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t ready;
static uint64_t shared;
static unsigned times = 1;

/* About a cycle or two per step. */
static uint64_t work(uint64_t value, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		value = value * 3 + 1;
		BENCH_USE(value);
	}
	return value;
}

BENCH_FRAME static void lock_unlock(uint64_t pairs)
{
	for (uint64_t i = 0; i < pairs; i++) {
		pthread_mutex_lock(&mutex);
		BENCH_USE(shared);
		pthread_mutex_unlock(&mutex);
	}
}

static pthread_mutex_t table_mutex = PTHREAD_MUTEX_INITIALIZER;

static void look_at_table(void)
{
	pthread_mutex_lock(&table_mutex);
	shared++;
	pthread_mutex_unlock(&table_mutex);
}

BENCH_FRAME static void lock_unlock_noted(uint64_t pairs)
{
	struct timespec time;
	long tid;

	for (uint64_t i = 0; i < pairs; i++) {
		pthread_mutex_lock(&mutex);
		clock_gettime(CLOCK_MONOTONIC, &time);
		BENCH_USE(time.tv_nsec);
		tid = syscall(SYS_gettid);
		BENCH_USE(tid);
		look_at_table();
		BENCH_USE(shared);
		look_at_table();
		clock_gettime(CLOCK_MONOTONIC, &time);
		BENCH_USE(time.tv_nsec);
		pthread_mutex_unlock(&mutex);
	}
}

static void *sleep_until_end(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

static void uncontended(uint64_t pairs, void (*run)(uint64_t))
{
	double start;

	run(pairs / 10 + 1000);
	start = bench_cpu_ns();
	run(pairs);
	bench_print("pair_ns", (bench_cpu_ns() - start) / (double)pairs);
}

static int threaded(uint64_t pairs, void (*run)(uint64_t))
{
	pthread_t idle;

	pthread_barrier_init(&ready, NULL, 2);
	if (pthread_create(&idle, NULL, sleep_until_end, &ready) != 0)
		return 1;
	uncontended(pairs, run);
	pthread_barrier_wait(&ready);
	pthread_join(idle, NULL);
	return 0;
}

static int stop;

static void *nudge(void *arg)
{
	pthread_barrier_wait(arg);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		usleep(NUDGE_US);
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

/* Mostly without a wait, but never long after one. */
static int hot(uint64_t pairs)
{
	pthread_t other;

	pthread_barrier_init(&ready, NULL, 2);
	if (pthread_create(&other, NULL, nudge, &ready) != 0)
		return 1;
	pthread_barrier_wait(&ready);
	uncontended(pairs, lock_unlock);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(other, NULL);
	return 0;
}

static void *contend(void *arg)
{
	uint64_t pairs = *(const uint64_t *)arg, value = 0;

	pthread_barrier_wait(&ready);
	for (uint64_t i = 0; i < pairs; i++) {
		pthread_mutex_lock(&mutex);
		shared = work(shared, times * INSIDE_STEPS);
		pthread_mutex_unlock(&mutex);
		value = work(value, times * OUTSIDE_STEPS);
	}
	return NULL;
}

static int contended(uint64_t pairs)
{
	pthread_t threads[CONTENDERS];
	double start;

	pthread_barrier_init(&ready, NULL, CONTENDERS + 1);
	for (unsigned i = 0; i < CONTENDERS; i++)
		if (pthread_create(&threads[i], NULL, contend, &pairs) != 0)
			return 1;
	start = bench_wall_ns();
	pthread_barrier_wait(&ready);
	for (unsigned i = 0; i < CONTENDERS; i++)
		pthread_join(threads[i], NULL);
	bench_print("pairs_per_s", (double)(CONTENDERS * pairs) / (bench_wall_ns() - start) * 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t pairs = bench_number(argc, argv, 2, USAGE);

	if (strcmp(argv[1], "threaded") == 0)
		return threaded(pairs, lock_unlock);
	if (strcmp(argv[1], "mutrace") == 0)
		return threaded(pairs, lock_unlock_noted);
	if (strcmp(argv[1], "hot") == 0)
		return hot(pairs);
	if (strncmp(argv[1], "contended", 9) == 0) {
		times = argv[1][9] ? (unsigned)atoi(argv[1] + 9) : 1;
		return contended(pairs);
	}
	if (strcmp(argv[1], "single") != 0)
		bench_usage(USAGE);
	uncontended(pairs, lock_unlock);
	return 0;
}
