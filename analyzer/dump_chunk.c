/* SPDX-License-Identifier: MIT */
/* Walks the chunks of a dump, also past a broken link. */
#include "dump_chunk.h"

#include <string.h>

#include "cursor.h"

struct kind_info {
	const char *name;
	uint32_t row_bytes;
};

static const struct kind_info *find_kind(uint32_t kind)
{
#define X(name, number, row, text) [number] = { #name, sizeof(struct row) },
	static const struct kind_info kinds[] = { MP_CHUNKS(X) };
#undef X
	static const struct kind_info text = { "STRING", 1 };

	if (kind == MP_CHUNK_STRING)
		return &text;
	return kind < sizeof(kinds) / sizeof(*kinds) && kinds[kind].name ? &kinds[kind] : NULL;
}

/* The least that a row must have: fields that later versions added at its end may be missing. */
static uint32_t least_row_bytes(uint32_t kind, const struct kind_info *info)
{
	return kind == MP_CHUNK_THREAD ? MP_THREAD_BYTES_MIN : info->row_bytes;
}

bool dump_is_dump(const void *bytes, size_t size)
{
	return size >= sizeof(MP_MAGIC) - 1 && memcmp(bytes, MP_MAGIC, sizeof(MP_MAGIC) - 1) == 0;
}

uint64_t dump_extent(const void *bytes, size_t size, uint64_t file_bytes)
{
	struct cursor cursor = cursor_over(bytes, size);
	uint64_t used_bytes;

	cursor_take(&cursor, offsetof(struct mp_header, used_bytes));
	used_bytes = cursor_u64(&cursor);
	if (used_bytes < MP_HEADER_BYTES || used_bytes % MP_CHUNK_ALIGN != 0 || used_bytes > file_bytes)
		return file_bytes;
	return used_bytes;
}

/*
 * Says yes to every chunk the preload writes, and hardly ever to anything else. Asked only where the chain is broken:
 * an unknown kind is skipped by its size alone.
 */
static bool looks_like_chunk(const struct mp_chunk *header, uint64_t room)
{
	const struct kind_info *kind = find_kind(header->kind);
	static const uint64_t zero[3];

	return kind && header->row_bytes >= least_row_bytes(header->kind, kind) &&
	       header->row_bytes <= MP_HEADER_BYTES && header->bytes > sizeof(*header) &&
	       header->bytes % MP_CHUNK_ALIGN == 0 && header->bytes <= room && header->rows > 0 &&
	       header->rows <= (header->bytes - sizeof(*header)) / header->row_bytes && header->first <= UINT32_MAX &&
	       header->owner <= UINT32_MAX && memcmp(header->reserved, zero, sizeof(zero)) == 0;
}

/* Offset of the next thing that looks like a chunk, SIZE if there is none. */
static uint64_t find_chunk(const uint8_t *bytes, size_t size, uint64_t offset)
{
	struct mp_chunk header;

	offset = (offset + MP_CHUNK_ALIGN - 1) / MP_CHUNK_ALIGN * MP_CHUNK_ALIGN;
	for (; offset < size && size - offset >= sizeof(header); offset += MP_CHUNK_ALIGN) {
		memcpy(&header, bytes + offset, sizeof(header));
		if (looks_like_chunk(&header, size - offset))
			return offset;
	}
	return size;
}

/* Decides which rows of the chunk can be read, EXTENT being the bytes it really has. */
static void clip_rows(struct dump_chunk *chunk, uint64_t extent)
{
	const struct kind_info *kind = find_kind(chunk->header.kind);
	struct cursor rows = cursor_over(chunk->rows, (size_t)(extent - sizeof(chunk->header)));

	if (!kind)
		return;
	chunk->kind = kind->name;
	if (chunk->header.row_bytes < least_row_bytes(chunk->header.kind, kind)) {
		chunk->defect = "its rows are too short";
		return;
	}
	chunk->row_count = chunk->header.rows;
	if (!cursor_has(&rows, chunk->row_count, chunk->header.row_bytes)) {
		chunk->row_count = cursor_left(&rows) / chunk->header.row_bytes;
		if (!chunk->defect)
			chunk->defect = "it claims more rows than it has room for";
	}
}

bool dump_next_chunk(const void *bytes, size_t size, uint64_t *offset, struct dump_chunk *ret_chunk)
{
	struct dump_chunk chunk = { .offset = *offset };
	uint64_t room;
	uint64_t extent;

	if (*offset >= size)
		return false;
	room = size - *offset;
	if (room < sizeof(chunk.header)) {
		chunk.defect = "it is cut short";
		*offset = size;
		*ret_chunk = chunk;
		return true;
	}
	memcpy(&chunk.header, (const uint8_t *)bytes + *offset, sizeof(chunk.header));
	chunk.rows = (const uint8_t *)bytes + *offset + sizeof(chunk.header);
	extent = chunk.header.bytes;
	if (extent < sizeof(chunk.header) || extent % MP_CHUNK_ALIGN != 0 || extent > room) {
		chunk.defect = extent > room ? "it runs past the end of the dump" : "its size makes no sense";
		extent = find_chunk(bytes, size, *offset + sizeof(chunk.header)) - *offset;
	}
	clip_rows(&chunk, extent);
	*offset += extent;
	*ret_chunk = chunk;
	return true;
}
