/* SPDX-License-Identifier: MIT */
/* Recursion 10,000 deep, with an allocation at the bottom. */
#include "facts.h"

SITE static void *deep_here(void)
{
	return keep(malloc(123));
}

SITE static int descend(int left)
{
	char frame[64];
	int result;

	keep(frame);
	if (left == 0) {
		deep_here();
		return 0;
	}
	result = descend(left - 1) + 1;
	keep(frame);
	return result;
}

int main(void)
{
	for (int i = 0; i < 20; i++)
		require(descend(10000) == 10000);
	require(descend(100) == 100);
	fact("site deep_here alloc_count=21 alloc_bytes=2583 live_count=21 sites=2 frames=..513 cut=depth,whole");
	return 0;
}
