/* SPDX-License-Identifier: MIT */
/* Interned strings: an open-addressing set over texts in an arena. */
#include "strtab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

struct strtab_entry {
	const char *text; /* NULL = free slot */
	size_t bytes;
	uint64_t hash;
};

static struct strtab_entry *find_slot(struct strtab_entry *slots, size_t slot_count, const char *text, size_t bytes,
				      uint64_t hash)
{
	size_t i = (size_t)hash & (slot_count - 1);

	while (slots[i].text && !(slots[i].hash == hash && slots[i].bytes == bytes &&
				  (bytes == 0 || memcmp(slots[i].text, text, bytes) == 0)))
		i = (i + 1) & (slot_count - 1);
	return &slots[i];
}

static void grow(struct strtab *table)
{
	size_t slot_count = table->slot_count ? 2 * table->slot_count : 64;
	struct strtab_entry *slots = memory_zeroed(slot_count, sizeof(*slots));

	for (size_t i = 0; i < table->slot_count; i++) {
		const struct strtab_entry *old = &table->slots[i];

		if (old->text)
			*find_slot(slots, slot_count, old->text, old->bytes, old->hash) = *old;
	}
	free(table->slots);
	table->slots = slots;
	table->slot_count = slot_count;
}

const char *strtab_intern_bytes(struct strtab *table, const char *text, size_t bytes)
{
	uint64_t hash = hash_bytes(text, bytes);
	struct strtab_entry *slot;

	if (table->used_count >= table->slot_count / 4 * 3)
		grow(table);
	slot = find_slot(table->slots, table->slot_count, text, bytes, hash);
	if (!slot->text) {
		slot->text = arena_string(&table->arena, text, bytes);
		slot->bytes = bytes;
		slot->hash = hash;
		table->used_count++;
		table->text_bytes += bytes + 1;
	}
	return slot->text;
}

const char *strtab_intern(struct strtab *table, const char *text)
{
	return strtab_intern_bytes(table, text, strlen(text));
}

void strtab_free(struct strtab *table)
{
	free(table->slots);
	arena_free(&table->arena);
	*table = (struct strtab){ 0 };
}
