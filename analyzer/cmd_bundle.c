/* SPDX-License-Identifier: MIT */
/*
 * memprof-analyze bundle: a copy of a dump with the names of everything in it, which needs no other file any more. The
 * chunks of the dump stay as they are, byte for byte, and two are added: the text, and the rows that refer to it.
 * Without names (--anonymise) all text of the dump is blanked, so that whatever refers to it finds none, and what is
 * needed comes back in the added chunk, as hashes.
 */
#include <string.h>

#include "anonymise.h"
#include "commands.h"
#include "dump_chunk.h"
#include "dump_file.h"
#include "export.h"
#include "mapped_file.h"
#include "out_file.h"
#include "report.h"
#include "stack_view.h"

struct bundle {
	const struct profile *profile;
	struct symbolizer *symbols;
	struct mapped_file file;
	uint64_t text_offset; /* of the rows of the added STRING chunk in the new file */
	VEC(uint8_t) text;
	struct text_index texts;
	VEC(uint64_t) references; /* by number of the text */
	VEC(struct mp_symbol) rows;
};

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + MP_CHUNK_ALIGN - 1) / MP_CHUNK_ALIGN * MP_CHUNK_ALIGN;
}

/* A reference to TEXT in the added chunk; 0 for NULL. */
static uint64_t refer(struct bundle *b, const char *text)
{
	uint32_t bytes = text ? (uint32_t)strlen(text) : 0;
	size_t room = (sizeof(bytes) + bytes + 1 + 7) / 8 * 8;
	uint32_t number;
	bool is_new;

	if (bytes == 0)
		return 0;
	number = text_index_put(&b->texts, text, bytes, &is_new);
	if (is_new) {
		vec_push(&b->references) = b->text_offset + b->text.count;
		vec_reserve(&b->text, room);
		memset(b->text.list + b->text.count, 0, room);
		memcpy(b->text.list + b->text.count, &bytes, sizeof(bytes));
		memcpy(b->text.list + b->text.count + sizeof(bytes), text, bytes);
		b->text.count += room;
	}
	return b->references.list[number];
}

/* Names. */

static void add_node(struct bundle *b, const struct profile_node *node)
{
	size_t count;
	const struct frame *frames = symbolizer_frames(b->symbols, node->module, node->ip, node->exact, &count);

	for (size_t i = 0; i < count; i++)
		vec_push(&b->rows) = (struct mp_symbol){
			.ip = node->ip,
			.module = node->module | (node->exact ? MP_NODE_EXACT_IP : 0),
			.line = frames[i].line,
			.function = refer(b, frames[i].function),
			.file = refer(b, frames[i].file),
			.depth = (uint32_t)i,
			.flags = frames[i].inlined ? MP_SYMBOL_INLINED : 0,
		};
}

/* Many nodes are the same address with another caller; memprof's own need no names. */
static void add_nodes(struct bundle *b)
{
	struct hash_map seen = { 0 };

	for (size_t i = 1; i <= b->profile->node_count; i++) {
		const struct profile_node *node = &b->profile->nodes[i];
		uint64_t key = hash_u64(node->ip) ^ hash_u64((uint64_t)node->module << 1 | node->exact);
		bool is_new;

		if (node->ip < MP_STACK_MARKS || profile_module_is_memprof(b->profile, node->module))
			continue;
		hash_map_put(&seen, key, &is_new);
		if (is_new)
			add_node(b, node);
	}
	hash_map_free(&seen);
}

static void add_locks(struct bundle *b)
{
	for (size_t i = 0; i < b->profile->lock_count; i++) {
		const struct mp_lock *lock = &b->profile->locks[i].row;
		const char *name = lock->address ? symbolizer_object(b->symbols, lock->address) : NULL;

		if (name)
			vec_push(&b->rows) = (struct mp_symbol){
				.ip = lock->address,
				.function = refer(b, name),
				.flags = MP_SYMBOL_OBJECT,
			};
	}
}

/* Text of the dump. */

static void blank_header(struct bundle *b)
{
	struct mp_header header;

	memcpy(&header, b->file.bytes, sizeof(header));
	header.exe = refer(b, b->profile->process.exe);
	header.cwd = 0;
	header.argv = 0;
	header.hostname = 0;
	header.producer = refer(b, b->profile->process.producer);
	memcpy(b->file.bytes, &header, sizeof(header));
}

static void blank_module(struct bundle *b, const struct profile_module *module, uint8_t *bytes)
{
	struct mp_module row;

	memcpy(&row, bytes, sizeof(row));
	/* Readers know memprof's own frames by the name of its file. */
	row.path = refer(b, profile_module_is_memprof(b->profile, module->number) ? "libmemprof.so" : module->path);
	row.build_id_bytes = 0;
	memset(row.build_id, 0, sizeof(row.build_id));
	row.file_bytes = 0;
	row.file_mtime_ns = 0;
	memcpy(bytes, &row, sizeof(row));
}

static void blank_thread(uint8_t *bytes)
{
	struct mp_thread row;
	char name[ANONYMOUS_NAME_BYTES];

	memcpy(&row, bytes, MP_THREAD_BYTES_MIN);
	row.name[sizeof(row.name) - 1] = 0;
	if (row.name[0])
		memcpy(row.name, anonymous_name('t', row.name, name), sizeof(row.name) - 1);
	memcpy(bytes, &row, MP_THREAD_BYTES_MIN);
}

_Static_assert(offsetof(struct mp_mark_name, text) == 0 && offsetof(struct mp_lock_name, text) == 0,
	       "both kinds of rows begin with their text");

static void blank_text(struct bundle *b, const char *text, uint8_t *bytes)
{
	uint64_t reference = refer(b, text);

	memcpy(bytes, &reference, sizeof(reference));
}

static void blank_chunk(struct bundle *b, const struct dump_chunk *chunk)
{
	uint8_t *rows = b->file.bytes + chunk->offset + sizeof(struct mp_chunk);

	if (chunk->header.kind == MP_CHUNK_STRING || chunk->header.kind == MP_CHUNK_OPTION || !chunk->kind) {
		memset(rows, 0, chunk->header.bytes - sizeof(struct mp_chunk));
		return;
	}
	for (uint64_t i = 0; i < chunk->row_count; i++) {
		uint8_t *row = rows + i * chunk->header.row_bytes;
		uint64_t number = chunk->header.first + i;

		if (chunk->header.kind == MP_CHUNK_MODULE && number > 0 && number <= b->profile->module_count &&
		    b->profile->modules[number - 1].end > 0)
			blank_module(b, &b->profile->modules[number - 1], row);
		else if (chunk->header.kind == MP_CHUNK_THREAD)
			blank_thread(row);
		else if (chunk->header.kind == MP_CHUNK_MARK_NAME && number > 0 &&
			 number <= b->profile->mark_name_count)
			blank_text(b, b->profile->mark_names[number - 1].text, row);
		else if (chunk->header.kind == MP_CHUNK_LOCK_NAME && number > 0 &&
			 number <= b->profile->lock_name_count)
			blank_text(b, b->profile->lock_names[number - 1], row);
	}
}

/* Names that the dump had brought along are in the symbolizer now, and come in again from there. */
static void walk_chunks(struct bundle *b)
{
	uint64_t offset = MP_HEADER_BYTES;
	struct dump_chunk chunk;

	while (dump_next_chunk(b->file.bytes, b->file.size, &offset, &chunk)) {
		if (chunk.header.kind == MP_CHUNK_SYMBOL)
			memset(b->file.bytes + chunk.offset + offsetof(struct mp_chunk, rows), 0, sizeof(uint64_t));
		else if (b->profile->anonymous)
			blank_chunk(b, &chunk);
	}
	if (b->profile->anonymous)
		blank_header(b);
}

/* The new file. */

static void write_chunk(FILE *out, enum mp_chunk_kind kind, uint32_t row_bytes, const void *rows, size_t count)
{
	static const uint8_t zeros[MP_CHUNK_ALIGN];
	size_t bytes = count * row_bytes;
	struct mp_chunk head = {
		.kind = kind,
		.row_bytes = row_bytes,
		.bytes = sizeof(head) + aligned(bytes),
		.rows = kind == MP_CHUNK_STRING ? aligned(bytes) : count,
	};

	fwrite(&head, 1, sizeof(head), out);
	fwrite(rows, 1, bytes, out);
	fwrite(zeros, 1, aligned(bytes) - bytes, out);
}

static bool write_bundle(struct bundle *b, FILE *out, struct err *err)
{
	uint64_t used_bytes;

	(void)err;
	b->text_offset = b->file.size + sizeof(struct mp_chunk);
	add_nodes(b);
	add_locks(b);
	walk_chunks(b);
	used_bytes = b->file.size + 2 * sizeof(struct mp_chunk) + aligned(b->text.count) +
		     aligned(b->rows.count * sizeof(*b->rows.list));
	memcpy(b->file.bytes + offsetof(struct mp_header, used_bytes), &used_bytes, sizeof(used_bytes));
	fwrite(b->file.bytes, 1, b->file.size, out);
	write_chunk(out, MP_CHUNK_STRING, 1, b->text.list, b->text.count);
	write_chunk(out, MP_CHUNK_SYMBOL, sizeof(*b->rows.list), b->rows.list, b->rows.count);
	return true;
}

/* The bytes that the profile was read from. Those of a running program may have grown since, which does no harm. */
static bool read_bytes(struct bundle *b, const char *path, struct err *err)
{
	if (!mapped_file_read(&b->file, MP_HEADER_BYTES, err) ||
	    !mapped_file_read(&b->file, dump_extent(b->file.bytes, b->file.size, b->file.file_bytes), err))
		return false;
	return (b->file.size % MP_CHUNK_ALIGN == 0 && b->file.size >= MP_HEADER_BYTES) ||
	       err_set(err, path, b->file.size, "cut short: nothing can be added to this dump");
}

static bool bundle(struct profile *profile, const char *path, const struct options *options, struct err *err)
{
	struct bundle b = { .profile = profile };
	struct ready_report ready;
	struct out_file out;
	bool ok = false;

	if (!mapped_file_open(&b.file, path, err))
		return false;
	if (report_init(&ready, profile, options, err) && read_bytes(&b, path, err) &&
	    out_file_open(&out, options->output, err)) {
		b.symbols = ready.report.symbols;
		ok = out_file_close(&out, write_bundle(&b, out.stream, err), err);
	}
	if (ok)
		report_print_warnings(&ready.report);
	report_free(&ready);
	mapped_file_close(&b.file);
	vec_free(&b.text);
	vec_free(&b.references);
	vec_free(&b.rows);
	text_index_free(&b.texts);
	return ok;
}

int cmd_bundle(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct profile profile;
	bool ok;

	(void)count; /* one: main() has checked */
	if (!options->output) {
		err_set(err, NULL, ERR_NO_OFFSET, "bundle: where to? Give -o FILE");
		return STATUS_BAD;
	}
	profile_init(&profile, paths[0]);
	ok = dump_file_load(paths[0], &profile, err);
	if (ok && profile.partial)
		ok = err_set(err, paths[0], ERR_NO_OFFSET, "damaged or cut short (%s): a bundle takes whole dumps only",
			     profile.warning_count > 0 ? profile.warnings[0] : "see its report");
	if (ok && options->anonymise)
		profile_anonymise(&profile);
	ok = ok && bundle(&profile, paths[0], options, err);
	profile_free(&profile);
	return ok ? STATUS_OK : STATUS_BAD;
}
