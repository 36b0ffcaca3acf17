/* SPDX-License-Identifier: MIT */
/*
 * The table of addresses whose locks have numbers: open addressing, searched without a lock. Entries stay where they
 * are, also when the lock is no more.
 */
#include "lock_places.h"

#include <stdbool.h>
#include <stddef.h>

#include "atomic.h"
#include "lock_table.h"
#include "os.h"

#define FIRST_PLACES 256u

/* An address that has a number, or had one. Nothing is deleted, so a search needs no lock and no marks. */
struct place {
	uint64_t address; /* 0 = free; stored last */
	struct lock_state *state;
	uint32_t number; /* 0 = retired */
};

struct places {
	uint32_t mask; /* places - 1; their number is a power of two */
	uint32_t used;
	struct place place[];
};

static struct places *places;

static struct place *probe(struct places *p, uint64_t address)
{
	uint32_t i = (uint32_t)(lock_hash(address) >> 32) & p->mask;

	for (;; i = (i + 1) & p->mask) {
		uint64_t seen = load_acquire(&p->place[i].address);

		if (!seen || seen == address)
			return &p->place[i];
	}
}

uint32_t lock_place_number(uint64_t address)
{
	struct places *p = load_acquire(&places);
	const struct place *at;

	if (!p)
		return 0;
	at = probe(p, address);
	/* A place that the search found free may have become another lock's since. */
	return load_acquire(&at->address) == address ? load_acquire(&at->number) : 0;
}

static size_t places_bytes(uint32_t count)
{
	return sizeof(struct places) + (size_t)count * sizeof(struct place);
}

/*
 * The old array stays mapped, because others search it without a lock; all old ones together are
 * smaller than the new one.
 */
static bool grow_places(void)
{
	uint32_t count = places ? (places->mask + 1) * 2 : FIRST_PLACES;
	struct places *bigger = os_map(places_bytes(count));

	if (!bigger)
		return false;
	bigger->mask = count - 1;
	for (uint32_t i = 0; places && i <= places->mask; i++) {
		if (places->place[i].address) {
			*probe(bigger, places->place[i].address) = places->place[i];
			bigger->used++;
		}
	}
	store_release(&places, bigger);
	return true;
}

bool lock_places_room(void)
{
	return (places && places->used < (places->mask + 1) / 2) || grow_places();
}

void lock_place_set(uint64_t address, uint32_t number, struct lock_state *state)
{
	struct place *at = probe(places, address);

	at->state = state;
	store_release(&at->number, number);
	if (!at->address) {
		places->used++;
		store_release(&at->address, address);
	}
}

struct lock_state *lock_place_retire(uint64_t address)
{
	struct place *at = probe(places, address);

	store_release(&at->number, 0);
	return at->state;
}

void lock_places_each(void (*visit)(uint64_t address))
{
	struct places *p = load_acquire(&places);

	for (uint32_t i = 0; p && i <= p->mask; i++) {
		uint64_t address = load_acquire(&p->place[i].address);

		if (address)
			visit(address);
	}
}

void lock_places_forked(void)
{
	if (places)
		os_unmap(places, places_bytes(places->mask + 1));
	places = NULL;
}
