/* SPDX-License-Identifier: MIT */
/*
 * The locks that were ever contended: their numbers, rows in the dump and states; how a lock gets them, loses them, and
 * how the next of its class takes them over.
 *
 * table_lock guards places, rows and states, but for what lock_wait.c writes. It is taken after a bucket's lock (see
 * lock_counts.c) and before those of the dump. An address gets or loses its number only with its bucket's lock held.
 */
#include "lock_table.h"

#include "capture.h"
#include "drop.h"
#include "dump_map.h"
#include "init.h"
#include "live_table.h"
#include "lock_counts.h"
#include "lock_name.h"
#include "lock_order.h"
#include "lock_places.h"
#include "lock_state.h"
#include "os.h"

#define LOCKS_MAX 65536u /* rows of locks in a dump: 4.5 MiB */
/* A lock lies in the heap block that starts at most this far before it. */
#define BLOCK_BACK  4096u
#define STATE_CHUNK 64u
/* From so many numbers on, a new lock takes over that of one of its class which is no more. */
#define NUMBERS_APART 1024u
#define CLASSES       1024u
#define CLASS_SEARCH  16u

static struct os_lock table_lock;
static uint32_t lock_total;      /* numbers given out */
static struct mp_lock *next_row; /* of the newest chunk */
static uint32_t rows_left;
static struct lock_state *states[LOCKS_MAX / STATE_CHUNK];
static struct lock_state *retired[CLASSES];       /* by hash of the class, under table_lock */
static struct lock_state *in_blocks[LOCK_BLOCKS]; /* by hash of the block, under table_lock */
static struct lock_store *unused_stores;          /* under table_lock */
uint32_t lock_forks;                              /* that led to this process, from the first one recorded */
uint8_t lock_blocks[LOCK_BLOCKS];
bool lock_blocks_any;

void lock_count_failure(struct thread *t, uint64_t address)
{
	struct lock_local *l = lock_local_at(t, address);

	if (l && l->share)
		bump(&l->share->trylock_failures, 1);
}

MP_NOINLINE void lock_count_numbered(struct thread *t, uint32_t number)
{
	struct lock_local *l = lock_local(t, number);

	if (likely(l && l->share))
		bump(&l->share->acquisitions, 1);
}

static void store_put(struct lock_store *store)
{
	os_lock(&table_lock);
	store->next = unused_stores;
	unused_stores = store;
	os_unlock(&table_lock);
}

void lock_thread_end(struct thread *t)
{
	lock_settle(t);
	lock_slots_empty(t);
	if (t->lock_store) {
		store_put(t->lock_store);
		t->lock_store = NULL;
		t->locks_held = 0;
	}
}

/* --- a thread's view of locks with numbers --- */

static struct lock_state *state_of(uint32_t number)
{
	return &load_acquire(&states[(number - 1) / STATE_CHUNK])[(number - 1) % STATE_CHUNK];
}

static struct lock_store *store_get(void)
{
	struct lock_store *store;

	os_lock(&table_lock);
	store = unused_stores;
	if (store)
		unused_stores = store->next;
	os_unlock(&table_lock);
	if (store)
		__builtin_memset(store->locals, 0, sizeof(store->locals));
	else
		store = os_map(sizeof(*store));
	if (store && !store->held) {
		store->held = store->first_held;
		store->held_room = LOCK_HELD_FIRST;
	}
	return store;
}

MP_NOINLINE struct lock_local *lock_local_find(struct thread *t, uint32_t number)
{
	struct lock_local *l;
	row_id share;

	if (!t->lock_store)
		t->lock_store = store_get();
	if (!t->lock_store)
		return NULL;
	l = &t->lock_store->locals[number % LOCK_LOCALS];
	if (l->number == number)
		return l;
	share = lock_share(t->shard, number);
	*l = (struct lock_local){ .number = number, .state = state_of(number) };
	l->share = share ? row_at(share) : NULL;
	/* What happened before this thread met the lock does not make it hot, what happens right now does. */
	l->seen = crowd_moves(l->state) - (crowd_waiters(l->state) != 0);
	l->left = LOCK_HOT_LIMIT;
	return l;
}

struct lock_local *lock_local_at(struct thread *t, uint64_t address)
{
	const struct lock_slot *s;

	if (!load_relaxed(&lock_total))
		return NULL;
	s = lock_slot(t, address);
	return s->number ? lock_local(t, s->number) : NULL;
}

/* --- birth and death of numbers --- */

/* With table_lock held. */
static struct mp_lock *new_row(void)
{
	struct mp_chunk *chunk;

	if (lock_total == LOCKS_MAX)
		return NULL;
	if (!rows_left) {
		chunk = dump_chunk(MP_CHUNK_LOCK, sizeof(struct mp_lock), DUMP_PAGE, lock_total + 1, 0);
		if (!chunk)
			return NULL;
		next_row = (struct mp_lock *)(void *)(chunk + 1);
		rows_left = (uint32_t)chunk->rows;
	}
	return next_row;
}

/* With table_lock held: the state that goes with a new number. */
static struct lock_state *new_state(uint32_t number)
{
	struct lock_state **chunk = &states[(number - 1) / STATE_CHUNK];
	struct lock_state *state;

	if (!*chunk) {
		struct lock_state *made = os_map(STATE_CHUNK * sizeof(**chunk));

		if (!made)
			return NULL;
		store_release(chunk, made);
	}
	state = state_of(number);
	state->number = number;
	state->ring.past = state->first;
	state->ring.size = LOCK_RING_FIRST;
	return state;
}

/* What locks of one class have in common, see mp_lock.instances. */
static bool same_class(const struct mp_lock *a, const struct mp_lock *b)
{
	return a->kind == b->kind && a->name == b->name && a->alloc_stack == b->alloc_stack &&
	       a->alloc_offset == b->alloc_offset && (a->alloc_stack || a->first_stack == b->first_stack) &&
	       !((a->flags ^ b->flags) & ~(MP_LOCK_FLAG_COUNT_FROM_FIRST | MP_LOCK_FLAG_UNCONTENDED));
}

static struct lock_state **class_of(const struct mp_lock *row)
{
	uint64_t h = lock_key(row->alloc_stack ? row->alloc_stack : row->first_stack, row->kind);

	return &retired[lock_key(h, row->alloc_offset) % CLASSES];
}

/* With table_lock held: a number of the same class whose lock is no more. NULL: none. */
static struct lock_state *take_retired(const struct mp_lock *draft)
{
	struct lock_state **link = class_of(draft);

	for (unsigned i = 0; *link && i < CLASS_SEARCH; i++, link = &(*link)->next_retired) {
		struct lock_state *state = *link;

		if (same_class(state->row, draft) && !crowd_waiters(state)) {
			*link = state->next_retired;
			return state;
		}
	}
	return NULL;
}

/* With table_lock held: frees of this block are looked at from now on. */
static void watch_block(uint64_t block)
{
	uint32_t hash = lock_block_hash(block);

	if (lock_blocks[hash] != UINT8_MAX)
		store_relaxed(&lock_blocks[hash], (uint8_t)(lock_blocks[hash] + 1));
	store_relaxed(&lock_blocks_any, true);
}

/* With table_lock held. A saturated count stays: then some frees look in vain. */
static void unwatch_block(uint64_t block)
{
	uint32_t hash = lock_block_hash(block);

	if (lock_blocks[hash] != UINT8_MAX)
		store_relaxed(&lock_blocks[hash], (uint8_t)(lock_blocks[hash] - 1));
}

static void begin_life(struct lock_state *state, struct mp_lock *row, const struct mp_lock *draft, uint64_t block)
{
	uint32_t hash = lock_block_hash(block);

	state->row = row;
	state->kind = draft->kind;
	state->flags = draft->flags;
	state->block = block;
	if (!block)
		return;
	state->next_in_block = in_blocks[hash];
	in_blocks[hash] = state;
	watch_block(block);
}

/* With table_lock held: takes over the number and the row of a lock that is no more. */
static void relive(struct lock_state *state, const struct mp_lock *draft, uint64_t address, uint64_t block)
{
	struct mp_lock *row = state->row;

	store_relaxed(&row->instances, row->instances ? row->instances + 1 : 2);
	store_relaxed(&row->first_ns, draft->first_ns);
	/* What was contended once stays so. */
	store_relaxed(&row->flags, row->flags | (draft->flags & ~MP_LOCK_FLAG_UNCONTENDED));
	store_relaxed(&row->alloc_bytes, draft->alloc_bytes);
	store_relaxed(&row->retired_ns, 0);
	store_release(&row->address, address);
	state->ring.added = 0;
	state->ring.forgotten_ns = 0;
	begin_life(state, row, draft, block);
}

/*
 * The number under which DRAFT is now in the dump and ADDRESS in places, 0 = no room. BLOCK: start of the heap block it
 * lies in.
 */
static uint32_t enter_row(uint64_t address, const struct mp_lock *draft, uint64_t block)
{
	struct lock_state *state = NULL;
	struct mp_lock *row;

	os_lock(&table_lock);
	if (!lock_places_room())
		goto out;
	/* In orders of locks, one that stands for several would make cycles that are none. */
	if (lock_total >= NUMBERS_APART && !lock_order_on)
		state = take_retired(draft);
	if (state) {
		relive(state, draft, address, block);
	} else {
		row = new_row();
		state = row ? new_state(lock_total + 1) : NULL;
		if (!state)
			goto out;
		*row = *draft;
		store_release(&row->address, address);
		next_row++;
		rows_left--;
		store_relaxed(&lock_total, lock_total + 1);
		begin_life(state, row, draft, block);
	}
	lock_place_set(address, state->number, state);
out:
	os_unlock(&table_lock);
	return state ? state->number : 0;
}

/* Start of the heap block the lock lies in, 0 = none known. */
static uint64_t find_block(uint64_t address, struct mp_lock *ret)
{
	struct live_block block;
	uint64_t start;

	if (!live_find_containing(address, BLOCK_BACK, &start, &block) || block.generation != live_generation())
		return 0;
	if (block.row == LIVE_ROW_OWN)
		return 0;
	ret->alloc_stack = ((const struct mp_site *)row_at(block.row))->stack;
	ret->alloc_offset = (uint32_t)(address - start);
	ret->alloc_bytes = block.bytes;
	return start;
}

uint32_t lock_number(const struct lock_facts *facts, struct mp_lock *draft)
{
	uint64_t address = facts->address;
	struct lock_bucket *b;
	uint64_t block;
	uint32_t number;

	draft->kind = facts->kind;
	draft->flags = facts->flags;
	block = find_block(address, draft);
	b = lock_bucket_lock(address);
	number = lock_place_number(address);
	if (!number) {
		draft->name = lock_name_row(address);
		if (lock_bucket_gave_up(b))
			draft->flags |= MP_LOCK_FLAG_COUNT_FROM_FIRST;
		number = enter_row(address, draft, block);
		if (number) {
			lock_epoch_next();
			lock_counts_claim(b, address, number);
		} else {
			drop(MP_LOSS_LOCKS_FULL);
		}
	}
	lock_bucket_unlock(b);
	return number;
}

uint32_t lock_foresee(struct thread *t, const struct lock_facts *facts, uint32_t stack)
{
	uint32_t number = lock_slot(t, facts->address)->number;
	struct lock_facts uncontended = *facts;
	struct mp_lock draft;

	if (likely(number))
		return number;
	draft = (struct mp_lock){ .first_stack = stack, .first_ns = os_now_ns() };
	uncontended.flags |= MP_LOCK_FLAG_UNCONTENDED;
	return lock_number(&uncontended, &draft);
}

/* With table_lock held. */
static void leave_block(struct lock_state *state)
{
	uint32_t hash = lock_block_hash(state->block);
	struct lock_state **link = &in_blocks[hash];

	while (*link && *link != state)
		link = &(*link)->next_in_block;
	if (!*link)
		return;
	*link = state->next_in_block;
	unwatch_block(state->block);
}

/* With the bucket's lock held. */
static void take_number(struct lock_bucket *b, uint64_t address, uint32_t number)
{
	struct lock_state **same;
	struct lock_state *state;

	lock_counts_claim(b, address, number);
	os_lock(&table_lock);
	state = lock_place_retire(address);
	store_relaxed(&state->row->retired_ns, os_now_ns());
	if (state->block)
		leave_block(state);
	same = class_of(state->row);
	state->next_retired = *same;
	*same = state;
	os_unlock(&table_lock);
	lock_epoch_next();
}

void lock_retire(struct thread *t, uint64_t address)
{
	struct lock_bucket *b;
	uint64_t block;
	uint32_t number;

	b = lock_bucket_lock(address);
	number = lock_place_number(address);
	if (number)
		take_number(b, address, number);
	block = lock_name_end(address);
	if (unlikely(block)) {
		os_lock(&table_lock);
		unwatch_block(block);
		os_unlock(&table_lock);
	}
	lock_counts_forget(t, b, address);
	lock_bucket_unlock(b);
}

bool lock_name(uint64_t address, const char *name)
{
	struct lock_bucket *b;
	struct mp_lock draft = { 0 };
	uint64_t block = find_block(address, &draft);
	struct mp_lock *row;
	uint32_t number;
	bool is_new;
	bool named;

	/* Whoever gives the lock its number meanwhile has done so, or will see the name. */
	b = lock_bucket_lock(address);
	named = lock_name_put(address, block, name, &is_new);
	number = lock_place_number(address);
	row = named && number ? state_of(number)->row : NULL;
	/* A row that stands for several locks already keeps the name that they have. */
	if (row && row->instances <= 1)
		store_relaxed(&row->name, lock_name_row(address));
	if (is_new && block) {
		os_lock(&table_lock);
		watch_block(block);
		os_unlock(&table_lock);
	}
	lock_bucket_unlock(b);
	return named || drop(MP_LOSS_LOCK_NAMES_FULL);
}

/* The address of a lock in the block at START, 0 = none. */
static uint64_t lock_in_block(uint64_t start)
{
	uint64_t address = 0;

	os_lock(&table_lock);
	for (const struct lock_state *s = in_blocks[lock_block_hash(start)]; s && !address; s = s->next_in_block) {
		if (s->block == start)
			address = s->row->address;
	}
	os_unlock(&table_lock);
	return address ? address : lock_name_in_block(start);
}

MP_NOINLINE void lock_block_freed(struct thread *t, uint64_t start)
{
	uint64_t last = 0;
	uint64_t address;

	while ((address = lock_in_block(start)) != 0 && address != last) {
		lock_retire(t, address);
		last = address;
	}
}

void lock_leave_late(struct thread *t)
{
	if (thread_is_paused()) {
		gate_leave(t);
		return;
	}
	/* This structure is not in the registry, so no search would find what is in its slots. */
	lock_thread_end(t);
	gate_leave(t);
	thread_leave_slow(t);
}

/* --- process --- */

bool lock_table_init(void)
{
	return lock_counts_init();
}

void lock_forked(void)
{
	lock_name_forked();
	lock_counts_forked();
	lock_places_forked();
	table_lock.word = 0;
	lock_total = 0;
	next_row = NULL;
	rows_left = 0;
	lock_forks++;
	/* What the parent had of these is memory that nobody reaches any more, shared with it as long as it lives. */
	__builtin_memset(states, 0, sizeof(states));
	__builtin_memset(retired, 0, sizeof(retired));
	__builtin_memset(in_blocks, 0, sizeof(in_blocks));
	__builtin_memset(lock_blocks, 0, sizeof(lock_blocks));
	lock_blocks_any = false;
	unused_stores = NULL;
}

static void claim_rest(uint64_t address)
{
	struct lock_bucket *b = lock_bucket_lock(address);
	uint32_t number = lock_place_number(address);

	if (number)
		lock_counts_claim(b, address, number);
	lock_bucket_unlock(b);
}

void lock_process_end(void)
{
	struct thread *t = thread_own();
	bool live = t->state == THREAD_LIVE;

	/* A signal handler that ends the process may have interrupted this thread while it held one of our locks. */
	if (!load_relaxed(&lock_total) || (live && !gate_enter(t)))
		return;
	if (live)
		lock_settle(t);
	lock_places_each(claim_rest);
	if (live)
		gate_leave(t);
}
