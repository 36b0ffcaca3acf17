/* SPDX-License-Identifier: MIT */
/*
 * Blocks lie in an array, sorted by address. What a word points to is told by one cache line: for each 512 bytes of
 * heap there is a map of where blocks start, and how many start below (a unit); the bits up to the word then give the
 * number of the block. Units come in leaves of 32 MiB. Those without any block are not there, and those inside of one
 * block have no units of their own.
 *
 * Memory, for a heap of H bytes in N blocks: H / 32 and 17 N bytes.
 */
#include "leak_blocks.h"

#include "os.h"

#define ADDRESSES    (1ull << 47) /* of user memory */
#define MAPPED_BYTES 64u          /* so that arrays start at a cache line */
#define SPARE_UNITS  (8u * BLOCKS_UNITS)

struct blocks blocks;

static uint64_t no_leaves[BLOCKS_STEP];
static struct unit *spare; /* units that no leaf has taken yet */
static struct unit *spare_end;
static bool failed;

static struct mapped {
	struct mapped *before;
	uint64_t bytes;
} * mapped; /* at the start of each mapping */

void *blocks_array(uint64_t elements, size_t size)
{
	uint64_t bytes = elements * size + MAPPED_BYTES;
	/* Large ones in huge pages: of small ones each would cost a fault, and most loads a walk of the page tables. */
	bool huge = bytes >= 2 * OS_HUGE_PAGE;
	struct mapped *m;

	if (huge)
		bytes = (bytes + OS_HUGE_PAGE - 1) & ~(uint64_t)(OS_HUGE_PAGE - 1);
	m = huge ? os_map_huge(bytes) : os_map(bytes);
	failed |= !m;
	if (!m)
		return NULL;
	*m = (struct mapped){ .before = mapped, .bytes = bytes };
	mapped = m;
	return (char *)m + MAPPED_BYTES;
}

bool blocks_failed(void)
{
	return failed;
}

bool blocks_init(uint32_t capacity)
{
	__builtin_memset(&blocks, 0, sizeof(blocks));
	spare = NULL;
	spare_end = NULL;
	failed = false;
	mapped = NULL;
	blocks.capacity = capacity + 1;
	blocks.list = blocks_array(blocks.capacity, sizeof(*blocks.list));
	blocks.state = blocks_array(blocks.capacity, sizeof(*blocks.state));
	for (unsigned i = 0; i < BLOCKS_STEP; i++)
		blocks.leaves[i] = no_leaves;
	return !failed;
}

void blocks_free(void)
{
	while (mapped) {
		struct mapped *m = mapped;

		mapped = m->before;
		os_unmap(m, m->bytes);
	}
	blocks.count = 0;
}

uint64_t blocks_bytes_for(uint64_t count, uint64_t heap_bytes)
{
	return heap_bytes / (1u << BLOCKS_UNIT_BITS) * sizeof(struct unit) +
	       count * (sizeof(*blocks.list) + sizeof(*blocks.state)) + (uint64_t)16 * OS_HUGE_PAGE;
}

void blocks_add(uint64_t address, uint64_t bytes, uint32_t row, bool root, bool candidate)
{
	uint32_t i = blocks.count;

	/* Two in the same 8 bytes have no bit each. */
	if (i == blocks.capacity || address >= ADDRESSES || (i && address >> 3 <= blocks.list[i - 1].address >> 3))
		return;
	if (bytes >> BLOCKS_BYTES_BITS)
		bytes = (1ull << BLOCKS_BYTES_BITS) - 1;
	blocks.list[i].address = address;
	blocks.list[i].info = bytes << 28 | (uint64_t)row << 1 | candidate;
	blocks.state[i] = root ? BLOCK_ROOT : 0;
	blocks.count = i + 1;
}

/* The place of a leaf that will be there. NULL: no memory. */
static uint64_t *make_leaf(uint64_t address)
{
	uint64_t **leaves = &blocks.leaves[address >> (BLOCKS_LEAF_BITS + BLOCKS_STEP_BITS)];

	if (*leaves == no_leaves) {
		uint64_t *made = blocks_array(BLOCKS_STEP, sizeof(*made));

		if (!made)
			return NULL;
		*leaves = made;
	}
	return &(*leaves)[address >> BLOCKS_LEAF_BITS & (BLOCKS_STEP - 1)];
}

/* The unit of ADDRESS, made if it is not there. NULL: no memory. */
static struct unit *make_unit(uint64_t address)
{
	uint64_t *leaf = make_leaf(address);

	if (!leaf)
		return NULL;
	if (!*leaf) {
		if (spare == spare_end) {
			/* A small heap has few leaves, whose pages are touched one by one. */
			uint64_t units = spare ? SPARE_UNITS : BLOCKS_UNITS;

			spare = blocks_array(units, sizeof(*spare));
			if (!spare)
				return NULL;
			spare_end = spare + units;
		}
		*leaf = (uint64_t)spare;
		spare += BLOCKS_UNITS;
	}
	return (struct unit *)*leaf + (address >> BLOCKS_UNIT_BITS & (BLOCKS_UNITS - 1));
}

static bool is_leaf_start(uint64_t address)
{
	return !(address & ((1ull << BLOCKS_LEAF_BITS) - 1));
}

/* Notes where block I lies, up to END. */
static bool place_block(uint32_t i, uint64_t end)
{
	uint64_t at = blocks.list[i].address;
	struct unit *u = make_unit(at);

	if (!u)
		return false;
	if (!u->below)
		u->below = i + 1;
	u->starts |= 1ull << (at >> 3 & 63);
	for (at = (at | ((1u << BLOCKS_UNIT_BITS) - 1)) + 1; at < end;) {
		if (is_leaf_start(at) && end - at >= 1ull << BLOCKS_LEAF_BITS && !blocks_leaf_at(at)) {
			uint64_t *leaf = make_leaf(at);

			if (!leaf)
				return false;
			*leaf = (uint64_t)i << 1 | 1;
			at += 1ull << BLOCKS_LEAF_BITS;
			continue;
		}
		u = make_unit(at);
		if (!u)
			return false;
		u->below = i + 2;
		at += 1ull << BLOCKS_UNIT_BITS;
	}
	return true;
}

bool blocks_finish(void)
{
	uint64_t high = 0;

	for (uint32_t i = 0; i < blocks.count; i++) {
		uint64_t end = blocks.list[i].address + block_bytes(i);

		end = end < ADDRESSES ? end : ADDRESSES;
		if (i + 1 < blocks.count && end > blocks.list[i + 1].address)
			end = blocks.list[i + 1].address; /* torn entries only: blocks do not overlap */
		if (!place_block(i, end))
			return false;
		high = end > high ? end : high;
	}
	blocks.low = blocks.count ? blocks.list[0].address : 0;
	blocks.span = blocks.count ? high - blocks.low + 1 : 0; /* +1: the start of an empty last block */
	return !failed;
}

uint32_t blocks_first_from(uint64_t address)
{
	uint32_t low = 0;
	uint32_t high = blocks.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (blocks.list[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
