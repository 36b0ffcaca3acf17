/* SPDX-License-Identifier: MIT */
/*
 * In a large heap nearly every step misses the caches, so no step waits for its memory. A word that may be a pointer
 * waits in a ring until what tells of its place is there, then in a second one until the block's row is, and a block to
 * be searched in a third until its first lines are. All other blocks to be searched are on a stack.
 *
 * Memory, for N blocks: 9 N bytes.
 */
#include "leak_graph.h"

#include "compiler.h"
#include "leak_blocks.h"
#include "leak_interior.h"
#include "leak_pages.h"
#include "os.h"

/* Loads under way at a time: processors have 10 to 20 of them. */
#define RING 16u

/* Blocks from here on are searched only where they have memory. */
#define SPARSE_BYTES (64u << 10)
/* The clock is looked at once in so many bytes. */
#define DEADLINE_BYTES (16u << 20)

struct waiting {
	uint64_t word;
	uint32_t block;
};

static struct {
	uint8_t *kind; /* heuristic + 1 by which a block was found */
	uint32_t *work;
	uint32_t work_count;
	uint32_t *later; /* found by a heuristic */
	uint32_t later_count;
	/* The rings; numbers of what went in and came out so far. */
	uint32_t words_in, words_out;
	uint32_t found_in, found_out;
	uint32_t next_in, next_out;
	uint64_t words[RING];
	struct waiting found[RING];
	uint32_t next[RING];
	enum graph_mark as;      /* how what is found is marked; GRAPH_LOST: whatever leads to it, as reached */
	enum graph_mark root_as; /* the same, for what roots lead to */
	uint32_t heuristics;
	uint64_t deadline_ns;
	uint64_t bytes_to_clock;
	bool late;
	bool ignore_chunk_ends;
	struct graph_counts counts;
} g;

bool graph_init(uint32_t capacity)
{
	bool room = blocks_init(capacity);

	__builtin_memset(&g, 0, sizeof(g));
	interior_init();
	g.root_as = GRAPH_REACHED;
	g.deadline_ns = UINT64_MAX;
	g.bytes_to_clock = DEADLINE_BYTES;
	g.kind = blocks_array(blocks.capacity, sizeof(*g.kind));
	g.work = blocks_array(blocks.capacity, sizeof(*g.work));
	g.later = blocks_array(blocks.capacity, sizeof(*g.later));
	return room && !blocks_failed();
}

uint64_t graph_bytes_for(uint64_t count, uint64_t heap_bytes)
{
	return blocks_bytes_for(count, heap_bytes) + count * (sizeof(*g.kind) + sizeof(*g.work) + sizeof(*g.later));
}

enum graph_mark graph_mark(uint32_t i)
{
	return blocks.state[i] & BLOCK_REACHED    ? GRAPH_REACHED
	       : blocks.state[i] & BLOCK_POSSIBLE ? GRAPH_POSSIBLE
						  : GRAPH_LOST;
}

bool graph_noted(uint32_t i)
{
	return blocks.state[i] & (BLOCK_STARTED | BLOCK_INTERIOR);
}

struct graph_counts *graph_counts(void)
{
	return &g.counts;
}

void graph_set_deadline(uint64_t deadline_ns)
{
	g.deadline_ns = deadline_ns;
}

bool graph_late(void)
{
	return g.late;
}

bool graph_in_time(uint64_t bytes)
{
	if (likely(bytes < g.bytes_to_clock)) {
		g.bytes_to_clock -= bytes;
		return true;
	}
	g.bytes_to_clock = DEADLINE_BYTES;
	g.late = g.late || os_now_ns() > g.deadline_ns;
	return !g.late;
}

/* The word before a block is the size of its chunk, which begins 16 bytes before it, and three flags. */
static bool is_chunk_end(uint32_t i, uint64_t word)
{
	return word == block_address(i) - 16 + (pages_word(block_address(i) - 8) & ~7ull);
}

/* Block I is to be searched. */
static inline void push(uint32_t i)
{
	const char *start = (const char *)block_address(i);

	if (unlikely(g.next_in - g.next_out == RING)) {
		g.work[g.work_count++] = i;
		return;
	}
	__builtin_prefetch(start);
	__builtin_prefetch(start + 64);
	g.next[g.next_in++ % RING] = i;
}

static uint32_t pop(void)
{
	uint32_t i = g.next[g.next_out++ % RING];

	if (g.work_count)
		push(g.work[--g.work_count]);
	return i;
}

static void reach(uint32_t i)
{
	blocks.state[i] |= BLOCK_REACHED;
	push(i);
}

/* A pointer from a root or a reachable block. */
static inline void visit_reaching(uint32_t i, uint64_t word)
{
	uint32_t heuristic;

	if (word == block_address(i)) {
		blocks.state[i] |= BLOCK_STARTED;
		reach(i);
		return;
	}
	if (unlikely(g.ignore_chunk_ends) && is_chunk_end(i, word))
		return;
	blocks.state[i] |= BLOCK_INTERIOR;
	if (g.kind[i])
		return;
	heuristic = interior_recognise(i, word - block_address(i));
	if (heuristic != INTERIOR_NONE && g.heuristics >> heuristic & 1) {
		g.kind[i] = (uint8_t)(heuristic + 1);
		g.later[g.later_count++] = i;
	}
}

/* A pointer from a block that is possibly lost. */
static inline void visit_possible(uint32_t i)
{
	if (blocks.state[i] & BLOCK_POSSIBLE)
		return;
	blocks.state[i] |= BLOCK_POSSIBLE;
	push(i);
}

static inline void visit(struct waiting w)
{
	if (blocks.state[w.block] & BLOCK_REACHED || !block_holds(w.block, w.word))
		return;
	if (g.as == GRAPH_REACHED)
		visit_reaching(w.block, w.word);
	else if (g.as == GRAPH_POSSIBLE)
		visit_possible(w.block);
	else if (likely(!g.ignore_chunk_ends) || w.word == block_address(w.block) || !is_chunk_end(w.block, w.word))
		reach(w.block); /* what cannot be judged holds on to everything */
}

/* The oldest of the second ring. */
static inline void visit_found(void)
{
	visit(g.found[g.found_out++ % RING]);
}

/* The oldest of the first ring moves on to the second. */
static inline void look_up_word(void)
{
	uint64_t word = g.words[g.words_out++ % RING];
	uint32_t i = blocks_near(blocks_leaf_at(word), word);

	if (i == BLOCKS_NONE)
		return;
	if (g.found_in - g.found_out == RING)
		visit_found();
	__builtin_prefetch(&blocks.list[i]);
	__builtin_prefetch(&blocks.state[i], 1);
	g.found[g.found_in++ % RING] = (struct waiting){ word, i };
}

static inline void note_word(uint64_t word, uint64_t leaf)
{
	if (g.words_in - g.words_out == RING)
		look_up_word();
	if (likely(!(leaf & 1)))
		__builtin_prefetch(blocks_unit_of(leaf, word));
	g.words[g.words_in++ % RING] = word;
}

/* Whatever waits in the first two rings. */
static void settle(void)
{
	while (g.words_in != g.words_out)
		look_up_word();
	while (g.found_in != g.found_out)
		visit_found();
}

/* Words of one page; OFFSET and END from its start. */
static inline void search_words(const char *page, uint64_t offset, uint64_t end)
{
	for (; offset + 8 <= end; offset += 8) {
		uint64_t word = *(const volatile uint64_t *)(page + offset);
		uint64_t leaf = blocks_leaf_of(word);

		if (unlikely(leaf))
			note_word(word, leaf);
	}
}

static void search(uint64_t start, uint64_t end)
{
	start = (start + 7) & ~7ull;
	while (start < end) {
		uint64_t offset = start & (PAGES_BYTES - 1);
		uint64_t upto = end - start < PAGES_BYTES - offset ? offset + (end - start) : PAGES_BYTES;
		uint64_t copied;
		const char *copy = pages_copy(start, end - start, &copied);

		if (copy) {
			search_words(copy, 0, copied);
			start += copied;
			continue;
		}
		search_words(pages_data(start), offset, upto);
		start += upto - offset;
	}
}

static void search_block(uint32_t i)
{
	uint64_t start = block_address(i);
	uint64_t end = start + block_bytes(i);
	uint64_t from;
	uint64_t upto;

	if (!graph_in_time(end - start))
		return;
	if (end - start < SPARSE_BYTES) {
		g.counts.heap_bytes += end - start;
		search(start, end);
		return;
	}
	while (pages_next(start, end, &from, &upto)) {
		g.counts.heap_bytes += upto - from;
		search(from, upto);
		start = upto;
	}
}

/* Searches all that is to be, and what that leads to. */
static void flood(enum graph_mark as)
{
	g.as = as;
	while (!g.late) {
		if (g.next_in != g.next_out)
			search_block(pop());
		else if (g.words_in != g.words_out)
			look_up_word();
		else if (g.found_in != g.found_out)
			visit_found();
		else
			break;
	}
}

void graph_scan_root(uint64_t start, uint64_t end)
{
	g.as = g.root_as;
	if (graph_in_time(end - start))
		search(start, end);
}

void graph_ignore_chunk_ends(bool ignore)
{
	settle(); /* what was seen before counts as before */
	g.ignore_chunk_ends = ignore;
}

void graph_root_block(uint64_t address)
{
	uint32_t i = blocks_find(address);

	if (i != BLOCKS_NONE && !(blocks.state[i] & BLOCK_REACHED))
		reach(i);
}

static void follow_heuristics(void)
{
	for (uint32_t n = 0; n < g.later_count; n++) {
		uint32_t i = g.later[n];

		if (blocks.state[i] & BLOCK_REACHED)
			continue;
		g.counts.heuristic_count[g.kind[i] - 1]++;
		reach(i);
		flood(GRAPH_REACHED);
	}
	g.later_count = 0;
}

void graph_set_heuristics(uint32_t heuristics)
{
	g.heuristics = heuristics;
}

void graph_mark_all(bool confirm)
{
	for (uint32_t i = 0; i < blocks.count; i++) {
		if (blocks.state[i] & BLOCK_ROOT && !(blocks.state[i] & BLOCK_REACHED))
			reach(i);
	}
	flood(GRAPH_REACHED);
	follow_heuristics();
	for (uint32_t i = 0; i < blocks.count; i++) {
		if ((blocks.state[i] & (BLOCK_INTERIOR | BLOCK_REACHED | BLOCK_POSSIBLE)) != BLOCK_INTERIOR)
			continue;
		blocks.state[i] |= BLOCK_POSSIBLE;
		push(i);
		flood(GRAPH_POSSIBLE);
	}
	for (uint32_t i = 0; confirm && i < blocks.count; i++) {
		if (blocks.state[i] & (BLOCK_REACHED | BLOCK_POSSIBLE) || block_is_candidate(i))
			continue;
		g.counts.unconfirmed_count++;
		reach(i);
		flood(GRAPH_LOST);
	}
}

void graph_assume_others(void)
{
	g.root_as = GRAPH_LOST;
	for (uint32_t i = 0; i < blocks.count; i++) {
		if (!block_is_candidate(i))
			blocks.state[i] |= BLOCK_REACHED;
	}
}

uint32_t graph_confirm(void)
{
	uint32_t lost = 0;

	settle();
	g.as = GRAPH_LOST;
	pages_read_ahead(true);
	for (uint32_t i = 0; i < blocks.count && !g.late; i++) {
		if (!block_is_candidate(i))
			search_block(i);
	}
	pages_read_ahead(false);
	flood(GRAPH_LOST);
	for (uint32_t i = 0; i < blocks.count; i++)
		lost += !(blocks.state[i] & BLOCK_REACHED);
	return lost;
}
