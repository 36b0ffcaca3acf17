/* SPDX-License-Identifier: MIT */
/* The program that other targets start: allocates, tells so, ends with status 3. */
#include "facts.h"

SITE static void *leaf_here(void)
{
	return keep(malloc(321));
}

int main(int argc, char **argv)
{
	for (int i = 0; i < 20; i++)
		leaf_here();
	printf("leaf %s\n", argc > 1 ? argv[1] : "");
	fflush(stdout);
	fact("site leaf_here alloc_count=20 alloc_bytes=6420 live_count=20");
	fact("process ended=exit exit_status=3");
	return 3;
}
