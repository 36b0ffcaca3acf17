/* SPDX-License-Identifier: MIT */
/* A row gets its other fields before its key: readers of the file take it for unused until then. */
#include "lock_rows.h"

#include <stddef.h>

#include "drop.h"
#include "lock_hist.h"
#include "shard.h"

#define CHECK_AT(row) offsetof(struct row, check)

static row_id new_row(struct thread *t, uint64_t key, unsigned check_at, enum mp_chunk_kind kind)
{
	row_id id = shard_add(t->shard, key, check_at, kind);

	if (!id)
		drop(MP_LOSS_SITES_FULL);
	return id;
}

struct mp_lock_wait *lock_wait_row(struct thread *t, uint32_t number, stack_id stack, enum lock_mode mode)
{
	uint64_t key = lock_key((uint64_t)stack << 32 | number, MP_CHUNK_LOCK_WAIT | (uint32_t)mode << 8);
	row_id id = shard_find(t->shard, key, CHECK_AT(mp_lock_wait));
	struct mp_lock_wait *row;

	if (likely(id))
		return row_at(id);
	id = new_row(t, key, CHECK_AT(mp_lock_wait), MP_CHUNK_LOCK_WAIT);
	if (!id)
		return NULL;
	row = row_at(id);
	row->lock = number;
	row->flags = mode == LOCK_SHARED ? MP_LOCK_WAIT_SHARED : 0;
	store_release(&row->stack, stack);
	return row;
}

struct mp_lock_culprit *lock_culprit_row(struct thread *t, uint32_t number, stack_id waiter, stack_id culprit)
{
	uint64_t key = lock_key((uint64_t)waiter << 32 | culprit, (uint64_t)number << 8 | MP_CHUNK_LOCK_CULPRIT);
	row_id id = shard_find(t->shard, key, CHECK_AT(mp_lock_culprit));
	struct mp_lock_culprit *row;

	if (likely(id))
		return row_at(id);
	id = new_row(t, key, CHECK_AT(mp_lock_culprit), MP_CHUNK_LOCK_CULPRIT);
	if (!id)
		return NULL;
	row = row_at(id);
	row->waiter_stack = waiter;
	row->culprit_stack = culprit;
	store_release(&row->lock, number);
	return row;
}

struct mp_lock_wake *lock_wake_row(struct thread *t, uint64_t address, uint32_t kind, stack_id stack)
{
	uint64_t key = lock_key(address, (uint64_t)stack << 8 | MP_CHUNK_LOCK_WAKE);
	row_id id = shard_find(t->shard, key, CHECK_AT(mp_lock_wake));
	struct mp_lock_wake *row;

	if (likely(id))
		return row_at(id);
	id = new_row(t, key, CHECK_AT(mp_lock_wake), MP_CHUNK_LOCK_WAKE);
	if (!id)
		return NULL;
	row = row_at(id);
	row->address = address;
	row->kind = kind;
	store_release(&row->stack, stack);
	return row;
}

struct mp_lock_pair *lock_pair_row(struct thread *t, struct lock_local *l, uint32_t waiter, uint32_t culprit)
{
	uint64_t key = lock_key((uint64_t)waiter << 32 | culprit, (uint64_t)l->number << 8 | MP_CHUNK_LOCK_PAIR);
	row_id id = shard_find(t->shard, key, CHECK_AT(mp_lock_pair));
	struct mp_lock_pair *row;

	if (likely(id))
		return row_at(id);
	if (waiter && l->pairs >= MP_LOCK_PAIRS_MAX)
		return lock_pair_row(t, l, 0, 0);
	id = new_row(t, key, CHECK_AT(mp_lock_pair), MP_CHUNK_LOCK_PAIR);
	if (!id)
		return NULL;
	l->pairs++;
	row = row_at(id);
	row->waiter_tid = waiter;
	row->culprit_tid = culprit;
	store_release(&row->lock, l->number);
	return row;
}

struct mp_lock_hold *lock_hold_row(struct thread *t, struct lock_local *l)
{
	uint64_t key = lock_key(l->number, MP_CHUNK_LOCK_HOLD);
	row_id id;

	if (likely(l->hold))
		return l->hold;
	id = shard_find(t->shard, key, CHECK_AT(mp_lock_hold));
	if (!id) {
		id = new_row(t, key, CHECK_AT(mp_lock_hold), MP_CHUNK_LOCK_HOLD);
		if (!id)
			return NULL;
		store_release(&((struct mp_lock_hold *)row_at(id))->lock, l->number);
	}
	l->hold = row_at(id);
	return l->hold;
}

static MP_NOINLINE row_id hist_row(struct thread *t, uint32_t number, uint32_t what, uint32_t octave, bool full)
{
	uint64_t key = lock_key((uint64_t)what << 40 | (uint64_t)octave << 32 | number, MP_CHUNK_LOCK_HIST);
	struct mp_lock_hist *row;
	row_id id;

	if (full)
		shard_close(t->shard, key, CHECK_AT(mp_lock_hist));
	id = shard_find(t->shard, key, CHECK_AT(mp_lock_hist));
	if (id)
		return id;
	id = new_row(t, key, CHECK_AT(mp_lock_hist), MP_CHUNK_LOCK_HIST);
	if (!id)
		return 0;
	row = row_at(id);
	row->what = what;
	row->octave = octave;
	store_release(&row->lock, number);
	return id;
}

void lock_hist_add(struct thread *t, struct lock_local *l, enum mp_lock_hist_kind what, uint64_t ns)
{
	struct lock_cell c = lock_cell_of(ns);
	uint32_t what_octave = (uint32_t)what << 8 | c.octave;
	struct mp_lock_hist *row;

	if (unlikely(l->hist[what & 1].what_octave != what_octave)) {
		l->hist[what & 1].row = hist_row(t, l->number, what, c.octave, false);
		l->hist[what & 1].what_octave = what_octave;
	}
	if (unlikely(!l->hist[what & 1].row))
		return;
	row = row_at(l->hist[what & 1].row);
	if (unlikely(row->cells[c.cell] == UINT32_MAX)) {
		l->hist[what & 1].row = hist_row(t, l->number, what, c.octave, true);
		if (!l->hist[what & 1].row)
			return;
		row = row_at(l->hist[what & 1].row);
	}
	bump(&row->cells[c.cell], 1);
}

struct mp_lock_extra *lock_extra(struct thread *t, uint64_t address)
{
	struct lock_local *l = lock_local_at(t, address);
	uint64_t key;
	row_id id;

	if (!l)
		return NULL;
	key = lock_key(l->number, MP_CHUNK_LOCK_EXTRA);
	id = shard_find(t->shard, key, CHECK_AT(mp_lock_extra));
	if (!id) {
		id = new_row(t, key, CHECK_AT(mp_lock_extra), MP_CHUNK_LOCK_EXTRA);
		if (!id)
			return NULL;
		store_release(&((struct mp_lock_extra *)row_at(id))->lock, l->number);
	}
	return row_at(id);
}
