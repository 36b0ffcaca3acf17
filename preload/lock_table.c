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
 *   slot.share      its thread, under the lock when it takes over the count
 *   places, rows of locks, shares of table_shard: under table_lock
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
#include "os.h"
#include "timeline.h"

#define LOCKS_MAX    65536u /* rows of locks in a dump: 4.5 MiB */
#define FIRST_PLACES 256u
#define BUCKETS      4096u
#define KEPT         3u
/* A lock lies in the heap block that starts at most this far before it. */
#define BLOCK_BACK     4096u
#define SHARE_CHECK_AT offsetof(struct mp_lock_share, check)
#define WAIT_CHECK_AT  offsetof(struct mp_lock_wait, check)
#define EXTRA_CHECK_AT offsetof(struct mp_lock_extra, check)

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
	struct mp_lock *row;
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
static uint32_t forks;            /* that led to this process, from the first one recorded */

static uint64_t key_of(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ b * 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	return h ^ h >> 29;
}

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
static void set_place(uint64_t address, uint32_t number, struct mp_lock *row)
{
	struct place *at = probe(places, address);

	at->row = row;
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
	uint64_t key = key_of(number, 0x10c5);
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
	s->share = 0;
}

/* The address of slot S may have got a number, or lost it. */
static void refresh_slot(struct thread *t, struct lock_slot *s)
{
	/* Pairs with the release in next_epoch(): who sees the epoch sees the number. */
	uint32_t epoch = load_acquire(&lock_epoch);
	uint32_t known = s->share ? ((const struct mp_lock_share *)row_at(s->share))->lock : 0;

	if (number_of(s->address) != known) {
		struct bucket *b = bucket_of(s->address);
		uint32_t number;

		os_lock(&b->lock);
		number = number_of(s->address);
		s->share = number ? share_of(t->shard, number) : 0;
		if (s->share) {
			add_to_share(s->share, s->count - s->claimed);
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
		if (!chosen && (set[i].share || set[i].count == set[i].claimed))
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
	struct lock_slot *s;

	if (!load_relaxed(&lock_total))
		return;
	s = lock_slot(t, address);
	if (s->share) {
		struct mp_lock_share *share = row_at(s->share);

		bump(&share->trylock_failures, 1);
	}
}

void lock_thread_end(struct thread *t)
{
	for (unsigned i = 0; i < THREAD_LOCKS; i++)
		empty_slot(t, &t->locks[i]);
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

/* The number under which DRAFT is now in the dump and ADDRESS in places, 0 = no room. */
static uint32_t enter_row(uint64_t address, const struct mp_lock *draft)
{
	struct mp_lock *row;
	uint32_t number = 0;

	os_lock(&table_lock);
	row = new_row();
	if (row && have_place()) {
		*row = *draft;
		store_release(&row->address, address);
		next_row++;
		rows_left--;
		number = lock_total + 1;
		store_relaxed(&lock_total, number);
		set_place(address, number, row);
	}
	os_unlock(&table_lock);
	return number;
}

/* Which heap block the lock lies in, as far as known. */
static void find_block(uint64_t address, struct mp_lock *ret)
{
	struct live_block block;
	uint64_t start;

	if (!live_find_containing(address, BLOCK_BACK, &start, &block) || block.generation != live_generation())
		return;
	ret->alloc_stack = ((const struct mp_site *)row_at(block.row))->stack;
	ret->alloc_offset = (uint32_t)(address - start);
	ret->alloc_bytes = block.bytes;
}

/* A number for the lock, unless it has got one meanwhile. DRAFT: its row, all but the address. */
static MP_COLD void give_number(uint64_t address, struct mp_lock *draft)
{
	struct bucket *b = bucket_of(address);

	os_lock(&b->lock);
	if (!number_of(address)) {
		uint32_t number;

		if (b->gave_up)
			draft->flags |= MP_LOCK_FLAG_COUNT_FROM_FIRST;
		number = enter_row(address, draft);
		if (number) {
			next_epoch();
			claim_counts(b, address, number);
		} else {
			drop(MP_LOSS_LOCKS_FULL);
		}
	}
	os_unlock(&b->lock);
}

/* With the bucket's lock held. */
static void take_number(struct bucket *b, uint64_t address, uint32_t number)
{
	struct place *at;

	claim_counts(b, address, number);
	os_lock(&table_lock);
	at = probe(places, address);
	store_relaxed(&at->row->retired_ns, os_now_ns());
	store_release(&at->number, 0);
	os_unlock(&table_lock);
	next_epoch();
}

void lock_retire(struct thread *t, uint64_t address)
{
	struct lock_slot *set = set_of(t, address);
	struct bucket *b = bucket_of(address);
	uint32_t number;

	os_lock(&b->lock);
	number = number_of(address);
	if (number)
		take_number(b, address, number);
	for (unsigned i = 0; i < LOCK_WAYS; i++) {
		if (set[i].address == address) {
			store_relaxed(&set[i].address, 0);
			set[i].count = 0;
			set[i].claimed = 0;
			set[i].share = 0;
		}
	}
	for (unsigned i = 0; i < KEPT; i++) {
		if (b->kept[i].address == address)
			b->kept[i].address = 0;
	}
	os_unlock(&b->lock);
}

/* --- waits --- */

/* The row of T for waits for lock NUMBER with the stack in t->frames. */
static struct mp_lock_wait *wait_row(struct thread *t, uint32_t number, uint64_t hash)
{
	uint64_t key = key_of(hash, number);
	row_id id = shard_find(t->shard, key, WAIT_CHECK_AT);
	struct mp_lock_wait *row;
	stack_id stack;

	if (likely(id))
		return row_at(id);
	stack = capture_intern(t);
	id = shard_add(t->shard, key, WAIT_CHECK_AT, MP_CHUNK_LOCK_WAIT);
	if (!id) {
		drop(MP_LOSS_SITES_FULL);
		return NULL;
	}
	row = row_at(id);
	row->lock = number;
	store_release(&row->stack, stack);
	return row;
}

void lock_wait_begin(struct lock_wait *w, struct thread *t, const struct lock_facts *facts, enum lock_mode mode,
		     uint32_t owner, const struct regs *regs)
{
	uint64_t hash = capture(t, regs);
	struct lock_slot *s = lock_slot(t, facts->address);

	if (unlikely(!s->share)) {
		struct mp_lock draft = { .kind = facts->kind, .flags = facts->flags, .first_ns = os_now_ns() };

		draft.first_stack = capture_intern(t);
		find_block(facts->address, &draft);
		give_number(facts->address, &draft);
		s = lock_slot(t, facts->address);
	}
	*w = (struct lock_wait){ .thread = t, .forks = forks, .kind = facts->kind, .mode = mode, .owner = owner };
	/* Counted before the wait: of a thread that never gets the lock, the report must show where it stands. */
	bump(&t->row->lock_contentions, 1);
	if (likely(s->share)) {
		w->share = row_at(s->share);
		bump(&w->share->contentions, 1);
		w->row = wait_row(t, w->share->lock, hash);
		if (likely(w->row != NULL))
			bump(&w->row->count, 1);
	}
	w->start_ns = os_now_ns();
	timeline_tick(w->start_ns);
}

static void add_wait(uint64_t *sum, uint64_t *max, uint64_t ns)
{
	bump(sum, ns);
	if (ns > load_relaxed(max))
		store_relaxed(max, ns);
}

uint64_t lock_wait_end(const struct lock_wait *w, struct thread *t, enum lock_outcome outcome)
{
	uint64_t ns = os_now_ns() - w->start_ns;

	if (t != w->thread || w->forks != forks)
		return 0;
	bump(&t->row->lock_wait_ns, ns);
	if (w->share) {
		add_wait(&w->share->wait_ns, &w->share->wait_max_ns, ns);
		if (outcome == LOCK_TIMED_OUT)
			bump(&w->share->timeouts, 1);
	}
	if (w->row)
		add_wait(&w->row->wait_ns, &w->row->wait_max_ns, ns);
	return 0;
}

void lock_wait_charge(struct lock_wait *w, struct thread *t, uint32_t culprit_tid, uint32_t culprit_stack, uint64_t ns)
{
	(void)w;
	(void)t;
	(void)culprit_tid;
	(void)culprit_stack;
	(void)ns;
}

void lock_wait_past(struct thread *t, const struct lock_facts *facts, uint64_t from_ns, const struct regs *regs)
{
	(void)t;
	(void)facts;
	(void)from_ns;
	(void)regs;
}

void lock_releasing(struct thread *t, uint64_t address, enum lock_mode mode, bool maybe_waiters,
		    const struct regs *regs)
{
	(void)t;
	(void)address;
	(void)mode;
	(void)maybe_waiters;
	(void)regs;
}

void lock_waking(struct thread *t, uint64_t address, unsigned flags, const struct regs *regs)
{
	struct mp_lock_extra *extra = lock_extra(t, address);

	(void)regs;
	if (!extra)
		return;
	bump(&extra->wakes, 1);
	if (flags & LOCK_WAKE_ALL)
		bump(&extra->wakes_all, 1);
	if (flags & LOCK_WAKE_LOCKED)
		bump(&extra->wakes_locked, 1);
}

uint32_t lock_waiters(struct thread *t, uint64_t address)
{
	(void)t;
	(void)address;
	return 0;
}

struct mp_lock_extra *lock_extra(struct thread *t, uint64_t address)
{
	struct lock_slot *s;
	uint32_t number;
	uint64_t key;
	row_id id;

	if (!load_relaxed(&lock_total))
		return NULL;
	s = lock_slot(t, address);
	if (!s->share)
		return NULL;
	number = ((const struct mp_lock_share *)row_at(s->share))->lock;
	key = key_of(number, 0xe87a);
	id = shard_find(t->shard, key, EXTRA_CHECK_AT);
	if (!id) {
		id = shard_add(t->shard, key, EXTRA_CHECK_AT, MP_CHUNK_LOCK_EXTRA);
		if (id)
			store_release(&((struct mp_lock_extra *)row_at(id))->lock, number);
	}
	return id ? row_at(id) : NULL;
}

void lock_leave_late(struct thread *t)
{
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
	if (places)
		os_unmap(places, places_bytes(places->mask + 1));
	places = NULL;
	table_lock.word = 0;
	lock_total = 0;
	next_row = NULL;
	rows_left = 0;
	table_shard = NULL;
	forks++;
}

void lock_process_end(void)
{
	struct places *p = load_acquire(&places);
	struct thread *t = thread_self;
	bool live = t->state == THREAD_LIVE;

	/* A signal handler that ends the process may have interrupted this thread while it held one of our locks. */
	if (!p || (live && !gate_enter(t)))
		return;
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
