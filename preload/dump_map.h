/* SPDX-License-Identifier: MIT */
/* Creates, grows and maps the dump file, and hands out chunks of it. */
#ifndef MP_DUMP_MAP_H
#define MP_DUMP_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mp_dump.h"

/* Chunks are multiples of this, so that a page belongs to one chunk. */
#define DUMP_PAGE 4096u

/* First byte of the mapped file; NULL while there is none. Rows are named by (address - dump_base) / row size. */
extern char *dump_base;

static inline struct mp_header *dump_header(void)
{
	return (struct mp_header *)(void *)dump_base;
}

/*
 * Creates the file that PATTERN names (an absolute path; %e PROGRAM, %p, %t are replaced; a directory means the usual
 * name in there) and maps it, with a valid header that has no chunks yet. false: no file; one line on standard error
 * said why. Context: setup.
 */
bool dump_create(const char *pattern, const char *program);

/*
 * A new chunk of BYTES (rounded up to DUMP_PAGE), zeroed, with space on the disk behind every byte; its first row
 * follows the struct mp_chunk. NULL: the file cannot grow, counted as a loss. Context: hook (slow path).
 */
struct mp_chunk *dump_chunk(enum mp_chunk_kind kind, uint32_t row_bytes, size_t bytes, uint64_t first, uint64_t owner);
/*
 * A page full of chunks of DUMP_SMALL_CHUNK bytes, as dump_chunk() makes them, but of no kind yet: the caller stores
 * the kind of each when it is needed, and readers skip it until then.
 */
#define DUMP_SMALL_CHUNK 512u
struct mp_chunk *dump_small_chunks(uint32_t row_bytes, uint64_t owner);

/* Number of rows that fit into a chunk of BYTES. */
static inline uint64_t dump_rows(size_t bytes, uint32_t row_bytes)
{
	return (bytes - sizeof(struct mp_chunk)) / row_bytes;
}

/* Stores text; returns its reference, 0 when there is no room. Context: setup, or hook (slow path). */
uint64_t dump_string(const char *text, size_t bytes);

/* Takes room for BYTES more now, for a time when the kernel cannot be asked any more. Context: setup. */
void dump_reserve(uint64_t bytes);

/* Cuts off the space held ready behind the last chunk. The mapping stays usable. Context: setup. */
void dump_trim(void);

/*
 * In a fork child whose parent was at work here: the mapping becomes a private copy, which can grow no further, and the
 * file is the parent's alone. Without memory for it, it stays as it is. Context: setup, signal.
 */
void dump_make_private(void);

/* Removes the file; what is recorded from now on is lost. Context: setup. */
void dump_unlink(void);
bool dump_is_linked(void);

/* Bytes of address space that the mapping at dump_base takes. */
uint64_t dump_mapped_bytes(void);

#endif
