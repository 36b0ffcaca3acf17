/* SPDX-License-Identifier: MIT */
/* Every outcome of realloc: grown in place, moved, failed, size 0, no old block. */
#include "facts.h"

SITE static void *first_here(size_t size)
{
	return keep(malloc(size));
}

SITE static void *grow_here(void *block, size_t size)
{
	return keep(realloc(block, size));
}

SITE static void *fresh_here(size_t size)
{
	return keep(realloc(NULL, size));
}

SITE static void *fail_here(void *block)
{
	return keep(realloc(block, any_size(PTRDIFF_MAX)));
}

SITE static void zero_here(void *block)
{
	require(keep(realloc(block, any_size(0))) == NULL);
}

int main(void)
{
	size_t grown_bytes = 0;
	int grown = 0;
	char *block = first_here(10);
	char *wall;

	memcpy(block, "123456789", 10);
	for (size_t size = 20; size <= 2000000; size *= 2) {
		block = grow_here(block, size);
		require(strcmp(block, "123456789") == 0);
		grown_bytes += size;
		grown++;
		wall = malloc(1); /* in the way of growing in place, now and then */
		if (grown % 3)
			free(wall);
	}
	block = grow_here(block, 5); /* shrinks */
	grown_bytes += 5;
	grown++;

	errno = 0;
	require(fail_here(block) == NULL && errno == ENOMEM);
	require(memcmp(block, "12345", 5) == 0); /* still ours */

	zero_here(fresh_here(77));
	fact("site first_here alloc_count=1 alloc_bytes=10 free_count=1 live_count=0 realloc_count=0");
	fact("site grow_here alloc_count=%d alloc_bytes=%zu free_count=%d live_count=1 live_bytes=5 realloc_count=%d",
	     grown, grown_bytes, grown - 1, grown);
	fact("site fresh_here alloc_count=1 alloc_bytes=77 free_count=1 live_bytes=0 realloc_count=0");
	fact("site fail_here sites=0");
	fact("site zero_here sites=0");
	fact("total realloc_count=%d", grown);
	puts("done");
	return 0;
}
