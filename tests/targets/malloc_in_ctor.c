/* SPDX-License-Identifier: MIT */
/* Allocations before any constructor of a library that is preloaded: preinit_array, and an earlier library. */
#include <malloc.h>

#include "facts.h"

extern void *ctor_lib_blocks[500];
extern void *ctor_lib_aligned[4];

static void *preinit_blocks[500];

static void allocate_in_preinit(void)
{
	for (int i = 0; i < 500; i++)
		preinit_blocks[i] = keep(malloc(1000));
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit_entry)(void) = allocate_in_preinit;

SITE static void *late_here(void *block)
{
	return keep(realloc(block, 2000));
}

/* Blocks from before us, of all kinds. */
static void blocks_are_whole(void)
{
	static const size_t alignments[] = { 256, 4096, 64, 16 };
	static const size_t sizes[] = { 2560, 5000, 70, 72 };

	require(malloc_usable_size(preinit_blocks[0]) >= 1000 && malloc_usable_size(preinit_blocks[0]) < 1100);
	require(malloc_usable_size(ctor_lib_blocks[0]) >= 1000 && malloc_usable_size(ctor_lib_blocks[0]) < 1100);
	for (int i = 0; i < 4; i++) {
		require(ctor_lib_aligned[i] && (uintptr_t)ctor_lib_aligned[i] % alignments[i] == 0);
		require(malloc_usable_size(ctor_lib_aligned[i]) >= sizes[i]);
		require(malloc_usable_size(ctor_lib_aligned[i]) < sizes[i] + 100);
		memset(ctor_lib_aligned[i], 1, malloc_usable_size(ctor_lib_aligned[i]));
		free(ctor_lib_aligned[i]);
	}
}

int main(void)
{
	blocks_are_whole();
	for (int i = 0; i < 500; i++) {
		require(preinit_blocks[i] != NULL && ctor_lib_blocks[i] != NULL);
		if (i % 2) {
			free(preinit_blocks[i]);
			free(ctor_lib_blocks[i]);
		} else {
			free(late_here(preinit_blocks[i]));
			free(late_here(ctor_lib_blocks[i]));
		}
	}
	fact("site late_here alloc_count=500 alloc_bytes=1000000 free_count=500 live_count=0 realloc_count=500");
	fact("total alloc_count=1504..1600 alloc_bytes=2007702..2200000 free_count=1504.. live_count=..50");
	fact("loss unknown_free=0");
	puts("done");
	return 0;
}
