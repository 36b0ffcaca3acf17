/* SPDX-License-Identifier: MIT */
/* Bump allocator over blocks that double in size, and the allocations that cannot fail. */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_BLOCK_BYTES 4096u
#define LAST_BLOCK_BYTES  (1024u * 1024u) /* doubling further would leave more unused than it saves calls */

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(max_align_t) unsigned char bytes[];
};

/* Not through err and main(): that path would have to be tested at every allocation, and could itself need memory. */
static _Noreturn void out_of_memory(void)
{
	static const char text[] = "memprof-analyze: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(2);
}

void *memory_resize(void *memory, size_t count, size_t element_bytes)
{
	void *bigger = reallocarray(memory, count, element_bytes);

	if (!bigger)
		out_of_memory();
	return bigger;
}

void *memory_zeroed(size_t count, size_t element_bytes)
{
	void *memory = calloc(count ? count : 1, element_bytes ? element_bytes : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

/* Blocks come zeroed from calloc() and no byte is handed out twice, so every object starts zeroed. */
static void add_block(struct arena *arena, size_t needed_bytes)
{
	size_t bytes = FIRST_BLOCK_BYTES;
	struct arena_block *block;

	if (arena->blocks)
		bytes = arena->blocks->size < LAST_BLOCK_BYTES / 2 ? 2 * arena->blocks->size : LAST_BLOCK_BYTES;
	if (bytes < needed_bytes)
		bytes = needed_bytes;
	if (bytes > SIZE_MAX - sizeof(*block))
		out_of_memory();
	block = memory_zeroed(1, sizeof(*block) + bytes);
	block->size = bytes;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->used_bytes = 0;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	size_t align = _Alignof(max_align_t);
	void *memory;

	if (bytes > SIZE_MAX - align)
		out_of_memory();
	bytes = (bytes + align - 1) / align * align;
	if (!arena->blocks || bytes > arena->blocks->size - arena->used_bytes)
		add_block(arena, bytes);
	memory = arena->blocks->bytes + arena->used_bytes;
	arena->used_bytes += bytes;
	return memory;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t element_bytes)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, element_bytes, &bytes))
		out_of_memory();
	return arena_alloc(arena, bytes);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (size > 0)
		memcpy(copy, bytes, size);
	return copy;
}

char *arena_string(struct arena *arena, const char *text, size_t bytes)
{
	char *copy = arena_alloc(arena, bytes + 1);

	if (bytes > 0)
		memcpy(copy, text, bytes);
	return copy;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	arena->used_bytes = 0;
}
