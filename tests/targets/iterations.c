/* SPDX-License-Identifier: MIT */
/*
 * iterations N: loops that mark each of N iterations, in which live memory does not do the same: it grows by 100 bytes,
 * goes up and down, or a cache fills up and stays.
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

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 1;

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
	return 0;
}
