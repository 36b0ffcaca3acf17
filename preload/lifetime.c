/* SPDX-License-Identifier: MIT */
/*
 * Observed blocks are in a small table with the time of their allocation. Blocks that are never freed would fill it;
 * then every other entry is given up, at random, the others count twice, and so few more are observed that they do too.
 */
#include "lifetime.h"

#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "drop.h"
#include "os.h"
#include "poisson.h"

#define SLOTS    4096u
#define CHECK_AT offsetof(struct mp_lifetime, check)

struct observed {
	uint64_t address; /* 0 = free */
	uint64_t start_ns;
	uint32_t tid;
	uint32_t weight;
};

static struct observed *slots;
static uint32_t count;
static uint32_t level; /* log2 of the weight of new ones */
static uint64_t random_state;
static struct os_lock lock;

uint64_t lifetime_next(struct thread *t, uint64_t now)
{
	uint64_t distance = MP_LIFETIME_EVERY << load_relaxed(&level);

	if (!t->random_state)
		t->random_state = (uint64_t)t->tid << 32 ^ os_now_ns();
	return now + 1 + poisson_random(&t->random_state) % (2 * distance - 1);
}

static uint32_t home(uint64_t address)
{
	return (uint32_t)(address * 0x9e3779b97f4a7c15ull >> 40) & (SLOTS - 1);
}

static struct observed *place(uint64_t address)
{
	uint32_t i = home(address);

	while (slots[i].address && slots[i].address != address)
		i = (i + 1) & (SLOTS - 1);
	return &slots[i];
}

/* Takes an entry out without leaving a gap that would end a search too early. */
static void take_out(struct observed *o)
{
	uint32_t hole = (uint32_t)(o - slots);

	count--;
	for (uint32_t i = (hole + 1) & (SLOTS - 1); slots[i].address; i = (i + 1) & (SLOTS - 1)) {
		if (((i - home(slots[i].address)) & (SLOTS - 1)) >= ((i - hole) & (SLOTS - 1))) {
			slots[hole] = slots[i];
			hole = i;
		}
	}
	slots[hole].address = 0;
}

static void thin_out(void)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		/* Another may move into a place that becomes free; one that moves behind us was looked at before. */
		while (slots[i].address && poisson_random(&random_state) >> 63)
			take_out(&slots[i]);
	}
	for (uint32_t i = 0; i < SLOTS; i++)
		slots[i].weight *= 2;
	store_relaxed(&level, level + 1);
}

bool lifetime_begin(struct thread *t, uint64_t address, uint64_t now_ns)
{
	struct observed *o = NULL;

	os_lock(&lock);
	if (!slots)
		slots = os_map(SLOTS * sizeof(*slots));
	if (slots && count >= SLOTS / 4 * 3 && level < 20)
		thin_out();
	if (slots && count < SLOTS / 4 * 3) {
		o = place(address);
		count += !o->address;
		*o = (struct observed){ address, now_ns, t->tid, 1u << level };
	}
	os_unlock(&lock);
	return o;
}

static struct mp_lifetime *row_of(struct thread *t, uint32_t stack)
{
	uint64_t key = shard_mix((uint64_t)stack | 0x11fe00000000ull);
	row_id id = shard_find(t->shard, key, CHECK_AT);
	struct mp_lifetime *row;

	if (id)
		return row_at(id);
	id = shard_add(t->shard, key, CHECK_AT, MP_CHUNK_LIFETIME);
	if (!id) {
		drop(MP_LOSS_SITES_FULL);
		return NULL;
	}
	row = row_at(id);
	store_release(&row->stack, stack);
	return row;
}

void lifetime_end(struct thread *t, uint64_t address, uint32_t stack)
{
	struct observed seen = { 0 };
	struct mp_lifetime *row;
	uint64_t ns;

	os_lock(&lock);
	if (slots) {
		struct observed *o = place(address);

		seen = *o;
		if (o->address)
			take_out(o);
	}
	os_unlock(&lock);
	/* One that was given up. */
	if (!seen.address)
		return;
	row = row_of(t, stack);
	if (!row)
		return;
	ns = os_now_ns() - seen.start_ns;
	bump(&row->observed, 1);
	bump(&row->sum_ns, ns * seen.weight);
	bump(&row->counts[mp_lifetime_class(ns)], seen.weight);
	if (seen.tid != t->tid)
		bump(&row->elsewhere, seen.weight);
}

void lifetime_forked(void)
{
	lock.word = 0;
	if (slots)
		__builtin_memset(slots, 0, SLOTS * sizeof(*slots));
	count = 0;
	level = 0;
}
