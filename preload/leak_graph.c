/* SPDX-License-Identifier: MIT */
/*
 * Blocks lie in arrays, sorted by address. A tree like that of the live table, by regions of 16 KiB, leads from any
 * word to the block it points to: a region knows its first block and the one that reaches into it from below, and its
 * blocks are found by their two-byte offsets, many of which share a cache line.
 */
#include "leak_graph.h"

#include <stddef.h>

#include "compiler.h"
#include "leak_pages.h"
#include "os.h"

#define REGION_BITS  14
#define REGION_BYTES (1ull << REGION_BITS)
#define LEAF_BITS    11
#define NODE_SLOTS   (1u << LEAF_BITS)

/* info: bytes 28..63 (up to 64 GiB; larger blocks are searched so far), row 1..27, candidate 0 */
#define INFO_BYTES_BITS 36
#define INFO_ROW_BITS   27

/* Blocks from here on are searched only where they have memory. */
#define SPARSE_BYTES (64u << 10)
/* The clock is looked at once in so many bytes. */
#define DEADLINE_BYTES (16u << 20)

enum {
	REACHED = 1,
	POSSIBLE = 2,
	INTERIOR = 4, /* something points into it */
	ROOT = 8,
	ON_STACK = 16,
	HAS_PARENT = 32, /* of the representative of a component: another one leads to it */
	CYCLE = 64,
	STARTED = 128, /* something points to its start */
};

struct scan_region {
	uint32_t first; /* block + 1, 0 = none starts here */
	uint32_t cover; /* block + 1 that holds the first byte, but starts before; 0 = none */
	uint32_t count;
};

struct range {
	uint64_t start;
	uint64_t end;
};

struct frame {
	uint64_t next; /* word to look at */
	uint32_t block;
};

#define RANGES_MAX 4096u

static struct {
	uint32_t count;
	uint32_t capacity;
	uint64_t *address;
	uint64_t *info;
	uint16_t *offset;
	uint8_t *state;
	uint8_t *kind; /* heuristic + 1 by which it was found */
	uint32_t *work;
	uint32_t work_count;
	uint32_t *later; /* found by a heuristic */
	uint32_t later_count;
	uint32_t *order; /* of the search for components; then the owner */
	uint32_t *link;  /* then the representative of the component */
	uint32_t *stack;
	struct frame *frames;
	struct scan_region **root[NODE_SLOTS];
	uint64_t low; /* of all blocks, and the bytes from there to the end of the last */
	uint64_t span;
	uint32_t heuristics;
	uint64_t deadline_ns;
	uint64_t bytes_to_clock;
	bool late;
	bool failed;
	bool ignore_chunk_ends;
	struct graph_counts counts;
	struct range code[RANGES_MAX];
	uint32_t code_count;
	struct range constants[RANGES_MAX];
	uint32_t constants_count;
} g;

/* --- arrays; memory is only taken where it is touched --- */

static void *array(uint64_t elements, size_t bytes)
{
	void *p = os_map(elements * bytes);

	g.failed |= !p;
	return p;
}

bool graph_init(uint32_t capacity)
{
	__builtin_memset(&g, 0, offsetof(__typeof__(g), code));
	g.code_count = 0;
	g.constants_count = 0;
	g.deadline_ns = UINT64_MAX;
	g.bytes_to_clock = DEADLINE_BYTES;
	g.capacity = capacity + 1;
	g.address = array(g.capacity, sizeof(*g.address));
	g.info = array(g.capacity, sizeof(*g.info));
	g.offset = array(g.capacity, sizeof(*g.offset));
	g.state = array(g.capacity, sizeof(*g.state));
	g.kind = array(g.capacity, sizeof(*g.kind));
	g.work = array(g.capacity, sizeof(*g.work));
	g.later = array(g.capacity, sizeof(*g.later));
	return !g.failed;
}

static struct scan_region *region_of(uint64_t address, bool make)
{
	struct scan_region ***middle = &g.root[address >> (2 * LEAF_BITS + REGION_BITS) & (NODE_SLOTS - 1)];
	struct scan_region **leaf;

	if (!*middle) {
		if (!make)
			return NULL;
		*middle = array(NODE_SLOTS, sizeof(**middle));
		if (!*middle)
			return NULL;
	}
	leaf = &(*middle)[address >> (LEAF_BITS + REGION_BITS) & (NODE_SLOTS - 1)];
	if (!*leaf) {
		if (!make)
			return NULL;
		*leaf = array(NODE_SLOTS, sizeof(**leaf));
		if (!*leaf)
			return NULL;
	}
	return &(*leaf)[address >> REGION_BITS & (NODE_SLOTS - 1)];
}

void graph_add(uint64_t address, uint64_t bytes, uint32_t row, bool root, bool candidate)
{
	uint32_t i = g.count;
	struct scan_region *r;

	if (i == g.capacity || address >> 47 || (i && address <= g.address[i - 1]))
		return;
	r = region_of(address, true);
	if (!r)
		return;
	if (bytes >> INFO_BYTES_BITS)
		bytes = (1ull << INFO_BYTES_BITS) - 1;
	if (!r->first)
		r->first = i + 1;
	r->count++;
	g.address[i] = address;
	g.info[i] = bytes << 28 | (uint64_t)row << 1 | candidate;
	g.offset[i] = (uint16_t)(address & (REGION_BYTES - 1));
	g.state[i] = root ? ROOT : 0;
	g.count = i + 1;
}

bool graph_finish(void)
{
	uint64_t high = 0;

	for (uint32_t i = 0; i < g.count; i++) {
		uint64_t end = g.address[i] + graph_bytes(i);

		if (i + 1 < g.count && end > g.address[i + 1])
			end = g.address[i + 1]; /* torn entries only: blocks do not overlap */
		for (uint64_t at = (g.address[i] | (REGION_BYTES - 1)) + 1; at < end; at += REGION_BYTES) {
			struct scan_region *r = region_of(at, true);

			if (!r)
				return false;
			r->cover = i + 1;
		}
		high = end > high ? end : high;
	}
	g.low = g.count ? g.address[0] : 0;
	g.span = g.count ? high - g.low + 1 : 0; /* +1: the start of an empty last block */
	return !g.failed;
}

uint32_t graph_count(void)
{
	return g.count;
}

uint64_t graph_address(uint32_t i)
{
	return g.address[i];
}

uint64_t graph_bytes(uint32_t i)
{
	return g.info[i] >> 28;
}

uint32_t graph_row(uint32_t i)
{
	return (uint32_t)(g.info[i] >> 1) & ((1u << INFO_ROW_BITS) - 1);
}

static bool is_candidate(uint32_t i)
{
	return g.info[i] & 1;
}

enum graph_mark graph_mark(uint32_t i)
{
	return g.state[i] & REACHED ? GRAPH_REACHED : g.state[i] & POSSIBLE ? GRAPH_POSSIBLE : GRAPH_LOST;
}

bool graph_noted(uint32_t i)
{
	return g.state[i] & (STARTED | INTERIOR);
}

bool graph_is_cyclic(uint32_t i)
{
	return g.state[i] & CYCLE;
}

struct graph_counts *graph_counts(void)
{
	return &g.counts;
}

uint32_t graph_first_from(uint64_t address)
{
	uint32_t low = 0;
	uint32_t high = g.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (g.address[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void note(struct range *list, uint32_t *count, uint64_t start, uint64_t end)
{
	if (*count < RANGES_MAX)
		list[(*count)++] = (struct range){ start, end };
}

void graph_note_code(uint64_t start, uint64_t end)
{
	note(g.code, &g.code_count, start, end);
}

void graph_note_constants(uint64_t start, uint64_t end)
{
	note(g.constants, &g.constants_count, start, end);
}

void graph_set_deadline(uint64_t deadline_ns)
{
	g.deadline_ns = deadline_ns;
}

bool graph_late(void)
{
	return g.late;
}

/* BYTES are about to be searched. false: time is up. */
static bool in_time(uint64_t bytes)
{
	if (likely(bytes < g.bytes_to_clock)) {
		g.bytes_to_clock -= bytes;
		return true;
	}
	g.bytes_to_clock = DEADLINE_BYTES;
	g.late = g.late || os_now_ns() > g.deadline_ns;
	return !g.late;
}

/* The block that WORD points to, or GRAPH_NONE. */
static inline uint32_t find(uint64_t word)
{
	const struct scan_region *r = region_of(word, false);
	uint32_t offset = (uint32_t)(word & (REGION_BYTES - 1));
	uint32_t i;

	if (!r)
		return GRAPH_NONE;
	if (r->count && g.offset[r->first - 1] <= offset) {
		uint32_t low = r->first - 1; /* starts at or below */
		uint32_t high = low + r->count;

		while (high - low > 1) {
			uint32_t middle = low + (high - low) / 2;

			if (g.offset[middle] <= offset)
				low = middle;
			else
				high = middle;
		}
		i = low;
	} else if (r->cover) {
		i = r->cover - 1;
	} else {
		return GRAPH_NONE;
	}
	return word == g.address[i] || word - g.address[i] < graph_bytes(i) ? i : GRAPH_NONE;
}

/* --- interior pointers that are as good as start pointers --- */

static uint64_t word_at(uint64_t address)
{
	return *(const volatile uint64_t *)address;
}

static bool in_ranges(const struct range *list, uint32_t count, uint64_t address)
{
	for (uint32_t i = 0; i < count; i++) {
		if (address >= list[i].start && address < list[i].end)
			return true;
	}
	return false;
}

/* A table in read-only data that starts with addresses of code, or zero (pure virtual, or of a class never made). */
static bool is_vtable(uint64_t address)
{
	if (address & 7 || !in_ranges(g.constants, g.constants_count, address))
		return false;
	return in_ranges(g.code, g.code_count, word_at(address));
}

/* The heuristic by which a pointer OFFSET into block I counts, GRAPH_NONE if none. */
static uint32_t recognise(uint32_t i, uint64_t offset)
{
	uint64_t start = g.address[i];
	uint64_t bytes = graph_bytes(i);

	/* A colour or type in the low bits: allocators align to 16. */
	if (offset < 8)
		return MP_SCAN_HEURISTIC_TAG;
	/* Characters behind their length, capacity and use count: std::string of the older ABI. */
	if (offset == 24 && bytes > 24 && word_at(start) <= word_at(start + 8) && word_at(start + 8) <= bytes - 25 &&
	    (int64_t)word_at(start + 16) >= -1 && word_at(start + 16) < 1u << 31)
		return MP_SCAN_HEURISTIC_STDSTRING;
	/* Data behind its size, as sqlite's allocator has it. */
	if (offset == 8 && word_at(start) == bytes - 8)
		return MP_SCAN_HEURISTIC_LENGTH64;
	/* new T[n] where T has a destructor. */
	if (offset == 8 && word_at(start) && word_at(start) <= bytes - 8 && (bytes - 8) % word_at(start) == 0)
		return MP_SCAN_HEURISTIC_NEWARRAY;
	/* A base class that is not the first: both parts begin with a table of functions. */
	if (offset % 8 == 0 && offset + 8 <= bytes && is_vtable(word_at(start)) && is_vtable(word_at(start + offset)))
		return MP_SCAN_HEURISTIC_MULTIPLE_INHERITANCE;
	return GRAPH_NONE;
}

void graph_ignore_chunk_ends(bool ignore)
{
	g.ignore_chunk_ends = ignore;
}

/* The word before a block is the size of its chunk, which begins 16 bytes before it, and three flags. */
static bool is_chunk_end(uint32_t i, uint64_t word)
{
	return word == g.address[i] - 16 + (word_at(g.address[i] - 8) & ~7ull);
}

/* --- marking --- */

static void reach(uint32_t i)
{
	g.state[i] |= REACHED;
	g.work[g.work_count++] = i;
}

/* A pointer from a root or a reachable block. */
static inline void visit_reaching(uint64_t word)
{
	uint32_t i = find(word);
	uint32_t heuristic;

	if (i == GRAPH_NONE || g.state[i] & REACHED)
		return;
	if (word == g.address[i]) {
		g.state[i] |= STARTED;
		reach(i);
		return;
	}
	if (unlikely(g.ignore_chunk_ends) && is_chunk_end(i, word))
		return;
	g.state[i] |= INTERIOR;
	if (g.kind[i])
		return;
	heuristic = recognise(i, word - g.address[i]);
	if (heuristic != GRAPH_NONE && g.heuristics >> heuristic & 1) {
		g.kind[i] = (uint8_t)(heuristic + 1);
		g.later[g.later_count++] = i;
	}
}

/* A pointer from a block that is possibly lost. */
static inline void visit_possible(uint64_t word)
{
	uint32_t i = find(word);

	if (i == GRAPH_NONE || g.state[i] & (REACHED | POSSIBLE))
		return;
	g.state[i] |= POSSIBLE;
	g.work[g.work_count++] = i;
}

/* What cannot be judged holds on to everything. */
static inline void visit_all(uint64_t word)
{
	uint32_t i = find(word);

	if (i != GRAPH_NONE && !(g.state[i] & REACHED))
		reach(i);
}

#define SEARCH(start, end, visit)                                                        \
	do {                                                                             \
		for (uint64_t at_ = ((start) + 7) & ~7ull; at_ + 8 <= (end); at_ += 8) { \
			uint64_t word_ = word_at(at_);                                   \
                                                                                         \
			if (unlikely(word_ - g.low < g.span))                            \
				visit(word_);                                            \
		}                                                                        \
	} while (0)

static void search(uint64_t start, uint64_t end, enum graph_mark as)
{
	if (as == GRAPH_REACHED)
		SEARCH(start, end, visit_reaching);
	else if (as == GRAPH_POSSIBLE)
		SEARCH(start, end, visit_possible);
	else
		SEARCH(start, end, visit_all);
}

static void search_block(uint32_t i, enum graph_mark as)
{
	uint64_t start = g.address[i];
	uint64_t end = start + graph_bytes(i);
	uint64_t from;
	uint64_t upto;

	if (!in_time(end - start))
		return;
	if (end - start < SPARSE_BYTES) {
		g.counts.heap_bytes += end - start;
		search(start, end, as);
		return;
	}
	while (pages_next(start, end, &from, &upto)) {
		g.counts.heap_bytes += upto - from;
		search(from, upto, as);
		start = upto;
	}
}

/* GRAPH_LOST as the way of marking stands for visit_all(). */
static void flood(enum graph_mark as)
{
	while (g.work_count && !g.late)
		search_block(g.work[--g.work_count], as);
}

void graph_scan_root(uint64_t start, uint64_t end)
{
	if (in_time(end - start))
		search(start, end, GRAPH_REACHED);
}

void graph_root_block(uint64_t address)
{
	uint32_t i = address - g.low < g.span ? find(address) : GRAPH_NONE;

	if (i != GRAPH_NONE && !(g.state[i] & REACHED))
		reach(i);
}

static void follow_heuristics(void)
{
	for (uint32_t n = 0; n < g.later_count; n++) {
		uint32_t i = g.later[n];

		if (g.state[i] & REACHED)
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
	for (uint32_t i = 0; i < g.count; i++) {
		if (g.state[i] & ROOT && !(g.state[i] & REACHED))
			reach(i);
	}
	flood(GRAPH_REACHED);
	follow_heuristics();
	for (uint32_t i = 0; i < g.count; i++) {
		if ((g.state[i] & (INTERIOR | REACHED | POSSIBLE)) != INTERIOR)
			continue;
		g.state[i] |= POSSIBLE;
		g.work[g.work_count++] = i;
		flood(GRAPH_POSSIBLE);
	}
	for (uint32_t i = 0; confirm && i < g.count; i++) {
		if (g.state[i] & (REACHED | POSSIBLE) || is_candidate(i))
			continue;
		g.counts.unconfirmed_count++;
		reach(i);
		flood(GRAPH_LOST);
	}
}

/* --- what is lost: components (Tarjan), then owners --- */

static bool is_lost(uint32_t i)
{
	return !(g.state[i] & (REACHED | POSSIBLE));
}

/* The next lost block that the block of F points to; GRAPH_NONE at its end. */
static uint32_t next_lost(struct frame *f)
{
	uint64_t end = g.address[f->block] + graph_bytes(f->block);

	if (g.late)
		return GRAPH_NONE;
	for (; f->next + 8 <= end; f->next += 8) {
		uint64_t word = word_at(f->next);
		uint32_t i;

		if (word - g.low >= g.span)
			continue;
		i = find(word);
		if (i == GRAPH_NONE || !is_lost(i))
			continue;
		f->next += 8;
		return i;
	}
	return GRAPH_NONE;
}

static void enter(uint32_t block, uint32_t *depth, uint32_t *clock, uint32_t *stack_count)
{
	in_time(graph_bytes(block));
	g.order[block] = g.link[block] = ++*clock;
	g.state[block] |= ON_STACK;
	g.stack[(*stack_count)++] = block;
	g.frames[(*depth)++] = (struct frame){ .next = (g.address[block] + 7) & ~7ull, .block = block };
}

/* Takes the component that ends with BLOCK off the stack. Its block with the lowest address stands for it. */
static void close_component(uint32_t block, uint32_t *stack_count, bool has_parent)
{
	uint32_t from = *stack_count;
	uint32_t chief = block;

	do {
		from--;
		chief = g.stack[from] < chief ? g.stack[from] : chief;
	} while (g.stack[from] != block);
	for (uint32_t n = from; n < *stack_count; n++) {
		uint32_t i = g.stack[n];

		g.link[i] = chief;
		g.state[i] &= (uint8_t)~ON_STACK;
		if (*stack_count - from > 1)
			g.state[i] |= CYCLE;
	}
	if (has_parent)
		g.state[chief] |= HAS_PARENT;
	*stack_count = from;
}

static void find_components(void)
{
	uint32_t depth = 0;
	uint32_t clock = 0;
	uint32_t stack_count = 0;

	for (uint32_t i = 0; i < g.count; i++) {
		if (!is_lost(i) || g.order[i])
			continue;
		enter(i, &depth, &clock, &stack_count);
		while (depth) {
			struct frame *f = &g.frames[depth - 1];
			uint32_t block = f->block;
			uint32_t to = next_lost(f);

			if (to != GRAPH_NONE && !g.order[to]) {
				enter(to, &depth, &clock, &stack_count);
			} else if (to != GRAPH_NONE && g.state[to] & ON_STACK) {
				if (g.order[to] < g.link[block])
					g.link[block] = g.order[to];
			} else if (to != GRAPH_NONE) {
				g.state[g.link[to]] |= HAS_PARENT;
			} else {
				uint32_t parent = --depth ? g.frames[depth - 1].block : GRAPH_NONE;

				if (g.link[block] == g.order[block])
					close_component(block, &stack_count, parent != GRAPH_NONE);
				else if (parent != GRAPH_NONE && g.link[block] < g.link[parent])
					g.link[parent] = g.link[block];
			}
		}
	}
}

bool graph_fold(void)
{
	g.order = array(g.capacity, sizeof(*g.order));
	g.link = array(g.capacity, sizeof(*g.link));
	g.stack = array(g.capacity, sizeof(*g.stack));
	g.frames = array(g.capacity, sizeof(*g.frames));
	if (g.failed)
		return false;
	find_components();
	/* From here on order[] is the owner + 1. */
	for (uint32_t i = 0; i < g.count; i++)
		g.order[i] = 0;
	for (uint32_t i = 0; i < g.count && !g.late; i++) {
		if (!is_lost(i) || g.link[i] != i || g.state[i] & HAS_PARENT)
			continue;
		g.order[i] = i + 1;
		g.work[g.work_count++] = i;
		while (g.work_count) {
			struct frame f = { .block = g.work[--g.work_count] };

			f.next = (g.address[f.block] + 7) & ~7ull;
			for (uint32_t to = next_lost(&f); to != GRAPH_NONE; to = next_lost(&f)) {
				if (g.order[to])
					continue;
				g.order[to] = i + 1;
				g.work[g.work_count++] = to;
			}
		}
	}
	return true;
}

uint32_t graph_owner(uint32_t i)
{
	return g.order[i] ? g.order[i] - 1 : i;
}
