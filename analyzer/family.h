/* SPDX-License-Identifier: MIT */
/* The processes of several dumps: who came out of whom, and what all of them did together. */
#ifndef MP_FAMILY_H
#define MP_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate.h"
#include "arena.h"
#include "family_waits.h"
#include "hash.h"
#include "out.h"
#include "profile.h"
#include "vec.h"

#define FAMILY_NONE SIZE_MAX

/* How a process came out of its parent in the tree. X(NAME, text) */
#define FAMILY_BIRTHS(X)   \
	X(FIRST, "first")  \
	X(FORK, "fork")    \
	X(EXEC, "exec")    \
	X(START, "start")

#define X(name, text) FAMILY_##name,
enum family_birth {
	FAMILY_BIRTHS(X) /* FIRST: no parent among the dumps; EXEC: the same process, another program; START: both */
};
#undef X

struct family_process {
	const char *path; /* of the dump */
	const char *program;
	uint32_t pid;
	uint32_t parent_pid;
	uint64_t start_realtime_ns;
	uint64_t duration_ns;
	uint64_t end_realtime_ns; /* UINT64_MAX: not known to have ended */
	uint64_t machine;         /* hash of its boot id: processes of two machines are no relatives; 0 = unknown */
	enum profile_ended ended;
	int32_t end_status;
	bool forked;
	bool sampled;
	struct site totals;
	uint64_t peak_bytes;
	uint64_t lock_wait_ns;
	size_t parent; /* index, FAMILY_NONE = none */
	enum family_birth birth;
	size_t depth; /* below the first */
};

/* One stack in all processes that have it: the same places in the same objects. */
struct family_site {
	struct site sums;
	size_t processes;
	size_t process; /* the one with most of it, to show the stack from */
	uint32_t stack; /* there */
	uint64_t most;
};

struct family {
	VEC(struct family_process) processes; /* after family_link() in the order of the tree */
	VEC(struct family_site) sites;
	struct hash_map site_of_hash;
	struct site totals;
	uint64_t peak_bytes; /* sum of the peaks, which need not have been at the same time */
	uint64_t lock_wait_ns;
	struct family_waits waits;
	struct mp_loss losses[64]; /* by reason */
	size_t partial_count;
	bool sampled;
	struct arena arena;
};

/* Adds one dump, with what the filter of REPORT lets through. */
void family_add(struct family *family, const struct report *report);

/* Finds every parent, and sorts: parents before children, those by their start. */
void family_link(struct family *family);

/* Sorts the sites by KEY, largest first, and returns how many have any of it. */
size_t family_rank(struct family *family, enum site_key key);

void family_free(struct family *family);

const char *family_birth_name(enum family_birth birth);

#endif
