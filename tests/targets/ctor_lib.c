/* SPDX-License-Identifier: MIT */
/* A library whose constructor allocates; for malloc_in_ctor. */
#include <stdlib.h>

#include "facts.h"

extern void *ctor_lib_blocks[500];

void *ctor_lib_blocks[500];

__attribute__((constructor)) static void allocate_in_constructor(void)
{
	for (int i = 0; i < 500; i++)
		ctor_lib_blocks[i] = keep(calloc(10, 100));
}
