/* SPDX-License-Identifier: MIT */
/* The live table becomes a graph; what the graph says of each block is summed up by class, stack and owner. */
#include "leak_search.h"

#include <stdbool.h>
#include <stddef.h>

#include "capture.h"
#include "compiler.h"
#include "fmt.h"
#include "init.h"
#include "leak_blocks.h"
#include "leak_graph.h"
#include "leak_owners.h"
#include "leak_pages.h"
#include "live_table.h"
#include "modules.h"
#include "mp_metrics.h"
#include "options.h"
#include "os.h"
#include "poisson.h"
#include "shard.h"

#define SLOTS (SEARCH_ROWS_MAX * 2)

static struct search_answer *answer;
static uint64_t candidates_max;
static struct roots *roots;

static struct {
	uint64_t address;
	struct live_block block;
	bool candidate;
} * large; /* sorted by address */
static size_t large_bytes;
static uint32_t large_count;
static uint32_t large_used;
static uint32_t *row_slots; /* row + 1, by hash of class, stack and owner */
static uint32_t row_slots_mask;

static uint32_t stack_of(uint32_t row)
{
	return ((const struct mp_site *)row_at(row & (LIVE_ROWS_MAX - 1)))->stack;
}

/*
 * Memory that the loader itself asked for (tables of thread-local storage, lists of objects) is kept in ways that are
 * the loader's own; so is what we caused.
 */
static bool is_root(const struct live_block *b)
{
	const struct mp_node *node;

	if (b->row == LIVE_ROW_OWN || b->row & LIVE_ROW_IGNORED)
		return true;
	if (b->generation != live_generation())
		return false;
	node = capture_node(stack_of(b->row));
	return node && modules_is_loader(node->module & ~MP_NODE_EXACT_IP);
}

static void add_block(uint64_t address, const struct live_block *b, bool candidate)
{
	uint32_t row = b->generation == live_generation() ? b->row : LIVE_ROW_OWN;

	answer->scan.ignored_count += b->row != LIVE_ROW_OWN && b->row & LIVE_ROW_IGNORED;
	if (row != LIVE_ROW_OWN) {
		answer->scan.block_count++;
		answer->scan.block_bytes += b->bytes;
	}
	blocks_add(address, b->bytes, row, is_root(b), candidate);
}

static void collect_large(uint64_t address, const struct live_block *b, bool candidate)
{
	uint32_t at;

	for (at = large_count++; at && large[at - 1].address > address; at--)
		large[at] = large[at - 1];
	large[at].address = address;
	large[at].block = *b;
	large[at].candidate = candidate;
}

static void add_large_below(uint64_t address)
{
	for (; large_used < large_count && large[large_used].address < address; large_used++)
		add_block(large[large_used].address, &large[large_used].block, large[large_used].candidate);
}

static void add_small(uint64_t address, const struct live_block *b, bool candidate)
{
	if (unlikely(large_used < large_count))
		add_large_below(address);
	add_block(address, b, candidate);
}

static void count_large(uint64_t address, const struct live_block *b, bool candidate)
{
	(void)address;
	(void)b;
	(void)candidate;
	large_count++;
}

static enum mp_scan_result build_graph(void)
{
	uint64_t capacity = live_count_at_most();

	if (capacity > UINT32_MAX - 2 || !graph_init((uint32_t)capacity))
		return MP_SCAN_RESULT_NO_MEMORY;
	large_count = 0;
	large_used = 0;
	live_for_each_large(count_large);
	large_bytes = (large_count + 1) * sizeof(*large);
	large = os_map(large_bytes);
	if (!large)
		return MP_SCAN_RESULT_NO_MEMORY;
	large_count = 0;
	live_for_each_large(collect_large);
	live_for_each_small(add_small);
	add_large_below(UINT64_MAX);
	return blocks_finish() ? MP_SCAN_RESULT_DONE : MP_SCAN_RESULT_NO_MEMORY;
}

/* The row of the answer for a class, stack and owner; NULL: no room. */
static struct mp_leak *answer_row(enum mp_leak_class leak_class, uint32_t stack, uint32_t owner)
{
	uint64_t h = ((uint64_t)stack << 32 | owner) * 0x9e3779b97f4a7c15ull ^ (uint64_t)leak_class << 40;
	uint32_t at = (uint32_t)((h ^ h >> 29) * 0xd6e8feb86659fd93ull >> 40) & row_slots_mask;
	struct mp_leak *row;

	for (; row_slots[at]; at = (at + 1) & row_slots_mask) {
		row = &answer->rows[row_slots[at] - 1];
		if (row->leak_class == leak_class && row->stack == stack && row->owner == owner)
			return row;
	}
	if (answer->row_count == SEARCH_ROWS_MAX)
		return NULL;
	row_slots[at] = ++answer->row_count;
	row = &answer->rows[answer->row_count - 1];
	*row = (struct mp_leak){ .leak_class = leak_class, .stack = stack, .owner = owner };
	return row;
}

/* What a block stands for: itself, or in a sampled dump more. */
static void weigh(uint64_t bytes, uint64_t *ret_count, uint64_t *ret_bytes)
{
	struct poisson_weight weight;

	*ret_count = 1;
	*ret_bytes = bytes;
	if (!process_sampling)
		return;
	poisson_weigh(bytes, opt.sample, &weight);
	*ret_count = weight.count;
	*ret_bytes = weight.bytes;
}

static enum mp_leak_class class_of(uint32_t i)
{
	/* Of a sampled dump most blocks are not in the table, so nobody knows what leads where. */
	if (process_sampling)
		return graph_noted(i) || graph_mark(i) == GRAPH_REACHED ? MP_LEAK_UNFREED : MP_LEAK_DEFINITE;
	switch (graph_mark(i)) {
	case GRAPH_REACHED:
		return MP_LEAK_REACHABLE;
	case GRAPH_POSSIBLE:
		return MP_LEAK_POSSIBLE;
	case GRAPH_LOST:
		break;
	}
	return owners_of(i) == i ? MP_LEAK_DEFINITE : MP_LEAK_INDIRECT;
}

/*
 * Inherited blocks are the parent's to judge. Where a lost one owns a block of this process, the block has no owner
 * that can be named, and is definitely lost itself.
 */
static bool add_to_answer(uint32_t i)
{
	enum mp_leak_class leak_class = class_of(i);
	uint32_t owner = leak_class == MP_LEAK_INDIRECT ? owners_of(i) : i;
	struct mp_leak *row;
	uint64_t count;
	uint64_t bytes;

	if (block_row(i) == LIVE_ROW_OWN)
		return true;
	if (block_row(owner) == LIVE_ROW_OWN) {
		leak_class = MP_LEAK_DEFINITE;
		owner = i;
	}
	weigh(block_bytes(i), &count, &bytes);
	row = answer_row(leak_class, stack_of(block_row(i)),
			 leak_class == MP_LEAK_INDIRECT ? stack_of(block_row(owner)) : 0);
	if (!row)
		return false;
	row->count += count;
	row->bytes += bytes;
	row->address = block_address(i);
	if (leak_class == MP_LEAK_INDIRECT) {
		row = answer_row(MP_LEAK_DEFINITE, stack_of(block_row(owner)), 0);
		if (!row)
			return false;
		row->held_count += count;
		row->held_bytes += bytes;
	} else if (leak_class == MP_LEAK_DEFINITE) {
		answer->definite_count++;
		if (!process_sampling && owners_is_cyclic(i))
			row->cycle_count += count;
	}
	if (leak_class == MP_LEAK_DEFINITE || leak_class == MP_LEAK_INDIRECT) {
		answer->lost_count++;
		if (answer->candidate_count < candidates_max)
			answer->candidates[answer->candidate_count++] = block_address(i);
	}
	return true;
}

static uint32_t chosen_heuristics(void)
{
	uint32_t chosen = 0;

	if (fmt_equal(opt.leak_heuristics, "all"))
		return ~0u;
#define X(name, index, word) chosen |= (uint32_t)fmt_has_word(opt.leak_heuristics, word) << index;
	MP_SCAN_HEURISTICS(X)
#undef X
	return chosen;
}

/* At most one row for each block, so that the table of a small heap has few pages. */
static bool make_row_slots(void)
{
	uint32_t slots = 1024;

	while (slots < SLOTS && slots < 2 * blocks_count())
		slots *= 2;
	row_slots = os_map(slots * sizeof(*row_slots));
	row_slots_mask = slots - 1;
	return row_slots != NULL;
}

static enum mp_scan_result compare(void)
{
	graph_assume_others();
	if (!roots_scan(roots))
		return MP_SCAN_RESULT_NO_MAPS;
	answer->confirmed_count = graph_confirm();
	return graph_late() ? MP_SCAN_RESULT_DEADLINE : MP_SCAN_RESULT_DONE;
}

static enum mp_scan_result search(enum search_task task)
{
	enum mp_scan_result result = build_graph();

	if (result != MP_SCAN_RESULT_DONE)
		return result;
	graph_set_deadline(os_now_ns() + opt.leak_timeout_ms * 1000000);
	if (task == SEARCH_COMPARE)
		return compare();
	if (!make_row_slots())
		return MP_SCAN_RESULT_NO_MEMORY;
	graph_set_heuristics(chosen_heuristics());
	if (!roots_scan(roots))
		return MP_SCAN_RESULT_NO_MAPS;
	graph_mark_all(task == SEARCH_CONFIRM);
	if (!owners_find())
		return MP_SCAN_RESULT_NO_MEMORY;
	if (graph_late())
		return MP_SCAN_RESULT_DEADLINE;
	for (uint32_t i = 0; i < blocks_count(); i++) {
		if (!add_to_answer(i))
			return MP_SCAN_RESULT_NO_ROOM;
	}
	return MP_SCAN_RESULT_DONE;
}

static void count_search(struct mp_leak_scan *scan)
{
	scan->root_bytes = roots->root_bytes;
	scan->skipped_bytes = roots->skipped_bytes + pages_unreadable() * PAGES_BYTES;
	scan->heap_bytes = graph_counts()->heap_bytes;
	scan->unconfirmed_count = graph_counts()->unconfirmed_count;
	for (unsigned i = 0; i < MP_SCAN_HEURISTICS_MAX; i++)
		scan->heuristic_count[i] = graph_counts()->heuristic_count[i];
}

void search_run(enum search_task task, struct search_answer *to, uint64_t most_candidates, struct roots *from)
{
	struct mp_leak_scan found = to->scan;

	answer = to;
	candidates_max = most_candidates;
	roots = from;
	answer->result = search(task);
	pages_close();
	if (task == SEARCH_COMPARE)
		answer->scan = found;
	else
		count_search(&answer->scan);
	answer->cpu_ns = os_cpu_ns();
}

uint64_t search_bytes_for(uint64_t count, uint64_t heap_bytes)
{
	return graph_bytes_for(count, heap_bytes) + owners_bytes_for(count);
}

void search_clean_up(void)
{
	blocks_free();
	if (large)
		os_unmap(large, large_bytes);
	if (row_slots)
		os_unmap(row_slots, ((size_t)row_slots_mask + 1) * sizeof(*row_slots));
	large = NULL;
	row_slots = NULL;
}
