/* SPDX-License-Identifier: MIT */
/* As many different stacks as the first argument says (a power of two), for dumps that grow or cannot. */
#include "spread.h"

SITE static void *many_here(void)
{
	return keep(malloc(10));
}

int main(int argc, char **argv)
{
	int depth = argc > 1 ? atoi(argv[1]) : 16;

	for (int path = 0; path < 1 << depth; path++)
		spread(depth, path, many_here);
	printf("%d stacks\n", 1 << depth);
	fact("total alloc_count=%d.. alloc_bytes=%d..", 1 << depth, 10 << depth);
	return 0;
}
