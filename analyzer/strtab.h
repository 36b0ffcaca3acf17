/* SPDX-License-Identifier: MIT */
/* Interned strings: equal texts become the same pointer, stored once. */
#ifndef MP_STRTAB_H
#define MP_STRTAB_H

#include <stddef.h>

#include "arena.h"

struct strtab_entry;

/* Zeroes are an empty table. */
struct strtab {
	struct strtab_entry *slots;
	size_t slot_count; /* a power of two, or 0 */
	size_t used_count;
	size_t text_bytes; /* of all strings kept */
	struct arena arena;
};

/* The one copy of BYTES bytes at TEXT, 0-terminated; zero bytes within are kept. Lives until strtab_free(). */
const char *strtab_intern_bytes(struct strtab *table, const char *text, size_t bytes);
const char *strtab_intern(struct strtab *table, const char *text);
void strtab_free(struct strtab *table);

#endif
