/* SPDX-License-Identifier: MIT */
/*
 * iterations N: loops that mark each of N iterations, in which live memory does not do the same: it grows by 100 bytes,
 * goes up and down, a cache fills up and stays, or what one place gives back another takes.
 * iterations N lost: the same for blocks that are lost, and looked for now and then.
 */
#include "facts.h"
#include "memprof.h"

#define BLOCKS 4096

static void *kept[BLOCKS];
static void *swings[8];
static void *cache[8];

SITE static void *block(size_t size)
{
	return keep(malloc(size));
}

SITE static void *other_block(size_t size)
{
	return keep(malloc(size));
}

/* What earlier calls left on the stack must not lead to lost blocks. */
SITE static void wipe(void)
{
	volatile char junk[4096];

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = 0;
}

static void lose(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		free(block(3000));
		*(volatile char *)block(200) = 1;
		wipe();
		if (i % 20 == 19)
			memprof_check_leaks();
		memprof_mark("losing");
	}
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 1;

	if (argc > 2) {
		lose(count);
		return 0;
	}
	for (unsigned i = 0; i < count && i < BLOCKS; i++) {
		kept[i] = block(100);
		memprof_mark("leaking");
	}
	for (unsigned i = 0; i < count; i++) {
		free(swings[i * 5 % 8]);
		swings[i * 5 % 8] = block(1000 + i * 7919 % 5000);
		memprof_mark("swinging");
	}
	for (unsigned i = 0; i < count; i++) {
		if (i < 8)
			cache[i] = block(10000);
		free(block(500));
		memprof_mark("caching");
	}
	/* The blocks of the first loop go, and as many bytes come from elsewhere. */
	for (unsigned i = 0; i < count && i < BLOCKS; i++) {
		free(kept[i]);
		kept[i] = other_block(100);
		memprof_mark("moving");
	}
	return 0;
}
