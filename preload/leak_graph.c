/* SPDX-License-Identifier: MIT */
/*
 * Blocks lie in an array, sorted by address. What a word points to is told by one cache line: for each 512 bytes of
 * heap there is a map of where blocks start, and how many start below; the bits up to the word then give the number of
 * the block. Runs of 32 MiB without any block have no such maps, and those inside of one block none of their own.
 *
 * In a large heap nearly every step misses the caches, so no step waits for its memory. A word that may be a pointer
 * waits in a ring until its map is there, then in a second one until the block's row is, and a block to be searched in
 * a third until its first lines are. All other blocks to be searched are on a stack.
 *
 * Memory, for a heap of H bytes in N blocks: H / 32 and 26 N bytes, in the worst case (all lost) 28 N more.
 */
#include "leak_graph.h"

#include <stddef.h>

#include "compiler.h"
#include "leak_pages.h"
#include "os.h"

#define UNIT_BITS 9 /* of heap: one bit per 8 bytes, which is how allocators align at least */
#define LEAF_BITS 25
#define UNITS     (1u << (LEAF_BITS - UNIT_BITS))
#define ADDRESSES (1ull << 47) /* of user memory */
/*
 * Leaves are found in two steps, because most words of memory are no addresses of blocks, but any numbers: in one array
 * of all leaves each of them would touch a page that nobody needs.
 */
#define STEP_BITS 11
#define STEP      (1u << STEP_BITS)
_Static_assert(LEAF_BITS + 2 * STEP_BITS == 47, "all of user memory");

/* Loads under way at a time: processors have 10 to 20 of them. */
#define RING 16u

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

struct unit {
	uint64_t starts;
	uint32_t below; /* blocks that start below, + 1; 0 = no block lies here */
	uint32_t unused;
};

struct block {
	uint64_t address;
	uint64_t info;
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

struct waiting {
	uint64_t word;
	uint32_t block;
};

static struct {
	uint32_t count;
	uint32_t capacity;
	struct block *blocks;
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
	/*
	 * By the upper and the lower half of an address's bits above LEAF_BITS. A leaf is a struct unit[UNITS]; or
	 * block << 1 | 1, which covers it all; or 0, if there is none.
	 */
	uint64_t *leaves[STEP];
	struct unit *spare;
	struct unit *spare_end;
	uint64_t low; /* of all blocks, and the bytes from there to the end of the last */
	uint64_t span;
	/* The rings; numbers of what went in and came out so far. */
	uint32_t words_in, words_out;
	uint32_t found_in, found_out;
	uint32_t next_in, next_out;
	uint64_t words[RING];
	struct waiting found[RING];
	uint32_t next[RING];
	enum graph_mark as; /* how what is found is marked; GRAPH_LOST: whatever leads to it, as reached */
	enum graph_mark root_as; /* the same, for what roots lead to */
	uint32_t heuristics;
	uint64_t deadline_ns;
	uint64_t bytes_to_clock;
	bool late;
	bool failed;
	bool ignore_chunk_ends;
	struct graph_counts counts;
	struct mapped {
		struct mapped *before;
		uint64_t bytes;
	} * mapped; /* at the start of each mapping */
	struct range code[RANGES_MAX];
	uint32_t code_count;
	struct range constants[RANGES_MAX];
	uint32_t constants_count;
} g;

static uint64_t no_leaves[STEP];

/* --- arrays; memory is only taken where it is touched --- */

#define MAPPED_BYTES 64u /* so that arrays start at a cache line */

static void *array(uint64_t elements, size_t size)
{
	uint64_t bytes = elements * size + MAPPED_BYTES;
	/* Large ones in huge pages: of small ones each would cost a fault, and most loads a walk of the page tables. */
	bool huge = bytes >= 2 * OS_HUGE_PAGE;
	struct mapped *m;

	if (huge)
		bytes = (bytes + OS_HUGE_PAGE - 1) & ~(uint64_t)(OS_HUGE_PAGE - 1);
	m = huge ? os_map_huge(bytes) : os_map(bytes);
	g.failed |= !m;
	if (!m)
		return NULL;
	*m = (struct mapped){ .before = g.mapped, .bytes = bytes };
	g.mapped = m;
	return (char *)m + MAPPED_BYTES;
}

bool graph_init(uint32_t capacity)
{
	__builtin_memset(&g, 0, offsetof(__typeof__(g), code));
	g.code_count = 0;
	g.constants_count = 0;
	g.root_as = GRAPH_REACHED;
	g.deadline_ns = UINT64_MAX;
	g.bytes_to_clock = DEADLINE_BYTES;
	g.capacity = capacity + 1;
	g.blocks = array(g.capacity, sizeof(*g.blocks));
	g.state = array(g.capacity, sizeof(*g.state));
	g.kind = array(g.capacity, sizeof(*g.kind));
	g.work = array(g.capacity, sizeof(*g.work));
	g.later = array(g.capacity, sizeof(*g.later));
	for (unsigned i = 0; i < STEP; i++)
		g.leaves[i] = no_leaves;
	return !g.failed;
}

void graph_free(void)
{
	while (g.mapped) {
		struct mapped *m = g.mapped;

		g.mapped = m->before;
		os_unmap(m, m->bytes);
	}
	g.count = 0;
}

uint64_t graph_bytes_for(uint64_t count, uint64_t heap_bytes)
{
	return heap_bytes / (1u << UNIT_BITS) * sizeof(struct unit) +
	       count * (sizeof(struct block) + 2 * sizeof(uint8_t) + 5 * sizeof(uint32_t) + sizeof(struct frame)) +
	       (uint64_t)16 * OS_HUGE_PAGE;
}

void graph_add(uint64_t address, uint64_t bytes, uint32_t row, bool root, bool candidate)
{
	uint32_t i = g.count;

	/* Two in the same 8 bytes have no bit each. */
	if (i == g.capacity || address >= ADDRESSES || (i && address >> 3 <= g.blocks[i - 1].address >> 3))
		return;
	if (bytes >> INFO_BYTES_BITS)
		bytes = (1ull << INFO_BYTES_BITS) - 1;
	g.blocks[i].address = address;
	g.blocks[i].info = bytes << 28 | (uint64_t)row << 1 | candidate;
	g.state[i] = root ? ROOT : 0;
	g.count = i + 1;
}

#define SPARE_UNITS (8u * UNITS)

static inline uint64_t leaf_at(uint64_t address)
{
	return g.leaves[address >> (LEAF_BITS + STEP_BITS)][address >> LEAF_BITS & (STEP - 1)];
}

/* The place of a leaf that will be there. NULL: no memory. */
static uint64_t *make_leaf(uint64_t address)
{
	uint64_t **leaves = &g.leaves[address >> (LEAF_BITS + STEP_BITS)];

	if (*leaves == no_leaves) {
		uint64_t *made = array(STEP, sizeof(*made));

		if (!made)
			return NULL;
		*leaves = made;
	}
	return &(*leaves)[address >> LEAF_BITS & (STEP - 1)];
}

/* The unit of ADDRESS, made if it is not there. NULL: no memory. */
static struct unit *make_unit(uint64_t address)
{
	uint64_t *leaf = make_leaf(address);

	if (!leaf)
		return NULL;
	if (!*leaf) {
		if (g.spare == g.spare_end) {
			/* A small heap has few leaves, whose pages are touched one by one. */
			uint64_t units = g.spare ? SPARE_UNITS : UNITS;

			g.spare = array(units, sizeof(*g.spare));
			if (!g.spare)
				return NULL;
			g.spare_end = g.spare + units;
		}
		*leaf = (uint64_t)g.spare;
		g.spare += UNITS;
	}
	return (struct unit *)*leaf + (address >> UNIT_BITS & (UNITS - 1));
}

static bool is_leaf_start(uint64_t address)
{
	return !(address & ((1ull << LEAF_BITS) - 1));
}

/* Notes where block I lies, up to END. */
static bool place_block(uint32_t i, uint64_t end)
{
	uint64_t at = g.blocks[i].address;
	struct unit *u = make_unit(at);

	if (!u)
		return false;
	if (!u->below)
		u->below = i + 1;
	u->starts |= 1ull << (at >> 3 & 63);
	for (at = (at | ((1u << UNIT_BITS) - 1)) + 1; at < end;) {
		if (is_leaf_start(at) && end - at >= 1ull << LEAF_BITS && !leaf_at(at)) {
			uint64_t *leaf = make_leaf(at);

			if (!leaf)
				return false;
			*leaf = (uint64_t)i << 1 | 1;
			at += 1ull << LEAF_BITS;
			continue;
		}
		u = make_unit(at);
		if (!u)
			return false;
		u->below = i + 2;
		at += 1ull << UNIT_BITS;
	}
	return true;
}

bool graph_finish(void)
{
	uint64_t high = 0;

	for (uint32_t i = 0; i < g.count; i++) {
		uint64_t end = g.blocks[i].address + graph_bytes(i);

		end = end < ADDRESSES ? end : ADDRESSES;
		if (i + 1 < g.count && end > g.blocks[i + 1].address)
			end = g.blocks[i + 1].address; /* torn entries only: blocks do not overlap */
		if (!place_block(i, end))
			return false;
		high = end > high ? end : high;
	}
	g.low = g.count ? g.blocks[0].address : 0;
	g.span = g.count ? high - g.low + 1 : 0; /* +1: the start of an empty last block */
	return !g.failed;
}

uint32_t graph_count(void)
{
	return g.count;
}

uint64_t graph_address(uint32_t i)
{
	return g.blocks[i].address;
}

uint64_t graph_bytes(uint32_t i)
{
	return g.blocks[i].info >> 28;
}

uint32_t graph_row(uint32_t i)
{
	return (uint32_t)(g.blocks[i].info >> 1) & ((1u << INFO_ROW_BITS) - 1);
}

static bool is_candidate(uint32_t i)
{
	return g.blocks[i].info & 1;
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

		if (g.blocks[middle].address < address)
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

/* --- from a word to a block --- */

/* What is at hand of where WORD points to: 0 if nothing can be there, else a unit or a block << 1 | 1. */
static inline uint64_t leaf_of(uint64_t word)
{
	return word - g.low < g.span ? leaf_at(word) : 0;
}

static inline const struct unit *unit_of(uint64_t leaf, uint64_t word)
{
	return (const struct unit *)leaf + (word >> UNIT_BITS & (UNITS - 1));
}

static inline uint32_t count_bits(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555ull;
	bits = (bits & 0x3333333333333333ull) + (bits >> 2 & 0x3333333333333333ull);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (uint32_t)(bits * 0x0101010101010101ull >> 56);
}

/* The last block that starts at or below WORD, if it is near; GRAPH_NONE if there is none. It need not reach so far. */
static inline uint32_t candidate_for(uint64_t leaf, uint64_t word)
{
	const struct unit *u;

	if (leaf & 1)
		return (uint32_t)(leaf >> 1);
	u = unit_of(leaf, word);
	if (!u->below)
		return GRAPH_NONE;
	/* below - 1 blocks, and those of the unit up to here: the last of them. 0 - 1 is GRAPH_NONE. */
	return u->below - 1 + count_bits(u->starts << (63 - (word >> 3 & 63))) - 1;
}

static inline bool holds(uint32_t i, uint64_t word)
{
	const struct block *b = &g.blocks[i];

	return word == b->address || word - b->address < b->info >> 28;
}

/* The block that WORD points to, or GRAPH_NONE. */
static inline uint32_t find(uint64_t word)
{
	uint64_t leaf = leaf_of(word);
	uint32_t i = leaf ? candidate_for(leaf, word) : GRAPH_NONE;

	return i != GRAPH_NONE && holds(i, word) ? i : GRAPH_NONE;
}

/* --- interior pointers that are as good as start pointers --- */

/* 0 where there is nothing to read. */
static uint64_t word_at(uint64_t address)
{
	return address & 7 ? 0 : *(const volatile uint64_t *)(pages_data(address) + (address & (PAGES_BYTES - 1)));
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
	uint64_t start = g.blocks[i].address;
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

/* The word before a block is the size of its chunk, which begins 16 bytes before it, and three flags. */
static bool is_chunk_end(uint32_t i, uint64_t word)
{
	return word == g.blocks[i].address - 16 + (word_at(g.blocks[i].address - 8) & ~7ull);
}

/* --- marking --- */

/* Block I is to be searched. */
static inline void push(uint32_t i)
{
	const char *start = (const char *)g.blocks[i].address;

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
	g.state[i] |= REACHED;
	push(i);
}

/* A pointer from a root or a reachable block. */
static inline void visit_reaching(uint32_t i, uint64_t word)
{
	uint32_t heuristic;

	if (word == g.blocks[i].address) {
		g.state[i] |= STARTED;
		reach(i);
		return;
	}
	if (unlikely(g.ignore_chunk_ends) && is_chunk_end(i, word))
		return;
	g.state[i] |= INTERIOR;
	if (g.kind[i])
		return;
	heuristic = recognise(i, word - g.blocks[i].address);
	if (heuristic != GRAPH_NONE && g.heuristics >> heuristic & 1) {
		g.kind[i] = (uint8_t)(heuristic + 1);
		g.later[g.later_count++] = i;
	}
}

/* A pointer from a block that is possibly lost. */
static inline void visit_possible(uint32_t i)
{
	if (g.state[i] & POSSIBLE)
		return;
	g.state[i] |= POSSIBLE;
	push(i);
}

static inline void visit(struct waiting w)
{
	if (g.state[w.block] & REACHED || !holds(w.block, w.word))
		return;
	if (g.as == GRAPH_REACHED)
		visit_reaching(w.block, w.word);
	else if (g.as == GRAPH_POSSIBLE)
		visit_possible(w.block);
	else if (likely(!g.ignore_chunk_ends) || w.word == g.blocks[w.block].address || !is_chunk_end(w.block, w.word))
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
	uint32_t i = candidate_for(leaf_at(word), word);

	if (i == GRAPH_NONE)
		return;
	if (g.found_in - g.found_out == RING)
		visit_found();
	__builtin_prefetch(&g.blocks[i]);
	__builtin_prefetch(&g.state[i], 1);
	g.found[g.found_in++ % RING] = (struct waiting){ word, i };
}

static inline void note_word(uint64_t word, uint64_t leaf)
{
	if (g.words_in - g.words_out == RING)
		look_up_word();
	if (likely(!(leaf & 1)))
		__builtin_prefetch(unit_of(leaf, word));
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
		uint64_t leaf = leaf_of(word);

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
	uint64_t start = g.blocks[i].address;
	uint64_t end = start + graph_bytes(i);
	uint64_t from;
	uint64_t upto;

	if (!in_time(end - start))
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
	if (in_time(end - start))
		search(start, end);
}

void graph_ignore_chunk_ends(bool ignore)
{
	settle(); /* what was seen before counts as before */
	g.ignore_chunk_ends = ignore;
}

void graph_root_block(uint64_t address)
{
	uint32_t i = find(address);

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
		push(i);
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

void graph_assume_others(void)
{
	g.root_as = GRAPH_LOST;
	for (uint32_t i = 0; i < g.count; i++) {
		if (!is_candidate(i))
			g.state[i] |= REACHED;
	}
}

uint32_t graph_confirm(void)
{
	uint32_t lost = 0;

	settle();
	g.as = GRAPH_LOST;
	pages_read_ahead(true);
	for (uint32_t i = 0; i < g.count && !g.late; i++) {
		if (!is_candidate(i))
			search_block(i);
	}
	pages_read_ahead(false);
	flood(GRAPH_LOST);
	for (uint32_t i = 0; i < g.count; i++)
		lost += !(g.state[i] & REACHED);
	return lost;
}

/* --- what is lost: components (Tarjan), then owners --- */

static bool is_lost(uint32_t i)
{
	return !(g.state[i] & (REACHED | POSSIBLE));
}

/* The next lost block that the block of F points to; GRAPH_NONE at its end. */
static uint32_t next_lost(struct frame *f)
{
	uint64_t end = g.blocks[f->block].address + graph_bytes(f->block);

	if (g.late)
		return GRAPH_NONE;
	for (; f->next + 8 <= end; f->next += 8) {
		uint32_t i = find(word_at(f->next));

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
	g.frames[(*depth)++] = (struct frame){ .next = (g.blocks[block].address + 7) & ~7ull, .block = block };
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
	for (uint32_t i = 0; i < g.count; i++) {
		if (is_lost(i))
			g.order[i] = 0;
	}
	for (uint32_t i = 0; i < g.count && !g.late; i++) {
		if (!is_lost(i) || g.link[i] != i || g.state[i] & HAS_PARENT)
			continue;
		g.order[i] = i + 1;
		g.work[g.work_count++] = i;
		while (g.work_count) {
			struct frame f = { .block = g.work[--g.work_count] };

			f.next = (g.blocks[f.block].address + 7) & ~7ull;
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
