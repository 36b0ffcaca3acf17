/* SPDX-License-Identifier: MIT */
/*
 * Dump to profile. Three steps: the header, the chain of chunks, then the rows kind by kind, those that others refer to
 * first. Whatever is wrong is told once per kind of defect, with the place where it was first met, and makes the
 * profile partial.
 */
#include "dump_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cursor.h"
#include "vec.h"

/* What rows can have wrong with them. X(NAME, text after the number of cases) */
#define ROW_DEFECTS(X)                                                              \
	X(BAD_STRING, "references to text that is not in the file")                 \
	X(BAD_NUMBER, "rows with a number that cannot be")                          \
	X(BAD_MODULE, "loaded objects with fields that cannot be")                  \
	X(BAD_NODE_MODULE, "return addresses in an object that is not in the file") \
	X(BAD_PARENT, "stacks cut: a caller is not in the file")                    \
	X(BAD_MARK, "end-of-stack marks in the middle of a stack")                  \
	X(TOO_DEEP, "stacks cut: deeper than any that memprof writes")              \
	X(BAD_STACK, "rows whose stack is not in the file")                         \
	X(BAD_LOCK, "rows of locks that are not in the file")                       \
	X(BAD_OCTAVE, "histograms of times that cannot be")                         \
	X(BAD_THREAD, "threads with fields that cannot be")                         \
	X(BAD_MARK_NAME, "marks whose text is not in the file")                     \
	X(BAD_SCAN, "leaks of a scan that is not in the file")                      \
	X(BAD_VARIANCE, "rows of samples with a variance that cannot be")           \
	X(BAD_SYMBOL, "names that belong to no address")                            \
	X(TOO_MANY_REASONS, "loss counters with a reason that cannot be")

#define X(name, text) name,
enum row_defect { ROW_DEFECTS(X) ROW_DEFECT_COUNT };
#undef X

/* More reasons than this cannot be genuine; later versions may add some to those that we know. */
#define REASONS_MAX (4 * MP_LOSS_COUNT)

struct reader {
	struct profile *profile;
	struct cursor file; /* the bytes that belong to the dump */
	struct mp_header header;
	VEC(struct dump_chunk) chunks;  /* that have rows; offsets ascend */
	VEC(struct dump_chunk) strings; /* of these, the STRING chunks */
	size_t text_limit_bytes;        /* overlapping references could otherwise multiply the text of the file */
	uint64_t defects[ROW_DEFECT_COUNT];
	uint64_t first_offsets[ROW_DEFECT_COUNT];
};

/* Something is missing, whatever it is: the profile becomes partial. */
static void __attribute__((format(printf, 2, 3))) lose(struct reader *reader, const char *format, ...)
{
	va_list args;

	reader->profile->partial = true;
	va_start(args, format);
	profile_vwarn(reader->profile, format, args);
	va_end(args);
}

static void count_defect(struct reader *reader, enum row_defect defect, uint64_t offset)
{
	if (reader->defects[defect]++ == 0)
		reader->first_offsets[defect] = offset;
}

static void report_defects(struct reader *reader)
{
#define X(name, text) text,
	static const char *const texts[] = { ROW_DEFECTS(X) };
#undef X

	for (size_t i = 0; i < ROW_DEFECT_COUNT; i++) {
		if (reader->defects[i] > 0)
			lose(reader, "%" PRIu64 " %s (first at offset 0x%" PRIx64 ")", reader->defects[i], texts[i],
			     reader->first_offsets[i]);
	}
}

static uint64_t row_offset(const struct dump_chunk *chunk, uint64_t i)
{
	return chunk->offset + sizeof(struct mp_chunk) + i * chunk->header.row_bytes;
}

/* A walk over all rows of one kind, used or not. */
struct walk {
	const struct reader *reader;
	uint32_t kind;
	size_t next_chunk;              /* in reader->chunks */
	const struct dump_chunk *chunk; /* of the row at hand */
	uint64_t row;                   /* its place in the chunk */
	uint64_t next_row;
	uint64_t offset; /* of the row in the file */
};

static struct walk walk_rows(const struct reader *reader, uint32_t kind)
{
	return (struct walk){ .reader = reader, .kind = kind };
}

/* Copies the next row as far as we know its fields (a longer row has more). false: there are no more rows. */
static bool next_row(struct walk *walk, void *ret_row, size_t row_bytes)
{
	while (!walk->chunk || walk->next_row == walk->chunk->row_count) {
		if (walk->next_chunk == walk->reader->chunks.count)
			return false;
		walk->chunk = &walk->reader->chunks.list[walk->next_chunk++];
		walk->next_row = walk->chunk->header.kind == walk->kind ? 0 : walk->chunk->row_count;
	}
	walk->row = walk->next_row++;
	walk->offset = row_offset(walk->chunk, walk->row);
	memcpy(ret_row, walk->chunk->rows + walk->row * walk->chunk->header.row_bytes, row_bytes);
	return true;
}

/* Header. */

static bool check_header(struct reader *reader, size_t size, struct err *err)
{
	const struct mp_header *header = &reader->header;
	const char *path = reader->profile->path;

	if (!dump_is_dump(reader->file.bytes, size))
		return err_set(err, path, 0, size == 0 ? "the file is empty" : "not a memprof dump");
	if (size < sizeof(*header))
		return err_set(err, path, size, "cut short within the header: nothing in it can be used");
	if (header->byte_order != MP_BYTE_ORDER)
		return err_set(err, path, offsetof(struct mp_header, byte_order),
			       "written in another byte order, or corrupt");
	if (header->version != MP_DUMP_VERSION)
		return err_set(err, path, offsetof(struct mp_header, version),
			       "dump format version %" PRIu32 ", this program reads version %d", header->version,
			       MP_DUMP_VERSION);
	return true;
}

/* Sets reader->file to what belongs to the dump, and says when that is not all there. */
static void find_extent(struct reader *reader, size_t size)
{
	const struct mp_header *header = &reader->header;
	uint64_t extent = dump_extent(reader->file.bytes, size, size);

	if (header->header_bytes != MP_HEADER_BYTES)
		lose(reader, "the header claims a size of %" PRIu32 " bytes, not %d (offset 0x%zx)",
		     header->header_bytes, MP_HEADER_BYTES, offsetof(struct mp_header, header_bytes));
	if (header->used_bytes < MP_HEADER_BYTES || header->used_bytes % MP_CHUNK_ALIGN != 0)
		lose(reader, "the length in the header, %" PRIu64 " bytes, makes no sense (offset 0x%zx)",
		     header->used_bytes, offsetof(struct mp_header, used_bytes));
	else if (header->used_bytes > size)
		lose(reader, "the file is cut short: %zu of %" PRIu64 " bytes are there", size, header->used_bytes);
	reader->file.size = (size_t)extent;
}

static void find_chunks(struct reader *reader)
{
	uint64_t offset = MP_HEADER_BYTES;
	struct dump_chunk chunk;

	while (dump_next_chunk(reader->file.bytes, reader->file.size, &offset, &chunk)) {
		if (chunk.defect)
			lose(reader, "offset 0x%" PRIx64 ": corrupt chunk%s%s: %s", chunk.offset, chunk.kind ? " " : "",
			     chunk.kind ? chunk.kind : "", chunk.defect);
		if (chunk.row_count == 0)
			continue;
		vec_push(&reader->chunks) = chunk;
		if (chunk.header.kind == MP_CHUNK_STRING)
			vec_push(&reader->strings) = chunk;
	}
}

/* Text. */

/* The STRING chunk that holds OFFSET, NULL if none does. */
static const struct dump_chunk *find_string_chunk(const struct reader *reader, uint64_t offset)
{
	size_t low = 0;
	size_t high = reader->strings.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (row_offset(&reader->strings.list[middle], 0) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 ||
	    offset - row_offset(&reader->strings.list[low - 1], 0) >= reader->strings.list[low - 1].row_count)
		return NULL;
	return &reader->strings.list[low - 1];
}

/* The string at REFERENCE, and its length in *ret_bytes; NULL if there is none. FROM is where the reference stands. */
static const char *get_text(struct reader *reader, uint64_t reference, uint64_t from, size_t *ret_bytes)
{
	const struct dump_chunk *chunk = find_string_chunk(reader, reference);
	struct cursor cursor;
	const uint8_t *text;
	uint32_t bytes;

	if (reference == 0)
		return NULL;
	if (!chunk || reference % 8 != 0)
		goto bad;
	cursor = cursor_part(&reader->file, row_offset(chunk, 0), chunk->row_count);
	cursor_take(&cursor, reference - row_offset(chunk, 0));
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
	count_defect(reader, BAD_STRING, from);
	return NULL;
}

static const char *get_string(struct reader *reader, uint64_t reference, uint64_t from)
{
	size_t bytes;

	return get_text(reader, reference, from, &bytes);
}

static void read_argv(struct reader *reader)
{
	struct profile_process *process = &reader->profile->process;
	size_t bytes = 0;
	const char *text = get_text(reader, reader->header.argv, offsetof(struct mp_header, argv), &bytes);
	const char **argv;
	size_t count = 0;

	if (!text)
		return;
	for (size_t i = 0; i < bytes; i++)
		count += text[i] == 0 || i + 1 == bytes;
	argv = arena_array(&reader->profile->arena, const char *, count);
	for (size_t i = 0; i < count; i++) {
		argv[i] = text;
		text += strlen(text) + 1;
	}
	process->argv = argv;
	process->argc = count;
}

/* Header fields; needs the STRING chunks. */

static enum profile_ended get_ended(struct reader *reader)
{
	switch (reader->header.ended) {
	case MP_ENDED_EXIT:
		return PROFILE_ENDED_EXIT;
	case MP_ENDED_SIGNAL:
		return PROFILE_ENDED_SIGNAL;
	case MP_ENDED_EXEC:
		return PROFILE_ENDED_EXEC;
	case MP_ENDED_RUNNING:
		return PROFILE_ENDED_RUNNING;
	default:
		lose(reader, "how the process ended is told by an unknown number, %" PRIu32 " (offset 0x%zx)",
		     reader->header.ended, offsetof(struct mp_header, ended));
		return PROFILE_ENDED_RUNNING;
	}
}

/* How long recording was off, up to the end of what is known. */
static uint64_t paused_ns(const struct mp_header *header)
{
	uint64_t end_ns = header->end_ns ? header->end_ns : header->last_ns;
	uint64_t since_ns = header->paused_since_ns;

	return header->paused_ns + (since_ns > 0 && end_ns > since_ns ? end_ns - since_ns : 0);
}

static void read_process(struct reader *reader)
{
	const struct mp_header *header = &reader->header;
	struct profile_process *process = &reader->profile->process;

	*process = (struct profile_process){
		.pid = header->pid,
		.parent_pid = header->parent_pid,
		.start_realtime_ns = header->start_realtime_ns,
		.start_ns = header->start_ns,
		.pid_start_ticks = header->pid_start_ticks,
		.ended = get_ended(reader),
		.end_status = header->end_status,
		.end_ns = header->end_ns,
		.last_ns = header->last_ns,
		.machine = header->machine,
		.mode = header->mode,
		.sample_bytes = header->sample_bytes,
		.features = header->features,
		.stack_limit_frames = header->stack_limit_frames,
		.page_bytes = header->page_bytes,
		.dropped_bytes = header->dropped_bytes,
		.self_bytes = header->self_bytes,
		.anonymous_max_bytes = header->anonymous_max_bytes,
		.paused_ns = paused_ns(header),
		.paused_count = header->paused_count,
		.paused = header->paused_since_ns != 0,
		.exe = get_string(reader, header->exe, offsetof(struct mp_header, exe)),
		.cwd = get_string(reader, header->cwd, offsetof(struct mp_header, cwd)),
		.producer = get_string(reader, header->producer, offsetof(struct mp_header, producer)),
		.hostname = get_string(reader, header->hostname, offsetof(struct mp_header, hostname)),
	};
	memcpy(process->boot_id, header->boot_id, sizeof(process->boot_id));
	read_argv(reader);
}

static void read_totals(struct reader *reader)
{
	const struct mp_header *header = &reader->header;
	struct profile *profile = reader->profile;

	profile->live_bytes = header->live_bytes;
	profile->live_count = profile_signed_blocks(profile, header->live_count);
	profile->peak_bytes = header->peak_bytes;
	profile->peak_count = profile_blocks(profile, header->peak_count);
	profile->peak_ns = header->peak_ns;
	profile->peak_epoch = (uint32_t)header->peak_epoch; /* rows have room for the low half */
	profile->inherited_count = profile_blocks(profile, header->inherited_count);
	profile->inherited_bytes = header->inherited_bytes;
	profile->inherited_free_count = profile_blocks(profile, header->inherited_free_count);
	profile->inherited_free_bytes = header->inherited_free_bytes;
}

/* Numbered rows: NODE, MODULE, LOCK. */

/*
 * The number of the row at hand, 0 if it cannot be. Numbers without gaps never exceed the rows that fit into the file,
 * so tables sized by the largest number stay in proportion to it.
 */
static uint32_t row_number(struct reader *reader, const struct walk *walk, size_t row_bytes)
{
	uint64_t first = walk->chunk->header.first;
	uint64_t limit = reader->file.size / row_bytes;

	if (limit > UINT32_MAX)
		limit = UINT32_MAX;
	if (first == 0 || first > limit || walk->row > limit - first) {
		count_defect(reader, BAD_NUMBER, walk->offset);
		return 0;
	}
	return (uint32_t)(first + walk->row);
}

/* Largest number of a row in use of KIND, whose key is the first 8 bytes of the row. */
static uint32_t largest_number(struct reader *reader, uint32_t kind, size_t row_bytes)
{
	struct walk walk = walk_rows(reader, kind);
	uint32_t largest = 0;
	uint64_t key;

	while (next_row(&walk, &key, sizeof(key))) {
		uint32_t number = key ? row_number(reader, &walk, row_bytes) : 0;

		if (number > largest)
			largest = number;
	}
	return largest;
}

static void read_module(struct reader *reader, const struct mp_module *row, uint64_t offset,
			struct profile_module *ret_module)
{
	uint32_t build_id_bytes = row->build_id_bytes;

	if (row->end <= row->start) {
		count_defect(reader, BAD_MODULE, offset);
		return;
	}
	if (build_id_bytes > sizeof(row->build_id)) {
		count_defect(reader, BAD_MODULE, offset);
		build_id_bytes = 0;
	}
	*ret_module = (struct profile_module){
		.number = ret_module->number,
		.start = row->start,
		.end = row->end,
		.bias = row->bias,
		.load_ns = row->load_ns,
		.unload_ns = row->unload_ns,
		.path = get_string(reader, row->path, offset + offsetof(struct mp_module, path)),
		.build_id_bytes = build_id_bytes,
		.generation = row->generation,
		.file_bytes = row->file_bytes,
		.file_mtime_ns = row->file_mtime_ns,
	};
	if (build_id_bytes > 0)
		ret_module->build_id = arena_copy(&reader->profile->arena, row->build_id, build_id_bytes);
}

static void read_modules(struct reader *reader)
{
	struct profile *profile = reader->profile;
	struct walk walk = walk_rows(reader, MP_CHUNK_MODULE);
	uint32_t count = largest_number(reader, MP_CHUNK_MODULE, sizeof(struct mp_module));
	struct profile_module *modules = arena_array(&profile->arena, struct profile_module, count);
	struct mp_module row;

	for (uint32_t i = 0; i < count; i++)
		modules[i].number = i + 1;
	while (next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.start ? row_number(reader, &walk, sizeof(row)) : 0;

		if (number == 0)
			continue;
		if (modules[number - 1].start == 0)
			read_module(reader, &row, walk.offset, &modules[number - 1]);
		else
			count_defect(reader, BAD_NUMBER, walk.offset);
	}
	profile->modules = modules;
	profile->module_count = count;
}

/* The module of a node: its number, or 0 if the file has no such module. */
static uint32_t node_module(struct reader *reader, const struct mp_node *row, uint64_t offset)
{
	const struct profile *profile = reader->profile;
	uint32_t module = row->module & ~MP_NODE_EXACT_IP;

	if (module == 0 || row->ip < MP_STACK_MARKS)
		return 0;
	if (module <= profile->module_count && profile->modules[module - 1].end > 0)
		return module;
	count_defect(reader, BAD_NODE_MODULE, offset);
	return 0;
}

/* Where node NUMBER stands in the file. */
static uint64_t node_offset(const struct reader *reader, uint32_t number)
{
	for (size_t i = 0; i < reader->chunks.count; i++) {
		const struct dump_chunk *chunk = &reader->chunks.list[i];
		uint64_t first = chunk->header.first;

		if (chunk->header.kind == MP_CHUNK_NODE && number >= first && number - first < chunk->row_count)
			return row_offset(chunk, number - first);
	}
	return 0;
}

/* Makes every path from a node to the root end. Ascending order works because parents come before children. */
static void check_parents(struct reader *reader, struct profile_node *nodes, uint32_t count)
{
	uint16_t *depths = memory_zeroed((size_t)count + 1, sizeof(*depths));

	for (uint32_t i = 1; i <= count; i++) {
		struct profile_node *node = &nodes[i];
		bool is_mark = node->ip < MP_STACK_MARKS;
		enum row_defect defect = BAD_MARK;

		if (node->ip == 0 || node->parent == 0)
			continue;
		depths[i] = node->parent < i ? depths[node->parent] + 1 : 0;
		if (!is_mark && (node->parent >= i || nodes[node->parent].ip == 0))
			defect = BAD_PARENT;
		else if (!is_mark && depths[i] >= PROFILE_STACK_MAX)
			defect = TOO_DEEP;
		else if (!is_mark)
			continue;
		/* Only the first place is kept, so do not look for others. */
		count_defect(reader, defect, reader->defects[defect] ? 0 : node_offset(reader, i));
		node->parent = 0;
		node->cut = !is_mark;
		depths[i] = 0;
	}
	free(depths);
}

static void read_nodes(struct reader *reader)
{
	struct profile *profile = reader->profile;
	struct walk walk = walk_rows(reader, MP_CHUNK_NODE);
	uint32_t count = largest_number(reader, MP_CHUNK_NODE, sizeof(struct mp_node));
	struct profile_node *nodes = arena_array(&profile->arena, struct profile_node, (size_t)count + 1);
	struct mp_node row;

	while (next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.ip ? row_number(reader, &walk, sizeof(row)) : 0;

		if (number == 0)
			continue;
		if (nodes[number].ip != 0) {
			count_defect(reader, BAD_NUMBER, walk.offset);
			continue;
		}
		nodes[number] = (struct profile_node){
			.ip = row.ip,
			.parent = row.parent,
			.module = node_module(reader, &row, walk.offset),
			.exact = row.module & MP_NODE_EXACT_IP,
		};
	}
	check_parents(reader, nodes, count);
	profile->nodes = nodes;
	profile->node_count = count;
}

/* A stack named by a row at OFFSET: itself, or 0 if the file has no such stack. */
static uint32_t check_stack(struct reader *reader, uint32_t stack, uint64_t offset)
{
	const struct profile *profile = reader->profile;

	if (stack == 0 || (stack <= profile->node_count && profile->nodes[stack].ip != 0))
		return stack;
	count_defect(reader, BAD_STACK, offset);
	return 0;
}

static void read_lock_names(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_NAME);
	uint32_t count = largest_number(reader, MP_CHUNK_LOCK_NAME, sizeof(struct mp_lock_name));
	const char **names = arena_array(&reader->profile->arena, const char *, count);
	struct mp_lock_name row;

	while (next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.text ? row_number(reader, &walk, sizeof(row)) : 0;

		if (number > 0)
			names[number - 1] = get_string(reader, row.text, walk.offset);
	}
	reader->profile->lock_names = names;
	reader->profile->lock_name_count = count;
}

static void read_locks(struct reader *reader)
{
	struct profile *profile = reader->profile;
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK);
	uint32_t count = largest_number(reader, MP_CHUNK_LOCK, sizeof(struct mp_lock));
	struct profile_lock *locks = arena_array(&profile->arena, struct profile_lock, count);
	struct mp_lock row;

	read_lock_names(reader);
	for (uint32_t i = 0; i < count; i++)
		locks[i].number = i + 1;
	while (next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.address ? row_number(reader, &walk, sizeof(row)) : 0;

		if (number == 0)
			continue;
		if (locks[number - 1].row.address != 0) {
			count_defect(reader, BAD_NUMBER, walk.offset);
			continue;
		}
		row.first_stack = check_stack(reader, row.first_stack, walk.offset);
		row.alloc_stack = check_stack(reader, row.alloc_stack, walk.offset);
		locks[number - 1].row = row;
		if (row.name > 0 && row.name <= profile->lock_name_count)
			locks[number - 1].name = profile->lock_names[row.name - 1];
		else if (row.name > 0)
			count_defect(reader, BAD_STRING, walk.offset);
	}
	profile->locks = locks;
	profile->lock_count = count;
}

static bool check_lock(struct reader *reader, uint32_t lock, uint64_t offset)
{
	const struct profile *profile = reader->profile;

	if (lock > 0 && lock <= profile->lock_count && profile->locks[lock - 1].row.address != 0)
		return true;
	count_defect(reader, BAD_LOCK, offset);
	return false;
}

/* Rows that only need their numbers checked. */

/* Moves a finished list into the arena, at its exact size. */
#define keep_rows(reader, vec, field, field_count)                                                               \
	do {                                                                                                     \
		(reader)->profile->field =                                                                       \
			arena_copy(&(reader)->profile->arena, (vec)->list, (vec)->count * sizeof(*(vec)->list)); \
		(reader)->profile->field_count = (vec)->count;                                                   \
		vec_free(vec);                                                                                   \
	} while (0)

static void read_sites(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_SITE);
	VEC(struct mp_site) rows = { 0 };
	struct mp_site row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.stack == 0)
			continue;
		row.stack = check_stack(reader, row.stack, walk.offset);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, sites, site_count);
}

/* The variance as it can be used. */
static double check_variance(struct reader *reader, double variance, uint64_t offset)
{
	/* No program allocates that much; below, sums of squares stay finite. */
	if (variance >= 0 && variance < 1e100)
		return variance;
	count_defect(reader, BAD_VARIANCE, offset);
	return 0;
}

static void read_site_samples(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_SITE_SAMPLE);
	VEC(struct mp_site_sample) rows = { 0 };
	struct mp_site_sample row;

	while (profile_is_sampled(reader->profile) && next_row(&walk, &row, sizeof(row))) {
		if (row.stack == 0)
			continue;
		row.stack = check_stack(reader, row.stack, walk.offset);
		row.alloc_count_var = check_variance(reader, row.alloc_count_var, walk.offset);
		row.alloc_bytes_var = check_variance(reader, row.alloc_bytes_var, walk.offset);
		row.free_count_var = check_variance(reader, row.free_count_var, walk.offset);
		row.free_bytes_var = check_variance(reader, row.free_bytes_var, walk.offset);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, site_samples, site_sample_count);
}

static void read_lifetimes(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LIFETIME);
	VEC(struct mp_lifetime) rows = { 0 };
	struct mp_lifetime row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.stack == 0)
			continue;
		row.stack = check_stack(reader, row.stack, walk.offset);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, lifetimes, lifetime_count);
}

static void scale_thread(const struct profile *profile, struct mp_thread *row)
{
	row->alloc_count = profile_blocks(profile, row->alloc_count);
	row->free_count = profile_blocks(profile, row->free_count);
	row->temporary_count = profile_blocks(profile, row->temporary_count);
	row->realloc_count = profile_blocks(profile, row->realloc_count);
}

static void read_threads(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_THREAD);
	VEC(struct mp_thread) rows = { 0 };
	struct mp_thread row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.start_ns == 0)
			continue;
		if (row.threads == 0 || !memchr(row.name, 0, sizeof(row.name))) {
			count_defect(reader, BAD_THREAD, walk.offset);
			row.name[sizeof(row.name) - 1] = 0;
			row.threads = row.threads ? row.threads : 1;
		}
		scale_thread(reader->profile, &row);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, threads, thread_count);
}

/*
 * The preload rewrites the rows when it thins them out, so a killed process may leave one out of order. That costs a
 * point of a curve, which is worth a remark but no banner.
 */
static void read_ticks(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_TIMELINE);
	VEC(struct mp_tick) rows = { 0 };
	uint64_t last_ns = 0;
	size_t left_out = 0;
	struct mp_tick row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.time_ns == 0)
			continue;
		if (row.time_ns < reader->header.start_ns || row.time_ns <= last_ns) {
			left_out++;
			continue;
		}
		last_ns = row.time_ns;
		row.alloc_count = profile_blocks(reader->profile, row.alloc_count);
		row.free_count = profile_blocks(reader->profile, row.free_count);
		vec_push(&rows) = row;
	}
	if (left_out > 0)
		profile_warn(reader->profile, "%zu points of the timeline are out of order and left out", left_out);
	keep_rows(reader, &rows, ticks, tick_count);
}

static void read_lock_shares(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_SHARE);
	VEC(struct mp_lock_share) rows = { 0 };
	struct mp_lock_share row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.lock != 0 && check_lock(reader, row.lock, walk.offset))
			vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, lock_shares, lock_share_count);
}

static void read_lock_waits(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_WAIT);
	VEC(struct mp_lock_wait) rows = { 0 };
	struct mp_lock_wait row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.stack == 0 || !check_lock(reader, row.lock, walk.offset))
			continue;
		row.stack = check_stack(reader, row.stack, walk.offset);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, lock_waits, lock_wait_count);
}

static int compare_growth(const void *a, const void *b)
{
	const struct mp_growth *x = a;
	const struct mp_growth *y = b;

	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* Of a file that is being thinned out, a row may be there twice. */
static void read_growth(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_GROWTH);
	VEC(struct mp_growth) rows = { 0 };
	struct mp_growth row;
	size_t kept = 0;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.time_ns == 0 || row.time_ns < reader->header.start_ns)
			continue;
		row.stack = check_stack(reader, row.stack, walk.offset);
		row.live_bytes = row.live_bytes > 0 ? row.live_bytes : 0;
		row.live_count =
			row.live_count > 0 ? (int64_t)profile_blocks(reader->profile, (uint64_t)row.live_count) : 0;
		vec_push(&rows) = row;
	}
	if (rows.count > 1)
		qsort(rows.list, rows.count, sizeof(*rows.list), compare_growth);
	for (size_t i = 0; i < rows.count; i++) {
		if (kept == 0 || compare_growth(&rows.list[kept - 1], &rows.list[i]) != 0)
			rows.list[kept++] = rows.list[i];
	}
	rows.count = kept;
	keep_rows(reader, &rows, growth, growth_count);
}

static void read_mark_names(struct reader *reader)
{
	struct profile *profile = reader->profile;
	struct walk walk = walk_rows(reader, MP_CHUNK_MARK_NAME);
	uint32_t count = largest_number(reader, MP_CHUNK_MARK_NAME, sizeof(struct mp_mark_name));
	struct profile_mark_name *names = arena_array(&profile->arena, struct profile_mark_name, count);
	struct mp_mark_name row;

	while (next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.text ? row_number(reader, &walk, sizeof(row)) : 0;

		if (number == 0)
			continue;
		names[number - 1] = (struct profile_mark_name){
			.text = get_string(reader, row.text, walk.offset),
			.count = row.count,
			.stride = row.stride ? row.stride : 1,
			.last_ns = row.last_ns,
		};
	}
	profile->mark_names = names;
	profile->mark_name_count = count;
}

static int compare_marks(const void *a, const void *b)
{
	const struct mp_mark *x = a;
	const struct mp_mark *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Rows that the stride of their text leaves out are on their way out. */
static void read_marks(struct reader *reader)
{
	struct profile *profile = reader->profile;
	struct walk walk = walk_rows(reader, MP_CHUNK_MARK);
	VEC(struct mp_mark) rows = { 0 };
	struct mp_mark row;

	read_mark_names(reader);
	while (next_row(&walk, &row, sizeof(row))) {
		if (row.time_ns == 0 || row.time_ns < reader->header.start_ns)
			continue;
		if (row.number == 0 || row.name == 0 || row.name > profile->mark_name_count ||
		    !profile->mark_names[row.name - 1].text) {
			count_defect(reader, BAD_MARK_NAME, walk.offset);
			continue;
		}
		if ((row.number - 1) % profile->mark_names[row.name - 1].stride != 0)
			continue;
		row.live_count = profile_signed_blocks(profile, row.live_count);
		row.alloc_count = profile_blocks(profile, row.alloc_count);
		row.free_count = profile_blocks(profile, row.free_count);
		vec_push(&rows) = row;
	}
	if (rows.count > 1)
		qsort(rows.list, rows.count, sizeof(*rows.list), compare_marks);
	keep_rows(reader, &rows, marks, mark_count);
}

static int compare_scans(const void *a, const void *b)
{
	const struct mp_leak_scan *x = a;
	const struct mp_leak_scan *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void read_leak_scans(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LEAK_SCAN);
	VEC(struct mp_leak_scan) rows = { 0 };
	struct mp_leak_scan row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.number != 0)
			vec_push(&rows) = row;
	}
	if (rows.count > 1)
		qsort(rows.list, rows.count, sizeof(*rows.list), compare_scans);
	keep_rows(reader, &rows, leak_scans, leak_scan_count);
}

static bool has_scan(const struct profile *profile, uint32_t number)
{
	const struct mp_leak_scan key = { .number = number };

	return profile->leak_scan_count > 0 && bsearch(&key, profile->leak_scans, profile->leak_scan_count,
						       sizeof(*profile->leak_scans), compare_scans);
}

static void read_leaks(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LEAK);
	VEC(struct mp_leak) rows = { 0 };
	struct mp_leak row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.leak_class == 0)
			continue;
		if (!has_scan(reader->profile, row.scan)) {
			count_defect(reader, BAD_SCAN, walk.offset);
			continue;
		}
		if (!profile_leak_class_name(row.leak_class))
			row.leak_class = MP_LEAK_UNFREED; /* a class of a later version: nothing that we know */
		row.stack = check_stack(reader, row.stack, walk.offset);
		row.owner = check_stack(reader, row.owner, walk.offset);
		row.count = profile_blocks(reader->profile, row.count);
		row.held_count = profile_blocks(reader->profile, row.held_count);
		row.cycle_count = profile_blocks(reader->profile, row.cycle_count);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, leaks, leak_count);
}

static void read_lock_hists(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_HIST);
	VEC(struct mp_lock_hist) rows = { 0 };
	struct mp_lock_hist row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.lock == 0 || !check_lock(reader, row.lock, walk.offset))
			continue;
		if (row.octave < 64)
			vec_push(&rows) = row;
		else
			count_defect(reader, BAD_OCTAVE, walk.offset);
	}
	keep_rows(reader, &rows, lock_hists, lock_hist_count);
}

static void read_lock_culprits(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_CULPRIT);
	VEC(struct mp_lock_culprit) rows = { 0 };
	struct mp_lock_culprit row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.lock == 0 || !check_lock(reader, row.lock, walk.offset))
			continue;
		row.waiter_stack = check_stack(reader, row.waiter_stack, walk.offset);
		row.culprit_stack = check_stack(reader, row.culprit_stack, walk.offset);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, lock_culprits, lock_culprit_count);
}

static void read_lock_pairs(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_PAIR);
	VEC(struct mp_lock_pair) rows = { 0 };
	struct mp_lock_pair row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.lock != 0 && check_lock(reader, row.lock, walk.offset))
			vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, lock_pairs, lock_pair_count);
}

static void read_lock_holds(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_HOLD);
	VEC(struct mp_lock_hold) rows = { 0 };
	struct mp_lock_hold row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.lock == 0 || !check_lock(reader, row.lock, walk.offset))
			continue;
		row.alloc_count = profile_blocks(reader->profile, row.alloc_count);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, lock_holds, lock_hold_count);
}

static void read_lock_extras(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_EXTRA);
	VEC(struct mp_lock_extra) rows = { 0 };
	struct mp_lock_extra row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.lock != 0 && check_lock(reader, row.lock, walk.offset))
			vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, lock_extras, lock_extra_count);
}

static void read_lock_orders(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOCK_ORDER);
	VEC(struct mp_lock_order) rows = { 0 };
	struct mp_lock_order row;

	while (next_row(&walk, &row, sizeof(row))) {
		if (row.inner == 0 || !check_lock(reader, row.inner, walk.offset) ||
		    !check_lock(reader, row.outer, walk.offset))
			continue;
		row.outer_stack = check_stack(reader, row.outer_stack, walk.offset);
		row.inner_stack = check_stack(reader, row.inner_stack, walk.offset);
		vec_push(&rows) = row;
	}
	keep_rows(reader, &rows, lock_orders, lock_order_count);
}

/* The writer knows these rows: it makes the first of them with the first wait. */
static bool has_lock_details(const struct reader *reader)
{
	for (size_t i = 0; i < reader->chunks.count; i++) {
		if (reader->chunks.list[i].header.kind >= MP_CHUNK_LOCK_HIST &&
		    reader->chunks.list[i].header.kind <= MP_CHUNK_LOCK_EXTRA)
			return true;
	}
	return false;
}

static void read_lock_details(struct reader *reader)
{
	reader->profile->lock_details = has_lock_details(reader);
	read_lock_hists(reader);
	read_lock_culprits(reader);
	read_lock_pairs(reader);
	read_lock_holds(reader);
	read_lock_extras(reader);
	read_lock_orders(reader);
}

static void read_losses(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_LOSS);
	VEC(struct mp_loss) rows = { 0 };
	struct mp_loss row;

	while (next_row(&walk, &row, sizeof(row))) {
		size_t at = 0;

		if (row.reason == 0 || row.count == 0)
			continue;
		while (at < rows.count && rows.list[at].reason != row.reason)
			at++;
		if (at < rows.count)
			rows.list[at].count += row.count;
		else if (at < REASONS_MAX)
			vec_push(&rows) = row;
		else
			count_defect(reader, TOO_MANY_REASONS, walk.offset);
	}
	keep_rows(reader, &rows, losses, loss_count);
}

static void read_options(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_OPTION);
	VEC(struct profile_option) rows = { 0 };
	struct mp_option row;

	while (next_row(&walk, &row, sizeof(row))) {
		const char *name = get_string(reader, row.name, walk.offset);
		const char *value = get_string(reader, row.value, walk.offset + offsetof(struct mp_option, value));

		if (name)
			vec_push(&rows) = (struct profile_option){ name, value ? value : "" };
	}
	keep_rows(reader, &rows, options, option_count);
}

/* Rows out of order make names wrong, so an address whose rows do not fit together is left without. */
static void read_symbols(struct reader *reader)
{
	struct walk walk = walk_rows(reader, MP_CHUNK_SYMBOL);
	VEC(struct profile_symbol) rows = { 0 };
	struct mp_symbol row;

	while (next_row(&walk, &row, sizeof(row))) {
		const struct profile_symbol *last = rows.count > 0 ? &rows.list[rows.count - 1] : NULL;
		uint32_t module = row.module & ~MP_NODE_EXACT_IP;
		bool exact = row.module & MP_NODE_EXACT_IP;

		if (row.ip == 0)
			continue;
		if (module > reader->profile->module_count || (row.flags & MP_SYMBOL_OBJECT && row.depth > 0) ||
		    (row.depth > 0 && (!last || last->ip != row.ip || last->module != module || last->exact != exact ||
				       last->is_object || last->depth + 1 != row.depth))) {
			count_defect(reader, BAD_SYMBOL, walk.offset);
			continue;
		}
		vec_push(&rows) = (struct profile_symbol){
			.ip = row.ip,
			.module = module,
			.line = row.line,
			.function =
				get_string(reader, row.function, walk.offset + offsetof(struct mp_symbol, function)),
			.file = get_string(reader, row.file, walk.offset + offsetof(struct mp_symbol, file)),
			.depth = row.depth,
			.exact = exact,
			.inlined = row.flags & MP_SYMBOL_INLINED,
			.is_object = row.flags & MP_SYMBOL_OBJECT,
		};
	}
	keep_rows(reader, &rows, symbols, symbol_count);
}

static void read_all(struct reader *reader, size_t size)
{
	find_extent(reader, size);
	reader->text_limit_bytes = reader->profile->strings.text_bytes + reader->file.size;
	find_chunks(reader);
	read_process(reader);
	read_totals(reader);
	read_modules(reader);
	read_nodes(reader);
	read_sites(reader);
	read_site_samples(reader);
	read_lifetimes(reader);
	read_threads(reader);
	read_ticks(reader);
	read_locks(reader);
	read_lock_shares(reader);
	read_lock_waits(reader);
	read_growth(reader);
	read_marks(reader);
	read_leak_scans(reader);
	read_leaks(reader);
	read_lock_details(reader);
	read_losses(reader);
	read_symbols(reader);
	read_options(reader);
	report_defects(reader);
}

bool dump_read(const void *bytes, size_t size, const char *path, struct profile *profile, struct err *err)
{
	struct reader reader = { .profile = profile, .file = cursor_over(bytes, size) };

	if (path)
		profile->path = strtab_intern(&profile->strings, path);
	cursor_read(&reader.file, &reader.header, sizeof(reader.header));
	reader.file.position = 0;
	reader.file.failed = false;
	if (!check_header(&reader, size, err))
		return false;
	read_all(&reader, size);
	vec_free(&reader.chunks);
	vec_free(&reader.strings);
	return true;
}
