/* SPDX-License-Identifier: MIT */
/* Bounded reader of unwind tables: reads past the end give 0 and set a sticky error. */
#ifndef MP_CFI_CURSOR_H
#define MP_CFI_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler.h"

/*
 * Decoders read a whole structure and test `bad` once, before they believe any of it. After the first error the cursor
 * is empty, so loops over what is left end. Integers are in the byte order of the machine, at any alignment.
 * Context: hook. No calls, no allocation.
 */
struct cfi_cursor {
	const uint8_t *pos;
	const uint8_t *end;
	bool bad;
};

static inline size_t cfi_cursor_left(const struct cfi_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->pos);
}

static inline void cfi_cursor_fail(struct cfi_cursor *cursor)
{
	cursor->pos = cursor->end;
	cursor->bad = true;
}

/* The next BYTES bytes, or NULL (and the sticky error) if fewer are left. */
static inline const uint8_t *cfi_cursor_take(struct cfi_cursor *cursor, uint64_t bytes)
{
	const uint8_t *at = cursor->pos;

	if (bytes > cfi_cursor_left(cursor)) {
		cfi_cursor_fail(cursor);
		return NULL;
	}
	cursor->pos += bytes;
	return at;
}

/* A cursor over the next BYTES bytes, which this one steps over; an empty one in error if fewer are left. */
static inline struct cfi_cursor cfi_cursor_sub(struct cfi_cursor *cursor, uint64_t bytes)
{
	const uint8_t *at = cfi_cursor_take(cursor, bytes);

	if (!at)
		return (struct cfi_cursor){ cursor->end, cursor->end, true };
	return (struct cfi_cursor){ at, at + bytes, false };
}

#define CFI_CURSOR_FIXED(name, type)                                       \
	static inline type cfi_cursor_##name(struct cfi_cursor *cursor)    \
	{                                                                  \
		const uint8_t *at = cfi_cursor_take(cursor, sizeof(type)); \
		type value = 0;                                            \
                                                                           \
		if (at)                                                    \
			__builtin_memcpy(&value, at, sizeof(value));       \
		return value;                                              \
	}
CFI_CURSOR_FIXED(u8, uint8_t)
CFI_CURSOR_FIXED(u16, uint16_t)
CFI_CURSOR_FIXED(u32, uint32_t)
CFI_CURSOR_FIXED(u64, uint64_t)
#undef CFI_CURSOR_FIXED

/* A LEB128 number. One that does not fit 64 bits, or takes more than ten bytes, is an error. */
__attribute__((unused)) static MP_NOINLINE uint64_t cfi_cursor_leb(struct cfi_cursor *cursor, bool is_signed)
{
	uint64_t value = 0;
	unsigned bits = 0;
	uint8_t byte;

	do {
		byte = cfi_cursor_u8(cursor);
		value |= (uint64_t)(byte & 0x7f) << bits;
		bits += 7;
	} while (byte & 0x80 && bits < 64);
	if (bits > 64) {
		/* The tenth byte holds the top bit, and copies of it where that is the sign. */
		uint64_t top = value >> 63;

		if (byte != (is_signed && top ? 0x7f : top))
			cfi_cursor_fail(cursor);
	} else if (is_signed && byte & 0x40) {
		value |= ~(uint64_t)0 << bits;
	}
	return cursor->bad ? 0 : value;
}

static inline uint64_t cfi_cursor_uleb(struct cfi_cursor *cursor)
{
	return cfi_cursor_leb(cursor, false);
}

static inline int64_t cfi_cursor_sleb(struct cfi_cursor *cursor)
{
	return (int64_t)cfi_cursor_leb(cursor, true);
}

#endif
