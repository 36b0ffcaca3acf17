/* SPDX-License-Identifier: MIT */
/* One lock in the text report, and the parts of that which its lists of locks need too. */
#ifndef MP_TEXT_LOCK_H
#define MP_TEXT_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "out.h"
#include "stack_view.h"

#define TEXT_LOCK_INDENT   6u
#define TEXT_LOCK_NAME_MAX 60u /* columns of a function or lock that is named within a line */

/* How much of each list is shown. */
struct text_lock_limits {
	size_t locks;
	size_t coordination;
	size_t culprits;
	size_t waiters;
	size_t pairs;
	size_t instances;
	size_t rows, columns; /* of the matrix */
};

struct text_locks {
	const struct report *report;
	const struct term *term;
	struct text_lock_limits limits;
	bool brief;
	struct stack_view view; /* of the stack printed last */
};

/* All that is told of LOCK, number RANK in a list of locks for which threads waited TOTAL_NS. */
void text_lock_print(struct text_locks *text, size_t rank, const struct lock_class *lock, uint64_t total_ns);

/* The frames of STACK, a line each. */
void text_lock_stack(struct text_locks *text, uint32_t stack);

/* Name and number of a thread, within a line; "others" for 0. */
void text_lock_thread(const struct text_locks *text, uint32_t tid);

/* A line, if there are any, for HIDDEN more of WHAT, in the singular. */
void text_lock_more(const struct term *term, size_t hidden, const char *what);

#endif
