/* SPDX-License-Identifier: MIT */
/* A program linked to jemalloc: malloc and operator new reach that allocator, and are counted once. */
#include <new>

#include "facts.h"

extern "C" int mallctl(const char *, void *, size_t *, void *, size_t);

extern "C" SITE void *jemalloc_malloc_here(size_t size)
{
	return keep(malloc(size));
}

extern "C" SITE void *jemalloc_new_here(size_t size)
{
	return keep(operator new(size));
}

int main()
{
	uint64_t allocated = 0;
	size_t length = sizeof(allocated);

	for (int i = 0; i < 1000; i++) {
		free(jemalloc_malloc_here(100));
		operator delete(jemalloc_new_here(200), static_cast<size_t>(200));
		jemalloc_new_here(4096);
	}
	require(mallctl("thread.allocated", &allocated, &length, nullptr, 0) == 0);
	require(allocated >= 1000 * (100 + 200 + 4096)); /* jemalloc served them */
	fact("site jemalloc_malloc_here alloc_count=1000 alloc_bytes=100000 free_count=1000 temporary_count=1000");
	fact("site jemalloc_new_here alloc_count=2000 alloc_bytes=%d free_count=1000 live_count=1000", 1000 * 4296);
	puts("done");
	return 0;
}
