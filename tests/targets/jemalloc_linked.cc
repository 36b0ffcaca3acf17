/* SPDX-License-Identifier: MIT */
/*
 * A program linked to jemalloc: malloc, operator new and the functions that only jemalloc has reach that allocator, and
 * are counted once.
 */
#include <new>

#include "facts.h"

extern "C" int mallctl(const char *, void *, size_t *, void *, size_t);
extern "C" void *mallocx(size_t, int);
extern "C" void *rallocx(void *, size_t, int);
extern "C" size_t xallocx(void *, size_t, size_t, int);
extern "C" size_t sallocx(const void *, int);
extern "C" void dallocx(void *, int);
extern "C" void sdallocx(void *, size_t, int);
extern "C" size_t nallocx(size_t, int);

#define LOG2_ALIGN(n) (n)
#define ZERO          0x40

extern "C" SITE void *jemalloc_malloc_here(size_t size)
{
	return keep(malloc(size));
}

extern "C" SITE void *jemalloc_new_here(size_t size)
{
	return keep(operator new(size));
}

extern "C" SITE char *mallocx_here(size_t size, int flags)
{
	return static_cast<char *>(keep(mallocx(size, flags)));
}

extern "C" SITE char *rallocx_here(void *block, size_t size, int flags)
{
	return static_cast<char *>(keep(rallocx(block, size, flags)));
}

extern "C" SITE size_t xallocx_here(void *block, size_t size, size_t extra)
{
	size_t got = xallocx(block, size, extra, 0);

	keep(block);
	return got;
}

static void with_flags()
{
	for (int i = 0; i < 100; i++) {
		char *block = mallocx_here(100, ZERO);

		require(block[0] == 0 && block[99] == 0);
		block[99] = 'x';
		block = rallocx_here(block, 5000, LOG2_ALIGN(12) | ZERO);
		require(block[99] == 'x' && block[4999] == 0 && reinterpret_cast<uintptr_t>(block) % 4096 == 0);
		require(sallocx(block, 0) == nallocx(5000, LOG2_ALIGN(12)));
		sdallocx(block, 5000, LOG2_ALIGN(12));
		dallocx(mallocx_here(200, 0), 0);
		free(mallocx_here(300, 0)); /* all of them are the same heap */
		dallocx(jemalloc_malloc_here(100), 0);
	}
	/* In place: larger within the size class, or not at all. */
	char *block = mallocx_here(70, 0);
	size_t room = sallocx(block, 0);

	require(room > 76 && xallocx_here(block, 71, 5) == room);
	require(xallocx_here(block, 72, room) == room);
	require(xallocx_here(block, room * 100, 0) == room);
	require(!rallocx_here(block, any_size(PTRDIFF_MAX), 0)); /* it still lives */
	fact("site mallocx_here alloc_count=301 alloc_bytes=%d free_count=301 live_count=0", 100 * 600 + 70);
	fact("site rallocx_here alloc_count=100 alloc_bytes=500000 free_count=100 realloc_count=100");
	fact("site xallocx_here alloc_count=2 alloc_bytes=%zu live_bytes=%zu", 76 + room, room);
	fact("loss unknown_free=0");
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
	with_flags();
	fact("site jemalloc_malloc_here alloc_count=1100 alloc_bytes=110000 free_count=1100 temporary_count=1100");
	fact("site jemalloc_new_here alloc_count=2000 alloc_bytes=%d free_count=1000 live_count=1000", 1000 * 4296);
	puts("done");
	return 0;
}
