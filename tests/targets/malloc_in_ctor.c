/* SPDX-License-Identifier: MIT */
/* Allocations before any constructor of a library that is preloaded: preinit_array, and an earlier library. */
#include "facts.h"

extern void *ctor_lib_blocks[500];

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

int main(void)
{
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
	fact("total alloc_count=1500..1600 alloc_bytes=2000000..2200000 free_count=1500.. live_count=..50");
	fact("loss unknown_free=0");
	puts("done");
	return 0;
}
