/* SPDX-License-Identifier: MIT */
/*
 * Open addressing in 4-byte slots {tag, row}: ten thousand stacks make 64 KiB, which stays in the nearer caches. A key
 * is told by 5 bits in the slot, 32 in the row, which is needed anyway, and by where it is found: with ten thousand
 * stacks 14 bits more. So two keys of 64 bits are one with a chance of 1 in 2^51.
 */
#include "shard.h"

#include "atomic.h"
#include "compiler.h"
#include "drop.h"
#include "os.h"

#define FIRST_SLOTS 512u
#define KINDS       48u
#define MARKED_FILL 0u /* no kind has this number */
#define LONG_FILL   KINDS
#define OWNER_MARK  (1u << 31)

typedef uint32_t slot; /* row 0..26 | tag 27..31, the top bits of the key; 0 = free */

#define TAG_SHIFT 27

struct fill {
	row_id next; /* first unused row of the newest chunk of a kind */
	row_id end;
	uint32_t chunk_pages; /* of the newest one; 0 = none, or a small one */
};

struct shard {
	slot *slots;
	uint32_t mask;
	uint32_t used;
	uint32_t number;
	struct shard *next_free;
	uint32_t pages; /* of the dump */
	struct fill fill[KINDS + 1];
	struct mp_chunk *small; /* the next of small_left chunks that are of no kind yet */
	uint32_t small_left;
};

/*
 * While there are few shards, a new thread gets a new one, so that its counters are its own; later it goes on with that
 * of a thread that is over. The pages of those that nobody has are limited as well.
 */
#define OWN_SHARDS     256u
#define IDLE_PAGES_MAX 512u

static struct os_lock lock;
static struct shard *free_list;
static uint32_t shard_count;
static uint32_t idle_pages; /* of the shards in free_list */
static struct shard *pool;  /* unused shard structures */
static uint32_t pool_left;

/* Which shard a page of the dump belongs to; grown on a slow path, entries are written once. */
#define OWNER_PAGES (1u << 16)  /* pages per leaf: 256 MiB of dump */
static uint32_t *owner_of[256]; /* leaves; 64 GiB of dump in all */

/*
 * A rehash needs the keys, which are therefore kept as well, in an array behind the slots that only slow paths touch.
 */
#define SLOT_BYTES (sizeof(slot) + sizeof(uint64_t))

static slot *new_slots(uint64_t count)
{
	return os_map_filled(count * SLOT_BYTES);
}

static uint64_t *keys_of(const struct shard *s)
{
	return (uint64_t *)(void *)(s->slots + s->mask + 1);
}

static struct shard *new_shard(void)
{
	struct shard *s = NULL;

	if (!pool_left) {
		pool = os_map(16 * sizeof(*pool));
		pool_left = pool ? 16 : 0;
	}
	if (pool_left && (pool->slots = new_slots(FIRST_SLOTS))) {
		s = pool++;
		pool_left--;
		s->mask = FIRST_SLOTS - 1;
		s->number = ++shard_count;
	}
	return s;
}

static struct shard *used_shard(void)
{
	struct shard *s = free_list;

	if (s) {
		free_list = s->next_free;
		idle_pages -= s->pages;
	}
	return s;
}

struct shard *shard_get(void)
{
	struct shard *s = NULL;

	os_lock(&lock);
	if (shard_count < OWN_SHARDS && idle_pages < IDLE_PAGES_MAX)
		s = new_shard();
	if (!s)
		s = used_shard();
	if (!s)
		s = new_shard();
	os_unlock(&lock);
	return s;
}

void shard_put(struct shard *shard)
{
	os_lock(&lock);
	shard->next_free = free_list;
	free_list = shard;
	idle_pages += shard->pages;
	os_unlock(&lock);
}

void shard_forked(void)
{
	/*
	 * The parent's shards point into the parent's file. Their memory is small and shared copy-on-write: left
	 * alone.
	 */
	lock.word = 0;
	free_list = NULL;
	idle_pages = 0;
	shard_count = 0;
	pool_left = 0;
	for (unsigned i = 0; i < ARRAY_LEN(owner_of); i++) {
		if (owner_of[i])
			os_unmap(owner_of[i], OWNER_PAGES * sizeof(uint32_t));
		owner_of[i] = NULL;
	}
}

uint32_t shard_number(const struct shard *shard)
{
	return shard->number;
}

static inline uint32_t owner(row_id id)
{
	uint32_t page = id / (DUMP_PAGE / ROW_BYTES);
	const uint32_t *leaf = load_acquire(&owner_of[page / OWNER_PAGES % ARRAY_LEN(owner_of)]);

	return leaf ? leaf[page % OWNER_PAGES] : 0;
}

uint32_t shard_of(row_id id)
{
	return owner(id) & ~OWNER_MARK;
}

bool shard_owns(const struct shard *shard, row_id id)
{
	return owner(id) == shard->number;
}

bool shard_is_marked(row_id id)
{
	return owner(id) & OWNER_MARK;
}

bool shard_owns_marked(const struct shard *shard, row_id id)
{
	return owner(id) == (shard->number | OWNER_MARK);
}

static bool set_owner(uint32_t first_page, uint32_t pages, uint32_t number)
{
	for (uint32_t page = first_page; page < first_page + pages; page++) {
		uint32_t **leaf = &owner_of[page / OWNER_PAGES % ARRAY_LEN(owner_of)];

		os_lock(&lock);
		if (!*leaf)
			store_release(leaf, (uint32_t *)os_map(OWNER_PAGES * sizeof(uint32_t)));
		os_unlock(&lock);
		if (!*leaf)
			return false;
		(*leaf)[page % OWNER_PAGES] = number;
	}
	return true;
}

static inline row_id row_in(slot s)
{
	return s & ((1u << TAG_SHIFT) - 1);
}

static inline bool has_tag(slot s, uint64_t key)
{
	return !((s ^ (uint32_t)(key >> 32)) >> TAG_SHIFT);
}

static inline uint32_t home(const struct shard *s, uint64_t key)
{
	return (uint32_t)(key ^ key >> 32) & s->mask;
}

static inline uint32_t *check_field(row_id id, unsigned check_at)
{
	return (uint32_t *)(void *)((char *)row_at(id) + check_at);
}

row_id shard_find(const struct shard *s, uint64_t key, unsigned check_at)
{
	for (uint32_t i = home(s, key);; i = (i + 1) & s->mask) {
		slot here = s->slots[i];

		if (!here)
			return 0;
		if (has_tag(here, key) && *check_field(row_in(here), check_at) == (uint32_t)key)
			return row_in(here);
	}
}

static void put(struct shard *s, uint64_t key, row_id id)
{
	uint32_t i = home(s, key);

	while (s->slots[i])
		i = (i + 1) & s->mask;
	s->slots[i] = id | (uint32_t)(key >> 32) >> TAG_SHIFT << TAG_SHIFT;
	keys_of(s)[i] = key;
}

static bool grow(struct shard *s)
{
	struct shard bigger = *s;
	uint64_t count = ((uint64_t)s->mask + 1) * 2;

	if (count > 1u << 26)
		return false;
	bigger.slots = new_slots(count);
	if (!bigger.slots)
		return false;
	bigger.mask = (uint32_t)count - 1;
	for (uint32_t i = 0; i <= s->mask; i++) {
		if (s->slots[i])
			put(&bigger, keys_of(s)[i], row_in(s->slots[i]));
	}
	os_unmap(s->slots, ((size_t)s->mask + 1) * SLOT_BYTES);
	s->slots = bigger.slots;
	s->mask = bigger.mask;
	return true;
}

static bool enter(struct shard *s, uint64_t key, row_id id)
{
	if (s->used >= (s->mask + 1) / 8 * 5 && !grow(s) && s->used >= s->mask)
		return false;
	put(s, key, id);
	s->used++;
	return true;
}

static uint32_t page_of(const struct mp_chunk *chunk)
{
	return (uint32_t)((uint64_t)((const char *)chunk - dump_base) / DUMP_PAGE);
}

static uint32_t row_bytes_of(const struct shard *s, const struct fill *f)
{
	return f == &s->fill[LONG_FILL] ? 2 * ROW_BYTES : ROW_BYTES;
}

static void fill_chunk(struct fill *f, const struct mp_chunk *chunk)
{
	f->next = (row_id)((uint64_t)((const char *)(chunk + 1) - dump_base) / ROW_BYTES);
	f->end = f->next + (row_id)chunk->rows * (chunk->row_bytes / ROW_BYTES);
}

/* Of most kinds a thread has only a few rows. Together they take one page, and not one each. */
static bool new_small_chunk(struct shard *s, struct fill *f, enum mp_chunk_kind kind)
{
	if (!s->small_left) {
		s->small = dump_small_chunks(ROW_BYTES, s->number);
		if (!s->small || !set_owner(page_of(s->small), 1, s->number))
			return false;
		s->small_left = DUMP_PAGE / DUMP_SMALL_CHUNK;
		s->pages++;
	}
	s->small->row_bytes = row_bytes_of(s, f);
	s->small->rows = dump_rows(s->small->bytes, s->small->row_bytes);
	store_release(&s->small->kind, (uint32_t)kind);
	fill_chunk(f, s->small);
	s->small = (struct mp_chunk *)(void *)((char *)s->small + DUMP_SMALL_CHUNK);
	s->small_left--;
	return true;
}

static bool new_chunk(struct shard *s, struct fill *f, enum mp_chunk_kind kind)
{
	struct mp_chunk *chunk;

	if (f->next == 0 && f != &s->fill[MP_CHUNK_SITE] && f != &s->fill[MARKED_FILL])
		return new_small_chunk(s, f, kind);
	/* The first of these is one page, so that a thread with few stacks stays small; later ones double to 64 KiB. */
	f->chunk_pages = f->chunk_pages ? f->chunk_pages * 2 : 1;
	if (f->chunk_pages > 16)
		f->chunk_pages = 16;
	chunk = dump_chunk(kind, row_bytes_of(s, f), (size_t)f->chunk_pages * DUMP_PAGE, 0, s->number);
	if (!chunk)
		return false;
	if (!set_owner(page_of(chunk), f->chunk_pages, s->number | (f == &s->fill[MARKED_FILL] ? OWNER_MARK : 0)))
		return false;
	s->pages += f->chunk_pages;
	fill_chunk(f, chunk);
	return true;
}

static row_id add(struct shard *s, struct fill *f, uint64_t key, unsigned check_at, enum mp_chunk_kind kind)
{
	row_id id;

	if (f->next == f->end && !new_chunk(s, f, kind))
		return 0;
	id = f->next;
	if (id >> TAG_SHIFT) /* behind the first 8 GiB of the dump */
		return 0;
	*check_field(id, check_at) = (uint32_t)key;
	if (!enter(s, key, id))
		return 0;
	f->next += row_bytes_of(s, f) / ROW_BYTES;
	return id;
}

row_id shard_add(struct shard *s, uint64_t key, unsigned check_at, enum mp_chunk_kind kind)
{
	return add(s, &s->fill[kind], key, check_at, kind);
}

row_id shard_add_marked(struct shard *s, uint64_t key, unsigned check_at, enum mp_chunk_kind kind)
{
	return add(s, &s->fill[MARKED_FILL], key, check_at, kind);
}

row_id shard_add_long(struct shard *s, uint64_t key, unsigned check_at, enum mp_chunk_kind kind)
{
	return add(s, &s->fill[LONG_FILL], key, check_at, kind);
}

void shard_close(struct shard *s, uint64_t key, unsigned check_at)
{
	for (uint32_t i = home(s, key); s->slots[i]; i = (i + 1) & s->mask) {
		row_id id = row_in(s->slots[i]);

		if (has_tag(s->slots[i], key) && *check_field(id, check_at) == (uint32_t)key) {
			/* The slot stays, so that probes go past it, but its row answers to no key any more. */
			*check_field(id, check_at) = ~(uint32_t)key;
			return;
		}
	}
}

/* Aliases live in the same index; their keys have no check field, so they are told apart by all 64 bits kept in it. */
bool shard_alias(struct shard *s, uint64_t key, row_id id)
{
	return enter(s, key, id);
}

row_id shard_find_alias(const struct shard *s, uint64_t key)
{
	for (uint32_t i = home(s, key);; i = (i + 1) & s->mask) {
		if (!s->slots[i])
			return 0;
		if (has_tag(s->slots[i], key) && keys_of(s)[i] == key)
			return row_in(s->slots[i]);
	}
}
