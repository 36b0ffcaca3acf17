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

#include "arena.h"
#include "cursor.h"
#include "dump_rows.h"
#include "vec.h"

/* More reasons than this cannot be genuine; later versions may add some to those that we know. */
#define REASONS_MAX (4 * MP_LOSS_COUNT)

/* Header. */

static bool check_header(struct dump_reader *reader, size_t size, struct err *err)
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
static void find_extent(struct dump_reader *reader, size_t size)
{
	const struct mp_header *header = &reader->header;
	uint64_t extent = dump_extent(reader->file.bytes, size, size);

	if (header->header_bytes != MP_HEADER_BYTES)
		dump_lose(reader, "the header claims a size of %" PRIu32 " bytes, not %d (offset 0x%zx)",
			  header->header_bytes, MP_HEADER_BYTES, offsetof(struct mp_header, header_bytes));
	if (header->used_bytes < MP_HEADER_BYTES || header->used_bytes % MP_CHUNK_ALIGN != 0)
		dump_lose(reader, "the length in the header, %" PRIu64 " bytes, makes no sense (offset 0x%zx)",
			  header->used_bytes, offsetof(struct mp_header, used_bytes));
	else if (header->used_bytes > size)
		dump_lose(reader, "the file is cut short: %zu of %" PRIu64 " bytes are there", size,
			  header->used_bytes);
	reader->file.size = (size_t)extent;
}

static void find_chunks(struct dump_reader *reader)
{
	uint64_t offset = MP_HEADER_BYTES;
	struct dump_chunk chunk;

	while (dump_next_chunk(reader->file.bytes, reader->file.size, &offset, &chunk)) {
		if (chunk.defect)
			dump_lose(reader, "offset 0x%" PRIx64 ": corrupt chunk%s%s: %s", chunk.offset,
				  chunk.kind ? " " : "", chunk.kind ? chunk.kind : "", chunk.defect);
		if (chunk.row_count == 0)
			continue;
		vec_push(&reader->chunks) = chunk;
		if (chunk.header.kind == MP_CHUNK_STRING)
			vec_push(&reader->strings) = chunk;
	}
}

static void read_argv(struct dump_reader *reader)
{
	struct profile_process *process = &reader->profile->process;
	size_t bytes = 0;
	const char *text = dump_get_text(reader, reader->header.argv, offsetof(struct mp_header, argv), &bytes);
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

static enum profile_ended get_ended(struct dump_reader *reader)
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
		dump_lose(reader, "how the process ended is told by an unknown number, %" PRIu32 " (offset 0x%zx)",
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

static void read_process(struct dump_reader *reader)
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
		.exe = dump_get_string(reader, header->exe, offsetof(struct mp_header, exe)),
		.cwd = dump_get_string(reader, header->cwd, offsetof(struct mp_header, cwd)),
		.producer = dump_get_string(reader, header->producer, offsetof(struct mp_header, producer)),
		.hostname = dump_get_string(reader, header->hostname, offsetof(struct mp_header, hostname)),
	};
	memcpy(process->boot_id, header->boot_id, sizeof(process->boot_id));
	read_argv(reader);
}

static void read_totals(struct dump_reader *reader)
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

/* Numbered rows: MODULE, NODE. */

static void read_module(struct dump_reader *reader, const struct mp_module *row, uint64_t offset,
			struct profile_module *ret_module)
{
	uint32_t build_id_bytes = row->build_id_bytes;

	if (row->end <= row->start) {
		dump_count_defect(reader, DUMP_BAD_MODULE, offset);
		return;
	}
	if (build_id_bytes > sizeof(row->build_id)) {
		dump_count_defect(reader, DUMP_BAD_MODULE, offset);
		build_id_bytes = 0;
	}
	*ret_module = (struct profile_module){
		.number = ret_module->number,
		.start = row->start,
		.end = row->end,
		.bias = row->bias,
		.load_ns = row->load_ns,
		.unload_ns = row->unload_ns,
		.path = dump_get_string(reader, row->path, offset + offsetof(struct mp_module, path)),
		.build_id_bytes = build_id_bytes,
		.generation = row->generation,
		.file_bytes = row->file_bytes,
		.file_mtime_ns = row->file_mtime_ns,
	};
	if (build_id_bytes > 0)
		ret_module->build_id = arena_copy(&reader->profile->arena, row->build_id, build_id_bytes);
}

static void read_modules(struct dump_reader *reader)
{
	struct profile *profile = reader->profile;
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_MODULE);
	uint32_t count = dump_largest_number(reader, MP_CHUNK_MODULE, sizeof(struct mp_module));
	struct profile_module *modules = arena_array(&profile->arena, struct profile_module, count);
	struct mp_module row;

	for (uint32_t i = 0; i < count; i++)
		modules[i].number = i + 1;
	while (dump_next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.start ? dump_row_number(reader, &walk, sizeof(row)) : 0;

		if (number == 0)
			continue;
		if (modules[number - 1].start == 0)
			read_module(reader, &row, walk.offset, &modules[number - 1]);
		else
			dump_count_defect(reader, DUMP_BAD_NUMBER, walk.offset);
	}
	profile->modules = modules;
	profile->module_count = count;
}

/* The module of a node: its number, or 0 if the file has no such module. */
static uint32_t node_module(struct dump_reader *reader, const struct mp_node *row, uint64_t offset)
{
	const struct profile *profile = reader->profile;
	uint32_t module = row->module & ~MP_NODE_EXACT_IP;

	if (module == 0 || row->ip < MP_STACK_MARKS)
		return 0;
	if (module <= profile->module_count && profile->modules[module - 1].end > 0)
		return module;
	dump_count_defect(reader, DUMP_BAD_NODE_MODULE, offset);
	return 0;
}

/* Where node NUMBER stands in the file. */
static uint64_t node_offset(const struct dump_reader *reader, uint32_t number)
{
	for (size_t i = 0; i < reader->chunks.count; i++) {
		const struct dump_chunk *chunk = &reader->chunks.list[i];
		uint64_t first = chunk->header.first;

		if (chunk->header.kind == MP_CHUNK_NODE && number >= first && number - first < chunk->row_count)
			return dump_row_offset(chunk, number - first);
	}
	return 0;
}

/* Makes every path from a node to the root end. Ascending order works because parents come before children. */
static void check_parents(struct dump_reader *reader, struct profile_node *nodes, uint32_t count)
{
	uint16_t *depths = memory_zeroed((size_t)count + 1, sizeof(*depths));

	for (uint32_t i = 1; i <= count; i++) {
		struct profile_node *node = &nodes[i];
		bool is_mark = node->ip < MP_STACK_MARKS;
		enum dump_defect defect = DUMP_BAD_MARK;

		if (node->ip == 0 || node->parent == 0)
			continue;
		depths[i] = node->parent < i ? depths[node->parent] + 1 : 0;
		if (!is_mark && (node->parent >= i || nodes[node->parent].ip == 0))
			defect = DUMP_BAD_PARENT;
		else if (!is_mark && depths[i] >= PROFILE_STACK_MAX)
			defect = DUMP_TOO_DEEP;
		else if (!is_mark)
			continue;
		/* Only the first place is kept, so do not look for others. */
		dump_count_defect(reader, defect, reader->defects[defect] ? 0 : node_offset(reader, i));
		node->parent = 0;
		node->cut = !is_mark;
		depths[i] = 0;
	}
	free(depths);
}

static void read_nodes(struct dump_reader *reader)
{
	struct profile *profile = reader->profile;
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_NODE);
	uint32_t count = dump_largest_number(reader, MP_CHUNK_NODE, sizeof(struct mp_node));
	struct profile_node *nodes = arena_array(&profile->arena, struct profile_node, (size_t)count + 1);
	struct mp_node row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.ip ? dump_row_number(reader, &walk, sizeof(row)) : 0;

		if (number == 0)
			continue;
		if (nodes[number].ip != 0) {
			dump_count_defect(reader, DUMP_BAD_NUMBER, walk.offset);
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

/* Rows that only need their numbers checked. */

static void read_sites(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_SITE);
	VEC(struct mp_site) rows = { 0 };
	VEC(struct mp_site_resized) resized = { 0 };
	struct mp_site_resized row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.site.stack == 0)
			continue;
		row.site.stack = dump_check_stack(reader, row.site.stack, walk.offset);
		vec_push(&rows) = row.site;
		if (walk.chunk->header.row_bytes >= sizeof(row))
			vec_push(&resized) = row;
	}
	dump_keep_rows(reader, &rows, sites, site_count);
	dump_keep_rows(reader, &resized, resized, resized_count);
}

/* The variance as it can be used. */
static double check_variance(struct dump_reader *reader, double variance, uint64_t offset)
{
	/* No program allocates that much; below, sums of squares stay finite. */
	if (variance >= 0 && variance < 1e100)
		return variance;
	dump_count_defect(reader, DUMP_BAD_VARIANCE, offset);
	return 0;
}

static void read_site_samples(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_SITE_SAMPLE);
	VEC(struct mp_site_sample) rows = { 0 };
	struct mp_site_sample row;

	while (profile_is_sampled(reader->profile) && dump_next_row(&walk, &row, sizeof(row))) {
		if (row.stack == 0)
			continue;
		row.stack = dump_check_stack(reader, row.stack, walk.offset);
		row.alloc_count_var = check_variance(reader, row.alloc_count_var, walk.offset);
		row.alloc_bytes_var = check_variance(reader, row.alloc_bytes_var, walk.offset);
		row.free_count_var = check_variance(reader, row.free_count_var, walk.offset);
		row.free_bytes_var = check_variance(reader, row.free_bytes_var, walk.offset);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, site_samples, site_sample_count);
}

static void read_lifetimes(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LIFETIME);
	VEC(struct mp_lifetime) rows = { 0 };
	struct mp_lifetime row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.stack == 0)
			continue;
		row.stack = dump_check_stack(reader, row.stack, walk.offset);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lifetimes, lifetime_count);
}

static void scale_thread(const struct profile *profile, struct mp_thread *row)
{
	row->alloc_count = profile_blocks(profile, row->alloc_count);
	row->free_count = profile_blocks(profile, row->free_count);
	row->temporary_count = profile_blocks(profile, row->temporary_count);
	row->realloc_count = profile_blocks(profile, row->realloc_count);
}

static void read_free_pairs(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_FREE_PAIR);
	VEC(struct mp_free_pair) rows = { 0 };
	struct mp_free_pair row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.free_shard == 0 || row.count == 0)
			continue;
		row.count_var = check_variance(reader, row.count_var, walk.offset);
		row.bytes_var = check_variance(reader, row.bytes_var, walk.offset);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, free_pairs, free_pair_count);
}

static void read_threads(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_THREAD);
	VEC(struct mp_thread) rows = { 0 };
	struct mp_thread row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.start_ns == 0)
			continue;
		if (row.threads == 0 || !memchr(row.name, 0, sizeof(row.name))) {
			dump_count_defect(reader, DUMP_BAD_THREAD, walk.offset);
			row.name[sizeof(row.name) - 1] = 0;
			row.threads = row.threads ? row.threads : 1;
		}
		scale_thread(reader->profile, &row);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, threads, thread_count);
}

/*
 * The preload rewrites the rows when it thins them out, so a killed process may leave one out of order. That costs a
 * point of a curve, which is worth a remark but no banner.
 */
static void read_ticks(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_TIMELINE);
	VEC(struct mp_tick) rows = { 0 };
	uint64_t last_ns = 0;
	size_t left_out = 0;
	struct mp_tick row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
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
	dump_keep_rows(reader, &rows, ticks, tick_count);
}

static void read_losses(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOSS);
	VEC(struct mp_loss) rows = { 0 };
	struct mp_loss row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
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
			dump_count_defect(reader, DUMP_TOO_MANY_REASONS, walk.offset);
	}
	dump_keep_rows(reader, &rows, losses, loss_count);
}

static void read_options(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_OPTION);
	VEC(struct profile_option) rows = { 0 };
	struct mp_option row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		const char *name = dump_get_string(reader, row.name, walk.offset);
		const char *value = dump_get_string(reader, row.value, walk.offset + offsetof(struct mp_option, value));

		if (name)
			vec_push(&rows) = (struct profile_option){ name, value ? value : "" };
	}
	dump_keep_rows(reader, &rows, options, option_count);
}

/* Rows out of order make names wrong, so an address whose rows do not fit together is left without. */
static void read_symbols(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_SYMBOL);
	VEC(struct profile_symbol) rows = { 0 };
	struct mp_symbol row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		const struct profile_symbol *last = rows.count > 0 ? &rows.list[rows.count - 1] : NULL;
		uint32_t module = row.module & ~MP_NODE_EXACT_IP;
		bool exact = row.module & MP_NODE_EXACT_IP;

		if (row.ip == 0)
			continue;
		if (module > reader->profile->module_count || (row.flags & MP_SYMBOL_OBJECT && row.depth > 0) ||
		    (row.depth > 0 && (!last || last->ip != row.ip || last->module != module || last->exact != exact ||
				       last->is_object || last->depth + 1 != row.depth))) {
			dump_count_defect(reader, DUMP_BAD_SYMBOL, walk.offset);
			continue;
		}
		vec_push(&rows) = (struct profile_symbol){
			.ip = row.ip,
			.module = module,
			.line = row.line,
			.function = dump_get_string(reader, row.function,
						    walk.offset + offsetof(struct mp_symbol, function)),
			.file = dump_get_string(reader, row.file, walk.offset + offsetof(struct mp_symbol, file)),
			.depth = row.depth,
			.exact = exact,
			.inlined = row.flags & MP_SYMBOL_INLINED,
			.is_object = row.flags & MP_SYMBOL_OBJECT,
		};
	}
	dump_keep_rows(reader, &rows, symbols, symbol_count);
}

static void read_all(struct dump_reader *reader, size_t size)
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
	read_free_pairs(reader);
	read_threads(reader);
	read_ticks(reader);
	dump_read_locks(reader);
	dump_read_moments(reader);
	dump_read_lock_details(reader);
	read_losses(reader);
	read_symbols(reader);
	read_options(reader);
	dump_report_defects(reader);
}

bool dump_read(const void *bytes, size_t size, const char *path, struct profile *profile, struct err *err)
{
	struct dump_reader reader = { .profile = profile, .file = cursor_over(bytes, size) };

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
