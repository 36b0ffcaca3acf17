/* SPDX-License-Identifier: MIT */
/*
 * Requests that allocators answer differently: none of the answers is required here, they are printed, and with memprof
 * they must be what they are without.
 */
#include <malloc.h>

#include "facts.h"

#define ROUNDS 3

static unsigned given;
static size_t given_bytes;

static void *answer(const char *what, void *block, size_t alignment, size_t bytes)
{
	printf("%s: %s, errno %d, aligned %d\n", what, block ? "a block" : "none", errno,
	       !block || (uintptr_t)block % alignment == 0);
	errno = 0;
	if (block) {
		memset(block, 1, bytes);
		given++;
		given_bytes += bytes;
	}
	return block;
}

SITE static void odd_here(void)
{
	void *block = NULL;

	free(answer("malloc(0)", keep(malloc(any_size(0))), 1, 0));
	free(answer("calloc(0, 9)", keep(calloc(any_size(0), 9)), 1, 0));
	free(answer("memalign(24, 40)", keep(memalign(any_size(24), 40)), 8, 40));
	free(answer("memalign(0, 41)", keep(memalign(any_size(0), 41)), 1, 41));
	free(answer("aligned_alloc(24, 48)", keep(aligned_alloc(any_size(24), 48)), 8, 48));
	free(answer("aligned_alloc(64, 65)", keep(aligned_alloc(any_size(64), 65)), 64, 65));
	free(answer("aligned_alloc(4, 8)", keep(aligned_alloc(any_size(4), 8)), 4, 8));
	for (size_t alignment = 0; alignment <= 32; alignment++) {
		int result = posix_memalign(&block, any_size(alignment), 50);

		printf("posix_memalign(%zu): %d\n", alignment, result);
		if (result == 0)
			free(answer("it", block, alignment, 50));
	}
}

SITE static void *zero_here(void *block)
{
	return keep(realloc(block, any_size(0)));
}

SITE static void *before_here(void)
{
	return keep(malloc(100));
}

int main(void)
{
	static char buffer[BUFSIZ]; /* of the stream, which else would come from malloc */
	unsigned left = 0;

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	free(keep(malloc(1))); /* an allocator's start may leave anything in errno */
	for (int i = 0; i < ROUNDS; i++) {
		void *block;

		errno = 0;
		odd_here();
		/* Freed and none, or a new one of no size. */
		block = zero_here(before_here());
		printf("realloc(block, 0): %s\n", block ? "a block" : "none");
		left += block != NULL;
		free(i == 0 ? block : NULL);
	}
	printf("usable size of none: %zu\n", malloc_usable_size(NULL));
	fact("site odd_here alloc_count=%u alloc_bytes=%zu free_count=%u live_count=0", given, given_bytes, given);
	fact("site before_here alloc_count=%d free_count=%d", ROUNDS, ROUNDS);
	fact("site zero_here alloc_count=%u alloc_bytes=0 free_count=%u", left, left ? 1u : 0u);
	fact("loss unknown_free=0");
	return 0;
}
