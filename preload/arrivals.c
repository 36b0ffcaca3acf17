/* SPDX-License-Identifier: MIT */
/*
 * The order in which threads are counted may differ from that in which the library sees them when two come within a few
 * nanoseconds. A barrier is known only while some have come and not all: one that is left for ever in that state keeps
 * its place, but no other barrier of the same hash from having one, too.
 */
#include "arrivals.h"

#include <stddef.h>

#include "compiler.h"
#include "lock_table.h"
#include "os.h"

#define BUCKETS 64u
#define PLACES  8u

struct place {
	uint64_t address;
	uint32_t arrived; /* in the round under way; 0 = the place is free */
};

static struct bucket {
	struct os_lock lock;
	struct place places[PLACES];
} buckets[BUCKETS];

static struct bucket *bucket_of(uint64_t address)
{
	return &buckets[lock_hash(address) >> 40 & (BUCKETS - 1)];
}

/* The place of the barrier at ADDRESS, or a free one. NULL: there is none. With the lock of B. */
static struct place *place_in(struct bucket *b, uint64_t address)
{
	struct place *free = NULL;

	for (struct place *p = b->places; p < b->places + PLACES; p++) {
		if (p->arrived && p->address == address)
			return p;
		if (!p->arrived && !free)
			free = p;
	}
	return free;
}

bool arrivals_last(uint64_t address, uint32_t count)
{
	struct bucket *b = bucket_of(address);
	struct place *place;
	bool last = false;

	if (!count)
		return false;
	os_lock(&b->lock);
	place = place_in(b, address);
	if (place) {
		place->address = address;
		last = ++place->arrived >= count;
		if (last)
			place->arrived = 0;
	}
	os_unlock(&b->lock);
	return last;
}

void arrivals_forget(uint64_t address)
{
	struct bucket *b = bucket_of(address);
	struct place *place;

	os_lock(&b->lock);
	place = place_in(b, address);
	if (place)
		place->arrived = 0;
	os_unlock(&b->lock);
}

void arrivals_forked(void)
{
	__builtin_memset(buckets, 0, sizeof(buckets));
}
