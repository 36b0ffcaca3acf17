/* SPDX-License-Identifier: MIT */
/* Who frees what another thread allocated: a row for each pair of shards, of the one that frees. */
#ifndef MP_FREE_PAIR_H
#define MP_FREE_PAIR_H

#include <stdint.h>

#include "poisson.h"
#include "thread.h"

/* T freed a block of BYTES that came from shard ALLOC_SHARD, not its own. Context: hook, gate closed. */
void free_pair_count(struct thread *t, uint32_t alloc_shard, uint64_t bytes);
/* The same for one sampled block. */
void free_pair_count_sampled(struct thread *t, uint32_t alloc_shard, const struct poisson_weight *weight);

#endif
