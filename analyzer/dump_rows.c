/* SPDX-License-Identifier: MIT */
/* Rows are copied before they are looked at, so neither their place nor their length in the file matters. */
#include "dump_rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void __attribute__((format(printf, 2, 3))) dump_lose(struct dump_reader *reader, const char *format, ...)
{
	va_list args;

	reader->profile->partial = true;
	va_start(args, format);
	profile_vwarn(reader->profile, format, args);
	va_end(args);
}

void dump_count_defect(struct dump_reader *reader, enum dump_defect defect, uint64_t offset)
{
	if (reader->defects[defect]++ == 0)
		reader->first_offsets[defect] = offset;
}

void dump_report_defects(struct dump_reader *reader)
{
#define X(name, text) text,
	static const char *const texts[] = { DUMP_DEFECTS(X) };
#undef X

	for (size_t i = 0; i < DUMP_DEFECT_COUNT; i++) {
		if (reader->defects[i] > 0)
			dump_lose(reader, "%" PRIu64 " %s (first at offset 0x%" PRIx64 ")", reader->defects[i],
				  texts[i], reader->first_offsets[i]);
	}
}

uint64_t dump_row_offset(const struct dump_chunk *chunk, uint64_t i)
{
	return chunk->offset + sizeof(struct mp_chunk) + i * chunk->header.row_bytes;
}

struct dump_walk dump_walk_rows(const struct dump_reader *reader, uint32_t kind)
{
	return (struct dump_walk){ .reader = reader, .kind = kind };
}

bool dump_next_row(struct dump_walk *walk, void *ret_row, size_t row_bytes)
{
	size_t stored;

	while (!walk->chunk || walk->next_row == walk->chunk->row_count) {
		if (walk->next_chunk == walk->reader->chunks.count)
			return false;
		walk->chunk = &walk->reader->chunks.list[walk->next_chunk++];
		walk->next_row = walk->chunk->header.kind == walk->kind ? 0 : walk->chunk->row_count;
	}
	walk->row = walk->next_row++;
	walk->offset = dump_row_offset(walk->chunk, walk->row);
	stored = walk->chunk->header.row_bytes;
	if (stored < row_bytes)
		memset((char *)ret_row + stored, 0, row_bytes - stored);
	memcpy(ret_row, walk->chunk->rows + walk->row * stored, stored < row_bytes ? stored : row_bytes);
	return true;
}

/* The STRING chunk that holds OFFSET, NULL if none does. */
static const struct dump_chunk *find_string_chunk(const struct dump_reader *reader, uint64_t offset)
{
	size_t low = 0;
	size_t high = reader->strings.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dump_row_offset(&reader->strings.list[middle], 0) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 ||
	    offset - dump_row_offset(&reader->strings.list[low - 1], 0) >= reader->strings.list[low - 1].row_count)
		return NULL;
	return &reader->strings.list[low - 1];
}

const char *dump_get_text(struct dump_reader *reader, uint64_t reference, uint64_t from, size_t *ret_bytes)
{
	const struct dump_chunk *chunk = find_string_chunk(reader, reference);
	struct cursor cursor;
	const uint8_t *text;
	uint32_t bytes;

	if (reference == 0)
		return NULL;
	if (!chunk || reference % 8 != 0)
		goto bad;
	cursor = cursor_part(&reader->file, dump_row_offset(chunk, 0), chunk->row_count);
	cursor_take(&cursor, reference - dump_row_offset(chunk, 0));
	bytes = cursor_u32(&cursor);
	text = cursor_take(&cursor, (uint64_t)bytes + 1);
	if (!text || text[bytes] != 0)
		goto bad;
	if (bytes == 0)
		return NULL; /* an empty text says as much as none */
	if (reader->profile->strings.text_bytes + bytes > reader->text_limit_bytes)
		goto bad;
	*ret_bytes = bytes;
	return strtab_intern_bytes(&reader->profile->strings, (const char *)text, bytes);
bad:
	dump_count_defect(reader, DUMP_BAD_STRING, from);
	return NULL;
}

const char *dump_get_string(struct dump_reader *reader, uint64_t reference, uint64_t from)
{
	size_t bytes;

	return dump_get_text(reader, reference, from, &bytes);
}

uint32_t dump_row_number(struct dump_reader *reader, const struct dump_walk *walk, size_t row_bytes)
{
	uint64_t first = walk->chunk->header.first;
	uint64_t limit = reader->file.size / row_bytes;

	if (limit > UINT32_MAX)
		limit = UINT32_MAX;
	if (first == 0 || first > limit || walk->row > limit - first) {
		dump_count_defect(reader, DUMP_BAD_NUMBER, walk->offset);
		return 0;
	}
	return (uint32_t)(first + walk->row);
}

uint32_t dump_largest_number(struct dump_reader *reader, uint32_t kind, size_t row_bytes)
{
	struct dump_walk walk = dump_walk_rows(reader, kind);
	uint32_t largest = 0;
	uint64_t key;

	while (dump_next_row(&walk, &key, sizeof(key))) {
		uint32_t number = key ? dump_row_number(reader, &walk, row_bytes) : 0;

		if (number > largest)
			largest = number;
	}
	return largest;
}

uint32_t dump_check_stack(struct dump_reader *reader, uint32_t stack, uint64_t offset)
{
	const struct profile *profile = reader->profile;

	if (stack == 0 || (stack <= profile->node_count && profile->nodes[stack].ip != 0))
		return stack;
	dump_count_defect(reader, DUMP_BAD_STACK, offset);
	return 0;
}
