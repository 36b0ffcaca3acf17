/* SPDX-License-Identifier: MIT */
/* memprof-analyze show: what stands in the file, without making sense of it. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "dump_fields.h"
#include "dump_read.h"
#include "mapped_file.h"
#include "table.h"

static void print_header(const uint8_t *bytes)
{
	const struct dump_fields *fields = dump_header_fields();

	puts("header");
	for (size_t i = 0; i < fields->count; i++) {
		printf("  %-22s ", fields->list[i].name);
		dump_print_field(&fields->list[i], bytes, stdout);
		putchar('\n');
	}
}

static uint64_t count_used(const struct dump_chunk *chunk)
{
	const struct dump_fields *fields = dump_row_fields(chunk->header.kind);
	uint64_t used = 0;

	if (!fields)
		return chunk->row_count;
	for (uint64_t i = 0; i < chunk->row_count; i++)
		used += dump_row_used(fields, chunk->rows + i * chunk->header.row_bytes);
	return used;
}

static void add_number(struct table *table, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	table_cell(table, text);
}

static void add_chunk(struct table *table, const struct dump_chunk *chunk)
{
	char offset[32];

	snprintf(offset, sizeof(offset), "0x%" PRIx64, chunk->offset);
	table_cell(table, offset);
	if (chunk->kind)
		table_cell(table, chunk->kind);
	else if (chunk->header.kind == 0)
		table_cell(table, "none yet");
	else
		add_number(table, chunk->header.kind);
	add_number(table, chunk->header.bytes);
	add_number(table, chunk->header.row_bytes);
	add_number(table, chunk->header.rows);
	add_number(table, count_used(chunk));
	add_number(table, chunk->header.first);
	add_number(table, chunk->header.owner);
	table_cell(table, chunk->defect ? chunk->defect : "");
}

/* Returns how many chunks have a defect. */
static size_t print_chunks(const struct mapped_file *file)
{
	static const struct table_column columns[] = {
		{ .title = "offset", .right = true },
		{ .title = "kind" },
		{ .title = "bytes", .right = true },
		{ .title = "row bytes", .right = true },
		{ .title = "rows", .right = true },
		{ .title = "used", .right = true },
		{ .title = "first", .right = true },
		{ .title = "owner", .right = true },
		{ .title = "defect" },
	};
	uint64_t offset = MP_HEADER_BYTES;
	struct dump_chunk chunk;
	struct table table;
	struct term term;
	size_t defects = 0;

	term_init(&term, stdout, TERM_COLOR_NEVER, 0);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	while (dump_next_chunk(file->bytes, file->size, &offset, &chunk)) {
		add_chunk(&table, &chunk);
		defects += chunk.defect != NULL;
	}
	puts("\nchunks");
	table_print(&table, &term, 2);
	table_free(&table);
	return defects;
}

/* Strings follow each other, each starting at a multiple of 8. */
static void print_strings(const struct dump_chunk *chunk)
{
	uint64_t at = 0;
	uint32_t bytes;

	while (chunk->row_count - at > sizeof(bytes)) {
		uint64_t start = at + sizeof(bytes);

		memcpy(&bytes, chunk->rows + at, sizeof(bytes));
		if (bytes == 0 || bytes > chunk->row_count - start)
			break;
		printf("  0x%" PRIx64 "  \"", chunk->offset + sizeof(chunk->header) + at);
		for (uint64_t i = 0; i < bytes; i++) {
			uint8_t c = chunk->rows[start + i];

			putchar(c == 0 ? ' ' : c < 0x20 || c == 0x7f ? '?' : c);
		}
		puts("\"");
		at = start + bytes;
		at += 8 - at % 8; /* at least the terminating 0 lies between */
		if (at > chunk->row_count)
			break;
	}
}

static void print_rows(const struct dump_chunk *chunk)
{
	const struct dump_fields *fields = dump_row_fields(chunk->header.kind);

	for (uint64_t i = 0; fields && i < chunk->row_count; i++) {
		const uint8_t *row = chunk->rows + i * chunk->header.row_bytes;

		if (!dump_row_used(fields, row))
			continue;
		printf("  %" PRIu64 ":", chunk->header.first + i);
		for (size_t j = 0; j < fields->count && dump_row_has(&fields->list[j], chunk->header.row_bytes); j++) {
			printf(" %s=", fields->list[j].name);
			dump_print_field(&fields->list[j], row, stdout);
		}
		putchar('\n');
	}
}

static void print_kind(const struct mapped_file *file, uint32_t kind)
{
	uint64_t offset = MP_HEADER_BYTES;
	struct dump_chunk chunk;

	while (dump_next_chunk(file->bytes, file->size, &offset, &chunk)) {
		if (chunk.header.kind != kind)
			continue;
		printf("\n%s at 0x%" PRIx64, chunk.kind, chunk.offset);
		if (chunk.header.owner)
			printf(", shard %" PRIu64, chunk.header.owner);
		putchar('\n');
		if (kind == MP_CHUNK_STRING)
			print_strings(&chunk);
		else
			print_rows(&chunk);
	}
}

static bool find_kind(const char *name, uint32_t *ret_kind, struct err *err)
{
#define X(kind, number, row, text)      \
	if (strcmp(name, #kind) == 0) { \
		*ret_kind = number;     \
		return true;            \
	}
	MP_CHUNKS(X)
#undef X
#define X(kind, number, row, text) " " #kind
	return err_set(err, NULL, ERR_NO_OFFSET, "--rows takes one of" MP_CHUNKS(X) ", not '%s'", name);
#undef X
}

static bool show(struct mapped_file *file, uint32_t kind, size_t *ret_defects, struct err *err)
{
	if (!mapped_file_read(file, MP_HEADER_BYTES, err))
		return false;
	if (!dump_is_dump(file->bytes, file->size))
		return err_set(err, file->path, 0, "not a memprof dump");
	if (file->size < sizeof(struct mp_header))
		return err_set(err, file->path, file->size, "cut short within the header");
	if (!mapped_file_read(file, dump_extent(file->bytes, file->size, file->file_bytes), err))
		return false;
	print_header(file->bytes);
	*ret_defects = print_chunks(file);
	if (kind)
		print_kind(file, kind);
	return true;
}

int cmd_show(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct mapped_file file;
	uint32_t kind = 0;
	size_t defects = 0;
	bool ok;

	(void)count; /* one: main() has checked */
	if ((options->rows && !find_kind(options->rows, &kind, err)) || !mapped_file_open(&file, paths[0], err))
		return STATUS_BAD;
	ok = show(&file, kind, &defects, err);
	mapped_file_close(&file);
	if (!ok)
		return STATUS_BAD;
	return defects > 0 ? STATUS_PARTIAL : STATUS_OK;
}
