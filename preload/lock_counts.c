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
 *   rows of claims  under claims_lock
 * Order of locks: bucket, claims_lock or lock_table.c's, those of the dump and of the registry of threads. None is held
 * when a hook returns, while a stack is captured, or while the program waits.
 *
 * A count that a thread keeps for a mutex that nobody waited for stays under its address when another thread destroys
 * the mutex; if the next one there is contended, it starts with that count.
 */
#include "lock_counts.h"

#include <stddef.h>

#include "drop.h"
#include "lock_places.h"
#include "lock_state.h"
#include "os.h"

#define BUCKETS        4096u
#define KEPT           3u
#define SHARE_CHECK_AT offsetof(struct mp_lock_share, check)

struct lock_bucket {
	struct os_lock lock;
	uint32_t gave_up; /* how often a count was thrown away here */
	struct {
		uint64_t address; /* 0 = free */
		uint64_t count;
	} kept[KEPT];
	uint64_t reserved;
};
_Static_assert(sizeof(struct lock_bucket) == 64, "one cache line");

uint32_t lock_epoch = 1; /* never the epoch of a zeroed slot */

static struct lock_bucket *buckets;
static struct os_lock claims_lock;
static struct shard *claims; /* counts put into rows on behalf of other threads */

/* The slots of T where ADDRESS may be. */
static struct lock_slot *set_of(struct thread *t, uint64_t address)
{
	return &t->locks[lock_home(address) / LOCK_WAYS * LOCK_WAYS];
}

static struct lock_bucket *bucket_of(uint64_t address)
{
	return &buckets[(lock_hash(address) >> 40) % BUCKETS];
}

struct lock_bucket *lock_bucket_lock(uint64_t address)
{
	struct lock_bucket *b = bucket_of(address);

	os_lock(&b->lock);
	return b;
}

void lock_bucket_unlock(struct lock_bucket *b)
{
	os_unlock(&b->lock);
}

bool lock_bucket_gave_up(const struct lock_bucket *b)
{
	return b->gave_up != 0;
}

/* --- shares --- */

row_id lock_share(struct shard *shard, uint32_t number)
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

void lock_counts_claim(struct lock_bucket *b, uint64_t address, uint32_t number)
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
	os_lock(&claims_lock);
	if (!claims)
		claims = shard_get();
	share = claims ? lock_share(claims, number) : 0;
	if (share)
		add_to_share(share, claim.count);
	os_unlock(&claims_lock);
}

/* --- slots --- */

/* With the bucket's lock held. */
static void keep_count(struct lock_bucket *b, uint64_t address, uint64_t count)
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
	struct lock_bucket *b;
	uint64_t count;

	if (!address)
		return;
	b = bucket_of(address);
	os_lock(&b->lock);
	count = s->count - s->claimed;
	if (count) {
		uint32_t number = lock_place_number(address);
		row_id share = number ? lock_share(t->shard, number) : 0;

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
	/* Pairs with the release in lock_epoch_next(): who sees the epoch sees the number. */
	uint32_t epoch = load_acquire(&lock_epoch);

	if (lock_place_number(s->address) != s->number) {
		struct lock_bucket *b = bucket_of(s->address);
		row_id share;

		os_lock(&b->lock);
		s->number = lock_place_number(s->address);
		share = s->number ? lock_share(t->shard, s->number) : 0;
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

void lock_slots_empty(struct thread *t)
{
	for (unsigned i = 0; i < THREAD_LOCKS; i++)
		empty_slot(t, &t->locks[i]);
}

void lock_counts_forget(struct thread *t, struct lock_bucket *b, uint64_t address)
{
	struct lock_slot *set = set_of(t, address);

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
}

void lock_epoch_next(void)
{
	__atomic_add_fetch(&lock_epoch, 1, __ATOMIC_RELEASE);
}

bool lock_counts_init(void)
{
	buckets = os_map_wiped_on_fork(BUCKETS * sizeof(*buckets));
	return buckets != NULL;
}

void lock_counts_forked(void)
{
	claims_lock.word = 0;
	claims = NULL;
}
