/* SPDX-License-Identifier: MIT */
/* A library whose constructor allocates; for malloc_in_ctor. */
#include <malloc.h>
#include <stdlib.h>

#include "facts.h"

extern void *ctor_lib_blocks[500];
extern void *ctor_lib_aligned[4];

void *ctor_lib_blocks[500];
void *ctor_lib_aligned[4];

__attribute__((constructor)) static void allocate_in_constructor(void)
{
	for (int i = 0; i < 500; i++)
		ctor_lib_blocks[i] = keep(calloc(10, 100));
	ctor_lib_aligned[0] = keep(aligned_alloc(256, 2560));
	require(posix_memalign(&ctor_lib_aligned[1], 4096, 5000) == 0);
	ctor_lib_aligned[2] = keep(memalign(64, 70));
	ctor_lib_aligned[3] = keep(reallocarray(NULL, 8, 9));
}
