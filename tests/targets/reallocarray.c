/* SPDX-License-Identifier: MIT */
/* reallocarray: growing, and a product that overflows. */
#include "facts.h"

SITE static void *array_here(void *block, size_t count, size_t size)
{
	return keep(reallocarray(block, count, size));
}

SITE static void *array_overflow_here(void *block, size_t count, size_t size)
{
	return keep(reallocarray(block, count, size));
}

int main(void)
{
	char *block = array_here(NULL, 3, 5);

	strcpy(block, "kept");
	block = array_here(block, 1000, 100);
	errno = 0;
	require(array_overflow_here(block, any_size(SIZE_MAX / 2), 4) == NULL && errno == ENOMEM);
	require(strcmp(block, "kept") == 0);
	fact("site array_here alloc_count=2 alloc_bytes=100015 free_count=1 live_count=1 live_bytes=100000 "
	     "realloc_count=1");
	fact("site array_overflow_here sites=0");
	return 0;
}
