/* SPDX-License-Identifier: MIT */
/* Who freed what another thread had allocated: pairs of threads. */
#ifndef MP_FREE_PAIRS_H
#define MP_FREE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile.h"

/* The thread of a shard, or the threads that had it one after the other. */
struct free_party {
	uint32_t shard;              /* 0: threads beyond those that the dump tells apart */
	uint32_t threads;            /* how many that were; 0 = unknown */
	const struct mp_thread *row; /* of the last of them, NULL = unknown */
};

struct free_pair {
	struct free_party allocated_by;
	struct free_party freed_by;
	uint64_t count; /* blocks */
	uint64_t bytes;
	double count_var, bytes_var; /* of a sampled dump */
};

struct free_pairs {
	bool known;             /* false: the dump does not say which thread is which */
	struct free_pair *list; /* by bytes, largest first */
	size_t count;
	uint64_t blocks, bytes; /* of all */
	bool shared;            /* a shard of one of them had several threads: frees between these are missing */
};

/* PROFILE must outlive the result, which free_pairs_free() frees. */
void free_pairs_init(struct free_pairs *pairs, const struct profile *profile);
void free_pairs_free(struct free_pairs *pairs);

#define FREE_PARTY_BYTES 96
/* "worker (1234)", "worker and 3 before it", "other threads". */
const char *free_party_name(const struct free_party *party, char buffer[FREE_PARTY_BYTES]);

#endif
