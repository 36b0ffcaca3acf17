/* SPDX-License-Identifier: MIT */
/* calloc whose product overflows, and calloc that works. */
#include "facts.h"

SITE static void *overflow_here(size_t count, size_t size)
{
	return keep(calloc(count, size));
}

SITE static void *calloc_here(size_t count, size_t size)
{
	return keep(calloc(count, size));
}

int main(void)
{
	char *block;

	errno = 0;
	require(overflow_here(any_size(SIZE_MAX / 2), 3) == NULL && errno == ENOMEM);
	errno = 0;
	require(overflow_here(any_size(SIZE_MAX), any_size(SIZE_MAX)) == NULL && errno == ENOMEM);
	errno = 0;
	require(overflow_here(any_size((size_t)1 << 32), any_size((size_t)1 << 32)) == NULL && errno == ENOMEM);
	block = calloc_here(7, 11);
	for (int i = 0; i < 77; i++)
		require(block[i] == 0);
	require(calloc_here(0, 5) != NULL);
	require(calloc_here(5, 0) != NULL);
	fact("site overflow_here sites=0");
	fact("site calloc_here alloc_count=3 alloc_bytes=77 live_count=3 live_bytes=77");
	return 0;
}
