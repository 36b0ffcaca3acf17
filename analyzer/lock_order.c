/* SPDX-License-Identifier: MIT */
/*
 * Looks for cycles by walking from each lock along the rows, to locks of larger numbers only, so that a cycle is found
 * from its smallest lock alone. The conditions are tested on complete cycles.
 */
#include "lock_order.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "vec.h"

/* Bounds for files that hold all edges there can be. */
#define STEPS_MAX  2000000u
#define CYCLES_MAX 200u

struct search {
	const struct mp_lock_order **rows; /* by outer, then inner */
	size_t count;
	const struct mp_lock_order *path[LOCK_CYCLE_MAX];
	size_t depth;
	size_t steps;
	struct hash_map seen; /* hash of the locks of a cycle */
	VEC(struct lock_cycle) found;
};

static int compare_rows(const void *a, const void *b)
{
	const struct mp_lock_order *left = *(const struct mp_lock_order *const *)a;
	const struct mp_lock_order *right = *(const struct mp_lock_order *const *)b;

	if (left->outer != right->outer)
		return left->outer < right->outer ? -1 : 1;
	if (left->inner != right->inner)
		return left->inner < right->inner ? -1 : 1;
	return left->tid < right->tid ? -1 : left->tid > right->tid;
}

static size_t first_row(const struct search *search, uint32_t outer)
{
	size_t low = 0, high = search->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (search->rows[middle]->outer < outer)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_gate(const struct mp_lock_order *row, uint32_t lock)
{
	for (size_t i = 0; i < MP_LOCK_GATES; i++) {
		if (row->gates[i] == lock)
			return true;
	}
	return false;
}

/* A lock that all held keeps the threads apart; so may one that a row has no room for. */
static bool have_common_gate(const struct search *search)
{
	for (size_t i = 0; i < search->depth; i++) {
		if (search->path[i]->gate_count > MP_LOCK_GATES)
			return true;
	}
	for (size_t gate = 0; gate < MP_LOCK_GATES; gate++) {
		uint32_t lock = search->path[0]->gates[gate];
		size_t holders = 0;

		for (size_t i = 0; i < search->depth && lock != 0; i++)
			holders += has_gate(search->path[i], lock);
		if (holders == search->depth)
			return true;
	}
	return false;
}

/* One thread has the lock shared, and the other wants it shared: nobody waits there. */
static bool has_shared_lock(const struct search *search)
{
	for (size_t i = 0; i < search->depth; i++) {
		const struct mp_lock_order *next = search->path[(i + 1) % search->depth];

		if ((search->path[i]->flags & MP_LOCK_ORDER_INNER_SHARED) && (next->flags & MP_LOCK_ORDER_OUTER_SHARED))
			return true;
	}
	return false;
}

static uint64_t hash_path(const struct search *search)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < search->depth; i++)
		hash = hash_u64(hash ^ search->path[i]->outer);
	return hash;
}

/* The path has come back to where it began. */
static void judge_cycle(struct search *search)
{
	struct lock_cycle *cycle;
	bool is_new;

	if (have_common_gate(search) || has_shared_lock(search))
		return;
	hash_map_put(&search->seen, hash_path(search), &is_new);
	if (!is_new)
		return;
	cycle = &vec_push(&search->found);
	*cycle = (struct lock_cycle){ .step_count = search->depth };
	memcpy(cycle->steps, search->path, search->depth * sizeof(*search->path));
}

static bool is_on_path(const struct search *search, uint32_t lock)
{
	for (size_t i = 0; i < search->depth; i++) {
		if (search->path[i]->outer == lock)
			return true;
	}
	return false;
}

/*
 * In a deadlock each step is another thread that waits. So what one thread did, however often, is no cycle by itself,
 * nor is it two steps of one: a lock that it has given up by then keeps nobody out.
 */
static bool has_thread(const struct search *search, uint32_t tid)
{
	for (size_t i = 0; i < search->depth; i++) {
		if (search->path[i]->tid == tid)
			return true;
	}
	return false;
}

/* Follows all rows from LOCK that lead on, or back to START. */
static void walk(struct search *search, uint32_t lock, uint32_t start)
{
	for (size_t i = first_row(search, lock); i < search->count && search->rows[i]->outer == lock; i++) {
		const struct mp_lock_order *row = search->rows[i];

		if (search->found.count >= CYCLES_MAX || search->steps++ >= STEPS_MAX)
			return;
		if (row->inner < start || (row->flags & MP_LOCK_ORDER_TRIED) || search->depth == LOCK_CYCLE_MAX ||
		    has_thread(search, row->tid))
			continue;
		search->path[search->depth++] = row;
		if (row->inner == start)
			judge_cycle(search);
		else if (!is_on_path(search, row->inner))
			walk(search, row->inner, start);
		search->depth--;
	}
}

size_t lock_order_find(const struct profile *profile, struct arena *arena, const struct lock_cycle **ret_cycles)
{
	struct search search = { .count = profile->lock_order_count };
	size_t count;

	search.rows = memory_zeroed(search.count, sizeof(*search.rows));
	for (size_t i = 0; i < search.count; i++)
		search.rows[i] = &profile->lock_orders[i];
	qsort(search.rows, search.count, sizeof(*search.rows), compare_rows);
	for (size_t i = 0; i < search.count; i++) {
		if (i == 0 || search.rows[i]->outer != search.rows[i - 1]->outer)
			walk(&search, search.rows[i]->outer, search.rows[i]->outer);
	}
	count = search.found.count;
	*ret_cycles = arena_copy(arena, search.found.list, count * sizeof(*search.found.list));
	vec_free(&search.found);
	hash_map_free(&search.seen);
	free(search.rows);
	return count;
}
