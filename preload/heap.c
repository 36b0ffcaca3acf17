/* SPDX-License-Identifier: MIT */
/*
 * Exact counters per stack and thread. The peak needs no snapshot of all sites: a new peak only raises an epoch, and
 * a row keeps a copy of its live values when it is changed for the first time after that. So a row that has not
 * changed since stands for itself, one that has carries its share at the peak, and the reader adds the shares.
 */
#include "heap.h"

#include <stddef.h>

#include "atomic.h"
#include "boot.h"
#include "capture.h"
#include "compiler.h"
#include "control.h"
#include "drop.h"
#include "free_pair.h"
#include "init.h"
#include "lifetime.h"
#include "lock_table.h"
#include "options.h"
#include "os.h"
#include "real.h"
#include "shard.h"
#include "stack_memo.h"
#include "timeline.h"
#include "verify.h"

#define CHECK_AT offsetof(struct mp_site, check)
/* Of the peak; the sum over all threads of what is not yet flushed stays below 1/FLUSH_SHARE of it. */
#define FLUSH_SHARE      512
#define FLUSH_MIN_BYTES  64
#define FLUSH_MIN_BLOCKS 1

/* Of the peak PEAK, what a thread of COUNT may have unflushed. Small heaps are a little less exact among threads. */
static inline uint64_t flush_limit(uint64_t peak, uint64_t min, uint32_t count)
{
	uint64_t limit = peak / FLUSH_SHARE / count;

	return limit >= min ? limit : count == 1 ? min : min * 8;
}

/* The count, too, if WITH_COUNT or at a new peak. */
static void flush(struct thread *t, bool with_count)
{
	struct mp_header *h = dump_header();
	int64_t bytes = add_relaxed(&h->live_bytes, t->unflushed_bytes);
	uint64_t peak = load_relaxed(&h->peak_bytes);
	bool is_peak = bytes > 0 && (uint64_t)bytes > peak;
	int64_t count = 0;

	t->unflushed_bytes = 0;
	if (with_count || is_peak) {
		count = add_relaxed(&h->live_count, t->unflushed_count);
		t->unflushed_count = 0;
	}
	if (is_peak) {
		uint64_t now = os_now_ns();

		/* Two threads may both find a new peak; the larger value wins, and any epoch is good for it. */
		while ((uint64_t)bytes > peak && !cas_acq_rel(&h->peak_bytes, &peak, (uint64_t)bytes))
			;
		if ((uint64_t)bytes > peak) {
			store_relaxed(&h->peak_count, count > 0 ? (uint64_t)count : 0);
			store_relaxed(&h->peak_ns, now);
			add_relaxed(&h->peak_epoch, 1);
			peak = (uint64_t)bytes;
		}
		timeline_tick(now);
	} else if (unlikely(timeline_jumped(bytes, peak))) {
		timeline_tick(os_now_ns());
	}
	t->flush_limit = flush_limit(peak, FLUSH_MIN_BYTES, thread_count());
}

void heap_flush(struct thread *t)
{
	flush(t, true);
}

/*
 * Threads share the header's lines, and one that another thread has written costs a transfer between processors. The
 * count is in the line of the peak's epoch, which every event reads: it is brought there only when it has moved.
 */
static MP_NOINLINE void flush_some(struct thread *t)
{
	uint64_t peak = load_relaxed(&dump_header()->peak_count);
	uint64_t blocks = (uint64_t)(t->unflushed_count < 0 ? -t->unflushed_count : t->unflushed_count);

	flush(t, blocks >= flush_limit(peak, FLUSH_MIN_BLOCKS, thread_count()));
}

static inline void account(struct thread *t, int64_t bytes, int64_t count)
{
	t->unflushed_bytes += bytes;
	t->unflushed_count += count;
	if (unlikely((uint64_t)(t->unflushed_bytes + (int64_t)t->flush_limit) > 2 * t->flush_limit))
		flush_some(t);
}

/* Must come before any change of a row's live values, whose counts are in UNITS to a block. */
static inline void keep_peak_share(struct mp_site *site, int64_t units)
{
	uint32_t epoch = (uint32_t)load_relaxed(&dump_header()->peak_epoch);
	int64_t count;

	if (likely(site->peak_epoch == epoch))
		return;
	count = ((int64_t)(site->alloc_count - site->free_count) + units / 2) / units;
	site->peak_bytes = (int64_t)(site->alloc_bytes - site->free_bytes);
	site->peak_count = count > INT32_MAX ? INT32_MAX : count < INT32_MIN ? INT32_MIN : (int32_t)count;
	/* The file must not show the new epoch with the old share. */
	store_release(&site->peak_epoch, epoch);
}

static inline bool is_full(const struct mp_site *site)
{
	return (site->realloc_count | site->temporary_count) >> 31;
}

/* The row that was opened under KEY, 0 = none: one that is about to overflow is closed first. */
static inline row_id find_open(struct thread *t, uint64_t key)
{
	row_id id = shard_find(t->shard, key, CHECK_AT);

	if (unlikely(id && is_full(row_at(id)))) {
		shard_close(t->shard, key, CHECK_AT);
		return 0;
	}
	return id;
}

static struct mp_site *begin_row(row_id id, stack_id stack)
{
	struct mp_site *site = row_at(id);

	site->peak_epoch = (uint32_t)load_relaxed(&dump_header()->peak_epoch);
	store_release(&site->stack, stack);
	return site;
}

typedef row_id add_row(struct shard *shard, uint64_t key, unsigned check_at, enum mp_chunk_kind kind);

static MP_COLD struct mp_site *new_site(struct thread *t, uint64_t key, stack_id stack, add_row *add)
{
	row_id id = add(t->shard, key, CHECK_AT, MP_CHUNK_SITE);

	if (!id || id >= LIVE_ROWS_MAX) {
		drop(MP_LOSS_SITES_FULL);
		return NULL;
	}
	thread_refresh_name(t);
	return begin_row(id, stack);
}

static inline row_id id_of(const struct mp_site *site)
{
	return (row_id)((uint64_t)((const char *)site - dump_base) / ROW_BYTES);
}

/*
 * A row counts blocks of one size class, so that readers have the sizes of each stack for nothing: class K has 2^K to
 * 2^(K+1) - 1 bytes, class 0 also blocks of 0. A row's class need not be stored: it is that of its mean.
 */
static inline unsigned size_class(uint64_t bytes)
{
	return 63u - (unsigned)__builtin_clzll(bytes | 1);
}

/* Only if the row has counted anything yet. */
static inline bool has_class(const struct mp_site *site, unsigned size_class)
{
	uint64_t least = size_class ? site->alloc_count << size_class : 0;

	return site->alloc_bytes - least < (site->alloc_count << size_class << 1) - least;
}

/* The row of this thread for blocks of SIZE_CLASS of the stack that SITE, of another class, was opened for. */
static MP_NOINLINE struct mp_site *site_of_class(struct thread *t, struct mp_site *site, unsigned size_class)
{
	uint64_t key = shard_mix((uint64_t)site->stack << 6 | size_class | 0x512e00000000000ull);
	row_id id;

	if (!site->alloc_count)
		return site;
	id = find_open(t, key);
	return likely(id) ? row_at(id) : new_site(t, key, site->stack, shard_add);
}

/*
 * Blocks that realloc made have rows of their own, even where the stack is the same: they are longer, and so it is
 * known of each block whether it was resized before. A row that has counted any of them has no other.
 */
static inline bool is_resized_row(const struct mp_site *site)
{
	return site->realloc_count;
}

/* The row for blocks of SIZE_CLASS that realloc made at the stack of SITE, which may be that row. */
static MP_NOINLINE struct mp_site *site_of_resized(struct thread *t, struct mp_site *site, unsigned size_class)
{
	uint64_t key = shard_mix((uint64_t)site->stack << 6 | size_class | 0x7ea1100000000000ull);
	struct mp_site *resized;
	row_id id = find_open(t, key);

	if (unlikely(!id))
		return new_site(t, key, site->stack, shard_add_long);
	resized = row_at(id);
	/* Where nothing but realloc is called, next time one look tells all. Not before the row tells its kind. */
	if (unlikely(!site->alloc_count) && is_resized_row(resized))
		memo_replace(t, resized);
	return resized;
}

/* Counts what a realloc did that made BYTES at ADDRESS out of FROM. */
static inline void count_resize(struct mp_site_resized *row, const struct resized *from, uint64_t address,
				uint64_t bytes)
{
	row_id old = from->block.row & (LIVE_ROWS_MAX - 1);
	uint64_t old_bytes = from->block.bytes;

	if (unlikely(!from->known) || unlikely(old == LIVE_ROW_OWN)) {
		bump(&row->unknown_count, 1);
		return;
	}
	if (from->block.generation != live_generation() || !is_resized_row(row_at(old))) {
		bump(&row->first_count, 1);
		bump(&row->first_bytes, old_bytes);
	}
	if (address != from->address) {
		bump(&row->move_count, 1);
		bump(&row->copied_bytes, old_bytes < bytes ? old_bytes : bytes);
	}
	if (bytes < old_bytes) {
		bump(&row->shrink_count, 1);
		bump(&row->shrunk_bytes, old_bytes - bytes);
	} else {
		bump(&row->grown_bytes, bytes - old_bytes);
	}
}

/* The row for the stack in t->frames. */
static inline struct mp_site *site_here(struct thread *t, uint64_t hash)
{
	row_id id = shard_find(t->shard, hash, CHECK_AT);

	return likely(id) ? row_at(id) : new_site(t, hash, capture_intern(t), shard_add);
}

/* This thread's row for the stack of row ID, which another thread's allocation left in the live table. */
static MP_NOINLINE struct mp_site *site_of_foreign(struct thread *t, row_id id)
{
	/* Aliases and stacks share the index; the constant keeps their keys apart. */
	uint64_t key = shard_mix((uint64_t)id | 0xa11a500000000ull);
	row_id mine = shard_find_alias(t->shard, key);
	stack_id stack;
	uint64_t stack_key;

	if (likely(mine))
		return row_at(mine);
	stack = ((const struct mp_site *)row_at(id & (LIVE_ROWS_MAX - 1)))->stack;
	/*
	 * The hash of that stack is not at hand, so the row for frees of foreign blocks goes by the stack's number.
	 * It is a second row of this thread for the same stack, which readers add like any other.
	 */
	stack_key = shard_mix((uint64_t)stack | 0x5174e00000000ull);
	mine = shard_find(t->shard, stack_key, CHECK_AT);
	if (!mine) {
		struct mp_site *site = new_site(t, stack_key, stack, shard_add);

		if (!site)
			return NULL;
		mine = id_of(site);
	}
	shard_alias(t->shard, key, mine);
	return row_at(mine);
}

/*
 * Most blocks live shortly. While the process has one thread, its newest blocks are kept in a small array of its own,
 * by address, and enter the live table only when another block takes their place: those that are freed before never
 * do, which spares both of the table's cache misses. A second thread could free what it cannot find in the table, so
 * all are entered before one is made, and before a fork, because the array is wiped in the child.
 */
static inline struct young *young_slot(struct thread *t, uint64_t address)
{
	return &t->young[address >> 4 & (THREAD_YOUNG - 1)];
}

/* Enters a block into the live table some time after it was counted, or without that. */
static void enter_late(struct thread *t, uint64_t address, uint64_t bytes, row_id row)
{
	struct live_block old;

	switch (live_insert(address, bytes, row, &old)) {
	case LIVE_REPLACED:
		drop(MP_LOSS_UNSEEN_FREE);
		heap_count_free(t, 0, &old);
		break;
	case LIVE_NO_MEMORY:
		drop(MP_LOSS_LIVE_FULL);
		break;
	case LIVE_OK:
		break;
	}
}

static MP_COLD void young_flush(struct thread *t)
{
	t->young_used = false;
	for (uint32_t i = 0; i < THREAD_YOUNG; i++) {
		struct young *y = &t->young[i];

		if (!y->address)
			continue;
		enter_late(t, y->address, y->bytes, y->row);
		y->address = 0;
	}
}

void heap_flush_young(struct thread *t)
{
	if (t->young_used)
		young_flush(t);
}

void heap_before_sharing(void)
{
	struct thread *t = thread_own();

	if (t->state != THREAD_LIVE || !t->young_used || !gate_enter(t))
		return;
	young_flush(t);
	gate_leave(t);
}

/* Enters a block into the young ones or into the live table. */
static inline enum live_insert remember(struct thread *t, uint64_t address, uint64_t bytes, row_id row,
					struct live_block *ret_old)
{
	struct young *y = young_slot(t, address);
	enum live_insert result = LIVE_OK;

	if (unlikely(!real_single_threaded()) || unlikely(bytes > UINT32_MAX)) {
		if (unlikely(t->young_used))
			young_flush(t);
		return live_insert(address, bytes, row, ret_old);
	}
	if (unlikely(y->address == address)) {
		*ret_old = (struct live_block){ .bytes = y->bytes, .row = y->row, .generation = live_generation() };
		result = LIVE_REPLACED;
	} else if (y->address) {
		result = live_insert(y->address, y->bytes, y->row, ret_old);
	}
	*y = (struct young){ .address = address, .bytes = (uint32_t)bytes, .row = row };
	t->young_used = true;
	return result;
}

/* Takes a block out again. false: unknown. */
static inline bool take(struct thread *t, uint64_t address, struct live_block *ret_block)
{
	if (likely(t->young_used)) {
		struct young *y = young_slot(t, address);

		if (y->address == address) {
			y->address = 0;
			*ret_block = (struct live_block){
				.bytes = y->bytes,
				.row = y->row,
				.generation = live_generation(),
			};
			return true;
		}
		if (unlikely(!real_single_threaded()))
			young_flush(t);
	}
	return live_take(address, ret_block);
}

static MP_COLD void unseen_free(struct thread *t, const struct live_block *old)
{
	drop(MP_LOSS_UNSEEN_FREE);
	heap_count_free(t, 0, old);
}

/* KNOWN: what the memo said, NULL = nothing. */
static MP_NOINLINE struct mp_site *site_by_walk(struct thread *t, const struct regs *regs, const struct mp_site *known)
{
	uint64_t hash = capture(t, regs);
	struct mp_site *site = site_here(t, hash);

	if (unlikely(opt.verify) && known && (!site || known->stack != site->stack))
		verify_memo_failed();
	if (unlikely(known && is_full(known)))
		memo_clear(t);
	if (unlikely(site && is_full(site))) {
		/* Before a 32-bit counter is full, the stack gets another row. */
		shard_close(t->shard, hash, CHECK_AT);
		memo_clear(t);
		site = site_here(t, hash);
	}
	if (likely(site))
		memo_store(t, regs, hash, site);
	return site;
}

static MP_COLD void ignore_newest(struct thread *t, uint64_t address)
{
	heap_flush_young(t);
	live_ignore(address);
}

void heap_ignore(struct thread *t, uint64_t address)
{
	ignore_newest(t, address);
}

/*
 * Once in a few hundred allocations: a point in time, and a block whose lifetime is observed. Such a block is counted
 * in a row of its own, by which its free is known.
 */
static MP_NOINLINE struct mp_site *observe(struct thread *t, struct mp_site *site, uint64_t address)
{
	uint64_t key = shard_mix((uint64_t)id_of(site) | 0x71e3d00000000000ull);
	bool first = !t->next_observed;
	uint64_t now_ns = os_now_ns();
	row_id id;

	t->next_observed = lifetime_next(t, t->row->alloc_count);
	timeline_tick(now_ns);
	if (control_pending())
		control_answer(t, NULL);
	thread_notice_pause(t);
	if (first)
		return site;
	id = find_open(t, key);
	if (!id) {
		id = shard_add_marked(t->shard, key, CHECK_AT, MP_CHUNK_SITE);
		if (!id || id >= LIVE_ROWS_MAX)
			return site;
		begin_row(id, site->stack);
	}
	return lifetime_begin(t, address, now_ns) ? row_at(id) : site;
}

void heap_alloc(struct thread *t, const struct regs *regs, uint64_t address, uint64_t bytes, const struct resized *from)
{
	struct mp_site *site = memo_find(t, regs);
	struct live_block old;
	enum live_insert result;
	bool ignore = false;

	if (!likely(site) || unlikely(t->careful) || unlikely(is_full(site))) {
		ignore = t->ignoring > 0;
		site = site_by_walk(t, regs, site);
		if (unlikely(!site))
			return;
	}
	if (unlikely(from != NULL)) {
		if (!has_class(site, size_class(bytes)) || !is_resized_row(site))
			site = site_of_resized(t, site, size_class(bytes));
		if (unlikely(!site))
			return;
		count_resize((struct mp_site_resized *)site, from, address, bytes);
	} else if (!likely(has_class(site, size_class(bytes))) || unlikely(is_resized_row(site))) {
		site = site_of_class(t, site, size_class(bytes));
		if (unlikely(!site))
			return;
	}
	if (unlikely(t->row->alloc_count >= t->next_observed))
		site = observe(t, site, address);
	keep_peak_share(site, 1);
	bump(&site->alloc_bytes, bytes);
	bump(&site->alloc_count, 1);
	bump(&t->row->alloc_bytes, bytes);
	bump(&t->row->alloc_count, 1);
	if (unlikely(from != NULL)) {
		bump(&site->realloc_count, 1);
		bump(&t->row->realloc_count, 1);
	}
	result = remember(t, address, bytes, id_of(site), &old);
	if (unlikely(ignore))
		ignore_newest(t, address);
	if (unlikely(result == LIVE_REPLACED))
		unseen_free(t, &old);
	else if (unlikely(result == LIVE_NO_MEMORY))
		drop(MP_LOSS_LIVE_FULL);
	t->last_block = address;
	t->last_site = site;
	account(t, (int64_t)bytes, 1);
}

uint64_t heap_own_count;

static void leave_paused(struct thread *t)
{
	gate_leave(t);
	thread_leave_slow(t);
}

/*
 * The table must know what the program paused for, or frees later would be of unknown blocks, and a search for lost
 * ones would not see what these lead to.
 */
static MP_COLD void enter_left_out(void *p)
{
	struct thread *t = thread_leave_out() && !process_sampling ? thread_enter_paused() : NULL;

	if (!t)
		return;
	enter_late(t, (uint64_t)p, real.malloc_usable_size(p), LIVE_ROW_OWN);
	leave_paused(t);
}

void heap_own(void *p)
{
	struct live_block old;

	if (!p)
		return;
	if (!process_is_setting_up()) {
		if (thread_is_paused())
			enter_left_out(p);
		return;
	}
	live_insert((uint64_t)p, 0, LIVE_ROW_OWN, &old);
	heap_own_count++;
}

static MP_COLD void free_inherited(const struct live_block *block)
{
	add_relaxed(&dump_header()->inherited_free_count, 1);
	add_relaxed(&dump_header()->inherited_free_bytes, block->bytes);
}

static inline void count_free_at(struct thread *t, struct mp_site *site, uint64_t bytes)
{
	keep_peak_share(site, 1);
	bump(&site->free_bytes, bytes);
	bump(&site->free_count, 1);
	bump(&t->row->free_bytes, bytes);
	bump(&t->row->free_count, 1);
	account(t, -(int64_t)bytes, -1);
}

/* The row to count a free in whose block was counted in a row that is not this thread's, or marked. */
static MP_NOINLINE struct mp_site *site_elsewhere(struct thread *t, uint64_t address, row_id id, uint64_t bytes)
{
	if (shard_is_marked(id)) {
		const struct mp_site *site = row_at(id);

		if (address)
			lifetime_end(t, address, site->stack);
		if (shard_owns_marked(t->shard, id))
			return row_at(id);
	}
	free_pair_count(t, shard_of(id), bytes);
	return site_of_foreign(t, id);
}

void heap_count_free(struct thread *t, uint64_t address, const struct live_block *block)
{
	struct mp_site *site;

	row_id row = block->row & (LIVE_ROWS_MAX - 1);

	if (unlikely(row == LIVE_ROW_OWN))
		return;
	if (unlikely(block->generation != live_generation())) {
		free_inherited(block);
		return;
	}
	site = likely(shard_owns(t->shard, row)) ? row_at(row) : site_elsewhere(t, address, row, block->bytes);
	if (likely(site))
		count_free_at(t, site, block->bytes);
}

static MP_COLD bool unknown_free(uint64_t address)
{
	/* While recording is off nobody counts, and threads must not meet at a counter. */
	if (boot_owns((const void *)address) || thread_all_paused())
		return false;
	return drop(thread_were_paused() ? MP_LOSS_PAUSED_FREE : MP_LOSS_UNKNOWN_FREE);
}

bool heap_take(struct thread *t, uint64_t address, struct live_block *ret_block)
{
	if (lock_may_lie_in(address))
		lock_block_freed(t, address);
	if (unlikely(!take(t, address, ret_block)))
		return unknown_free(address);
	if (t->last_block == address)
		t->last_block = 0;
	return true;
}

bool heap_free(struct thread *t, uint64_t address)
{
	struct live_block block;
	bool last = t->last_block == address;

	if (lock_may_lie_in(address))
		lock_block_freed(t, address);
	if (last)
		t->last_block = 0;
	if (unlikely(!take(t, address, &block)))
		return unknown_free(address);
	/* Nothing was allocated by this thread since: temporary, if the block is still the one meant. */
	if (last &&
	    likely((block.row & (LIVE_ROWS_MAX - 1)) == id_of(t->last_site) && block.generation == live_generation())) {
		bump(&t->last_site->temporary_count, 1);
		bump(&t->row->temporary_count, 1);
	}
	heap_count_free(t, address, &block);
	return true;
}

static struct thread *enter_paused(void)
{
	return process_sampling ? NULL : thread_enter_paused();
}

MP_COLD void heap_free_paused(uint64_t address)
{
	struct thread *t = enter_paused();

	if (!t)
		return;
	heap_free(t, address);
	leave_paused(t);
}

MP_COLD bool heap_take_paused(uint64_t address, struct live_block *ret_block)
{
	struct thread *t = enter_paused();
	bool known;

	if (!t)
		return false;
	known = heap_take(t, address, ret_block);
	leave_paused(t);
	return known;
}

MP_COLD void heap_taken_paused(uint64_t address, const struct live_block *block, bool freed)
{
	struct thread *t = enter_paused();

	if (!t)
		return;
	if (freed)
		heap_count_free(t, address, block);
	else
		live_put_back(address, block);
	leave_paused(t);
}

/* --- sampling: the same with weights, on a path that is rare --- */

#define SAMPLE_CHECK_AT offsetof(struct mp_site_sample, check)

/* The companion of a row of this thread. */
static struct mp_site_sample *sample_of(struct thread *t, const struct mp_site *site)
{
	uint64_t key = shard_mix((uint64_t)id_of(site) | 0x5a3b1e00000000ull);
	row_id id = shard_find(t->shard, key, SAMPLE_CHECK_AT);
	struct mp_site_sample *sample;

	if (id)
		return row_at(id);
	id = shard_add(t->shard, key, SAMPLE_CHECK_AT, MP_CHUNK_SITE_SAMPLE);
	if (!id) {
		drop(MP_LOSS_SITES_FULL);
		return NULL;
	}
	sample = row_at(id);
	store_release(&sample->stack, site->stack);
	return sample;
}

static void bump_saturating(uint32_t *p)
{
	if (*p != UINT32_MAX)
		bump(p, 1);
}

enum heap_entered heap_sample_alloc(struct thread *t, const struct regs *regs, uint64_t address, uint64_t bytes,
				    const struct poisson_weight *weight, bool reallocated, struct live_block *ret_old)
{
	struct mp_site *site = site_here(t, capture(t, regs));
	struct mp_site_sample *sample = site ? sample_of(t, site) : NULL;
	enum live_insert result;

	if (!sample)
		return HEAP_NOT_ENTERED;
	keep_peak_share(site, MP_COUNT_UNITS);
	bump(&site->alloc_bytes, weight->bytes);
	bump(&site->alloc_count, weight->count);
	bump(&t->row->alloc_bytes, weight->bytes);
	bump(&t->row->alloc_count, weight->count);
	bump_saturating(&sample->alloc_samples);
	bump_double(&sample->alloc_count_var, weight->count_var);
	bump_double(&sample->alloc_bytes_var, weight->bytes_var);
	if (reallocated) {
		bump(&sample->realloc_count, weight->count);
		bump(&t->row->realloc_count, weight->count);
	}
	result = live_insert(address, bytes, id_of(site), ret_old);
	account(t, (int64_t)weight->bytes, (int64_t)weight->count);
	timeline_tick(os_now_ns());
	if (control_pending())
		control_answer(t, NULL);
	if (result == LIVE_NO_MEMORY) {
		drop(MP_LOSS_LIVE_FULL);
		return HEAP_NOT_ENTERED;
	}
	return result == LIVE_REPLACED && ret_old->row != LIVE_ROW_OWN ? HEAP_REPLACED : HEAP_ENTERED;
}

void heap_sample_free(struct thread *t, const struct live_block *block, const struct poisson_weight *weight,
		      bool temporary)
{
	struct mp_site_sample *sample;
	struct mp_site *site;

	if (block->row == LIVE_ROW_OWN)
		return;
	if (block->generation != live_generation()) {
		add_relaxed(&dump_header()->inherited_free_count, weight->count);
		add_relaxed(&dump_header()->inherited_free_bytes, weight->bytes);
		return;
	}
	if (shard_owns(t->shard, block->row)) {
		site = row_at(block->row);
	} else {
		free_pair_count_sampled(t, shard_of(block->row), weight);
		site = site_of_foreign(t, block->row);
	}
	sample = site ? sample_of(t, site) : NULL;
	if (!sample)
		return;
	keep_peak_share(site, MP_COUNT_UNITS);
	bump(&site->free_bytes, weight->bytes);
	bump(&site->free_count, weight->count);
	bump(&t->row->free_bytes, weight->bytes);
	bump(&t->row->free_count, weight->count);
	bump_saturating(&sample->free_samples);
	bump_double(&sample->free_count_var, weight->count_var);
	bump_double(&sample->free_bytes_var, weight->bytes_var);
	if (temporary) {
		bump(&sample->temporary_count, weight->count);
		bump(&t->row->temporary_count, weight->count);
	}
	account(t, -(int64_t)weight->bytes, -(int64_t)weight->count);
}
