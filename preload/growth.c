/* SPDX-License-Identifier: MIT */
/*
 * Counters of a site are spread over the threads' shards, so a point in time adds them up by stack, in a table of its
 * own. Stacks that no longer find room in it are the newest ones; the next points will not have them either.
 */
#include "growth.h"

#include <stdbool.h>
#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "dump_map.h"
#include "os.h"

#define SLOTS      (1u << 14)
#define STACKS_MAX (SLOTS / 4 * 3)
/* A walk over all rows may take this part of the time between two. Being preempted counts, so steps are small. */
#define COST_SHARE 100

struct sum {
	uint32_t stack; /* 0 = free */
	int64_t bytes;
	int64_t count;
};

static struct os_lock lock; /* sums, most */
static struct sum *sums;
static uint32_t sum_count;
static struct mp_growth *rows;
static uint32_t points;
static uint64_t interval_ns;
static uint64_t next_ns;
static const struct sum *most[MP_GROWTH_SITES]; /* a heap, the least of them first */
static uint32_t most_count;
static bool cut; /* there are more */

void growth_init(uint64_t start_ns, uint64_t first_ns)
{
	lock.word = 0;
	rows = NULL;
	points = 0;
	interval_ns = first_ns;
	next_ns = start_ns + first_ns;
}

static bool take_rows(void)
{
	struct mp_chunk *chunk;

	chunk = dump_chunk(MP_CHUNK_GROWTH, sizeof(struct mp_growth),
			   sizeof(*chunk) + MP_GROWTH_POINTS * MP_GROWTH_SITES * sizeof(struct mp_growth), 0, 0);
	rows = chunk ? (struct mp_growth *)(void *)(chunk + 1) : NULL;
	return rows;
}

static void add(const struct mp_site *site)
{
	uint32_t stack = load_acquire(&site->stack);
	uint32_t i = (stack * 2654435761u) >> 16 & (SLOTS - 1);

	if (!stack)
		return;
	while (sums[i].stack && sums[i].stack != stack)
		i = (i + 1) & (SLOTS - 1);
	if (!sums[i].stack) {
		if (sum_count == STACKS_MAX) {
			cut = true;
			return;
		}
		sum_count++;
		sums[i].stack = stack;
	}
	/* Frees first: they are of blocks that were counted before. */
	sums[i].bytes -= (int64_t)load_relaxed(&site->free_bytes);
	sums[i].count -= (int64_t)load_relaxed(&site->free_count);
	sums[i].bytes += (int64_t)load_relaxed(&site->alloc_bytes);
	sums[i].count += (int64_t)load_relaxed(&site->alloc_count);
}

/* Pages that no stack of this program falls on stay untouched: most programs have few. */
static void clear_sums(void)
{
	for (uint32_t i = 0; sum_count && i < SLOTS; i++) {
		if (sums[i].stack)
			sums[i] = (struct sum){ 0 };
	}
	sum_count = 0;
	cut = false;
}

/* false: no memory. */
static bool add_all(void)
{
	uint64_t end = load_acquire(&dump_header()->used_bytes);

	if (!sums)
		sums = os_map(SLOTS * sizeof(*sums));
	if (!sums)
		return false;
	clear_sums();
	for (uint64_t at = MP_HEADER_BYTES; at < end;) {
		const struct mp_chunk *chunk = (const struct mp_chunk *)(void *)(dump_base + at);
		const char *bytes = (const char *)(chunk + 1);

		for (uint64_t i = 0; chunk->kind == MP_CHUNK_SITE && i < chunk->rows; i++)
			add((const struct mp_site *)(const void *)(bytes + i * chunk->row_bytes));
		at += chunk->bytes;
	}
	return true;
}

static void sift_down(uint32_t at)
{
	const struct sum *moved = most[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < most_count && most[child + 1]->bytes < most[child]->bytes)
			child++;
		if (child >= most_count || most[child]->bytes >= moved->bytes)
			break;
		most[at] = most[child];
		at = child;
	}
	most[at] = moved;
}

static void choose(void)
{
	most_count = 0;
	for (uint32_t i = 0; i < SLOTS; i++) {
		if (sums[i].bytes <= 0)
			continue;
		if (most_count < MP_GROWTH_SITES) {
			most[most_count++] = &sums[i];
			for (uint32_t n = most_count / 2; most_count == MP_GROWTH_SITES && n-- > 0;)
				sift_down(n);
			continue;
		}
		cut = true;
		if (sums[i].bytes > most[0]->bytes) {
			most[0] = &sums[i];
			sift_down(0);
		}
	}
}

static struct mp_growth *point(uint32_t n)
{
	return rows + n * MP_GROWTH_SITES;
}

static void copy_point(struct mp_growth *to, const struct mp_growth *from)
{
	for (uint32_t k = 0; k < MP_GROWTH_SITES; k++) {
		struct mp_growth row = from[k];

		store_release(&to[k].time_ns, 0);
		to[k].stack = row.stack;
		to[k].cut = row.cut;
		to[k].live_bytes = row.live_bytes;
		to[k].live_count = row.live_count;
		store_release(&to[k].time_ns, row.time_ns);
	}
}

/* Every second point goes. A reader of a file torn here finds a time twice, and drops the second. */
static void thin(void)
{
	for (uint32_t i = 1; i < points / 2; i++)
		copy_point(point(i), point(2 * i));
	points /= 2;
	for (uint32_t i = points; i < MP_GROWTH_POINTS; i++) {
		for (uint32_t k = 0; k < MP_GROWTH_SITES; k++)
			store_relaxed(&point(i)[k].time_ns, 0);
	}
	interval_ns *= 2;
}

static void write_point(uint64_t now_ns)
{
	for (uint32_t k = 0; k < most_count; k++) {
		struct mp_growth *row = &point(points)[k];

		row->stack = most[k]->stack;
		row->cut = cut;
		row->live_bytes = most[k]->bytes;
		row->live_count = most[k]->count;
		store_release(&row->time_ns, now_ns);
	}
	points++;
}

void growth_largest(growth_each *each, void *data)
{
	os_lock(&lock);
	if (add_all()) {
		choose();
		for (uint32_t k = 0; k < most_count; k++)
			each(data, most[k]->stack, most[k]->bytes, most[k]->count, cut);
	}
	os_unlock(&lock);
}

void growth_tick(uint64_t now_ns)
{
	uint64_t took;

	if (likely(now_ns < next_ns))
		return;
	next_ns = now_ns + interval_ns;
	if (!rows && !take_rows()) {
		next_ns = UINT64_MAX;
		return;
	}
	if (points == MP_GROWTH_POINTS)
		thin();
	os_lock(&lock);
	if (add_all()) {
		choose();
		write_point(now_ns);
	}
	os_unlock(&lock);
	took = os_now_ns() - now_ns;
	if (points > 1 && interval_ns < took * COST_SHARE)
		interval_ns *= 2;
	next_ns = now_ns + interval_ns;
}
