/* SPDX-License-Identifier: MIT */
/* Typed growable array: declare VEC(type) name; zeroes are an empty one. */
#ifndef MP_VEC_H
#define MP_VEC_H

#include <stdlib.h>

#include "arena.h"

#define VEC(type)                \
	struct {                 \
		type *list;      \
		size_t count;    \
		size_t capacity; \
	}

/* Makes room for MORE elements behind those in use. */
#define vec_reserve(vec, more) \
	((vec)->list = vec_grow((vec)->list, (vec)->count, &(vec)->capacity, (more), sizeof(*(vec)->list)))

/* Room for one more element: an lvalue to assign to. */
#define vec_push(vec) (*(vec_reserve((vec), 1), &(vec)->list[(vec)->count++]))

#define vec_free(vec)                \
	do {                         \
		free((vec)->list);   \
		(vec)->list = NULL;  \
		(vec)->count = 0;    \
		(vec)->capacity = 0; \
	} while (0)

static inline void *vec_grow(void *list, size_t count, size_t *capacity, size_t more, size_t element_bytes)
{
	size_t wanted = *capacity;

	if (more <= *capacity - count)
		return list;
	wanted += wanted / 2 > 16 ? wanted / 2 : 16;
	if (wanted - count < more)
		wanted = count + more;
	list = memory_resize(list, wanted, element_bytes);
	*capacity = wanted;
	return list;
}

#endif
