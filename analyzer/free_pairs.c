/* SPDX-License-Identifier: MIT */
/* Rows of pairs name shards; which thread that is stands in the rows of the threads. */
#include "free_pairs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "vec.h"

static struct free_party party_of(const struct profile *profile, uint32_t shard)
{
	struct free_party party = { .shard = shard };

	for (size_t i = 0; i < profile->thread_count && shard; i++) {
		const struct mp_thread *row = &profile->threads[i];

		if (row->shard != shard)
			continue;
		party.threads += row->threads;
		if (!party.row || row->start_ns > party.row->start_ns)
			party.row = row;
	}
	return party;
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

	*pairs = (struct free_pairs){ 0 };
	for (size_t i = 0; i < profile->thread_count; i++)
		pairs->known |= profile->threads[i].shard != 0;
	for (size_t i = 0; i < profile->free_pair_count; i++) {
		const struct mp_free_pair *row = &profile->free_pairs[i];
		struct free_pair pair = {
			.allocated_by = party_of(profile, row->alloc_shard),
			.freed_by = party_of(profile, row->free_shard),
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

const struct free_pair *free_pairs_reverse(const struct free_pairs *pairs, const struct free_pair *pair)
{
	for (size_t i = 0; i < pairs->count && pair->allocated_by.shard; i++) {
		if (pairs->list[i].allocated_by.shard == pair->freed_by.shard &&
		    pairs->list[i].freed_by.shard == pair->allocated_by.shard)
			return &pairs->list[i];
	}
	return NULL;
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
