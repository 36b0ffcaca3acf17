/* SPDX-License-Identifier: MIT */
/* How much of a process's memory did not come through the calls that were recorded, and who may have taken it. */
#ifndef MP_COVERAGE_H
#define MP_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"

struct coverage {
	bool known;
	uint64_t anonymous_bytes; /* most resident memory that belongs to no file */
	/*
	 * Of these, at least so much is neither a recorded block nor memprof's own: from mmap or brk by the program
	 * itself, stacks, or what an allocator takes beyond what it hands out.
	 */
	uint64_t unseen_bytes;
	bool notable; /* more than allocators usually waste */
	const char *allocator; /* one that is linked into the program under names of its own; NULL = none known */
	/* A language that keeps small blocks in pools, and what to set so that it does not; NULL = none known. */
	const char *runtime;
	const char *runtime_option;
};

/* With LOOK_INSIDE the symbol table of the program is searched for allocators. */
struct coverage coverage_of(const struct profile *profile, bool look_inside);

#endif
