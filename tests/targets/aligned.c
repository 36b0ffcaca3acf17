/* SPDX-License-Identifier: MIT */
/* The functions that align, with good and bad alignments. */
#include <malloc.h>

#include "facts.h"

/* What the program got, whatever the C library makes of an odd alignment (it changed in glibc 2.38). */
static int count;
static size_t bytes;

static void *note(void *block, size_t alignment, size_t size)
{
	block = keep(block);
	if (block != NULL) {
		require((uintptr_t)block % alignment == 0);
		memset(block, 1, size);
		count++;
		bytes += size;
	}
	return block;
}

SITE static void aligned_here(void)
{
	static const size_t alignments[] = { 8, 16, 32, 64, 256, 4096, 65536, 1048576 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *block = NULL;

	for (size_t i = 0; i < sizeof(alignments) / sizeof(alignments[0]); i++) {
		size_t alignment = alignments[i];

		require(posix_memalign(&block, alignment, 100 + i) == 0);
		free(note(block, alignment, 100 + i));
		free(note(aligned_alloc(any_size(alignment), alignment * 2), alignment, alignment * 2));
		free(note(memalign(any_size(alignment), 33), alignment, 33));
	}
	note(memalign(any_size(24), 40), 8, 40); /* rounded up to a power of two by glibc */
	note(memalign(any_size(1), 41), 1, 41);
	note(aligned_alloc(any_size(24), 48), 8, 48);
	note(valloc(any_size(10)), page, 10);
	note(pvalloc(any_size(11)), page, 11);
}

SITE static void refused_here(void)
{
	void *block = &count;

	errno = 0;
	require(posix_memalign(&block, any_size(3), 10) == EINVAL && block == &count);
	require(posix_memalign(&block, any_size(2), 10) == EINVAL && block == &count);
	require(posix_memalign(&block, any_size(0), 10) == EINVAL && block == &count);
	require(posix_memalign(&block, 16, any_size(PTRDIFF_MAX)) == ENOMEM && block == &count);
	require(errno == 0 || errno == ENOMEM); /* posix_memalign answers by value */
	errno = 0;
	require(keep(memalign(64, any_size(PTRDIFF_MAX))) == NULL && errno == ENOMEM);
	errno = 0;
	require(keep(memalign(any_size(SIZE_MAX / 2 + 2), 10)) == NULL && errno == EINVAL);
	errno = 0;
	require(keep(valloc(any_size(SIZE_MAX))) == NULL && errno == ENOMEM);
	errno = 0;
	require(keep(pvalloc(any_size(SIZE_MAX))) == NULL && errno == ENOMEM);
}

int main(void)
{
	aligned_here();
	refused_here();
	fact("site aligned_here alloc_count=%d alloc_bytes=%zu free_count=24 live_count=%d", count, bytes, count - 24);
	fact("site refused_here sites=0");
	return 0;
}
