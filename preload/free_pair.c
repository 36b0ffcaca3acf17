/* SPDX-License-Identifier: MIT */
/*
 * A thread mostly frees blocks of one other, or of a few in turn: the row that was counted in last is tried first, so
 * that the usual case is a comparison and two additions in one line.
 */
#include "free_pair.h"

#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "drop.h"
#include "shard.h"

#define CHECK_AT offsetof(struct mp_free_pair, check)
#define OTHERS   0u

static struct mp_free_pair *find_row(struct thread *t, uint64_t key)
{
	row_id id = shard_find(t->shard, key, CHECK_AT);

	return id ? row_at(id) : NULL;
}

static struct mp_free_pair *add_row(struct thread *t, uint64_t key, uint32_t alloc_shard)
{
	row_id id = shard_add(t->shard, key, CHECK_AT, MP_CHUNK_FREE_PAIR);
	struct mp_free_pair *pair;

	if (!id) {
		drop(MP_LOSS_SITES_FULL);
		return NULL;
	}
	pair = row_at(id);
	pair->alloc_shard = alloc_shard;
	store_release(&pair->free_shard, shard_number(t->shard));
	return pair;
}

static uint64_t key_of(uint32_t alloc_shard)
{
	return shard_mix((uint64_t)alloc_shard | 0xf4ee9a1200000000ull);
}

/* The row of the others comes first, because it knows how many there are. */
static MP_NOINLINE struct mp_free_pair *look_up(struct thread *t, uint32_t alloc_shard)
{
	struct mp_free_pair *pair = find_row(t, key_of(alloc_shard));
	struct mp_free_pair *others;

	if (likely(pair))
		return t->pair = pair;
	others = find_row(t, key_of(OTHERS));
	if (!others)
		others = add_row(t, key_of(OTHERS), OTHERS);
	if (!others || others->pairs == MP_FREE_PAIRS_MAX)
		return others;
	pair = add_row(t, key_of(alloc_shard), alloc_shard);
	if (pair)
		others->pairs++;
	return t->pair = pair;
}

static inline struct mp_free_pair *pair_with(struct thread *t, uint32_t alloc_shard)
{
	struct mp_free_pair *pair = t->pair;

	return likely(pair && pair->alloc_shard == alloc_shard) ? pair : look_up(t, alloc_shard);
}

void free_pair_count(struct thread *t, uint32_t alloc_shard, uint64_t bytes)
{
	struct mp_free_pair *pair = pair_with(t, alloc_shard);

	if (unlikely(!pair))
		return;
	bump(&pair->bytes, bytes);
	bump(&pair->count, 1);
}

void free_pair_count_sampled(struct thread *t, uint32_t alloc_shard, const struct poisson_weight *weight)
{
	struct mp_free_pair *pair = pair_with(t, alloc_shard);

	if (!pair)
		return;
	bump_double(&pair->count_var, weight->count_var);
	bump_double(&pair->bytes_var, weight->bytes_var);
	bump(&pair->bytes, weight->bytes);
	bump(&pair->count, weight->count);
}
