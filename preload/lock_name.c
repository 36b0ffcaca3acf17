/* SPDX-License-Identifier: MIT */
/* One table by address, whose entries are also in lists by the block they lie in; and one of texts. */
#include "lock_name.h"

#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "dump_map.h"
#include "fmt.h"
#include "mp_dump.h"
#include "os.h"

#define ENTRIES 4097u /* named locks alive, documented; and one that is none */
#define HEADS   4096u

struct entry {
	uint64_t address; /* 0 = free */
	uint64_t block;
	uint32_t text;
	uint16_t next;          /* of this address, or of the free ones; 0 = none */
	uint16_t next_in_block; /* of this block */
};

struct text {
	char text[MP_LOCK_NAME_MAX + 1];
	uint32_t row; /* in the dump, 0 = not there yet */
};

static struct os_lock lock;
static struct {
	struct entry entries[ENTRIES]; /* the first is none */
	uint16_t by_address[HEADS];
	uint16_t by_block[HEADS];
	struct text texts[MP_LOCK_NAMES_MAX];
} * table;
static uint32_t entry_count = 1;
static uint16_t free_entries;
static uint32_t text_count;
static struct mp_lock_name *rows;
static uint32_t row_count;
bool lock_name_any;

static uint16_t *head(uint16_t *heads, uint64_t address)
{
	return &heads[address * 0x9e3779b97f4a7c15ull >> 40 & (HEADS - 1)];
}

static struct entry *find(uint64_t address)
{
	uint16_t i = table ? *head(table->by_address, address) : 0;

	while (i && table->entries[i].address != address)
		i = table->entries[i].next;
	return i ? &table->entries[i] : NULL;
}

/* Index of the text, MP_LOCK_NAMES_MAX = no room. */
static uint32_t find_text(const char *name)
{
	size_t bytes = fmt_text_bytes(name, MP_LOCK_NAME_MAX);
	struct fmt f;

	for (uint32_t i = 0; i < text_count; i++) {
		const char *text = table->texts[i].text;

		if (fmt_same(text, name, bytes) && !text[bytes])
			return i;
	}
	if (text_count == MP_LOCK_NAMES_MAX)
		return MP_LOCK_NAMES_MAX;
	fmt_init(&f, table->texts[text_count].text, sizeof(table->texts[0].text));
	fmt_mem(&f, name, bytes);
	return text_count++;
}

static uint16_t take_entry(void)
{
	uint16_t i = free_entries;

	if (i)
		free_entries = table->entries[i].next;
	else if (entry_count < ENTRIES)
		i = (uint16_t)entry_count++;
	return i;
}

static bool add(uint64_t address, uint64_t block, uint32_t text)
{
	uint16_t i = take_entry();
	struct entry *e = &table->entries[i];

	if (!i)
		return false;
	*e = (struct entry){ .address = address, .block = block, .text = text };
	e->next = *head(table->by_address, address);
	*head(table->by_address, address) = i;
	if (block) {
		e->next_in_block = *head(table->by_block, block);
		*head(table->by_block, block) = i;
	}
	store_relaxed(&lock_name_any, true);
	return true;
}

bool lock_name_put(uint64_t address, uint64_t block, const char *name, bool *ret_new)
{
	struct entry *e;
	uint32_t text;
	bool done = false;

	*ret_new = false;
	os_lock(&lock);
	if (!table)
		table = os_map(sizeof(*table));
	text = table ? find_text(name) : MP_LOCK_NAMES_MAX;
	e = find(address);
	if (text < MP_LOCK_NAMES_MAX && e) {
		e->text = text;
		done = true;
	} else if (text < MP_LOCK_NAMES_MAX) {
		done = add(address, block, text);
		*ret_new = done;
	}
	os_unlock(&lock);
	return done;
}

static uint32_t row_of(struct text *text)
{
	uint64_t reference;

	if (text->row)
		return text->row;
	if (!rows) {
		struct mp_chunk *chunk =
			dump_chunk(MP_CHUNK_LOCK_NAME, sizeof(*rows),
				   sizeof(*chunk) + MP_LOCK_NAMES_MAX * sizeof(*rows), /*first=*/1, 0);

		rows = chunk ? (struct mp_lock_name *)(void *)(chunk + 1) : NULL;
	}
	reference = rows ? dump_string(text->text, fmt_strlen(text->text)) : 0;
	if (!reference)
		return 0;
	store_release(&rows[row_count++].text, reference);
	text->row = row_count;
	return text->row;
}

uint32_t lock_name_row(uint64_t address)
{
	const struct entry *e;
	uint32_t row;

	if (likely(!load_relaxed(&lock_name_any)))
		return 0;
	os_lock(&lock);
	e = find(address);
	row = e ? row_of(&table->texts[e->text]) : 0;
	os_unlock(&lock);
	return row;
}

static void unlink_entry(uint16_t *link, uint16_t i, bool in_block)
{
	while (*link != i)
		link = in_block ? &table->entries[*link].next_in_block : &table->entries[*link].next;
	*link = in_block ? table->entries[i].next_in_block : table->entries[i].next;
}

uint64_t lock_name_end(uint64_t address)
{
	uint64_t block = 0;
	struct entry *e;

	if (likely(!load_relaxed(&lock_name_any)))
		return 0;
	os_lock(&lock);
	e = find(address);
	if (e) {
		uint16_t i = (uint16_t)(e - table->entries);

		block = e->block;
		unlink_entry(head(table->by_address, address), i, false);
		if (block)
			unlink_entry(head(table->by_block, block), i, true);
		*e = (struct entry){ .next = free_entries };
		free_entries = i;
	}
	os_unlock(&lock);
	return block;
}

uint64_t lock_name_in_block(uint64_t start)
{
	uint64_t address = 0;

	if (likely(!load_relaxed(&lock_name_any)))
		return 0;
	os_lock(&lock);
	for (uint16_t i = *head(table->by_block, start); i && !address; i = table->entries[i].next_in_block) {
		if (table->entries[i].block == start)
			address = table->entries[i].address;
	}
	os_unlock(&lock);
	return address;
}

void lock_name_forked(void)
{
	lock.word = 0;
	rows = NULL;
	row_count = 0;
	for (uint32_t i = 0; i < text_count; i++)
		table->texts[i].row = 0;
}
