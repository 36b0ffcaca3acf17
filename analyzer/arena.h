/* SPDX-License-Identifier: MIT */
/* Bump allocator: many small things that live and die together. */
#ifndef MP_ARENA_H
#define MP_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zeroes are an empty arena. */
struct arena {
	struct arena_block *blocks;
	size_t used_bytes; /* of the newest block */
};

/*
 * Memory for one object, zeroed, aligned for any type. Never NULL: when the machine has no memory left, no part of a
 * report can be made, so this and memory_resize() end the program with a line on stderr and status 2.
 */
void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
char *arena_string(struct arena *arena, const char *text, size_t bytes); /* copies and adds a 0 */
void arena_free(struct arena *arena);

/* realloc() for COUNT elements of ELEMENT_BYTES that does not fail and checks the product. COUNT must not be 0. */
void *memory_resize(void *memory, size_t count, size_t element_bytes);

/* calloc() that does not fail. Large ones cost no memory until written. */
void *memory_zeroed(size_t count, size_t element_bytes);

#define arena_array(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))
void *arena_alloc_array(struct arena *arena, size_t count, size_t element_bytes);

#endif
