/* SPDX-License-Identifier: MIT */
/* Open addressing under one lock, half full at most. Blocks leave by shifting others back: there are no marks. */
#include "live_large.h"

#include <stddef.h>

#include "atomic.h"
#include "os.h"

struct large {
	uint64_t address; /* 0 = free */
	struct live_block block;
	bool candidate;
};

uint32_t large_present;

static struct large *slots;
static uint32_t mask; /* slots - 1; their number is a power of two. 0: there are none yet */
static struct os_lock lock;

#define FIRST_SLOTS 1024u

static uint32_t home_of(uint64_t address, uint32_t in_mask)
{
	return (uint32_t)(address * 0x9e3779b97f4a7c15ull >> 32) & in_mask;
}

static struct large *probe(struct large *in, uint32_t in_mask, uint64_t address)
{
	uint32_t i = home_of(address, in_mask);

	while (in[i].address && in[i].address != address)
		i = (i + 1) & in_mask;
	return &in[i];
}

/* With the lock held, as all that follow. NULL: not in the table. */
static struct large *find(uint64_t address)
{
	struct large *l = mask ? probe(slots, mask, address) : NULL;

	return l && l->address ? l : NULL;
}

static bool grow(void)
{
	uint32_t old_count = mask ? mask + 1 : 0;
	uint32_t count = old_count ? old_count * 2 : FIRST_SLOTS;
	struct large *bigger = os_map(count * sizeof(*bigger));
	struct large *old = slots;

	if (!bigger)
		return false;
	for (uint32_t i = 0; i < old_count; i++) {
		if (old[i].address)
			*probe(bigger, count - 1, old[i].address) = old[i];
	}
	/* In this order: a snapshot of the process in between finds no array shorter than its mask. */
	store_release(&slots, bigger);
	store_release(&mask, count - 1);
	if (old)
		os_unmap(old, old_count * sizeof(*old));
	return true;
}

static bool have_room(void)
{
	return (mask && large_present < (mask + 1) / 2) || grow();
}

enum live_insert large_insert(uint64_t address, const struct live_block *b, struct live_block *ret_old)
{
	enum live_insert result = LIVE_NO_MEMORY;

	os_lock(&lock);
	if (have_room()) {
		struct large *l = probe(slots, mask, address);

		result = l->address ? LIVE_REPLACED : LIVE_OK;
		if (l->address)
			*ret_old = l->block;
		else
			store_relaxed(&large_present, large_present + 1);
		*l = (struct large){ .address = address, .block = *b };
	}
	os_unlock(&lock);
	return result;
}

static void take_out(struct large *l)
{
	uint32_t hole = (uint32_t)(l - slots);

	for (uint32_t i = (hole + 1) & mask; slots[i].address; i = (i + 1) & mask) {
		uint32_t home = home_of(slots[i].address, mask);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			slots[hole] = slots[i];
			hole = i;
		}
	}
	slots[hole].address = 0;
	store_relaxed(&large_present, large_present - 1);
}

bool large_take(uint64_t address, struct live_block *ret_block)
{
	struct large *l;

	os_lock(&lock);
	l = find(address);
	if (l) {
		*ret_block = l->block;
		take_out(l);
	}
	os_unlock(&lock);
	return l != NULL;
}

bool large_ignore(uint64_t address)
{
	struct large *l;

	os_lock(&lock);
	l = find(address);
	if (l)
		l->block.row |= LIVE_ROW_IGNORED;
	os_unlock(&lock);
	return l != NULL;
}

void large_set_candidate(uint64_t address, bool set)
{
	struct large *l;

	os_lock(&lock);
	l = find(address);
	if (l)
		l->candidate = set;
	os_unlock(&lock);
}

uint64_t large_bytes(void)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; slots && i <= mask; i++)
		bytes += slots[i].address ? slots[i].block.bytes : 0;
	return bytes;
}

void live_for_each_large(live_each *each)
{
	for (uint32_t i = 0; slots && i <= mask; i++) {
		if (slots[i].address)
			each(slots[i].address, &slots[i].block, slots[i].candidate);
	}
}

void large_forked(void)
{
	if (lock.word) {
		slots = NULL;
		mask = 0;
		large_present = 0;
	}
	lock.word = 0;
}

void large_forget(void)
{
	large_present = 0;
	if (slots)
		__builtin_memset(slots, 0, (mask + 1) * sizeof(*slots));
}
