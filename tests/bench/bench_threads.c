/* SPDX-License-Identifier: MIT */
/* Threads that allocate, each for itself or each for the next one to free. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bench.h"

#define USAGE           "bench_threads alloc|handoff THREADS PAIRS_PER_THREAD"
#define THREADS_MAX     64
#define RING_BLOCKS     1024 /* a power of two */
#define OWN_BLOCKS      64
#define BLOCK_BYTES_MAX 256

/* Blocks on their way to one thread. One writer, one reader. */
struct ring {
	_Alignas(128) _Atomic uint64_t written;
	_Alignas(128) _Atomic uint64_t read;
	void *blocks[RING_BLOCKS];
};

struct worker {
	pthread_t thread;
	struct ring *inbox;
	struct ring *outbox;
	uint64_t pairs;
	uint64_t state;
};

static struct ring rings[THREADS_MAX];
static pthread_barrier_t ready;

static size_t next_bytes(struct worker *w)
{
	return 16 + bench_next(&w->state) % (BLOCK_BYTES_MAX - 16);
}

/* A few blocks live at a time, replaced in no order. */
BENCH_FRAME static void *alloc_alone(void *arg)
{
	struct worker *w = arg;
	void *own[OWN_BLOCKS] = { 0 };

	pthread_barrier_wait(&ready);
	for (uint64_t i = 0; i < w->pairs; i++) {
		unsigned at = bench_next(&w->state) % OWN_BLOCKS;

		free(own[at]);
		own[at] = malloc(next_bytes(w));
	}
	for (unsigned i = 0; i < OWN_BLOCKS; i++)
		free(own[i]);
	return NULL;
}

static bool ring_has_room(struct ring *r)
{
	return atomic_load_explicit(&r->written, memory_order_relaxed) -
		       atomic_load_explicit(&r->read, memory_order_acquire) <
	       RING_BLOCKS;
}

static void ring_push(struct ring *r, void *block)
{
	uint64_t at = atomic_load_explicit(&r->written, memory_order_relaxed);

	r->blocks[at % RING_BLOCKS] = block;
	atomic_store_explicit(&r->written, at + 1, memory_order_release);
}

/* NULL: empty. */
static void *ring_pop(struct ring *r)
{
	uint64_t at = atomic_load_explicit(&r->read, memory_order_relaxed);
	void *block;

	if (at == atomic_load_explicit(&r->written, memory_order_acquire))
		return NULL;
	block = r->blocks[at % RING_BLOCKS];
	atomic_store_explicit(&r->read, at + 1, memory_order_release);
	return block;
}

/* Every block is freed by the next thread: with two or more threads no free is by the allocating one. */
BENCH_FRAME static void *produce_and_consume(void *arg)
{
	struct worker *w = arg;
	uint64_t produced = 0, consumed = 0;

	pthread_barrier_wait(&ready);
	while (produced < w->pairs || consumed < w->pairs) {
		bool idle = true;
		void *block;

		if (produced < w->pairs && ring_has_room(w->outbox)) {
			ring_push(w->outbox, malloc(next_bytes(w)));
			produced++;
			idle = false;
		}
		block = ring_pop(w->inbox);
		if (block != NULL) {
			free(block);
			consumed++;
			idle = false;
		}
		if (idle)
			sched_yield();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t threads = bench_number(argc, argv, 2, USAGE), pairs = bench_number(argc, argv, 3, USAGE);
	static struct worker workers[THREADS_MAX];
	void *(*body)(void *) = NULL;
	double start, wall, cpu;

	if (strcmp(argv[1], "alloc") == 0)
		body = alloc_alone;
	else if (strcmp(argv[1], "handoff") == 0)
		body = produce_and_consume;
	if (body == NULL || threads < 1 || threads > THREADS_MAX)
		bench_usage(USAGE);

	pthread_barrier_init(&ready, NULL, (unsigned)threads + 1);
	for (uint64_t i = 0; i < threads; i++) {
		workers[i] = (struct worker){ .pairs = pairs, .state = i + 1 };
		workers[i].inbox = &rings[i];
		workers[i].outbox = &rings[(i + 1) % threads];
		if (pthread_create(&workers[i].thread, NULL, body, &workers[i]) != 0)
			return 1;
	}
	start = bench_wall_ns();
	cpu = bench_cpu_ns();
	pthread_barrier_wait(&ready);
	for (uint64_t i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	wall = bench_wall_ns() - start;
	cpu = bench_cpu_ns() - cpu;
	bench_print("pairs_per_s", (double)(threads * pairs) / wall * 1e9);
	bench_print("pair_ns", cpu / (double)(threads * pairs));
	return 0;
}
