/* SPDX-License-Identifier: MIT */
/* Numbers texts in the order of their first appearance, for formats with a table of strings. */
#ifndef MP_TEXT_INDEX_H
#define MP_TEXT_INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "hash.h"
#include "strtab.h"
#include "vec.h"

/* Zeroes are an empty one. */
struct text_index {
	VEC(const char *) texts;
	struct strtab strings;
	struct hash_map numbers; /* address of the one copy -> index */
};

/* The number of BYTES bytes at TEXT, from 0; bytes of 0 may be among them. *RET_IS_NEW may be NULL. */
static inline uint32_t text_index_put(struct text_index *index, const char *text, size_t bytes, bool *ret_is_new)
{
	const char *kept = strtab_intern_bytes(&index->strings, text, bytes);
	bool is_new;
	uint64_t *number = hash_map_put(&index->numbers, (uintptr_t)kept, &is_new);

	if (is_new) {
		vec_push(&index->texts) = kept;
		*number = index->texts.count - 1;
	}
	if (ret_is_new)
		*ret_is_new = is_new;
	return (uint32_t)*number;
}

static inline uint32_t text_index_of(struct text_index *index, const char *text)
{
	return text_index_put(index, text, strlen(text), NULL);
}

static inline void text_index_free(struct text_index *index)
{
	vec_free(&index->texts);
	hash_map_free(&index->numbers);
	strtab_free(&index->strings);
}

#endif
