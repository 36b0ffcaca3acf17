/* SPDX-License-Identifier: MIT */
/* Known numbers of blocks of many sizes, per site, some freed by other threads: what estimates are compared with. */
#include <pthread.h>

#include "facts.h"

#define THREADS 4

/* What a site did, in the order of time. */
struct tally {
	unsigned long alloc_count, alloc_bytes, free_count, free_bytes;
};

static struct tally small, mixed, large, handed, grown;

static void tell(const char *name, const struct tally *t)
{
	fact("site %s alloc_count=%lu alloc_bytes=%lu free_count=%lu free_bytes=%lu live_count=%lu live_bytes=%lu",
	     name, t->alloc_count, t->alloc_bytes, t->free_count, t->free_bytes, t->alloc_count - t->free_count,
	     t->alloc_bytes - t->free_bytes);
}

static void count_alloc(struct tally *t, size_t bytes)
{
	t->alloc_count++;
	t->alloc_bytes += bytes;
}

static void count_free(struct tally *t, size_t bytes)
{
	t->free_count++;
	t->free_bytes += bytes;
}

SITE static void *small_here(size_t bytes)
{
	return keep(malloc(bytes));
}

SITE static void *mixed_here(size_t bytes)
{
	return keep(calloc(1, bytes));
}

SITE static void *large_here(size_t bytes)
{
	return keep(malloc(bytes));
}

SITE static void *handed_here(size_t bytes)
{
	return keep(malloc(bytes));
}

SITE static void *grown_here(void *old, size_t bytes)
{
	return keep(realloc(old, bytes));
}

/* COUNT blocks of sizes around MEAN; every block whose number is not a multiple of KEPT is freed. */
static void fill(void *(*site)(size_t), struct tally *t, size_t count, size_t mean, size_t kept)
{
	for (size_t i = 0; i < count; i++) {
		size_t bytes = mean / 2 + i * 7919 % mean;
		void *p = site(bytes);

		require(p);
		count_alloc(t, bytes);
		if (i % kept == 0)
			continue;
		free(p);
		count_free(t, bytes);
	}
}

#define HANDED_COUNT 4000
#define HANDED_BYTES 120

static void *hand_over(void *blocks)
{
	void **list = blocks;

	for (size_t i = 0; i < HANDED_COUNT; i++)
		list[i] = handed_here(HANDED_BYTES);
	return NULL;
}

/* Allocated by four threads, freed by this one, but for the first hundred of each. */
static void exchange(void)
{
	static void *blocks[THREADS][HANDED_COUNT];
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, hand_over, blocks[i]) == 0);
	for (size_t i = 0; i < THREADS; i++)
		require(pthread_join(threads[i], NULL) == 0);
	for (size_t i = 0; i < THREADS; i++) {
		for (size_t j = 0; j < HANDED_COUNT; j++) {
			count_alloc(&handed, HANDED_BYTES);
			if (j < 100)
				continue;
			free(blocks[i][j]);
			count_free(&handed, HANDED_BYTES);
		}
	}
}

static void grow(void)
{
	for (size_t i = 0; i < 800; i++) {
		void *p = NULL;

		for (size_t bytes = 50; bytes <= 800; bytes *= 2) {
			p = grown_here(p, bytes);
			require(p);
			count_alloc(&grown, bytes);
			if (bytes > 50)
				count_free(&grown, bytes / 2);
		}
		if (i % 2 == 0) {
			free(p);
			count_free(&grown, 800);
		}
	}
}

int main(void)
{
	fill(small_here, &small, 40000, 24, 2);
	fill(mixed_here, &mixed, 3000, 600, 3);
	fill(large_here, &large, 600, 6000, 2);
	exchange();
	grow();
	tell("small_here", &small);
	tell("mixed_here", &mixed);
	tell("large_here", &large);
	tell("handed_here", &handed);
	tell("grown_here", &grown);
	puts("done");
	return 0;
}
