/* SPDX-License-Identifier: MIT */
/* A program with an allocator inside, under names of its own, that takes its memory straight from the kernel. */
#include <sys/mman.h>

#include "facts.h"

#define ARENA_BYTES (64ul << 20)

static char *arena, *next;

/* The names are those of a real one, prefixed as Rust does. */
void *_rjem_malloc(size_t bytes);
void *_rjem_mallocx(size_t bytes, int flags);

SITE void *_rjem_malloc(size_t bytes)
{
	char *block = next;

	if (!arena) {
		arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		require(arena != MAP_FAILED);
		block = next = arena;
	}
	next += (bytes + 15) & ~15ul;
	require(next <= arena + ARENA_BYTES);
	return memset(block, 1, bytes);
}

SITE void *_rjem_mallocx(size_t bytes, int flags)
{
	(void)flags;
	return _rjem_malloc(bytes);
}

SITE static void *seen_here(void)
{
	return keep(malloc(1000));
}

int main(void)
{
	for (int i = 0; i < 48; i++)
		keep(_rjem_malloc(1 << 20));
	for (int i = 0; i < 100; i++)
		seen_here();
	fact("site seen_here alloc_count=100 live_bytes=100000");
	puts("done");
	return 0;
}
