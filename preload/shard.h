/* SPDX-License-Identifier: MIT */
/* Rows of counters with one writing thread: an index from a key to rows of 64 bytes in the dump. */
#ifndef MP_SHARD_H
#define MP_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "dump_map.h"
#include "mp_dump.h"

/*
 * A shard belongs to one thread at a time. When many threads have come and gone it goes to the next new one, counters
 * included, since readers add all shards. So short-lived threads cost no memory, and nothing is ever merged.
 *
 * A row is named by its number: (offset in the file) / 64.
 */
typedef uint32_t row_id;
#define ROW_BYTES 64u

struct shard;

static inline void *row_at(row_id id)
{
	return dump_base + (uint64_t)id * ROW_BYTES;
}

/* A free shard, or a new one. NULL: no memory. Context: hook (slow path). */
struct shard *shard_get(void);
void shard_put(struct shard *shard);
/* Forgets every shard, in a fork child. Context: setup. */
void shard_forked(void);

/* Number of the shard, from 1; the owner of its chunks. */
uint32_t shard_number(const struct shard *shard);
/* Number of the shard that row ID belongs to; 0 = none. Does not touch the row. */
uint32_t shard_of(row_id id);
/* Does row ID belong to SHARD? Does not touch the row. */
bool shard_owns(const struct shard *shard, row_id id);

/* Makes a key of any value. Kinds of rows keep theirs apart by a constant in it. */
static inline uint64_t shard_mix(uint64_t value)
{
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93ull;
	return value ^ value >> 29;
}

/*
 * The row entered under KEY, 0 = none. Keys are well-mixed 64-bit values; CHECK_AT is the offset of the row's `check`
 * field, which holds the part of the key that the index does not. Context: hook, owner only.
 */
row_id shard_find(const struct shard *shard, uint64_t key, unsigned check_at);
/* A new zeroed row of KIND under KEY, its check field set; the caller sets the key field last. 0: no room (counted). */
row_id shard_add(struct shard *shard, uint64_t key, unsigned check_at, enum mp_chunk_kind kind);
/*
 * The same, but the row is marked: shard_owns() denies it, which tells it from others on a path that asks that anyway.
 */
row_id shard_add_marked(struct shard *shard, uint64_t key, unsigned check_at, enum mp_chunk_kind kind);
/* The same as shard_add(), but the row is twice as long. */
row_id shard_add_long(struct shard *shard, uint64_t key, unsigned check_at, enum mp_chunk_kind kind);
bool shard_is_marked(row_id id);
bool shard_owns_marked(const struct shard *shard, row_id id);
/* Takes KEY out of the index, so that the next row for it is a new one. */
void shard_close(struct shard *shard, uint64_t key, unsigned check_at);
/* Enters a second key for a row (of this or another shard's counters). false: no memory. */
bool shard_alias(struct shard *shard, uint64_t key, row_id id);
row_id shard_find_alias(const struct shard *shard, uint64_t key);

#endif
