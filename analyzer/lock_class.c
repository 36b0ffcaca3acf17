/* SPDX-License-Identifier: MIT */
/*
 * Sums over the locks of each class. Rows of all threads and locks are copied with the index of their class, sorted so
 * that what belongs together is side by side, and added up in place.
 */
#include "lock_class.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define CELLS_PER_HIST (64 * MP_LOCK_CELLS)

static int compare_numbers(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Which lock is in which class. */

/* A row that only says that the lock was taken in some order has nothing to be ranked by. */
static bool is_ranked(const struct lock_sum *sum)
{
	return !(sum->lock->row.flags & MP_LOCK_FLAG_UNCONTENDED) || sum->contentions > 0 || sum->trylock_failures > 0;
}

static void start_class(struct lock_classes *classes, const struct lock_sum *sum, const struct lock_label *label)
{
	struct lock_class *class = &classes->list[classes->count++];
	const struct profile *profile = classes->namer.profile;

	class->id = sum->lock->number;
	class->kind = sum->lock->row.kind;
	class->label = *label;
	class->name = label->name;
	class->category = profile_lock_category(class->kind);
	class->counted = class->kind != MP_LOCK_FUTEX;
	class->detailed = profile->lock_details;
	lock_view_primitive(&classes->namer, sum->lock, &class->primitive, &class->category);
}

static void add_row(struct lock_class *class, const struct lock_sum *sum)
{
	const struct mp_lock *row = &sum->lock->row;

	class->flags |= row->flags;
	class->instances += row->instances > 0 ? row->instances : 1;
	class->waiters_max = (uint32_t)larger(class->waiters_max, row->waiters_max);
	class->hold_period = (uint32_t)larger(class->hold_period, row->hold_period);
	class->counted &= !(row->flags & MP_LOCK_FLAG_UNCOUNTED);
	class->acquisitions += sum->acquisitions;
	class->contentions += sum->contentions;
	class->trylock_failures += sum->trylock_failures;
	class->timeouts += sum->timeouts;
	class->wait_ns += sum->wait_ns;
	class->wait_max_ns = larger(class->wait_max_ns, sum->wait_max_ns);
	class->handoff_ns += sum->handoff_ns;
	class->row_count++;
}

static void find_classes(struct lock_classes *classes, const struct aggregate *aggregate)
{
	struct hash_map by_key = { 0 }; /* address of the key, which is interned, to index + 1 */

	for (size_t i = 0; i < aggregate->lock_count; i++) {
		const struct lock_sum *sum = &aggregate->locks[i];
		struct lock_label label;
		uint64_t *index;
		bool is_new;

		if (!is_ranked(sum))
			continue;
		lock_view_label(&classes->namer, sum->lock, &label);
		index = hash_map_put(&by_key, (uintptr_t)label.key, &is_new);
		if (is_new) {
			start_class(classes, sum, &label);
			*index = classes->count;
		}
		add_row(&classes->list[*index - 1], sum);
		classes->class_of[sum->lock->number - 1] = (uint32_t)*index;
	}
	hash_map_free(&by_key);
}

static int compare_rows(const void *a, const void *b)
{
	const struct lock_sum *left = *(const struct lock_sum *const *)a;
	const struct lock_sum *right = *(const struct lock_sum *const *)b;

	if (left->wait_ns != right->wait_ns)
		return -compare_numbers(left->wait_ns, right->wait_ns);
	return compare_numbers(left->lock->number, right->lock->number);
}

static int compare_addresses(const void *a, const void *b)
{
	const struct lock_sum *left = *(const struct lock_sum *const *)a;
	const struct lock_sum *right = *(const struct lock_sum *const *)b;

	if (left->lock->row.address != right->lock->row.address)
		return compare_numbers(left->lock->row.address, right->lock->row.address);
	return compare_numbers(left->lock->number, right->lock->number);
}

static void list_rows(struct lock_classes *classes, const struct aggregate *aggregate)
{
	for (size_t i = 0; i < classes->count; i++) {
		struct lock_class *class = &classes->list[i];

		class->rows = arena_array(&classes->arena, const struct lock_sum *, class->row_count);
		class->row_count = 0;
	}
	classes->by_address = arena_array(&classes->arena, const struct lock_sum *, aggregate->lock_count);
	for (size_t i = 0; i < aggregate->lock_count; i++) {
		uint32_t index = classes->class_of[aggregate->locks[i].lock->number - 1];

		if (index > 0) {
			struct lock_class *class = &classes->list[index - 1];

			class->rows[class->row_count++] = &aggregate->locks[i];
			classes->by_address[classes->row_count++] = &aggregate->locks[i];
		}
	}
	for (size_t i = 0; i < classes->count; i++)
		qsort(classes->list[i].rows, classes->list[i].row_count, sizeof(*classes->list[i].rows), compare_rows);
	qsort(classes->by_address, classes->row_count, sizeof(*classes->by_address), compare_addresses);
}

/* The class of lock NUMBER, NULL = none. */
static struct lock_class *class_of(const struct lock_classes *classes, uint32_t number)
{
	uint32_t index = classes->class_of[number - 1];

	return index > 0 ? &classes->list[index - 1] : NULL;
}

/* Waiters. */

static int compare_waiter_stacks(const void *a, const void *b)
{
	const struct lock_waiter *left = a, *right = b;

	return compare_numbers(left->stack, right->stack);
}

static int compare_waiters(const void *a, const void *b)
{
	const struct lock_waiter *left = a, *right = b;

	if (left->wait_ns != right->wait_ns)
		return -compare_numbers(left->wait_ns, right->wait_ns);
	return compare_numbers(left->stack, right->stack);
}

static void add_waiter(struct lock_waiter *sum, const struct lock_waiter *part)
{
	sum->count += part->count;
	sum->wait_ns += part->wait_ns;
	sum->wait_max_ns = larger(sum->wait_max_ns, part->wait_max_ns);
	sum->handoff_ns += part->handoff_ns;
	sum->reacquire_ns += part->reacquire_ns;
	sum->timeouts += part->timeouts;
	sum->flags |= part->flags;
}

static void sum_waiters(struct lock_classes *classes, struct lock_class *class)
{
	struct lock_waiter *list;
	size_t count = 0, used = 0;

	for (size_t i = 0; i < class->row_count; i++)
		count += class->rows[i]->waiter_count;
	list = arena_array(&classes->arena, struct lock_waiter, count);
	count = 0;
	for (size_t i = 0; i < class->row_count; i++) {
		for (size_t j = 0; j < class->rows[i]->waiter_count; j++)
			list[count++] = class->rows[i]->waiters[j];
	}
	qsort(list, count, sizeof(*list), compare_waiter_stacks);
	for (size_t i = 0; i < count; i++) {
		if (used > 0 && list[used - 1].stack == list[i].stack)
			add_waiter(&list[used - 1], &list[i]);
		else
			list[used++] = list[i];
	}
	qsort(list, used, sizeof(*list), compare_waiters);
	class->waiters = list;
	class->waiter_count = used;
}

/* Culprits. */

struct blame_row {
	uint32_t class; /* index */
	struct lock_blame blame;
};

static int compare_blame_rows(const void *a, const void *b)
{
	const struct blame_row *left = a, *right = b;

	if (left->class != right->class)
		return compare_numbers(left->class, right->class);
	if (left->blame.waiter != right->blame.waiter)
		return compare_numbers(left->blame.waiter, right->blame.waiter);
	return compare_numbers(left->blame.culprit, right->blame.culprit);
}

static int compare_blames(const void *a, const void *b)
{
	const struct lock_blame *left = a, *right = b;

	if (left->wait_ns != right->wait_ns)
		return -compare_numbers(left->wait_ns, right->wait_ns);
	if (left->culprit != right->culprit)
		return compare_numbers(left->culprit, right->culprit);
	return compare_numbers(left->waiter, right->waiter);
}

/* Adds up equal rows, which are side by side; returns how many are left. */
static size_t fold_blames(struct blame_row *rows, size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (used == 0 || compare_blame_rows(&rows[used - 1], &rows[i]) != 0) {
			rows[used++] = rows[i];
			continue;
		}
		rows[used - 1].blame.count += rows[i].blame.count;
		rows[used - 1].blame.wait_ns += rows[i].blame.wait_ns;
		rows[used - 1].blame.running_ns += rows[i].blame.running_ns;
		rows[used - 1].blame.approx_ns += rows[i].blame.approx_ns;
	}
	return used;
}

/* Sorts and adds up ROWS, and gives each class its part: as its matrix, or as its culprits. */
static void share_out_blames(struct lock_classes *classes, struct blame_row *rows, size_t *count, bool is_matrix)
{
	struct lock_blame *list;

	qsort(rows, *count, sizeof(*rows), compare_blame_rows);
	*count = fold_blames(rows, *count);
	list = arena_array(&classes->arena, struct lock_blame, *count);
	for (size_t first = 0, end; first < *count; first = end) {
		struct lock_class *class = &classes->list[rows[first].class];

		for (end = first; end < *count && rows[end].class == rows[first].class; end++)
			list[end] = rows[end].blame;
		qsort(list + first, end - first, sizeof(*list), compare_blames);
		if (is_matrix) {
			class->matrix = list + first;
			class->matrix_count = end - first;
		} else {
			class->culprits = list + first;
			class->culprit_count = end - first;
		}
	}
}

static void sum_culprits(struct lock_classes *classes, const struct profile *profile)
{
	struct blame_row *rows = memory_zeroed(profile->lock_culprit_count, sizeof(*rows));
	size_t count = 0;

	for (size_t i = 0; i < profile->lock_culprit_count; i++) {
		const struct mp_lock_culprit *row = &profile->lock_culprits[i];
		uint32_t index = classes->class_of[row->lock - 1];

		if (index == 0)
			continue;
		rows[count++] = (struct blame_row){
			.class = index - 1,
			.blame = { .waiter = row->waiter_stack,
				   .culprit = row->culprit_stack,
				   .count = row->count,
				   .wait_ns = row->wait_ns,
				   .running_ns = row->running_ns,
				   .approx_ns = row->approx_ns },
		};
	}
	share_out_blames(classes, rows, &count, /*is_matrix=*/true);
	for (size_t i = 0; i < count; i++)
		rows[i].blame.waiter = 0;
	share_out_blames(classes, rows, &count, /*is_matrix=*/false);
	free(rows);
}

/* Pairs of threads. */

struct pair_row {
	uint32_t class; /* index */
	struct lock_pair pair;
};

static int compare_pair_rows(const void *a, const void *b)
{
	const struct pair_row *left = a, *right = b;

	if (left->class != right->class)
		return compare_numbers(left->class, right->class);
	if (left->pair.waiter_tid != right->pair.waiter_tid)
		return compare_numbers(left->pair.waiter_tid, right->pair.waiter_tid);
	return compare_numbers(left->pair.culprit_tid, right->pair.culprit_tid);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct lock_pair *left = a, *right = b;

	if (left->wait_ns != right->wait_ns)
		return -compare_numbers(left->wait_ns, right->wait_ns);
	if (left->waiter_tid != right->waiter_tid)
		return compare_numbers(left->waiter_tid, right->waiter_tid);
	return compare_numbers(left->culprit_tid, right->culprit_tid);
}

static void sum_pairs(struct lock_classes *classes, const struct profile *profile)
{
	struct pair_row *rows = memory_zeroed(profile->lock_pair_count, sizeof(*rows));
	struct lock_pair *list = arena_array(&classes->arena, struct lock_pair, profile->lock_pair_count);
	size_t count = 0, used = 0;

	for (size_t i = 0; i < profile->lock_pair_count; i++) {
		const struct mp_lock_pair *row = &profile->lock_pairs[i];
		uint32_t index = classes->class_of[row->lock - 1];

		if (index > 0)
			rows[count++] =
				(struct pair_row){ index - 1,
						   { row->waiter_tid, row->culprit_tid, row->count, row->wait_ns } };
	}
	qsort(rows, count, sizeof(*rows), compare_pair_rows);
	for (size_t i = 0; i < count; i++) {
		if (used > 0 && compare_pair_rows(&rows[used - 1], &rows[i]) == 0) {
			rows[used - 1].pair.count += rows[i].pair.count;
			rows[used - 1].pair.wait_ns += rows[i].pair.wait_ns;
		} else {
			rows[used++] = rows[i];
		}
	}
	for (size_t first = 0, end; first < used; first = end) {
		struct lock_class *class = &classes->list[rows[first].class];

		for (end = first; end < used && rows[end].class == rows[first].class; end++)
			list[end] = rows[end].pair;
		qsort(list + first, end - first, sizeof(*list), compare_pairs);
		class->pairs = list + first;
		class->pair_count = end - first;
	}
	free(rows);
}

/* Holds, and what only some kinds have. */

static void sum_holds(struct lock_classes *classes, const struct profile *profile)
{
	for (size_t i = 0; i < profile->lock_hold_count; i++) {
		const struct mp_lock_hold *row = &profile->lock_holds[i];
		struct lock_class *class = class_of(classes, row->lock);

		if (!class)
			continue;
		class->holds.count += row->count;
		class->holds.hot_count += row->hot_count;
		class->holds.ns += row->ns;
		class->holds.max_ns = larger(class->holds.max_ns, row->max_ns);
		class->holds.blocked_ns += row->blocked_ns;
		class->holds.alloc_count += row->alloc_count;
		class->holds.alloc_bytes += row->alloc_bytes;
	}
}

static void sum_extras(struct lock_classes *classes, const struct profile *profile)
{
	for (size_t i = 0; i < profile->lock_extra_count; i++) {
		const struct mp_lock_extra *row = &profile->lock_extras[i];
		struct lock_class *class = class_of(classes, row->lock);

		if (!class)
			continue;
		class->extras.shared_acquisitions += row->shared_acquisitions;
		class->extras.wakes += row->wakes;
		class->extras.wakes_all += row->wakes_all;
		class->extras.wakes_unheard += row->wakes_unheard;
		class->extras.wakes_locked += row->wakes_locked;
		class->extras.reacquire_count += row->reacquire_count;
		class->extras.reacquire_ns += row->reacquire_ns;
	}
}

/* Histograms: cell I of octave N begins at 2^N + I * 2^N / MP_LOCK_CELLS. */

static double cell_start(size_t cell)
{
	double octave = (double)(1ull << (cell / MP_LOCK_CELLS));

	return octave + octave * (double)(cell % MP_LOCK_CELLS) / MP_LOCK_CELLS;
}

/* The value with SHARE of all COUNT values below it, those of a cell taken as evenly spread over it. */
static uint64_t percentile(const uint64_t *cells, uint64_t count, double share, uint64_t max_ns)
{
	double wanted = share * (double)count, before = 0;
	double value = 0;

	for (size_t i = 0; i < CELLS_PER_HIST; i++) {
		double here = (double)cells[i];

		if (here == 0)
			continue;
		/* The first octave has the values 0 and 1 only, and the last cell no end. */
		value = i < MP_LOCK_CELLS ? 1 : cell_start(i);
		if (before + here >= wanted) {
			if (i >= MP_LOCK_CELLS && i + 1 < CELLS_PER_HIST)
				value += (cell_start(i + 1) - value) * (wanted - before) / here;
			break;
		}
		before += here;
	}
	/* An interpolated value may lie beyond the largest that there was. */
	return max_ns > 0 && value > (double)max_ns ? max_ns : value < 1.8e19 ? (uint64_t)(value + 0.5) : UINT64_MAX;
}

static struct lock_percentiles get_percentiles(const uint64_t *cells, uint64_t max_ns)
{
	struct lock_percentiles result = { 0 };

	for (size_t i = 0; i < CELLS_PER_HIST; i++)
		result.count += cells[i];
	if (result.count > 0) {
		result.p50 = percentile(cells, result.count, 0.50, max_ns);
		result.p90 = percentile(cells, result.count, 0.90, max_ns);
		result.p99 = percentile(cells, result.count, 0.99, max_ns);
	}
	return result;
}

struct hist_row {
	uint32_t class; /* index */
	const struct mp_lock_hist *row;
};

static int compare_hist_rows(const void *a, const void *b)
{
	const struct hist_row *left = a, *right = b;

	if (left->class != right->class)
		return compare_numbers(left->class, right->class);
	return compare_numbers(left->row->what, right->row->what);
}

/* Which kinds of histograms make up those of a class. X(field of struct lock_class, largest value, kind, kind or 0) */
#define CLASS_HISTS(X)                                        \
	X(wait, wait_max_ns, WAIT, MP_LOCK_HIST_WAIT_SHARED)  \
	X(wait_exclusive, wait_max_ns, WAIT, 0)               \
	X(wait_shared, wait_max_ns, WAIT_SHARED, 0)           \
	X(hold, holds.max_ns, HOLD, MP_LOCK_HIST_HOLD_SHARED) \
	X(hold_exclusive, holds.max_ns, HOLD, 0)              \
	X(hold_shared, holds.max_ns, HOLD_SHARED, 0)          \
	X(reacquire, wait_max_ns, REACQUIRE, 0)

/* ROWS are those of CLASS. CELLS has room for one histogram. */
static void add_hists(struct lock_class *class, const struct hist_row *rows, size_t count, uint64_t *cells)
{
#define X(field, max_ns, first, second)                                                            \
	memset(cells, 0, CELLS_PER_HIST * sizeof(*cells));                                         \
	for (size_t i = 0; i < count; i++) {                                                       \
		const struct mp_lock_hist *row = rows[i].row;                                      \
                                                                                                   \
		if (row->what != MP_LOCK_HIST_##first && (row->what != (second) || (second) == 0)) \
			continue;                                                                  \
		for (size_t j = 0; j < MP_LOCK_CELLS; j++)                                         \
			cells[(size_t)row->octave * MP_LOCK_CELLS + j] += row->cells[j];           \
	}                                                                                          \
	class->field = get_percentiles(cells, class->max_ns);
	CLASS_HISTS(X)
#undef X
}

/* Needs the largest values. */
static void sum_hists(struct lock_classes *classes, const struct profile *profile)
{
	struct hist_row *rows = memory_zeroed(profile->lock_hist_count, sizeof(*rows));
	uint64_t *cells = memory_zeroed(CELLS_PER_HIST, sizeof(*cells));
	size_t count = 0;

	for (size_t i = 0; i < profile->lock_hist_count; i++) {
		uint32_t index = classes->class_of[profile->lock_hists[i].lock - 1];

		if (index > 0)
			rows[count++] = (struct hist_row){ index - 1, &profile->lock_hists[i] };
	}
	qsort(rows, count, sizeof(*rows), compare_hist_rows);
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count && rows[end].class == rows[first].class;)
			end++;
		add_hists(&classes->list[rows[first].class], rows + first, end - first, cells);
	}
	free(rows);
	free(cells);
}

/* Names. */

static int compare_names(const void *a, const void *b)
{
	const struct lock_class *left = *(struct lock_class *const *)a, *right = *(struct lock_class *const *)b;
	int order = strcmp(left->name, right->name);

	return order ? order : compare_numbers(left->id, right->id);
}

/* Two classes can have one name: of functions that allocate for different callers. All but the first get a number. */
static void tell_names_apart(struct lock_classes *classes)
{
	struct lock_class **named = memory_zeroed(classes->count, sizeof(*named));
	size_t count = 0;

	for (size_t i = 0; i < classes->count; i++) {
		if (classes->list[i].name)
			named[count++] = &classes->list[i];
	}
	qsort(named, count, sizeof(*named), compare_names);
	for (size_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count && strcmp(named[end]->label.name, named[first]->label.name) == 0;
		     end++) {
			char name[1200];

			snprintf(name, sizeof(name), "%s (%zu)", named[first]->label.name, end - first + 1);
			named[end]->name = strtab_intern(&classes->namer.strings, name);
		}
	}
	free(named);
}

void lock_classes_init(struct lock_classes *classes, const struct profile *profile, const struct aggregate *aggregate,
		       struct symbolizer *symbols)
{
	*classes = (struct lock_classes){ .namer = { .profile = profile, .symbols = symbols } };
	classes->list = arena_array(&classes->arena, struct lock_class, aggregate->lock_count);
	classes->class_of = arena_array(&classes->arena, uint32_t, profile->lock_count);
	find_classes(classes, aggregate);
	list_rows(classes, aggregate);
	for (size_t i = 0; i < classes->count; i++) {
		struct lock_class *class = &classes->list[i];

		sum_waiters(classes, class);
		if (lock_class_is_contention(class))
			classes->contention_ns += class->wait_ns;
		else
			classes->coordination_ns += class->wait_ns;
	}
	sum_culprits(classes, profile);
	sum_pairs(classes, profile);
	sum_holds(classes, profile);
	sum_extras(classes, profile);
	sum_hists(classes, profile);
	tell_names_apart(classes);
	classes->cycle_count = lock_order_find(profile, &classes->arena, &classes->cycles);
}

void lock_classes_free(struct lock_classes *classes)
{
	lock_namer_free(&classes->namer);
	arena_free(&classes->arena);
	*classes = (struct lock_classes){ 0 };
}

const struct lock_class *lock_class_of(const struct lock_classes *classes, const struct lock_sum *row)
{
	return class_of(classes, row->lock->number);
}

const char *lock_classes_name(struct lock_classes *classes, uint32_t number, char *buffer, size_t size)
{
	const struct lock_class *class = class_of(classes, number);
	const struct profile_lock *lock = &classes->namer.profile->locks[number - 1];
	struct lock_label label = { 0 };

	if (class && class->name && class->instances == 1)
		return class->name;
	if (!class)
		lock_view_label(&classes->namer, lock, &label);
	else
		label.name = class->name;
	/* One of several of that name. */
	if (label.name && !class)
		snprintf(buffer, size, "%s", label.name);
	else
		snprintf(buffer, size, "%s%s0x%" PRIx64, label.name ? label.name : "", label.name ? " at " : "",
			 lock->row.address);
	return buffer;
}

size_t lock_classes_find(const struct lock_classes *classes, uint64_t address)
{
	size_t low = 0, high = classes->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (classes->by_address[middle]->lock->row.address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool lock_class_is_contention(const struct lock_class *lock)
{
	return profile_is_contention(lock->category);
}

bool lock_class_is_shared(const struct lock_class *lock)
{
	return lock->kind == MP_LOCK_RWLOCK;
}

uint64_t lock_class_known_ns(const struct lock_class *lock)
{
	uint64_t known_ns = lock->handoff_ns;

	for (size_t i = 0; i < lock->culprit_count; i++)
		known_ns += lock->culprits[i].culprit ? lock->culprits[i].wait_ns : 0;
	return known_ns;
}

static int compare_classes(const void *a, const void *b)
{
	const struct lock_class *left = *(const struct lock_class *const *)a;
	const struct lock_class *right = *(const struct lock_class *const *)b;

	if (lock_class_is_contention(left) != lock_class_is_contention(right))
		return lock_class_is_contention(left) ? -1 : 1;
	if (left->wait_ns != right->wait_ns)
		return -compare_numbers(left->wait_ns, right->wait_ns);
	return compare_numbers(left->id, right->id);
}

void lock_classes_rank(const struct lock_class **list, size_t count)
{
	if (count > 0)
		qsort(list, count, sizeof(*list), compare_classes);
}

bool lock_class_matches(const struct lock_classes *classes, const struct lock_class *lock, const char *text)
{
	char *end;
	unsigned long number;

	if (text[0] != '#')
		return (lock->name && strcasestr(lock->name, text)) ||
		       (lock->label.text && strcasestr(lock->label.text, text));
	number = strtoul(text + 1, &end, 10);
	return text[1] != 0 && *end == 0 && number > 0 && number <= classes->namer.profile->lock_count &&
	       class_of(classes, (uint32_t)number) == lock;
}
