/* SPDX-License-Identifier: MIT */
/*
 * A program that uses functions of jemalloc if they are there. Without jemalloc memprof's are, and must then do what
 * malloc and free do.
 */
#include "facts.h"

extern void *mallocx(size_t size, int flags) __attribute__((weak));
extern void *rallocx(void *block, size_t size, int flags) __attribute__((weak));
extern size_t xallocx(void *block, size_t size, size_t extra, int flags) __attribute__((weak));
extern size_t sallocx(const void *block, int flags) __attribute__((weak));
extern void dallocx(void *block, int flags) __attribute__((weak));
extern void sdallocx(void *block, size_t size, int flags) __attribute__((weak));
extern size_t nallocx(size_t size, int flags) __attribute__((weak));

#define ZERO 0x40

SITE static char *weak_here(size_t size, int log2_align)
{
	char *block;

	if (mallocx)
		return keep(mallocx(size, log2_align | ZERO));
	block = aligned_alloc((size_t)1 << log2_align, size);
	return memset(keep(block), 0, size);
}

SITE static char *weak_again_here(char *old, size_t size, int flags)
{
	return keep(rallocx ? rallocx(old, size, flags) : realloc(old, size));
}

/* What a block is said to have can be used, and of what it grows by all is clear. */
static void use_all(void)
{
	for (size_t size = 1; size < 600; size++) {
		char *block = mallocx(size, ZERO | (size % 3 ? 0 : 6));
		size_t had = size;

		require(sallocx(block, 0) >= nallocx(size, 0) && nallocx(size, 0) >= size);
		for (int i = 0; i < 4; i++) {
			block = rallocx(block, had + 13, ZERO | (size % 3 ? 0 : 6));
			for (size_t n = 0; n < 13; n++)
				require(block[had + n] == 0);
			memset(block, 'x', had + 13);
			had += 13;
		}
		dallocx(block, 0);
	}
}

int main(void)
{
	/* The first call looks for jemalloc, and libc allocates what it has to say about not finding it. */
	if (nallocx)
		require(nallocx(1, 0) >= 1);
	if (mallocx)
		use_all();
	for (int i = 0; i < 10; i++) {
		char *block = weak_here(100, 4);
		char *aligned = weak_here(4096, 12);

		block[99] = 'x';
		require(aligned[0] == 0 && aligned[4095] == 0 && (uintptr_t)aligned % 4096 == 0);
		block = weak_again_here(block, 100000, 0);
		require(block[99] == 'x');
		if (mallocx) {
			block = weak_again_here(block, 200000, 6 | ZERO);
			require(block[99] == 'x' && block[199999] == 0 && (uintptr_t)block % 64 == 0);
			require(sallocx(block, 0) >= 200000 && nallocx(100, 6) >= 100);
			require(xallocx(block, 10, 0, 0) >= 200000);
			sdallocx(block, 200000, 6);
			dallocx(aligned, 12);
		} else {
			free(block);
			free(aligned);
		}
	}
	fact("site weak_here alloc_count=20 alloc_bytes=41960 free_count=20");
	fact("site weak_again_here live_count=0 alloc_count=10..20");
	fact("loss unknown_free=0");
	puts("done");
	return 0;
}
