/* SPDX-License-Identifier: MIT */
/* Bounded reader: the only way into bytes of a file that nobody has checked yet. */
#ifndef MP_CURSOR_H
#define MP_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads beyond the end give zeroes and set `failed`, which stays: decode a whole structure, then test once. Bytes may
 * lie at any alignment.
 */
struct cursor {
	const uint8_t *bytes;
	size_t size;
	size_t position;
	bool failed;
};

struct cursor cursor_over(const void *bytes, size_t size);

/* Part of the bytes as a cursor of its own. A part that is not wholly inside is empty and failed. */
struct cursor cursor_part(const struct cursor *cursor, uint64_t offset, uint64_t size);

/* COUNT things of ELEMENT_BYTES are left. Use it before a count from the file sizes anything. */
bool cursor_has(const struct cursor *cursor, uint64_t count, uint64_t element_bytes);

size_t cursor_left(const struct cursor *cursor);

/* Copies SIZE bytes into a caller's structure: all of them, or zeroes. */
void cursor_read(struct cursor *cursor, void *ret_bytes, size_t size);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);

/* The next SIZE bytes in place, NULL if they are not all there. */
const uint8_t *cursor_take(struct cursor *cursor, uint64_t size);

#endif
