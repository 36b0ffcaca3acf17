/* SPDX-License-Identifier: MIT */
/* Stacks of processes whose dumps are not in memory any more: these are loaded again, a few at a time. */
#ifndef MP_FAMILY_STACKS_H
#define MP_FAMILY_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "commands.h"
#include "family.h"
#include "report.h"
#include "stack_view.h"

#define FAMILY_LOADED 4u /* names of a large program take 50 MiB */

struct family_loaded {
	size_t process; /* FAMILY_NONE = free */
	uint64_t used;  /* when; the oldest gives way */
	bool readable;
	struct profile profile;
	struct ready_report ready;
};

struct family_stacks {
	const struct family *family;
	const struct options *options;
	struct family_loaded loaded[FAMILY_LOADED];
	uint64_t uses;
	struct stack_view view;
};

/* FAMILY and OPTIONS must outlive STACKS. */
void family_stacks_init(struct family_stacks *stacks, const struct family *family, const struct options *options);
void family_stacks_free(struct family_stacks *stacks);

/*
 * STACK of process number PROCESS, until the next call. NULL: the dump cannot be read any more, or has no such stack.
 * Cheapest when asked for one process after the other.
 */
const struct stack_view *family_stacks_view(struct family_stacks *stacks, size_t process, uint32_t stack);

#endif
