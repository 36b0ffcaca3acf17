/* SPDX-License-Identifier: MIT */
/* Bounded reader with a sticky error. */
#include "cursor.h"

#include <string.h>

struct cursor cursor_over(const void *bytes, size_t size)
{
	/* No bytes may come as NULL, and to add even 0 to that is not defined. */
	return (struct cursor){ .bytes = bytes ? bytes : (const uint8_t *)"", .size = size };
}

struct cursor cursor_part(const struct cursor *cursor, uint64_t offset, uint64_t size)
{
	if (offset > cursor->size || size > cursor->size - offset)
		return (struct cursor){ .bytes = cursor->bytes, .failed = true };
	return cursor_over(cursor->bytes + offset, (size_t)size);
}

bool cursor_has(const struct cursor *cursor, uint64_t count, uint64_t element_bytes)
{
	return element_bytes == 0 || count <= cursor_left(cursor) / element_bytes;
}

size_t cursor_left(const struct cursor *cursor)
{
	return cursor->failed ? 0 : cursor->size - cursor->position;
}

const uint8_t *cursor_take(struct cursor *cursor, uint64_t size)
{
	const uint8_t *taken;

	if (size > cursor_left(cursor)) {
		cursor->failed = true;
		return NULL;
	}
	taken = cursor->bytes + cursor->position;
	cursor->position += (size_t)size;
	return taken;
}

void cursor_read(struct cursor *cursor, void *ret_bytes, size_t size)
{
	const uint8_t *taken = cursor_take(cursor, size);

	if (taken && size > 0)
		memcpy(ret_bytes, taken, size);
	else
		memset(ret_bytes, 0, size);
}

uint32_t cursor_u32(struct cursor *cursor)
{
	uint32_t value;

	cursor_read(cursor, &value, sizeof(value));
	return value;
}

uint64_t cursor_u64(struct cursor *cursor)
{
	uint64_t value;

	cursor_read(cursor, &value, sizeof(value));
	return value;
}
