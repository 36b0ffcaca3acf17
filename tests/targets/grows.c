/* SPDX-License-Identifier: MIT */
/*
 * Three kinds of memory: one that grows, one that stays, and one buffer that doubles. For 1.6 seconds, and long enough
 * for many steps where the machine is busy.
 */
#include "facts.h"

#define CACHE 64
#define LEAST 1000

SITE static void *growing_here(void)
{
	return keep(malloc(1000));
}

SITE static void *cached_here(void)
{
	return keep(malloc(3000));
}

SITE static void *buffer_here(void *buffer, size_t bytes)
{
	return keep(realloc(buffer, bytes));
}

int main(void)
{
	uint64_t start = now_ns();
	void *cache[CACHE] = { NULL };
	void *buffer = NULL;
	void *last = NULL;
	size_t bytes = 1000;
	int count = 0;

	while (now_ns() - start < UINT64_C(1600000000) || count < LEAST) {
		void **block = growing_here();

		*block = last;
		last = block;
		free(cache[count % CACHE]);
		cache[count % CACHE] = cached_here();
		if ((size_t)count * 10 > bytes || !buffer)
			buffer = buffer_here(buffer, bytes *= 2);
		count++;
		usleep(500);
	}
	fact("site growing_here alloc_count=%d live_count=%d", count, count);
	fact("site cached_here alloc_count=%d", count);
	return 0;
}
