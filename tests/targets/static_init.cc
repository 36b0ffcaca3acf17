/* SPDX-License-Identifier: MIT */
/* Allocations of static initialisers and of destructors at exit. */
#include "facts.h"

extern "C" SITE void *static_here(size_t size)
{
	return keep(malloc(size));
}

extern "C" SITE void *static_dtor_here(size_t size)
{
	return keep(malloc(size));
}

extern "C" SITE void *static_aligned_here(size_t size)
{
	return keep(aligned_alloc(128, size));
}

struct Early {
	void *block = static_here(80);
	void *aligned = static_aligned_here(256);

	~Early()
	{
		free(block);
		free(aligned);
		static_dtor_here(90);
	}
};

static Early one, two, three;

int main()
{
	fact("site static_here alloc_count=3 alloc_bytes=240 free_count=3");
	fact("site static_aligned_here alloc_count=3 alloc_bytes=768 free_count=3");
	fact("site static_dtor_here alloc_count=3 alloc_bytes=270");
	puts("main");
	return 0;
}
