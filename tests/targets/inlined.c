/* SPDX-License-Identifier: MIT */
/* A call that the compiler inlined: the report shows both functions. */
#include "facts.h"

static inline __attribute__((always_inline)) void *inlined_here(size_t size)
{
	return keep(malloc(size));
}

SITE static void inliner(void)
{
	for (int i = 0; i < (int)any_size(10); i++)
		inlined_here(66);
}

int main(void)
{
	inliner();
	fact("site inlined_here alloc_count=10 alloc_bytes=660 outer=inliner sites=1");
	fact("site inliner alloc_count=10 outer=main");
	return 0;
}
