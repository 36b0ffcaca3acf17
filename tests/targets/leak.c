/* SPDX-License-Identifier: MIT */
/* Blocks that are never freed. */
#include "facts.h"

SITE static void *leak_here(size_t size)
{
	return keep(malloc(size));
}

int main(void)
{
	for (int i = 0; i < (int)any_size(10); i++)
		leak_here(100);
	printf("leaked\n");
	fact("site leak_here alloc_count=10 alloc_bytes=1000 free_count=0 live_count=10 live_bytes=1000 "
	     "temporary_count=0 realloc_count=0 sites=1 outer=main");
	fact("process ended=exit exit_status=0 mode=full");
	return 0;
}
