/* SPDX-License-Identifier: MIT */
/* What unit tests share: a builder of dumps, temporary directories, commands. */
#ifndef MP_UNIT_UTIL_H
#define MP_UNIT_UTIL_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mp_dump.h"

#define UNIT_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* A number below LIMIT: the same sequence on every machine, in every process that asks for the first time. */
uint64_t unit_random_below(uint64_t limit);

/* Both NULL, or equal texts. */
void unit_assert_text(const char *got, const char *want, const char *what);

/* A dump under construction. Zeroes are none yet. */
struct unit_dump {
	uint8_t *bytes;
	size_t size;
};

/* A header that says: process 4711, mode full, exited with status 0 after 1 s; no chunks. */
void unit_dump_begin(struct unit_dump *dump);
void unit_dump_free(struct unit_dump *dump);

/* The header in place; moves with the next chunk. */
struct mp_header *unit_dump_header(struct unit_dump *dump);

/*
 * Adds a chunk of COUNT rows, room for SPARE more included, and counts it in used_bytes. Returns the offset of the
 * chunk's header in the file. FIRST and OWNER as in struct mp_chunk.
 */
size_t unit_dump_chunk(struct unit_dump *dump, uint32_t kind, const void *rows, size_t row_bytes, size_t count,
		       uint64_t first, uint64_t owner);
struct mp_chunk *unit_dump_chunk_at(struct unit_dump *dump, size_t offset);

/* Adds a chunk with one string; returns its reference. */
uint64_t unit_dump_text(struct unit_dump *dump, const void *text, size_t bytes);
uint64_t unit_dump_string(struct unit_dump *dump, const char *text);

/* unit_dump_chunk() for an array of rows. */
#define unit_dump_rows(dump, kind, rows, first, owner) \
	unit_dump_chunk((dump), MP_CHUNK_##kind, (rows), sizeof((rows)[0]), UNIT_LENGTH(rows), (first), (owner))

/*
 * A dump with rows of every kind, all of them right: see unit_util.c for its numbers, which tests of readers and of
 * sums rely on.
 */
void unit_dump_sample(struct unit_dump *dump);

/* Stacks of the sample dump, by innermost node. */
enum unit_stack {
	UNIT_STACK_MAIN = 1,   /* main */
	UNIT_STACK_PARSE = 2,  /* parse < main */
	UNIT_STACK_LOAD = 3,   /* load < main */
	UNIT_STACK_SIGNAL = 5, /* exact address, ends at mark DEPTH */
};

/* Fills RET_PATH with a new empty directory; unit_remove_directory() deletes it with all that is in it. */
void unit_make_directory(char *ret_path, size_t bytes);
void unit_remove_directory(const char *path);
void unit_write_file(const char *path, const void *bytes, size_t size);

/* Runs a shell command in DIRECTORY. The output of a failing one is printed. */
bool unit_run(const char *directory, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
