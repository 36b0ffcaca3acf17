/* SPDX-License-Identifier: MIT */
/* Dump to profile: what was noted at points in time, and what searches for leaks found. */
#include "dump_rows.h"

#include <stdlib.h>

#include "arena.h"

static int compare_growth(const void *a, const void *b)
{
	const struct mp_growth *x = a;
	const struct mp_growth *y = b;

	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

/* Of a file that is being thinned out, a row may be there twice. */
static void read_growth(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_GROWTH);
	VEC(struct mp_growth) rows = { 0 };
	struct mp_growth row;
	size_t kept = 0;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.time_ns == 0 || row.time_ns < reader->header.start_ns)
			continue;
		row.stack = dump_check_stack(reader, row.stack, walk.offset);
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
	dump_keep_rows(reader, &rows, growth, growth_count);
}

static struct profile_mark_name *read_mark_names(struct dump_reader *reader)
{
	struct profile *profile = reader->profile;
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_MARK_NAME);
	uint32_t count = dump_largest_number(reader, MP_CHUNK_MARK_NAME, sizeof(struct mp_mark_name));
	struct profile_mark_name *names = arena_array(&profile->arena, struct profile_mark_name, count);
	struct mp_mark_name row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.text ? dump_row_number(reader, &walk, sizeof(row)) : 0;

		if (number == 0)
			continue;
		names[number - 1] = (struct profile_mark_name){
			.text = dump_get_string(reader, row.text, walk.offset),
			.count = row.count,
			.stride = row.stride ? row.stride : 1,
			.last_ns = row.last_ns,
		};
	}
	profile->mark_names = names;
	profile->mark_name_count = count;
	return names;
}

static int compare_marks(const void *a, const void *b)
{
	const struct mp_mark *x = a;
	const struct mp_mark *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/*
 * Chains the marks of each text. The number of a row that was being filled again while the file was copied may be a
 * later one than its time: such rows are left out.
 */
static void chain_marks(struct profile *profile, struct profile_mark_name *names, struct mp_mark *marks, size_t count)
{
	size_t *next = arena_array(&profile->arena, size_t, count);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct profile_mark_name *name = &names[marks[i].name - 1];

		if (name->rows > 0 && marks[name->last].number >= marks[i].number)
			continue;
		marks[kept] = marks[i];
		if (name->rows++ == 0)
			name->first = kept;
		else
			next[name->last] = kept;
		name->last = kept++;
	}
	profile->mark_next = next;
	profile->mark_count = kept;
}

/* Rows that the stride of their text leaves out are on their way out. */
static void read_marks(struct dump_reader *reader)
{
	struct profile_mark_name *names = read_mark_names(reader);
	struct profile *profile = reader->profile;
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_MARK);
	VEC(struct mp_mark) rows = { 0 };
	struct mp_mark row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.time_ns == 0 || row.time_ns < reader->header.start_ns)
			continue;
		if (row.number == 0 || row.name == 0 || row.name > profile->mark_name_count ||
		    !names[row.name - 1].text) {
			dump_count_defect(reader, DUMP_BAD_MARK_NAME, walk.offset);
			continue;
		}
		if ((row.number - 1) % names[row.name - 1].stride != 0)
			continue;
		row.live_count = profile_signed_blocks(profile, row.live_count);
		row.alloc_count = profile_blocks(profile, row.alloc_count);
		row.free_count = profile_blocks(profile, row.free_count);
		vec_push(&rows) = row;
	}
	if (rows.count > 1)
		qsort(rows.list, rows.count, sizeof(*rows.list), compare_marks);
	chain_marks(profile, names, rows.list, rows.count);
	rows.count = profile->mark_count;
	dump_keep_rows(reader, &rows, marks, mark_count);
}

static int compare_mark_growth(const void *a, const void *b)
{
	const struct mp_mark_growth *x = a;
	const struct mp_mark_growth *y = b;

	if (x->name != y->name)
		return x->name < y->name ? -1 : 1;
	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void read_mark_growth(struct dump_reader *reader)
{
	struct profile *profile = reader->profile;
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_MARK_GROWTH);
	VEC(struct mp_mark_growth) rows = { 0 };
	struct mp_mark_growth row;
	size_t kept = 0;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.number == 0)
			continue;
		if (row.name == 0 || row.name > profile->mark_name_count || !profile->mark_names[row.name - 1].text) {
			dump_count_defect(reader, DUMP_BAD_MARK_NAME, walk.offset);
			continue;
		}
		row.stack = dump_check_stack(reader, row.stack, walk.offset);
		row.live_bytes = row.live_bytes > 0 ? row.live_bytes : 0;
		row.live_count = row.live_count > 0 ? (int64_t)profile_blocks(profile, (uint64_t)row.live_count) : 0;
		vec_push(&rows) = row;
	}
	if (rows.count > 1)
		qsort(rows.list, rows.count, sizeof(*rows.list), compare_mark_growth);
	for (size_t i = 0; i < rows.count; i++) {
		if (kept == 0 || compare_mark_growth(&rows.list[kept - 1], &rows.list[i]) != 0)
			rows.list[kept++] = rows.list[i];
	}
	rows.count = kept;
	dump_keep_rows(reader, &rows, mark_growth, mark_growth_count);
}

static int compare_scans(const void *a, const void *b)
{
	const struct mp_leak_scan *x = a;
	const struct mp_leak_scan *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static void read_leak_scans(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LEAK_SCAN);
	VEC(struct mp_leak_scan) rows = { 0 };
	struct mp_leak_scan row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.number != 0)
			vec_push(&rows) = row;
	}
	if (rows.count > 1)
		qsort(rows.list, rows.count, sizeof(*rows.list), compare_scans);
	dump_keep_rows(reader, &rows, leak_scans, leak_scan_count);
}

static bool has_scan(const struct profile *profile, uint32_t number)
{
	const struct mp_leak_scan key = { .number = number };

	return profile->leak_scan_count > 0 && bsearch(&key, profile->leak_scans, profile->leak_scan_count,
						       sizeof(*profile->leak_scans), compare_scans);
}

static void read_leaks(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LEAK);
	VEC(struct mp_leak) rows = { 0 };
	struct mp_leak row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.leak_class == 0)
			continue;
		if (!has_scan(reader->profile, row.scan)) {
			dump_count_defect(reader, DUMP_BAD_SCAN, walk.offset);
			continue;
		}
		if (!profile_leak_class_name(row.leak_class))
			row.leak_class = MP_LEAK_UNFREED; /* a class of a later version: nothing that we know */
		row.stack = dump_check_stack(reader, row.stack, walk.offset);
		row.owner = dump_check_stack(reader, row.owner, walk.offset);
		row.count = profile_blocks(reader->profile, row.count);
		row.held_count = profile_blocks(reader->profile, row.held_count);
		row.cycle_count = profile_blocks(reader->profile, row.cycle_count);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, leaks, leak_count);
}

void dump_read_moments(struct dump_reader *reader)
{
	read_growth(reader);
	read_marks(reader);
	read_mark_growth(reader);
	read_leak_scans(reader);
	read_leaks(reader);
}
