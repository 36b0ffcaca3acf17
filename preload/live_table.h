/* SPDX-License-Identifier: MIT */
/* Address to live block, beside the heap: never a header inside the user's block. */
#ifndef MP_LIVE_TABLE_H
#define MP_LIVE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct live_block {
	uint64_t bytes;      /* as requested */
	uint32_t row;        /* row_id of its site, of the process that allocated it */
	uint32_t generation; /* live_generation() when it was allocated, modulo LIVE_GENERATIONS */
};

#define LIVE_GENERATIONS 16u /* forks in a row that are told apart */
#define LIVE_ROW_OWN     1u  /* memprof's own blocks (what a library loaded by it allocates): in nobody's counts */
#define LIVE_ROWS_MAX    (1u << 26) /* rows that fit an entry */
#define LIVE_ROW_IGNORED (1u << 26) /* set in a row: the program asked to leave this block out of leak reports */

enum live_insert { LIVE_OK, LIVE_REPLACED, LIVE_NO_MEMORY };

/*
 * Any thread may call these at any time, for any address; two calls about one address come in the order in which the
 * allocator gave the address out and took it back, because a block is taken before the real free. Context: hook, with
 * the gate closed (they take a lock per 16 KiB of heap, which a nested call could hold).
 */

/*
 * Enters a block. LIVE_REPLACED: the address was in the table already (its free was not seen); *ret_old is that
 * block.
 */
enum live_insert live_insert(uint64_t address, uint64_t bytes, uint32_t row, struct live_block *ret_old);
/* Takes a block out. false: not in the table. */
bool live_take(uint64_t address, struct live_block *ret_block);
/* Puts a block back that was taken a moment ago (a realloc that failed). */
void live_put_back(uint64_t address, const struct live_block *block);
/* The block that contains ADDRESS (not only starts there), searching back at most MAX_BACK bytes. false: none known. */
bool live_find_containing(uint64_t address, uint64_t max_back, uint64_t *ret_start, struct live_block *ret_block);

/*
 * A block that is to be left out of leak reports. false: unknown. Context: hook, gate closed.
 */
bool live_ignore(uint64_t address);
/*
 * Marks the block at ADDRESS, or takes the mark away; it goes with the block. Context: as live_insert.
 */
void live_set_candidate(uint64_t address, bool set);

/*
 * For a snapshot of the process, where nothing changes any more, though threads of the parent may have been in the
 * middle of something: calls EACH for every block of less than 2 MiB by ascending address, or for the larger ones in
 * any order.
 */
typedef void live_each(uint64_t address, const struct live_block *block, bool candidate);
uint64_t live_count_at_most(void);
uint64_t live_address_bytes(void); /* of the address space in which small blocks lie, and of large blocks; about */
void live_for_each_small(live_each *each);
void live_for_each_large(live_each *each);

uint32_t live_generation(void);
/* In a fork child: everything in the table is now inherited. Context: setup, single-threaded. */
void live_forked(void);

#endif
