/* SPDX-License-Identifier: MIT */
/* Hash functions, and a map from 64-bit keys to 64-bit values. */
#ifndef MP_HASH_H
#define MP_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "arena.h"

/* Finalizer of splitmix64: a bijection that spreads any change over all bits. */
static inline uint64_t hash_u64(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

/* FNV-1a, finished by hash_u64() because a table uses the low bits. */
static inline uint64_t hash_bytes(const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3ull;
	return hash_u64(hash);
}

struct hash_slot {
	uint64_t key;
	uint64_t value;
	bool used;
};

/* Zeroes are an empty map. */
struct hash_map {
	struct hash_slot *slots;
	size_t slot_count; /* a power of two, or 0 */
	size_t used_count;
};

/* The slot that holds KEY, or the free one where it belongs. The map must not be empty. */
static inline struct hash_slot *hash_map_probe(const struct hash_map *map, uint64_t key)
{
	size_t mask = map->slot_count - 1;
	size_t i = (size_t)hash_u64(key) & mask;

	while (map->slots[i].used && map->slots[i].key != key)
		i = (i + 1) & mask;
	return &map->slots[i];
}

/* Where the value of KEY is kept, NULL = the key is not in the map. Valid until the next hash_map_put(). */
static inline uint64_t *hash_map_find(const struct hash_map *map, uint64_t key)
{
	struct hash_slot *slot;

	if (map->slot_count == 0)
		return NULL;
	slot = hash_map_probe(map, key);
	return slot->used ? &slot->value : NULL;
}

static inline void hash_map_grow(struct hash_map *map)
{
	struct hash_map bigger = { .slot_count = map->slot_count ? 2 * map->slot_count : 64 };

	bigger.slots = memory_zeroed(bigger.slot_count, sizeof(*bigger.slots));
	for (size_t i = 0; i < map->slot_count; i++) {
		if (map->slots[i].used)
			*hash_map_probe(&bigger, map->slots[i].key) = map->slots[i];
	}
	bigger.used_count = map->used_count;
	free(map->slots);
	*map = bigger;
}

/* Where the value of KEY is kept; a new key starts with the value 0 and *ret_is_new (may be NULL) true. */
static inline uint64_t *hash_map_put(struct hash_map *map, uint64_t key, bool *ret_is_new)
{
	struct hash_slot *slot;

	if (map->used_count >= map->slot_count / 4 * 3)
		hash_map_grow(map);
	slot = hash_map_probe(map, key);
	if (ret_is_new)
		*ret_is_new = !slot->used;
	if (!slot->used) {
		slot->used = true;
		slot->key = key;
		map->used_count++;
	}
	return &slot->value;
}

static inline void hash_map_free(struct hash_map *map)
{
	free(map->slots);
	*map = (struct hash_map){ 0 };
}

#endif
