/* SPDX-License-Identifier: MIT */
/* Changes directory early; the dump, which has to grow later, stays where it was begun. */
#include "spread.h"

SITE static void *moved_here(void)
{
	return keep(malloc(10));
}

int main(void)
{
	require(chdir("/") == 0);
	for (int path = 0; path < 131072; path++)
		spread(17, path, moved_here);
	return 0;
}
