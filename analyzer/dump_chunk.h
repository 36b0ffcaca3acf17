/* SPDX-License-Identifier: MIT */
/* The outer structure of a dump: its extent and the chain of its chunks, in bytes that nobody has checked. */
#ifndef MP_DUMP_CHUNK_H
#define MP_DUMP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mp_dump.h"

/* The first SIZE bytes of a file are a dump's (its magic). */
bool dump_is_dump(const void *bytes, size_t size);

/*
 * How many bytes of a file of FILE_BYTES belong to the dump, by the SIZE bytes at its start: used_bytes, or as much as
 * the file has if that is less or used_bytes cannot be right.
 */
uint64_t dump_extent(const void *bytes, size_t size, uint64_t file_bytes);

struct dump_chunk {
	uint64_t offset;        /* of the chunk in the file */
	struct mp_chunk header; /* as it stands there */
	const char *kind;       /* name, NULL = unknown kind */
	const uint8_t *rows;
	uint64_t row_count; /* rows that are within the chunk and within the bytes at hand */
	const char *defect; /* NULL = none; else what is wrong. A chunk with a defect may still have rows. */
};

/*
 * Walks the chunks in BYTES, which end at SIZE (what dump_extent() said). *OFFSET starts at MP_HEADER_BYTES and moves
 * on. false: no more. Where the chain is broken, continues at the next place that looks like a chunk; then and when the
 * last chunk is cut, ret_chunk->defect says so.
 */
bool dump_next_chunk(const void *bytes, size_t size, uint64_t *offset, struct dump_chunk *ret_chunk);

#endif
