/* SPDX-License-Identifier: MIT */
/*
 * Blocks are kept by region of 16 KiB of address space, so that neighbours in the heap are neighbours here: the
 * program has just touched the one, and the other is warm too.
 *
 *   address  46..36  35..25  24..14   13..3    2..0
 *            root    middle  leaf     offset   0 (malloc gives out multiples of 8 at least)
 *
 * A leaf holds descriptors of regions. A descriptor has room for two blocks; more of them go to an array of entries in
 * the order of their addresses, at most 7/8 full: see first_slot(). An entry is 8 bytes: offset in granules (11 bits),
 * bytes (21 bits), row (27 bits), candidate (1 bit, see live_set_candidate()), generation (4 bits). So a block costs 9
 * to 18 bytes, plus its share of the 32 bytes of the region; more only where small blocks crowd in a part of a region.
 * Blocks of 2 MiB and more live in a small table of their own, live_large.c.
 */
#include "live_table.h"

#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "drop.h"
#include "live_large.h"
#include "os.h"
#include "real.h"

#define ROOT_BITS      11
#define MIDDLE_BITS    11
#define LEAF_BITS      11
#define REGION_BITS    14
#define GRANULE_BITS   3
#define OFFSET_BITS    (REGION_BITS - GRANULE_BITS)
#define OFFSETS        (1u << OFFSET_BITS)
#define BYTES_BITS     21
#define LARGE_BYTES    ((1ull << BYTES_BITS) - 1) /* this value in an entry is never used: such blocks are large */
#define INLINE_ENTRIES 2u
#define BUCKET         8u /* entries in a cache line */
#define MIN_CAPACITY   BUCKET

_Static_assert(ROOT_BITS + MIDDLE_BITS + LEAF_BITS + REGION_BITS == 47, "covers the user half of the address space");

typedef uint64_t entry; /* 0 = free: see make_entry() */

struct region {
	uint32_t lock; /* the fork epoch while held, else 0: a lock of an earlier epoch died with its thread */
	uint16_t count;
	uint16_t capacity; /* of slots[], 0 = entries are in inline_entries[] */
	entry *slots;
	union {
		entry inline_entries[INLINE_ENTRIES];
		uint64_t displaced; /* with slots[]: entries that are not in their first bucket */
	};
};
_Static_assert(sizeof(struct region) == 32, "two regions per cache line");

struct leaf {
	struct region regions[1u << LEAF_BITS];
};

struct middle {
	struct leaf *leaves[1u << MIDDLE_BITS];
};

static struct middle *root[1u << ROOT_BITS];
static struct os_lock node_lock;
static uint32_t epoch = 1; /* counts forks */

/* --- memory for nodes and arrays --- */

static char *bump_next;
static char *bump_end;
static void *free_arrays[OFFSET_BITS + 1]; /* by log2 of the capacity */

/*
 * Small steps at first, so that a small program stays small; then huge pages, which spare page faults and TLB misses.
 */
#define SMALL_STEP  (1u << 18)
#define SMALL_STEPS 8u

/* Zeroed. Called with node_lock held. */
static void *take_memory(size_t bytes)
{
	static unsigned steps;
	char *p;

	if (bytes > (size_t)(bump_end - bump_next)) {
		size_t step = steps < SMALL_STEPS ? SMALL_STEP : OS_HUGE_PAGE;

		p = steps < SMALL_STEPS ? os_map(step) : os_map_huge(step);
		if (!p)
			return NULL;
		steps++;
		bump_next = p;
		bump_end = p + step;
	}
	p = bump_next;
	bump_next += bytes;
	return p;
}

static unsigned log2_of(uint32_t n)
{
	return 31u - (unsigned)__builtin_clz(n);
}

static entry *array_new(uint32_t capacity)
{
	void **list = &free_arrays[log2_of(capacity)];
	entry *a;

	os_lock(&node_lock);
	a = *list;
	if (a) {
		*list = *(void **)(void *)a;
		a[0] = 0; /* the rest was cleared when it was given back */
	} else {
		a = take_memory(capacity * sizeof(entry));
	}
	os_unlock(&node_lock);
	return a;
}

static void array_free(entry *a, uint32_t capacity)
{
	void **list = &free_arrays[log2_of(capacity)];

	__builtin_memset(a, 0, capacity * sizeof(entry));
	os_lock(&node_lock);
	*(void **)(void *)a = *list;
	*list = a;
	os_unlock(&node_lock);
}

static MP_COLD void *new_node(void **at, size_t bytes)
{
	void *p;

	os_lock(&node_lock);
	p = *at;
	if (!p) {
		p = take_memory(bytes);
		store_release(at, p);
	}
	os_unlock(&node_lock);
	return p;
}

static inline struct region *find_region(uint64_t address, bool make)
{
	struct middle **m;
	struct leaf **l;

	if (unlikely(address >> 47))
		return NULL;
	m = &root[address >> (MIDDLE_BITS + LEAF_BITS + REGION_BITS)];
	if (unlikely(!load_acquire(m)) && (!make || !new_node((void **)(void *)m, sizeof(struct middle))))
		return NULL;
	l = &(*m)->leaves[address >> (LEAF_BITS + REGION_BITS) & ((1u << MIDDLE_BITS) - 1)];
	if (unlikely(!load_acquire(l)) && (!make || !new_node((void **)(void *)l, sizeof(struct leaf))))
		return NULL;
	return &(*l)->regions[address >> REGION_BITS & ((1u << LEAF_BITS) - 1)];
}

/* --- regions --- */

/*
 * true: locked, and to be unlocked. In a process that has only ever had one thread there is nobody to lock out; a
 * second one cannot come into being between lock and unlock.
 */
static inline bool region_lock(struct region *r)
{
	if (real_single_threaded())
		return false;
	for (unsigned spins = 0;; spins++) {
		uint32_t seen = load_relaxed(&r->lock);

		if (seen != epoch && cas_acquire(&r->lock, &seen, epoch))
			return true;
		if (spins > 200)
			os_yield();
		else
			cpu_relax();
	}
}

static inline void region_unlock(struct region *r, bool locked)
{
	if (locked)
		store_release(&r->lock, 0);
}

/*
 * offset 53..63 | bytes 32..52 | row 5..31 | candidate 4 | generation 0..3. Row numbers are never 0, so an entry is
 * never 0.
 */
#define ENTRY_CANDIDATE 16u
#define ENTRY_ROW_BITS  27
#define ENTRY_ROW_SHIFT 5
_Static_assert((LIVE_ROWS_MAX | LIVE_ROW_IGNORED) <= 1u << ENTRY_ROW_BITS, "a row fits its bits");

static inline entry make_entry(uint64_t address, const struct live_block *b)
{
	uint64_t offset = address >> GRANULE_BITS & (OFFSETS - 1);

	return offset << 53 | b->bytes << 32 | (uint64_t)b->row << ENTRY_ROW_SHIFT | b->generation;
}

static inline uint32_t entry_offset(entry e)
{
	return (uint32_t)(e >> 53);
}

static inline void open_entry(entry e, struct live_block *ret)
{
	ret->bytes = e >> 32 & ((1ull << BYTES_BITS) - 1);
	ret->row = (uint32_t)(e >> ENTRY_ROW_SHIFT) & ((1u << ENTRY_ROW_BITS) - 1);
	ret->generation = (uint32_t)e & (LIVE_GENERATIONS - 1);
}

/*
 * An array has the order of addresses: whoever allocates or frees neighbours in turn, as most programs do, walks along
 * it, and the processor fetches the next cache line in time. A bucket of eight entries is one line. Where small blocks
 * crowd and a bucket is full, the rest of them goes to second buckets that are scattered over the array, each only as
 * long as there are such entries. When that one is full too, the array grows; the largest has a slot for every offset.
 */
static inline uint32_t first_slot(uint32_t offset, uint32_t capacity)
{
	return offset * capacity >> OFFSET_BITS;
}

static inline uint32_t second_slot(uint32_t offset, uint32_t capacity)
{
	return offset * 40503u >> 4 & (capacity - 1);
}

/* The entry of OFFSET in the bucket of slot I, where the search starts. NULL: not there. */
static inline entry *bucket_find(entry *slots, uint32_t i, uint32_t offset)
{
	entry *bucket = &slots[i & ~(BUCKET - 1)];

	for (uint32_t n = 0; n < BUCKET; n++, i++) {
		entry *e = &bucket[i & (BUCKET - 1)];

		if (entry_offset(*e) == offset && likely(*e))
			return e;
	}
	return NULL;
}

static inline entry *bucket_free(entry *slots, uint32_t i)
{
	entry *bucket = &slots[i & ~(BUCKET - 1)];

	for (uint32_t n = 0; n < BUCKET; n++, i++) {
		if (!bucket[i & (BUCKET - 1)])
			return &bucket[i & (BUCKET - 1)];
	}
	return NULL;
}

static inline bool is_displaced(const entry *slots, uint32_t capacity, const entry *e)
{
	return ((uint32_t)(e - slots) ^ first_slot(entry_offset(*e), capacity)) >= BUCKET;
}

/* Where a new entry of OFFSET goes. NULL: both of its buckets are full. */
static inline entry *array_place(entry *slots, uint32_t capacity, uint32_t offset, bool *ret_displaced)
{
	entry *e = bucket_free(slots, first_slot(offset, capacity));

	*ret_displaced = !e;
	return likely(e) ? e : bucket_free(slots, second_slot(offset, capacity));
}

/*
 * Regions are filled one after the other with blocks of much the same size, so a new one starts with an array that
 * would hold its predecessor's, instead of doubling its way up.
 */
static uint32_t first_capacity(const struct region *r, uint64_t address)
{
	bool first_of_leaf = !(address >> REGION_BITS & ((1u << LEAF_BITS) - 1));
	uint32_t expect = first_of_leaf ? 0 : load_relaxed(&r[-1].count);
	uint32_t capacity = MIN_CAPACITY;

	while (capacity / 8 * 7 < expect && capacity < OFFSETS)
		capacity *= 2;
	return capacity;
}

/* Copies OLD into an array of CAPACITY. false: it does not fit. */
static bool array_copy(entry *slots, uint32_t capacity, const entry *old, uint32_t old_count, uint64_t *ret_displaced)
{
	*ret_displaced = 0;
	for (uint32_t i = 0; i < old_count; i++) {
		bool displaced;
		entry *e;

		if (!old[i])
			continue;
		e = array_place(slots, capacity, entry_offset(old[i]), &displaced);
		if (!e)
			return false;
		*e = old[i];
		*ret_displaced += displaced;
	}
	return true;
}

static bool region_grow(struct region *r, uint64_t address)
{
	uint32_t capacity = r->capacity ? r->capacity * 2u : first_capacity(r, address);
	entry *old = r->slots;
	uint32_t old_capacity = r->capacity;
	uint64_t displaced;
	entry *slots;

	if (!old_capacity)
		old = r->inline_entries;
	while ((slots = array_new(capacity)) &&
	       !array_copy(slots, capacity, old, old_capacity ? old_capacity : INLINE_ENTRIES, &displaced)) {
		array_free(slots, capacity);
		capacity *= 2;
	}
	if (!slots)
		return false;
	/* In this order: a snapshot of the process in between finds no array shorter than its capacity. */
	store_release(&r->slots, slots);
	store_release(&r->capacity, (uint16_t)capacity);
	if (old_capacity)
		array_free(old, old_capacity);
	else
		store_relaxed(&r->inline_entries[1], 0);
	store_relaxed(&r->displaced, displaced);
	return true;
}

/* The entry of OFFSET; NULL: not present. */
static inline entry *region_find(struct region *r, uint32_t offset)
{
	entry *e;

	if (likely(r->capacity)) {
		e = bucket_find(r->slots, first_slot(offset, r->capacity), offset);
		if (!e && unlikely(r->displaced))
			e = bucket_find(r->slots, second_slot(offset, r->capacity), offset);
		return e;
	}
	for (uint32_t i = 0; i < INLINE_ENTRIES; i++) {
		e = &r->inline_entries[i];
		if (*e && entry_offset(*e) == offset)
			return e;
	}
	return NULL;
}

/* Where a new entry of OFFSET goes. NULL: there is no room. */
static inline entry *region_place(struct region *r, uint32_t offset)
{
	bool displaced;
	entry *e;

	if (!r->capacity)
		return !r->inline_entries[0] ? &r->inline_entries[0] :
		       !r->inline_entries[1] ? &r->inline_entries[1] :
					       NULL;
	if (unlikely(r->count >= r->capacity / 8u * 7u && r->capacity != OFFSETS))
		return NULL;
	e = array_place(r->slots, r->capacity, offset, &displaced);
	if (unlikely(displaced) && e)
		bump(&r->displaced, 1);
	return e;
}

static enum live_insert region_insert(struct region *r, uint64_t address, const struct live_block *b,
				      struct live_block *ret_old)
{
	uint32_t offset = (uint32_t)(address >> GRANULE_BITS) & (OFFSETS - 1);
	entry *e = region_find(r, offset);

	if (unlikely(e != NULL)) {
		open_entry(*e, ret_old);
		*e = make_entry(address, b);
		return LIVE_REPLACED;
	}
	while (unlikely(!(e = region_place(r, offset)))) {
		if (!region_grow(r, address))
			return LIVE_NO_MEMORY;
	}
	*e = make_entry(address, b);
	bump(&r->count, 1); /* first_capacity() of the next region reads it */
	return LIVE_OK;
}

static void region_remove(struct region *r, entry *e)
{
	bump(&r->count, -1);
	if (r->capacity && unlikely(r->displaced) && is_displaced(r->slots, r->capacity, e))
		bump(&r->displaced, -1);
	*e = 0;
	if (unlikely(!r->count && r->capacity > 64)) {
		uint32_t capacity = r->capacity;

		store_release(&r->capacity, 0);
		array_free(r->slots, capacity);
		r->slots = NULL;
	}
}

/* --- interface --- */

uint32_t live_generation(void)
{
	return (epoch - 1) % LIVE_GENERATIONS;
}

static inline bool is_granular(uint64_t address)
{
	return !(address & ((1u << GRANULE_BITS) - 1));
}

static inline bool region_take(struct region *r, uint64_t address, struct live_block *ret_block)
{
	bool locked = region_lock(r);
	entry *e = region_find(r, (uint32_t)(address >> GRANULE_BITS) & (OFFSETS - 1));
	bool found = e != NULL;

	if (likely(found)) {
		open_entry(*e, ret_block);
		region_remove(r, e);
	}
	region_unlock(r, locked);
	return found;
}

static enum live_insert insert_block(uint64_t address, const struct live_block *b, struct live_block *ret_old)
{
	struct region *r = find_region(address, b->bytes < LARGE_BYTES);
	enum live_insert result;
	bool locked;

	if (unlikely(b->bytes >= LARGE_BYTES || !is_granular(address) || !r)) {
		result = large_insert(address, b, ret_old);
		/* A small block whose free was not seen may have left its address to this one. */
		if (result == LIVE_OK && r && is_granular(address) && region_take(r, address, ret_old))
			result = LIVE_REPLACED;
		return result;
	}
	locked = region_lock(r);
	result = region_insert(r, address, b, ret_old);
	region_unlock(r, locked);
	return result;
}

enum live_insert live_insert(uint64_t address, uint64_t bytes, uint32_t row, struct live_block *ret_old)
{
	struct live_block b = { .bytes = bytes, .row = row, .generation = (epoch - 1) % LIVE_GENERATIONS };
	enum live_insert result;
	bool left;

	/*
	 * A large block whose free was not seen may have left its address to a small one. Allocators map large
	 * blocks, so they start at most a header behind a page: other addresses need not take the lock of the large
	 * ones.
	 */
	left = unlikely((address & 0xfff) <= 64 && load_relaxed(&large_present)) && bytes < LARGE_BYTES &&
	       large_take(address, ret_old);
	result = insert_block(address, &b, ret_old);
	return result == LIVE_OK && left ? LIVE_REPLACED : result;
}

bool live_take(uint64_t address, struct live_block *ret_block)
{
	struct region *r = find_region(address, false);
	bool found = likely(r && is_granular(address)) && region_take(r, address, ret_block);

	if (unlikely(!found && load_relaxed(&large_present)))
		found = large_take(address, ret_block);
	return found;
}

void live_put_back(uint64_t address, const struct live_block *block)
{
	struct live_block old;

	if (insert_block(address, block, &old) == LIVE_NO_MEMORY)
		drop(MP_LOSS_LIVE_FULL);
}

bool live_find_containing(uint64_t address, uint64_t max_back, uint64_t *ret_start, struct live_block *ret_block)
{
	uint64_t limit = address > max_back ? address - max_back : 0;

	for (uint64_t base = address & ~((1ull << REGION_BITS) - 1); base + (1ull << REGION_BITS) > limit;
	     base -= 1ull << REGION_BITS) {
		struct region *r = find_region(base, false);
		uint64_t best = 0;
		struct live_block b;

		if (r) {
			bool locked = region_lock(r);

			for (uint32_t i = 0; i < (r->capacity ? r->capacity : INLINE_ENTRIES); i++) {
				entry e = r->capacity ? r->slots[i] : r->inline_entries[i];
				uint64_t start = base + ((uint64_t)entry_offset(e) << GRANULE_BITS);

				if (e && start <= address && start >= best) {
					best = start;
					open_entry(e, &b);
				}
			}
			region_unlock(r, locked);
		}
		if (best) {
			/* The nearest block below decides: blocks do not overlap. */
			if (address - best >= b.bytes)
				return false;
			*ret_start = best;
			*ret_block = b;
			return true;
		}
		if (base < 1ull << REGION_BITS)
			break;
	}
	return false;
}

/* Changes the entry of a small block: SET bits on, CLEAR bits off. false: there is none. */
static bool change_entry(uint64_t address, entry set, entry clear)
{
	struct region *r = find_region(address, false);
	bool locked;
	entry *e;

	if (!r || !is_granular(address))
		return false;
	locked = region_lock(r);
	e = region_find(r, (uint32_t)(address >> GRANULE_BITS) & (OFFSETS - 1));
	if (e)
		*e = (*e & ~clear) | set;
	region_unlock(r, locked);
	return e != NULL;
}

bool live_ignore(uint64_t address)
{
	return change_entry(address, (entry)LIVE_ROW_IGNORED << ENTRY_ROW_SHIFT, 0) || large_ignore(address);
}

void live_set_candidate(uint64_t address, bool set)
{
	if (!change_entry(address, set ? ENTRY_CANDIDATE : 0, set ? 0 : ENTRY_CANDIDATE))
		large_set_candidate(address, set);
}

uint64_t live_count_at_most(void)
{
	uint64_t count = load_relaxed(&large_present) + 1024u; /* what a torn region may have more than it says */

	for (unsigned i = 0; i < ARRAY_LEN(root); i++) {
		for (unsigned j = 0; root[i] && j < ARRAY_LEN(root[i]->leaves); j++) {
			struct leaf *leaf = root[i]->leaves[j];

			for (unsigned k = 0; leaf && k < ARRAY_LEN(leaf->regions); k++)
				count += leaf->regions[k].lock ? OFFSETS : leaf->regions[k].count;
		}
	}
	return count;
}

uint64_t live_address_bytes(void)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < ARRAY_LEN(root); i++) {
		for (unsigned j = 0; root[i] && j < ARRAY_LEN(root[i]->leaves); j++)
			bytes += root[i]->leaves[j] ? 1ull << (LEAF_BITS + REGION_BITS) : 0;
	}
	return bytes + large_bytes();
}

/* Entries of a region stand in no order: they are laid out by offset first. */
static void each_of_region(const struct region *r, uint64_t base, live_each *each)
{
	static entry by_offset[OFFSETS];
	uint64_t used[OFFSETS / 64] = { 0 };
	const entry *entries = r->capacity ? r->slots : r->inline_entries;
	uint32_t count = r->capacity ? r->capacity : INLINE_ENTRIES;

	for (uint32_t i = 0; i < count; i++) {
		if (!entries[i])
			continue;
		by_offset[entry_offset(entries[i])] = entries[i];
		used[entry_offset(entries[i]) / 64] |= 1ull << entry_offset(entries[i]) % 64;
	}
	for (uint32_t w = 0; w < ARRAY_LEN(used); w++) {
		for (uint64_t bits = used[w]; bits; bits &= bits - 1) {
			entry e = by_offset[w * 64 + (uint32_t)__builtin_ctzll(bits)];
			struct live_block b;

			open_entry(e, &b);
			each(base + ((uint64_t)entry_offset(e) << GRANULE_BITS), &b, e & ENTRY_CANDIDATE);
		}
	}
}

void live_for_each_small(live_each *each)
{
	for (uint64_t i = 0; i < ARRAY_LEN(root); i++) {
		for (uint64_t j = 0; root[i] && j < ARRAY_LEN(root[i]->leaves); j++) {
			struct leaf *leaf = root[i]->leaves[j];

			for (uint64_t k = 0; leaf && k < ARRAY_LEN(leaf->regions); k++) {
				if (leaf->regions[k].count || leaf->regions[k].lock)
					each_of_region(&leaf->regions[k],
						       (i << (MIDDLE_BITS + LEAF_BITS) | j << LEAF_BITS | k)
							       << REGION_BITS,
						       each);
			}
		}
	}
}

/*
 * Threads of the parent that fork has left behind were at work where a lock is held: what is there may be half done.
 * It is given up, and the memory with it; frees of those blocks are counted as unknown.
 */
static void give_up_unfinished(void)
{
	for (unsigned i = 0; i < ARRAY_LEN(root); i++) {
		for (unsigned j = 0; root[i] && j < ARRAY_LEN(root[i]->leaves); j++) {
			struct leaf *leaf = root[i]->leaves[j];

			for (unsigned k = 0; leaf && k < ARRAY_LEN(leaf->regions); k++) {
				if (leaf->regions[k].lock)
					leaf->regions[k] = (struct region){ .lock = 0 };
			}
		}
	}
	if (node_lock.word) {
		bump_next = NULL;
		bump_end = NULL;
		__builtin_memset(free_arrays, 0, sizeof(free_arrays));
	}
}

void live_forked(void)
{
	give_up_unfinished();
	node_lock.word = 0;
	large_forked();
	epoch++;
	if ((epoch - 1) % LIVE_GENERATIONS != 0)
		return;
	/*
	 * The sixteenth fork in a row: generations would repeat, and an entry of the first could pass for one of
	 * ours. All records are given up; frees of those blocks are counted as unknown.
	 */
	drop(MP_LOSS_FORKED_BLOCK);
	for (unsigned i = 0; i < ARRAY_LEN(root); i++)
		root[i] = NULL;
	large_forget();
}
