/* SPDX-License-Identifier: MIT */
/* A known peak made by several threads together, freed by one. */
#include <pthread.h>

#include "facts.h"

#define THREADS 8
#define BLOCKS  2000

static void *blocks[THREADS][BLOCKS];

SITE static void *shared_peak_here(void)
{
	return keep(malloc(3000));
}

static void *fill(void *argument)
{
	void **mine = argument;

	for (int i = 0; i < BLOCKS; i++)
		mine[i] = shared_peak_here();
	return NULL;
}

int main(void)
{
	const unsigned long peak = THREADS * BLOCKS * 3000ul;
	pthread_t threads[THREADS];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < THREADS; i++)
			require(pthread_create(&threads[i], NULL, fill, blocks[i]) == 0);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < THREADS; i++)
			for (int k = 0; k < BLOCKS; k++)
				free(blocks[i][k]);
	}
	fact("total peak_bytes=%lu..%lu", peak - peak / 100, peak + peak / 100);
	fact("site shared_peak_here peak_bytes=%lu..%lu alloc_count=%d live_count=0", peak - peak / 100,
	     peak + peak / 100, 2 * THREADS * BLOCKS);
	return 0;
}
