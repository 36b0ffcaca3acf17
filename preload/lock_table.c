/* SPDX-License-Identifier: MIT */
/*
 * How acquisitions are counted exactly without a shared cache line, though nobody knows beforehand which lock will
 * matter.
 *
 * Every thread counts in its own slots, by address. When a lock is first contended it gets a number, and what has been
 * counted for its address so far goes into rows of the dump at once, so that even a SIGKILL loses nothing; from then
 * on every thread bumps a row of its own (its share). Counts that must leave a slot before that, because the thread
 * ends or the slot is needed for another lock, are kept in a table of buckets by address.
 *
 * Who writes what. A bucket's lock guards everything private about the addresses that hash to it:
 *   bucket.kept[]   under the bucket's lock
 *   slot.count      its thread, without a lock; set back under the lock
 *   slot.claimed    any thread, under the lock: what others have put into rows on behalf of this thread
 *   slot.address    its thread; to another value under the lock of the address it leaves, so that under the lock the
 *                   set of slots with this address cannot shrink. New slots come in without it: they are either seen
 *                   by a search or look their address up with the new epoch later
 *   slot.epoch      its thread
 *   slot.number     its thread, under the lock when it takes over the count
 *   places, rows and states of locks (but for what lock_wait.c writes), shares of table_shard: under table_lock
 * Order of locks: bucket, table_lock, those of the dump and of the registry of threads. None is held when a hook
 * returns, while a stack is captured, or while the program waits.
 *
 * A count that a thread keeps for a mutex that nobody waited for stays under its address when another thread destroys
 * the mutex; if the next one there is contended, it starts with that count.
 */
#include "lock_table.h"

#include <stddef.h>

#include "capture.h"
#include "drop.h"
#include "dump_map.h"
#include "init.h"
#include "live_table.h"
#include "lock_name.h"
#include "lock_order.h"
#include "lock_state.h"
#include "os.h"

#define LOCKS_MAX    65536u /* rows of locks in a dump: 4.5 MiB */
#define FIRST_PLACES 256u
#define BUCKETS      4096u
#define KEPT         3u
/* A lock lies in the heap block that starts at most this far before it. */
#define BLOCK_BACK     4096u
#define SHARE_CHECK_AT offsetof(struct mp_lock_share, check)
#define STATE_CHUNK    64u
/* From so many numbers on, a new lock takes over that of one of its class which is no more. */
#define NUMBERS_APART 1024u
#define CLASSES       1024u
#define CLASS_SEARCH  16u

struct bucket {
	struct os_lock lock;
	uint32_t gave_up; /* how often a count was thrown away here */
	struct {
		uint64_t address; /* 0 = free */
		uint64_t count;
	} kept[KEPT];
	uint64_t reserved;
};
_Static_assert(sizeof(struct bucket) == 64, "one cache line");

/* An address that has a number, or had one. Entries stay, so a search needs no lock and no marks for deleted ones. */
struct place {
	uint64_t address; /* 0 = free; stored last */
	struct lock_state *state;
	uint32_t number; /* 0 = retired */
};

struct places {
	uint32_t mask; /* places - 1; their number is a power of two */
	uint32_t used;
	struct place place[];
};

uint32_t lock_epoch = 1; /* never the epoch of a zeroed slot */

static struct bucket *buckets;
static struct places *places;
static struct os_lock table_lock;
static uint32_t lock_total;      /* numbers given out */
static struct mp_lock *next_row; /* of the newest chunk */
static uint32_t rows_left;
static struct shard *table_shard; /* counts put into rows on behalf of other threads */
static struct lock_state *states[LOCKS_MAX / STATE_CHUNK];
static struct lock_state *retired[CLASSES];       /* by hash of the class, under table_lock */
static struct lock_state *in_blocks[LOCK_BLOCKS]; /* by hash of the block, under table_lock */
static struct lock_store *unused_stores;          /* under table_lock */
uint32_t lock_forks;                              /* that led to this process, from the first one recorded */
uint8_t lock_blocks[LOCK_BLOCKS];
bool lock_blocks_any;

/* The slots of T where ADDRESS may be. */
static struct lock_slot *set_of(struct thread *t, uint64_t address)
{
	return &t->locks[lock_home(address) / LOCK_WAYS * LOCK_WAYS];
}

static struct bucket *bucket_of(uint64_t address)
{
	return &buckets[(lock_hash(address) >> 40) % BUCKETS];
}

/* --- addresses with numbers --- */

static struct place *probe(struct places *p, uint64_t address)
{
	uint32_t i = (uint32_t)(lock_hash(address) >> 32) & p->mask;

	for (;; i = (i + 1) & p->mask) {
		uint64_t seen = load_acquire(&p->place[i].address);

		if (!seen || seen == address)
			return &p->place[i];
	}
}

/* Number of the lock at ADDRESS, 0 = none. Certain under the bucket's lock; without it, a moment ago. */
static uint32_t number_of(uint64_t address)
{
	struct places *p = load_acquire(&places);
	const struct place *at;

	if (!p)
		return 0;
	at = probe(p, address);
	/* A place that the search found free may have become another lock's since. */
	return load_acquire(&at->address) == address ? load_acquire(&at->number) : 0;
}

static size_t places_bytes(uint32_t count)
{
	return sizeof(struct places) + (size_t)count * sizeof(struct place);
}

/*
 * With table_lock held. The old array stays mapped, because others search it without a lock; all old ones together are
 * smaller than the new one.
 */
static bool grow_places(void)
{
	uint32_t count = places ? (places->mask + 1) * 2 : FIRST_PLACES;
	struct places *bigger = os_map(places_bytes(count));

	if (!bigger)
		return false;
	bigger->mask = count - 1;
	for (uint32_t i = 0; places && i <= places->mask; i++) {
		if (places->place[i].address) {
			*probe(bigger, places->place[i].address) = places->place[i];
			bigger->used++;
		}
	}
	store_release(&places, bigger);
	return true;
}

/* With table_lock held. */
static bool have_place(void)
{
	return (places && places->used < (places->mask + 1) / 2) || grow_places();
}

/* With table_lock held, after have_place(). */
static void set_place(uint64_t address, uint32_t number, struct lock_state *state)
{
	struct place *at = probe(places, address);

	at->state = state;
	store_release(&at->number, number);
	if (!at->address) {
		places->used++;
		store_release(&at->address, address);
	}
}

/* --- shares --- */

/* The row of SHARD for lock NUMBER, 0 = no room (counted). */
static row_id share_of(struct shard *shard, uint32_t number)
{
	uint64_t key = lock_key(number, 0x10c5);
	row_id id = shard_find(shard, key, SHARE_CHECK_AT);

	if (!id) {
		id = shard_add(shard, key, SHARE_CHECK_AT, MP_CHUNK_LOCK_SHARE);
		if (id)
			store_release(&((struct mp_lock_share *)row_at(id))->lock, number);
	}
	return id;
}

static void add_to_share(row_id share, uint64_t count)
{
	struct mp_lock_share *row = row_at(share);

	bump(&row->acquisitions, count);
}

struct claim {
	uint64_t address;
	uint64_t count;
};

static void claim_slot(struct thread *t, void *data)
{
	struct claim *claim = data;
	struct lock_slot *set = set_of(t, claim->address);

	for (unsigned i = 0; i < LOCK_WAYS; i++) {
		if (load_acquire(&set[i].address) == claim->address) {
			uint64_t count = load_relaxed(&set[i].count);

			claim->count += count - set[i].claimed;
			set[i].claimed = count;
		}
	}
}

/* Puts into a row what all threads have counted for ADDRESS, now lock NUMBER. With the bucket's lock held. */
static void claim_counts(struct bucket *b, uint64_t address, uint32_t number)
{
	struct claim claim = { .address = address };
	row_id share;

	for (unsigned i = 0; i < KEPT; i++) {
		if (b->kept[i].address == address) {
			claim.count += b->kept[i].count;
			b->kept[i].address = 0;
		}
	}
	thread_for_each(claim_slot, &claim);
	if (!claim.count)
		return;
	os_lock(&table_lock);
	if (!table_shard)
		table_shard = shard_get();
	share = table_shard ? share_of(table_shard, number) : 0;
	if (share)
		add_to_share(share, claim.count);
	os_unlock(&table_lock);
}

/* --- slots --- */

/* With the bucket's lock held. */
static void keep_count(struct bucket *b, uint64_t address, uint64_t count)
{
	unsigned smallest = 0;
	unsigned at = KEPT;

	for (unsigned i = KEPT; i-- > 0;) {
		if (b->kept[i].address == address) {
			b->kept[i].count += count;
			return;
		}
		if (!b->kept[i].address)
			at = i;
		if (b->kept[i].count < b->kept[smallest].count)
			smallest = i;
	}
	if (at == KEPT) {
		/*
		 * Who goes round in tens of thousands of locks comes here all the time, so the loss counter, which all
		 * threads share, is brought up to date at powers of two only.
		 */
		b->gave_up++;
		if (!(b->gave_up & (b->gave_up - 1)))
			drop_many(MP_LOSS_EVICTED_LOCK, (b->gave_up + 1) / 2);
		if (b->kept[smallest].count >= count)
			return;
		at = smallest;
	}
	b->kept[at].address = address;
	b->kept[at].count = count;
}

/* Hands the count of a slot over, to the thread's share when the lock has a number by now, and frees the slot. */
static void empty_slot(struct thread *t, struct lock_slot *s)
{
	uint64_t address = s->address;
	struct bucket *b;
	uint64_t count;

	if (!address)
		return;
	b = bucket_of(address);
	os_lock(&b->lock);
	count = s->count - s->claimed;
	if (count) {
		uint32_t number = number_of(address);
		row_id share = number ? share_of(t->shard, number) : 0;

		if (share)
			add_to_share(share, count);
		else if (!number)
			keep_count(b, address, count);
	}
	store_relaxed(&s->address, 0);
	os_unlock(&b->lock);
	s->count = 0;
	s->claimed = 0;
	s->number = 0;
}

/* The address of slot S may have got a number, or lost it. */
static void refresh_slot(struct thread *t, struct lock_slot *s)
{
	/* Pairs with the release in next_epoch(): who sees the epoch sees the number. */
	uint32_t epoch = load_acquire(&lock_epoch);

	if (number_of(s->address) != s->number) {
		struct bucket *b = bucket_of(s->address);
		row_id share;

		os_lock(&b->lock);
		s->number = number_of(s->address);
		share = s->number ? share_of(t->shard, s->number) : 0;
		if (share)
			add_to_share(share, s->count - s->claimed);
		if (s->number) {
			store_relaxed(&s->count, 0);
			s->claimed = 0;
		}
		os_unlock(&b->lock);
	}
	s->epoch = epoch;
}

/* The best to take for ADDRESS: its home when free, another free one, one that holds no private count, any. */
static struct lock_slot *choose_slot(struct thread *t, struct lock_slot *set, uint64_t address)
{
	struct lock_slot *chosen = &t->locks[lock_home(address)];

	if (!chosen->address)
		return chosen;
	chosen = NULL;
	for (unsigned i = 0; i < LOCK_WAYS; i++) {
		if (!set[i].address)
			return &set[i];
		if (!chosen && (set[i].number || set[i].count == set[i].claimed))
			chosen = &set[i];
	}
	/* Not always the same one: a program that goes round in five locks would lose all four. */
	return chosen ? chosen : &set[t->row->lock_acquisitions % LOCK_WAYS];
}

MP_NOINLINE struct lock_slot *lock_slot_find(struct thread *t, uint64_t address)
{
	struct lock_slot *set = set_of(t, address);
	struct lock_slot *s = NULL;

	for (unsigned i = 0; i < LOCK_WAYS; i++) {
		if (set[i].address == address)
			s = &set[i];
	}
	if (!s) {
		s = choose_slot(t, set, address);
		empty_slot(t, s);
		s->epoch = load_relaxed(&lock_epoch) - 1;
		store_release(&s->address, address);
	}
	if (s->epoch != load_relaxed(&lock_epoch))
		refresh_slot(t, s);
	return s;
}

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
	for (unsigned i = 0; i < THREAD_LOCKS; i++)
		empty_slot(t, &t->locks[i]);
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
	share = share_of(t->shard, number);
	*l = (struct lock_local){ .number = number, .state = state_of(number) };
	l->share = share ? row_at(share) : NULL;
	/* What happened before this thread met the lock does not make it hot, what happens right now does. */
	l->seen = load_relaxed(&l->state->contentions) - (load_relaxed(&l->state->waiters) != 0);
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

static void next_epoch(void)
{
	__atomic_add_fetch(&lock_epoch, 1, __ATOMIC_RELEASE);
}

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

		if (same_class(state->row, draft) && !load_relaxed(&state->waiters)) {
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
	if (!have_place())
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
	set_place(address, state->number, state);
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
	struct bucket *b = bucket_of(address);
	uint64_t block;
	uint32_t number;

	draft->kind = facts->kind;
	draft->flags = facts->flags;
	block = find_block(address, draft);
	os_lock(&b->lock);
	number = number_of(address);
	if (!number) {
		draft->name = lock_name_row(address);
		if (b->gave_up)
			draft->flags |= MP_LOCK_FLAG_COUNT_FROM_FIRST;
		number = enter_row(address, draft, block);
		if (number) {
			next_epoch();
			claim_counts(b, address, number);
		} else {
			drop(MP_LOSS_LOCKS_FULL);
		}
	}
	os_unlock(&b->lock);
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
static void take_number(struct bucket *b, uint64_t address, uint32_t number)
{
	struct lock_state **same;
	struct lock_state *state;
	struct place *at;

	claim_counts(b, address, number);
	os_lock(&table_lock);
	at = probe(places, address);
	state = at->state;
	store_relaxed(&state->row->retired_ns, os_now_ns());
	if (state->block)
		leave_block(state);
	same = class_of(state->row);
	state->next_retired = *same;
	*same = state;
	store_release(&at->number, 0);
	os_unlock(&table_lock);
	next_epoch();
}

void lock_retire(struct thread *t, uint64_t address)
{
	struct lock_slot *set = set_of(t, address);
	struct bucket *b = bucket_of(address);
	uint64_t block;
	uint32_t number;

	os_lock(&b->lock);
	number = number_of(address);
	if (number)
		take_number(b, address, number);
	block = lock_name_end(address);
	if (unlikely(block)) {
		os_lock(&table_lock);
		unwatch_block(block);
		os_unlock(&table_lock);
	}
	for (unsigned i = 0; i < LOCK_WAYS; i++) {
		if (set[i].address == address) {
			store_relaxed(&set[i].address, 0);
			set[i].count = 0;
			set[i].claimed = 0;
			set[i].number = 0;
		}
	}
	for (unsigned i = 0; i < KEPT; i++) {
		if (b->kept[i].address == address)
			b->kept[i].address = 0;
	}
	os_unlock(&b->lock);
}

bool lock_name(uint64_t address, const char *name)
{
	struct bucket *b = bucket_of(address);
	struct mp_lock draft = { 0 };
	uint64_t block = find_block(address, &draft);
	struct mp_lock *row;
	uint32_t number;
	bool is_new;
	bool named;

	/* Whoever gives the lock its number meanwhile has done so, or will see the name. */
	os_lock(&b->lock);
	named = lock_name_put(address, block, name, &is_new);
	number = number_of(address);
	row = named && number ? state_of(number)->row : NULL;
	/* A row that stands for several locks already keeps the name that they have. */
	if (row && row->instances <= 1)
		store_relaxed(&row->name, lock_name_row(address));
	if (is_new && block) {
		os_lock(&table_lock);
		watch_block(block);
		os_unlock(&table_lock);
	}
	os_unlock(&b->lock);
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
	buckets = os_map_wiped_on_fork(BUCKETS * sizeof(*buckets));
	return buckets != NULL;
}

void lock_forked(void)
{
	lock_name_forked();
	if (places)
		os_unmap(places, places_bytes(places->mask + 1));
	places = NULL;
	table_lock.word = 0;
	lock_total = 0;
	next_row = NULL;
	rows_left = 0;
	table_shard = NULL;
	lock_forks++;
	/* What the parent had of these is memory that nobody reaches any more, shared with it as long as it lives. */
	__builtin_memset(states, 0, sizeof(states));
	__builtin_memset(retired, 0, sizeof(retired));
	__builtin_memset(in_blocks, 0, sizeof(in_blocks));
	__builtin_memset(lock_blocks, 0, sizeof(lock_blocks));
	lock_blocks_any = false;
	unused_stores = NULL;
}

void lock_process_end(void)
{
	struct places *p = load_acquire(&places);
	struct thread *t = thread_own();
	bool live = t->state == THREAD_LIVE;

	/* A signal handler that ends the process may have interrupted this thread while it held one of our locks. */
	if (!p || (live && !gate_enter(t)))
		return;
	if (live)
		lock_settle(t);
	for (uint32_t i = 0; i <= p->mask; i++) {
		uint64_t address = load_acquire(&p->place[i].address);
		struct bucket *b;
		uint32_t number;

		if (!address)
			continue;
		b = bucket_of(address);
		os_lock(&b->lock);
		number = number_of(address);
		if (number)
			claim_counts(b, address, number);
		os_unlock(&b->lock);
	}
	if (live)
		gate_leave(t);
}
