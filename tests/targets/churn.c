/* SPDX-License-Identifier: MIT */
/* Blocks freed right after their allocation, and some that are not. */
#include "facts.h"

#define ROUNDS 100000

SITE static void churn_here(void)
{
	free(keep(malloc(64)));
}

SITE static void *outer_here(void)
{
	return keep(malloc(1000));
}

SITE static void *inner_here(void)
{
	return keep(calloc(3, 7));
}

int main(void)
{
	for (int i = 0; i < ROUNDS; i++)
		churn_here();
	for (int i = 0; i < 1000; i++) {
		void *outer = outer_here();
		void *inner = inner_here();

		free(inner); /* temporary */
		free(outer); /* not: inner came between */
	}
	free(NULL);
	fact("site churn_here alloc_count=%d alloc_bytes=%d free_count=%d live_count=0 live_bytes=0 temporary_count=%d",
	     ROUNDS, ROUNDS * 64, ROUNDS, ROUNDS);
	fact("site inner_here alloc_count=1000 alloc_bytes=21000 free_count=1000 temporary_count=1000");
	fact("site outer_here alloc_count=1000 alloc_bytes=1000000 free_count=1000 temporary_count=0");
	fact("total alloc_count=%d.. temporary_count=%d..", ROUNDS + 2000, ROUNDS + 1000);
	return 0;
}
