/* SPDX-License-Identifier: MIT */
/*
 * Holds a heap of so many MiB in so many blocks and exits, for the search for lost blocks to be measured. One word in
 * eight is a pointer, half of them to a random block and half to the one allocated before; one block in a thousand is
 * lost. With THREADS, that many others allocate and free until the end.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define USAGE             "bench_leak MIB BLOCKS [THREADS]"
#define WORDS_PER_POINTER 8
#define LOST_ONE_IN       1000

static void **newest; /* all others can be reached from here */

static void *churn(void *arg)
{
	for (;;) {
		void *block = malloc(100);

		BENCH_USE(block);
		free(block);
	}
	return arg;
}

/* ALL: the COUNT blocks before this one. */
static void fill(uint64_t *block, uint64_t words, void **all, uint64_t count, uint64_t *random)
{
	block[0] = (uint64_t)newest;
	for (uint64_t i = 1; i < words; i++) {
		uint32_t r = bench_next(random);

		if (i % WORDS_PER_POINTER || !count)
			block[i] = r; /* a number */
		else
			block[i] = (uint64_t)all[i % (2 * WORDS_PER_POINTER) ? r % count : count - 1];
	}
}

int main(int argc, char **argv)
{
	uint64_t bytes = bench_number(argc, argv, 1, USAGE) << 20, count = bench_number(argc, argv, 2, USAGE);
	uint64_t threads = argc > 3 ? bench_number(argc, argv, 3, USAGE) : 0;
	uint64_t random = 1, each = count ? bytes / count : 0;
	void **all;

	if (each < 2 * sizeof(void *))
		bench_usage(USAGE);
	/* Not memory of malloc, and gone before the end. */
	all = mmap(NULL, count * sizeof(*all), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return 1;
	for (uint64_t i = 0, kept = 0; i < count; i++) {
		/* From half of the mean to half more. */
		uint64_t words = each / 16 + bench_next(&random) % (each / 8 + 1);
		uint64_t *block;

		words = words < 2 ? 2 : words;
		block = malloc(words * sizeof(*block));
		if (block == NULL)
			return 1;
		fill(block, words, all, kept, &random);
		if (i % LOST_ONE_IN == LOST_ONE_IN - 1)
			continue;
		all[kept++] = block;
		newest = (void **)block;
	}
	munmap(all, count * sizeof(*all));
	for (uint64_t i = 0; i < threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, churn, NULL) != 0)
			return 1;
	}
	bench_print("lost", (double)(count / LOST_ONE_IN));
	return 0;
}
