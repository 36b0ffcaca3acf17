/* SPDX-License-Identifier: MIT */
/* malloc_usable_size is the allocator's own answer, and all of it may be used. */
#include <malloc.h>

#include "facts.h"

SITE static void *usable_here(size_t size)
{
	return keep(malloc(size));
}

int main(void)
{
	size_t bytes = 0;

	require(malloc_usable_size(NULL) == 0);
	for (size_t size = 0; size < 300000; size = size * 3 / 2 + 7) {
		char *block = usable_here(size);
		size_t usable = malloc_usable_size(block);

		require(usable >= size);
		memset(block, 0xab, usable);
		printf("%zu %zu\n", size, usable);
		bytes += size;
		free(block);
	}
	fact("site usable_here alloc_bytes=%zu live_bytes=0", bytes);
	return 0;
}
