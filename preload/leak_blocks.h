/* SPDX-License-Identifier: MIT */
/* The live blocks that a search is about: by address, in which of them an address lies, what is known of each. */
#ifndef MP_LEAK_BLOCKS_H
#define MP_LEAK_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One search at a time, one thread. Context: setup. */

#define BLOCKS_NONE UINT32_MAX

/* Room for CAPACITY blocks. false: no memory. */
bool blocks_init(uint32_t capacity);
/* Gives all memory back, that of blocks_array() too. */
void blocks_free(void);
/* Bytes that this takes at most, of so many blocks in so many bytes of address space. */
uint64_t blocks_bytes_for(uint64_t count, uint64_t heap_bytes);
/*
 * Zeroes, of which memory is only taken where they are touched. NULL: no memory, which blocks_failed() tells from then
 * on.
 */
void *blocks_array(uint64_t elements, size_t size);
bool blocks_failed(void);

/* Addresses must ascend; one that does not is left out. ROOT: reachable whatever points to it. */
void blocks_add(uint64_t address, uint64_t bytes, uint32_t row, bool root, bool candidate);
/* After the last block. false: no memory. */
bool blocks_finish(void);

/* First block that starts at or after ADDRESS; blocks_count() = none. */
uint32_t blocks_first_from(uint64_t address);

/* What is known of a block: marks of leak_graph, and what leak_owners finds of lost ones. */
enum block_state {
	BLOCK_REACHED = 1,
	BLOCK_POSSIBLE = 2,
	BLOCK_INTERIOR = 4, /* something points into it */
	BLOCK_ROOT = 8,
	BLOCK_ON_STACK = 16,
	BLOCK_HAS_PARENT = 32, /* of the representative of a component: another one leads to it */
	BLOCK_CYCLE = 64,
	BLOCK_STARTED = 128, /* something points to its start */
};

/*
 * The rest is for inline functions: a search asks for each word of memory what it points to. See leak_blocks.c for what
 * leaves and units are.
 */
#define BLOCKS_UNIT_BITS 9 /* of heap: one bit per 8 bytes, which is how allocators align at least */
#define BLOCKS_LEAF_BITS 25
#define BLOCKS_UNITS     (1u << (BLOCKS_LEAF_BITS - BLOCKS_UNIT_BITS))
/*
 * Leaves are found in two steps, because most words of memory are no addresses of blocks, but any numbers: in one array
 * of all leaves each of them would touch a page that nobody needs.
 */
#define BLOCKS_STEP_BITS 11
#define BLOCKS_STEP      (1u << BLOCKS_STEP_BITS)
_Static_assert(BLOCKS_LEAF_BITS + 2 * BLOCKS_STEP_BITS == 47, "all of user memory");

/* info: bytes 28..63 (up to 64 GiB; larger blocks are searched so far), row 1..27, candidate 0 */
#define BLOCKS_BYTES_BITS 36
#define BLOCKS_ROW_BITS   27

struct unit {
	uint64_t starts;
	uint32_t below; /* blocks that start below, + 1; 0 = no block lies here */
	uint32_t unused;
};

struct block {
	uint64_t address;
	uint64_t info;
};

struct blocks {
	uint32_t count;
	uint32_t capacity; /* and one more, so that there are arrays of none */
	struct block *list;
	uint8_t *state; /* bits by enum block_state */
	/*
	 * By the upper and the lower half of an address's bits above BLOCKS_LEAF_BITS. A leaf is a struct
	 * unit[BLOCKS_UNITS]; or block << 1 | 1, which covers it all; or 0, if there is none.
	 */
	uint64_t *leaves[BLOCKS_STEP];
	uint64_t low; /* of all blocks, and the bytes from there to the end of the last */
	uint64_t span;
};
extern struct blocks blocks;

static inline uint32_t blocks_count(void)
{
	return blocks.count;
}

static inline uint64_t block_address(uint32_t i)
{
	return blocks.list[i].address;
}

static inline uint64_t block_bytes(uint32_t i)
{
	return blocks.list[i].info >> 28;
}

static inline uint32_t block_row(uint32_t i)
{
	return (uint32_t)(blocks.list[i].info >> 1) & ((1u << BLOCKS_ROW_BITS) - 1);
}

static inline bool block_is_candidate(uint32_t i)
{
	return blocks.list[i].info & 1;
}

static inline bool block_holds(uint32_t i, uint64_t word)
{
	const struct block *b = &blocks.list[i];

	return word == b->address || word - b->address < b->info >> 28;
}

static inline uint64_t blocks_leaf_at(uint64_t address)
{
	return blocks.leaves[address >> (BLOCKS_LEAF_BITS + BLOCKS_STEP_BITS)]
			    [address >> BLOCKS_LEAF_BITS & (BLOCKS_STEP - 1)];
}

/* What is at hand of where WORD points to: 0 if nothing can be there, else a unit or a block << 1 | 1. */
static inline uint64_t blocks_leaf_of(uint64_t word)
{
	return word - blocks.low < blocks.span ? blocks_leaf_at(word) : 0;
}

static inline const struct unit *blocks_unit_of(uint64_t leaf, uint64_t word)
{
	return (const struct unit *)leaf + (word >> BLOCKS_UNIT_BITS & (BLOCKS_UNITS - 1));
}

static inline uint32_t blocks_count_bits(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555ull;
	bits = (bits & 0x3333333333333333ull) + (bits >> 2 & 0x3333333333333333ull);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (uint32_t)(bits * 0x0101010101010101ull >> 56);
}

/* The last block that starts at or below WORD, if it is near; it need not reach so far. BLOCKS_NONE: there is none. */
static inline uint32_t blocks_near(uint64_t leaf, uint64_t word)
{
	const struct unit *u;

	if (leaf & 1)
		return (uint32_t)(leaf >> 1);
	u = blocks_unit_of(leaf, word);
	if (!u->below)
		return BLOCKS_NONE;
	/* below - 1 blocks, and those of the unit up to here: the last of them. 0 - 1 is BLOCKS_NONE. */
	return u->below - 1 + blocks_count_bits(u->starts << (63 - (word >> 3 & 63))) - 1;
}

/* The block that WORD points to, or BLOCKS_NONE. */
static inline uint32_t blocks_find(uint64_t word)
{
	uint64_t leaf = blocks_leaf_of(word);
	uint32_t i = leaf ? blocks_near(leaf, word) : BLOCKS_NONE;

	return i != BLOCKS_NONE && block_holds(i, word) ? i : BLOCKS_NONE;
}

#endif
