/* SPDX-License-Identifier: MIT */
/*
 * A library with an allocator that may be entered by signal handlers; for signal_malloc. It leaves nothing behind:
 * memory is zero, and no address comes twice. So an old pointer leads nowhere; compare_programs.py needs that.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BYTES ((size_t)1 << 34)

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
int posix_memalign(void **ret, size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);
size_t malloc_usable_size(void *block);

static char *arena;
static size_t used;

/* Address space is not memory: nothing is given back. The size lies before the block. */
static void *take(size_t alignment, size_t size)
{
	char *base = __atomic_load_n(&arena, __ATOMIC_ACQUIRE);
	size_t need = ((size + 15) & ~(size_t)15) + (alignment > 16 ? alignment : 16);
	char *block;

	if (base == NULL) {
		char *none = NULL;

		base = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    0);
		if (base == MAP_FAILED)
			return NULL;
		if (!__atomic_compare_exchange_n(&arena, &none, base, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			munmap(base, ARENA_BYTES);
			base = none;
		}
	}
	if (size > ARENA_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	block = base + __atomic_fetch_add(&used, need, __ATOMIC_RELAXED) + 16;
	block += -(uintptr_t)block & (alignment - 1);
	((size_t *)(void *)block)[-1] = size;
	return block;
}

void *malloc(size_t size)
{
	return take(16, size);
}

void *memalign(size_t alignment, size_t size)
{
	return take(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return take(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	*ret = take(alignment, size);
	return *ret == NULL ? ENOMEM : 0;
}

size_t malloc_usable_size(void *block)
{
	return block == NULL ? 0 : ((size_t *)block)[-1];
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return malloc(bytes); /* never used before, so zero */
}

void *realloc(void *block, size_t size)
{
	void *fresh = malloc(size);

	if (block != NULL && fresh != NULL) {
		size_t old = ((size_t *)block)[-1];

		memcpy(fresh, block, old < size ? old : size);
		free(block);
	}
	return fresh;
}

void free(void *block)
{
	if (block != NULL)
		memset(block, 0, ((size_t *)block)[-1]);
}
