/* SPDX-License-Identifier: MIT */
/* Rows of pairs name shards; which thread that is stands in the rows of the threads. */
#include "free_pairs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "hash.h"
#include "vec.h"

struct parties {
	struct hash_map places; /* shard -> index */
	VEC(struct free_party) list;
};

static void add_thread(struct parties *parties, const struct mp_thread *row)
{
	struct free_party *party;
	bool is_new;
	uint64_t *place = hash_map_put(&parties->places, row->shard, &is_new);

	if (is_new) {
		*place = parties->list.count;
		vec_push(&parties->list) = (struct free_party){ .shard = row->shard };
	}
	party = &parties->list.list[*place];
	party->threads += row->threads;
	if (!party->row || row->start_ns > party->row->start_ns)
		party->row = row;
}

static struct free_party party_of(const struct parties *parties, uint32_t shard)
{
	const uint64_t *place = hash_map_find(&parties->places, shard);

	return place ? parties->list.list[*place] : (struct free_party){ .shard = shard };
}

/* Largest first; shards make it an order. */
static int compare_pairs(const void *a, const void *b)
{
	const struct free_pair *x = a;
	const struct free_pair *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	if (x->allocated_by.shard != y->allocated_by.shard)
		return x->allocated_by.shard < y->allocated_by.shard ? -1 : 1;
	return (x->freed_by.shard > y->freed_by.shard) - (x->freed_by.shard < y->freed_by.shard);
}

void free_pairs_init(struct free_pairs *pairs, const struct profile *profile)
{
	VEC(struct free_pair) list = { 0 };
	struct parties parties = { 0 };

	*pairs = (struct free_pairs){ 0 };
	for (size_t i = 0; i < profile->thread_count; i++) {
		if (profile->threads[i].shard)
			add_thread(&parties, &profile->threads[i]);
	}
	pairs->known = parties.list.count > 0;
	for (size_t i = 0; i < profile->free_pair_count; i++) {
		const struct mp_free_pair *row = &profile->free_pairs[i];
		struct free_pair pair = {
			.allocated_by = party_of(&parties, row->alloc_shard),
			.freed_by = party_of(&parties, row->free_shard),
			.count = profile_blocks(profile, row->count),
			.bytes = row->bytes,
			.count_var = row->count_var,
			.bytes_var = row->bytes_var,
		};

		pairs->shared |= pair.allocated_by.threads > 1 || pair.freed_by.threads > 1;
		pairs->blocks += pair.count;
		pairs->bytes += pair.bytes;
		vec_push(&list) = pair;
	}
	hash_map_free(&parties.places);
	vec_free(&parties.list);
	if (list.count > 1)
		qsort(list.list, list.count, sizeof(*list.list), compare_pairs);
	pairs->list = list.list;
	pairs->count = list.count;
}

void free_pairs_free(struct free_pairs *pairs)
{
	free(pairs->list);
	*pairs = (struct free_pairs){ 0 };
}

const char *free_party_name(const struct free_party *party, char buffer[FREE_PARTY_BYTES])
{
	const char *name = party->row && party->row->name[0] ? party->row->name : "?";

	if (!party->shard)
		return "other threads";
	if (!party->row)
		return "threads that ended";
	if (party->threads > 1)
		snprintf(buffer, FREE_PARTY_BYTES, "%s and %" PRIu32 " before it", name, party->threads - 1);
	else if (party->row->tid)
		snprintf(buffer, FREE_PARTY_BYTES, "%s (%" PRIu32 ")", name, party->row->tid);
	else
		snprintf(buffer, FREE_PARTY_BYTES, "%s", name);
	return buffer;
}
