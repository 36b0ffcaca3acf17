/* SPDX-License-Identifier: MIT */
/* Which of the live blocks can be reached from the roots. */
#ifndef MP_LEAK_GRAPH_H
#define MP_LEAK_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "mp_dump.h"

/*
 * A *start pointer* is the address of a block's first byte, an *interior pointer* that of any later byte below its end
 * as requested. Words are looked at where they are aligned.
 *
 * Runs in a snapshot of the process, or where nothing else touches the memory it looks at: one graph at a time, one
 * thread. Memory that is not readable must be made so by the caller's signal handler. Context: setup.
 */

enum graph_mark { GRAPH_LOST, GRAPH_POSSIBLE, GRAPH_REACHED };

struct graph_counts {
	uint64_t heap_bytes; /* searched inside of blocks */
	uint64_t heuristic_count[MP_SCAN_HEURISTICS_MAX];
	uint64_t unconfirmed_count;
};

/* Readies a search, and room for CAPACITY blocks, which are added by blocks_add(). false: no memory. */
bool graph_init(uint32_t capacity);
/* Bytes that this and the blocks take at most, of so many blocks in so many bytes of address space. */
uint64_t graph_bytes_for(uint64_t count, uint64_t heap_bytes);

/* Each word in the range is a root. */
void graph_scan_root(uint64_t start, uint64_t end);
/*
 * In what is searched next, glibc keeps addresses of its own chunks, 16 bytes before a block: they can lie in the block
 * before, and do not count as pointers into it.
 */
void graph_ignore_chunk_ends(bool ignore);
/* The block that holds ADDRESS is a root in itself. */
void graph_root_block(uint64_t address);
/* Bits by enum mp_scan_heuristic: interior pointers of those kinds count as start pointers. Before the roots. */
void graph_set_heuristics(uint32_t heuristics);
/*
 * Follows pointers from the roots. CONFIRM: only blocks that were added as candidates can be lost; the others become
 * roots.
 */
void graph_mark_all(bool confirm);
/*
 * Are all candidates still lost? Once before the roots are scanned, and once after, instead of graph_mark_all(): all
 * other blocks count as reached, and are searched in the order of their addresses, which takes a fraction of the time.
 * Returns the number of candidates that nothing leads to from there.
 */
void graph_assume_others(void);
uint32_t graph_confirm(void);

enum graph_mark graph_mark(uint32_t i);
bool graph_noted(uint32_t i); /* some pointer leads to it or into it */
struct graph_counts *graph_counts(void);

/* Nanoseconds of the monotonic clock at which everything stops; graph_late() says that it did. */
void graph_set_deadline(uint64_t deadline_ns);
bool graph_late(void);
/* BYTES are about to be searched. false: time is up. */
bool graph_in_time(uint64_t bytes);

#endif
