/* SPDX-License-Identifier: MIT */
/* A known peak, reached before everything is freed. */
#include "facts.h"

#define BLOCKS      10000
#define BLOCK_BYTES 10000

SITE static void *peak_here(void)
{
	return keep(malloc(BLOCK_BYTES));
}

SITE static void *later_here(void)
{
	return keep(malloc(5000));
}

int main(void)
{
	static void *blocks[BLOCKS];
	const unsigned long peak = (unsigned long)BLOCKS * BLOCK_BYTES;

	for (int round = 0; round < 3; round++) { /* the second and third rise less high */
		int count = BLOCKS / (round + 1);

		for (int i = 0; i < count; i++)
			blocks[i] = peak_here();
		for (int i = 0; i < count; i++)
			free(blocks[i]);
	}
	for (int i = 0; i < 1000; i++)
		free(later_here());
	fact("total peak_bytes=%lu..%lu", peak - peak / 100, peak + peak / 100);
	fact("site peak_here peak_bytes=%lu..%lu live_bytes=0", peak - peak / 100, peak + peak / 100);
	fact("site later_here peak_bytes=0 alloc_count=1000");
	return 0;
}
