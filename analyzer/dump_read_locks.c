/* SPDX-License-Identifier: MIT */
/* Dump to profile: locks, who waited for them and because of whom. */
#include "dump_rows.h"

#include "arena.h"

static void read_lock_names(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_NAME);
	uint32_t count = dump_largest_number(reader, MP_CHUNK_LOCK_NAME, sizeof(struct mp_lock_name));
	const char **names = arena_array(&reader->profile->arena, const char *, count);
	struct mp_lock_name row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.text ? dump_row_number(reader, &walk, sizeof(row)) : 0;

		if (number > 0)
			names[number - 1] = dump_get_string(reader, row.text, walk.offset);
	}
	reader->profile->lock_names = names;
	reader->profile->lock_name_count = count;
}

static void read_numbered_locks(struct dump_reader *reader)
{
	struct profile *profile = reader->profile;
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK);
	uint32_t count = dump_largest_number(reader, MP_CHUNK_LOCK, sizeof(struct mp_lock));
	struct profile_lock *locks = arena_array(&profile->arena, struct profile_lock, count);
	struct mp_lock row;

	for (uint32_t i = 0; i < count; i++)
		locks[i].number = i + 1;
	while (dump_next_row(&walk, &row, sizeof(row))) {
		uint32_t number = row.address ? dump_row_number(reader, &walk, sizeof(row)) : 0;

		if (number == 0)
			continue;
		if (locks[number - 1].row.address != 0) {
			dump_count_defect(reader, DUMP_BAD_NUMBER, walk.offset);
			continue;
		}
		row.first_stack = dump_check_stack(reader, row.first_stack, walk.offset);
		row.alloc_stack = dump_check_stack(reader, row.alloc_stack, walk.offset);
		locks[number - 1].row = row;
		if (row.name > 0 && row.name <= profile->lock_name_count)
			locks[number - 1].name = profile->lock_names[row.name - 1];
		else if (row.name > 0)
			dump_count_defect(reader, DUMP_BAD_STRING, walk.offset);
	}
	profile->locks = locks;
	profile->lock_count = count;
}

static bool check_lock(struct dump_reader *reader, uint32_t lock, uint64_t offset)
{
	const struct profile *profile = reader->profile;

	if (lock > 0 && lock <= profile->lock_count && profile->locks[lock - 1].row.address != 0)
		return true;
	dump_count_defect(reader, DUMP_BAD_LOCK, offset);
	return false;
}

static void read_lock_shares(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_SHARE);
	VEC(struct mp_lock_share) rows = { 0 };
	struct mp_lock_share row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.lock != 0 && check_lock(reader, row.lock, walk.offset))
			vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lock_shares, lock_share_count);
}

static void read_lock_waits(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_WAIT);
	VEC(struct mp_lock_wait) rows = { 0 };
	struct mp_lock_wait row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.stack == 0 || !check_lock(reader, row.lock, walk.offset))
			continue;
		row.stack = dump_check_stack(reader, row.stack, walk.offset);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lock_waits, lock_wait_count);
}

static void read_lock_hists(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_HIST);
	VEC(struct mp_lock_hist) rows = { 0 };
	struct mp_lock_hist row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.lock == 0 || !check_lock(reader, row.lock, walk.offset))
			continue;
		if (row.octave < 64)
			vec_push(&rows) = row;
		else
			dump_count_defect(reader, DUMP_BAD_OCTAVE, walk.offset);
	}
	dump_keep_rows(reader, &rows, lock_hists, lock_hist_count);
}

static void read_lock_culprits(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_CULPRIT);
	VEC(struct mp_lock_culprit) rows = { 0 };
	struct mp_lock_culprit row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.lock == 0 || !check_lock(reader, row.lock, walk.offset))
			continue;
		row.waiter_stack = dump_check_stack(reader, row.waiter_stack, walk.offset);
		row.culprit_stack = dump_check_stack(reader, row.culprit_stack, walk.offset);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lock_culprits, lock_culprit_count);
}

static void read_lock_pairs(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_PAIR);
	VEC(struct mp_lock_pair) rows = { 0 };
	struct mp_lock_pair row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.lock != 0 && check_lock(reader, row.lock, walk.offset))
			vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lock_pairs, lock_pair_count);
}

static void read_lock_holds(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_HOLD);
	VEC(struct mp_lock_hold) rows = { 0 };
	struct mp_lock_hold row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.lock == 0 || !check_lock(reader, row.lock, walk.offset))
			continue;
		row.alloc_count = profile_blocks(reader->profile, row.alloc_count);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lock_holds, lock_hold_count);
}

static void read_lock_extras(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_EXTRA);
	VEC(struct mp_lock_extra) rows = { 0 };
	struct mp_lock_extra row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.lock != 0 && check_lock(reader, row.lock, walk.offset))
			vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lock_extras, lock_extra_count);
}

static void read_lock_wakes(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_WAKE);
	VEC(struct mp_lock_wake) rows = { 0 };
	struct mp_lock_wake row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.stack == 0)
			continue;
		row.stack = dump_check_stack(reader, row.stack, walk.offset);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lock_wakes, lock_wake_count);
}

static void read_lock_orders(struct dump_reader *reader)
{
	struct dump_walk walk = dump_walk_rows(reader, MP_CHUNK_LOCK_ORDER);
	VEC(struct mp_lock_order) rows = { 0 };
	struct mp_lock_order row;

	while (dump_next_row(&walk, &row, sizeof(row))) {
		if (row.inner == 0 || !check_lock(reader, row.inner, walk.offset) ||
		    !check_lock(reader, row.outer, walk.offset))
			continue;
		row.outer_stack = dump_check_stack(reader, row.outer_stack, walk.offset);
		row.inner_stack = dump_check_stack(reader, row.inner_stack, walk.offset);
		vec_push(&rows) = row;
	}
	dump_keep_rows(reader, &rows, lock_orders, lock_order_count);
}

/* The writer knows these rows: it makes the first of them with the first wait. */
static bool has_lock_details(const struct dump_reader *reader)
{
	for (size_t i = 0; i < reader->chunks.count; i++) {
		if (reader->chunks.list[i].header.kind >= MP_CHUNK_LOCK_HIST &&
		    reader->chunks.list[i].header.kind <= MP_CHUNK_LOCK_EXTRA)
			return true;
	}
	return false;
}

void dump_read_lock_details(struct dump_reader *reader)
{
	reader->profile->lock_details = has_lock_details(reader);
	read_lock_hists(reader);
	read_lock_culprits(reader);
	read_lock_pairs(reader);
	read_lock_holds(reader);
	read_lock_extras(reader);
	read_lock_orders(reader);
	read_lock_wakes(reader);
}

void dump_read_locks(struct dump_reader *reader)
{
	read_lock_names(reader);
	read_numbered_locks(reader);
	read_lock_shares(reader);
	read_lock_waits(reader);
}
