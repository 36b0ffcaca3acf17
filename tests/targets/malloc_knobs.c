/* SPDX-License-Identifier: MIT */
/* What malloc.h offers beyond allocation goes to the allocator: its answers are about all blocks, ours included. */
#include <malloc.h>

#include "facts.h"

SITE static void *knob_here(size_t bytes)
{
	return keep(malloc(bytes));
}

int main(void)
{
	struct mallinfo2 before, after;
	void *block;

	require(mallopt(M_MMAP_THRESHOLD, 8 << 20) == 1);
	knob_here(10);
	before = mallinfo2();
	block = knob_here(1 << 20); /* would be a mapping of its own, but for the threshold */
	after = mallinfo2();
	require(after.hblks == before.hblks && after.uordblks >= before.uordblks + (1 << 20));
	free(block);
	require(mallinfo2().uordblks == before.uordblks);
	require(mallopt(M_PERTURB, 0x55) == 1);
	block = knob_here(64);
	require(((unsigned char *)block)[17] == (unsigned char)~0x55);
	free(block);
	knob_here(3 << 20);
	free(knob_here(3 << 20));
	require(malloc_trim(0) == 1); /* there was something to give back */
	fact("site knob_here alloc_count=5 live_count=2");
	puts("done");
	return 0;
}
