/* SPDX-License-Identifier: MIT */
/* Rows of a dump for those who read them: walks, text, numbers, and the count of what is wrong. */
#ifndef MP_DUMP_ROWS_H
#define MP_DUMP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "dump_chunk.h"
#include "mp_dump.h"
#include "profile.h"
#include "vec.h"

/* What rows can have wrong with them. X(NAME, text after the number of cases) */
#define DUMP_DEFECTS(X)                                                                  \
	X(DUMP_BAD_STRING, "references to text that is not in the file")                 \
	X(DUMP_BAD_NUMBER, "rows with a number that cannot be")                          \
	X(DUMP_BAD_MODULE, "loaded objects with fields that cannot be")                  \
	X(DUMP_BAD_NODE_MODULE, "return addresses in an object that is not in the file") \
	X(DUMP_BAD_PARENT, "stacks cut: a caller is not in the file")                    \
	X(DUMP_BAD_MARK, "end-of-stack marks in the middle of a stack")                  \
	X(DUMP_TOO_DEEP, "stacks cut: deeper than any that memprof writes")              \
	X(DUMP_BAD_STACK, "rows whose stack is not in the file")                         \
	X(DUMP_BAD_LOCK, "rows of locks that are not in the file")                       \
	X(DUMP_BAD_OCTAVE, "histograms of times that cannot be")                         \
	X(DUMP_BAD_THREAD, "threads with fields that cannot be")                         \
	X(DUMP_BAD_MARK_NAME, "marks whose text is not in the file")                     \
	X(DUMP_BAD_SCAN, "leaks of a scan that is not in the file")                      \
	X(DUMP_BAD_VARIANCE, "rows of samples with a variance that cannot be")           \
	X(DUMP_BAD_SYMBOL, "names that belong to no address")                            \
	X(DUMP_TOO_MANY_REASONS, "loss counters with a reason that cannot be")

#define X(name, text) name,
enum dump_defect { DUMP_DEFECTS(X) DUMP_DEFECT_COUNT };
#undef X

struct dump_reader {
	struct profile *profile;
	struct cursor file; /* the bytes that belong to the dump */
	struct mp_header header;
	VEC(struct dump_chunk) chunks;  /* that have rows; offsets ascend */
	VEC(struct dump_chunk) strings; /* of these, the STRING chunks */
	size_t text_limit_bytes;        /* overlapping references could otherwise multiply the text of the file */
	uint64_t defects[DUMP_DEFECT_COUNT];
	uint64_t first_offsets[DUMP_DEFECT_COUNT];
};

/* Something is missing, whatever it is: the profile becomes partial. */
void __attribute__((format(printf, 2, 3))) dump_lose(struct dump_reader *reader, const char *format, ...);

/* One more row with DEFECT, at OFFSET of the file. dump_report_defects() tells of all of them. */
void dump_count_defect(struct dump_reader *reader, enum dump_defect defect, uint64_t offset);
void dump_report_defects(struct dump_reader *reader);

/* A walk over all rows of one kind, used or not. */
struct dump_walk {
	const struct dump_reader *reader;
	uint32_t kind;
	size_t next_chunk;              /* in reader->chunks */
	const struct dump_chunk *chunk; /* of the row at hand */
	uint64_t row;                   /* its place in the chunk */
	uint64_t next_row;
	uint64_t offset; /* of the row in the file */
};

struct dump_walk dump_walk_rows(const struct dump_reader *reader, uint32_t kind);
/*
 * Copies the next row as far as we know its fields: a longer row has more, and of a shorter one, of an earlier version,
 * the rest is 0. false: there are no more rows.
 */
bool dump_next_row(struct dump_walk *walk, void *ret_row, size_t row_bytes);

/* The string at REFERENCE, and its length in *ret_bytes; NULL if there is none. FROM is where the reference stands. */
const char *dump_get_text(struct dump_reader *reader, uint64_t reference, uint64_t from, size_t *ret_bytes);
const char *dump_get_string(struct dump_reader *reader, uint64_t reference, uint64_t from);

/*
 * The number of the row at hand, 0 if it cannot be. Numbers without gaps never exceed the rows that fit into the file,
 * so tables sized by the largest number stay in proportion to it.
 */
uint32_t dump_row_number(struct dump_reader *reader, const struct dump_walk *walk, size_t row_bytes);
/* Largest number of a row in use of KIND, whose key is the first 8 bytes of the row. */
uint32_t dump_largest_number(struct dump_reader *reader, uint32_t kind, size_t row_bytes);
uint64_t dump_row_offset(const struct dump_chunk *chunk, uint64_t i);

/* A stack named by a row at OFFSET: itself, or 0 if the file has no such stack. */
uint32_t dump_check_stack(struct dump_reader *reader, uint32_t stack, uint64_t offset);

/* Moves a finished list into the arena, at its exact size. */
#define dump_keep_rows(reader, vec, field, field_count)                                                          \
	do {                                                                                                     \
		(reader)->profile->field =                                                                       \
			arena_copy(&(reader)->profile->arena, (vec)->list, (vec)->count * sizeof(*(vec)->list)); \
		(reader)->profile->field_count = (vec)->count;                                                   \
		vec_free(vec);                                                                                   \
	} while (0)

/* The rows of locks and of their waits, and then what only dumps with waits have. */
void dump_read_locks(struct dump_reader *reader);
void dump_read_lock_details(struct dump_reader *reader);
/* What the program's state was at several points in time: growth, marks, searches for leaks. */
void dump_read_moments(struct dump_reader *reader);

#endif
