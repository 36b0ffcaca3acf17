/* SPDX-License-Identifier: MIT */
/* Sums over shards, and rankings. Sums of a corrupt file may wrap, which unsigned arithmetic allows. */

#include "aggregate.h"

#include <math.h>
#include <stdlib.h>

#include "lifetimes.h"
#include "reallocs.h"
#include "size_classes.h"

/* Signed fields are added without the sign, because overflow of signed numbers is not defined. */
static void add_signed(int64_t *sum, int64_t value)
{
	*sum = (int64_t)((uint64_t)*sum + (uint64_t)value);
}

static void add_site(struct site *sum, const struct site *part)
{
	sum->alloc_count += part->alloc_count;
	sum->alloc_bytes += part->alloc_bytes;
	sum->free_count += part->free_count;
	sum->free_bytes += part->free_bytes;
	add_signed(&sum->live_count, part->live_count);
	add_signed(&sum->live_bytes, part->live_bytes);
	add_signed(&sum->peak_count, part->peak_count);
	add_signed(&sum->peak_bytes, part->peak_bytes);
	sum->temporary_count += part->temporary_count;
	sum->realloc_count += part->realloc_count;
	sum->freed_elsewhere_count += part->freed_elsewhere_count;
	sum->freed_elsewhere_bytes += part->freed_elsewhere_bytes;
	sum->alloc_count_var += part->alloc_count_var;
	sum->alloc_bytes_var += part->alloc_bytes_var;
	sum->free_count_var += part->free_count_var;
	sum->free_bytes_var += part->free_bytes_var;
	sum->peak_count_var += part->peak_count_var;
	sum->peak_bytes_var += part->peak_bytes_var;
	sum->temporary_count_var += part->temporary_count_var;
	sum->realloc_count_var += part->realloc_count_var;
	sum->freed_elsewhere_count_var += part->freed_elsewhere_count_var;
	sum->freed_elsewhere_bytes_var += part->freed_elsewhere_bytes_var;
}

static struct site site_of_row(const struct profile *profile, const struct mp_site *row)
{
	bool moved_since_peak = row->peak_epoch == profile->peak_epoch;
	struct site site = {
		.alloc_count = row->alloc_count,
		.alloc_bytes = row->alloc_bytes,
		.free_count = row->free_count,
		.free_bytes = row->free_bytes,
		.live_count = (int64_t)(row->alloc_count - row->free_count),
		.live_bytes = (int64_t)(row->alloc_bytes - row->free_bytes),
		.temporary_count = row->temporary_count,
		.realloc_count = row->realloc_count,
		/* A row without allocations is one for blocks of others. */
		.freed_elsewhere_count = row->alloc_count ? 0 : row->free_count,
		.freed_elsewhere_bytes = row->alloc_count ? 0 : row->free_bytes,
	};

	site.peak_count = moved_since_peak ? row->peak_count : profile_signed_blocks(profile, site.live_count);
	site.peak_bytes = moved_since_peak ? row->peak_bytes : site.live_bytes;
	return site;
}

/*
 * Variance of a sum over some of a site's blocks, of which only the sum is known: PART of WHOLE, which has the variance
 * VARIANCE. Right if the blocks of a site are of similar size.
 */
static double variance_of_part(double part, double whole, double variance)
{
	return part > 0 && whole > 0 ? variance * part / whole : 0;
}

/* Rows in units of 1/MP_COUNT_UNITS have been added up: from here on counts are in blocks. */
static void finish_sampled(const struct profile *profile, struct site *site)
{
	site->alloc_count = profile_blocks(profile, site->alloc_count);
	site->free_count = profile_blocks(profile, site->free_count);
	site->live_count = (int64_t)(site->alloc_count - site->free_count);
	site->temporary_count = profile_blocks(profile, site->temporary_count);
	site->realloc_count = profile_blocks(profile, site->realloc_count);
	site->freed_elsewhere_count = profile_blocks(profile, site->freed_elsewhere_count);
	site->peak_bytes_var =
		variance_of_part((double)site->peak_bytes, (double)site->alloc_bytes, site->alloc_bytes_var);
	site->peak_count_var =
		variance_of_part((double)site->peak_count, (double)site->alloc_count, site->alloc_count_var);
	site->temporary_count_var =
		variance_of_part((double)site->temporary_count, (double)site->alloc_count, site->alloc_count_var);
	site->realloc_count_var =
		variance_of_part((double)site->realloc_count, (double)site->alloc_count, site->alloc_count_var);
	site->freed_elsewhere_count_var =
		variance_of_part((double)site->freed_elsewhere_count, (double)site->free_count, site->free_count_var);
	site->freed_elsewhere_bytes_var =
		variance_of_part((double)site->freed_elsewhere_bytes, (double)site->free_bytes, site->free_bytes_var);
}

static void add_samples(struct site *site, const struct mp_site_sample *row)
{
	site->temporary_count += row->temporary_count;
	site->realloc_count += row->realloc_count;
	site->alloc_count_var += row->alloc_count_var;
	site->alloc_bytes_var += row->alloc_bytes_var;
	site->free_count_var += row->free_count_var;
	site->free_bytes_var += row->free_bytes_var;
}

static void sum_sites(struct aggregate *aggregate, const struct profile *profile)
{
	/* index + 1 of each stack's site */
	uint32_t *places = memory_zeroed(profile->node_count + 1, sizeof(*places));
	uint32_t next = 0;

	for (size_t i = 0; i < profile->site_count; i++)
		places[profile->sites[i].stack] = 1;
	for (size_t stack = 0; stack <= profile->node_count; stack++) {
		if (places[stack])
			places[stack] = ++next;
	}
	aggregate->site_count = next;
	aggregate->sites = arena_array(&aggregate->arena, struct site, next);
	for (size_t i = 0; i < profile->site_count; i++) {
		const struct mp_site *row = &profile->sites[i];
		struct site part = site_of_row(profile, row);
		struct site *sum = &aggregate->sites[places[row->stack] - 1];

		sum->stack = row->stack;
		add_site(sum, &part);
	}
	for (size_t i = 0; i < profile->site_sample_count; i++) {
		const struct mp_site_sample *row = &profile->site_samples[i];

		/* Without a site only in a damaged file. */
		if (places[row->stack])
			add_samples(&aggregate->sites[places[row->stack] - 1], row);
	}
	for (size_t i = 0; i < aggregate->site_count; i++) {
		if (profile_is_sampled(profile))
			finish_sampled(profile, &aggregate->sites[i]);
		add_site(&aggregate->totals, &aggregate->sites[i]);
	}
	free(places);
}

static int compare_marks(const void *a, const void *b)
{
	const struct mark_sum *left = a;
	const struct mark_sum *right = b;

	if (left->alloc_count != right->alloc_count)
		return left->alloc_count > right->alloc_count ? -1 : 1;
	return left->mark < right->mark ? -1 : left->mark > right->mark;
}

/* Needs the sites. */
static void sum_marks(struct aggregate *aggregate, const struct profile *profile)
{
	uint64_t *counts = memory_zeroed(MP_STACK_MARKS, sizeof(*counts));

	for (size_t i = 0; i < aggregate->site_count; i++)
		counts[profile_stack_mark(profile, aggregate->sites[i].stack)] += aggregate->sites[i].alloc_count;
	for (uint32_t mark = 1; mark < MP_STACK_MARKS; mark++)
		aggregate->mark_count += counts[mark] > 0;
	aggregate->marks = arena_array(&aggregate->arena, struct mark_sum, aggregate->mark_count);
	for (uint32_t mark = 1, i = 0; mark < MP_STACK_MARKS; mark++) {
		if (counts[mark] > 0)
			aggregate->marks[i++] = (struct mark_sum){ mark, counts[mark] };
	}
	qsort(aggregate->marks, aggregate->mark_count, sizeof(*aggregate->marks), compare_marks);
	free(counts);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void sum_lock_shares(struct aggregate *aggregate, const struct profile *profile)
{
	for (size_t i = 0; i < profile->lock_share_count; i++) {
		const struct mp_lock_share *row = &profile->lock_shares[i];
		struct lock_sum *sum = &aggregate->locks[row->lock - 1];

		sum->acquisitions += row->acquisitions;
		sum->contentions += row->contentions;
		sum->trylock_failures += row->trylock_failures;
		sum->timeouts += row->timeouts;
		sum->wait_ns += row->wait_ns;
		sum->wait_max_ns = larger(sum->wait_max_ns, row->wait_max_ns);
		sum->handoff_ns += row->handoff_ns;
	}
}

/* Order of the rows of one lock next to each other, equal stacks next to each other. */
static int compare_wait_rows(const void *a, const void *b)
{
	const struct mp_lock_wait *left = *(const struct mp_lock_wait *const *)a;
	const struct mp_lock_wait *right = *(const struct mp_lock_wait *const *)b;

	if (left->lock != right->lock)
		return left->lock < right->lock ? -1 : 1;
	return left->stack < right->stack ? -1 : left->stack > right->stack;
}

static int compare_waiters(const void *a, const void *b)
{
	const struct lock_waiter *left = a;
	const struct lock_waiter *right = b;

	if (left->wait_ns != right->wait_ns)
		return left->wait_ns > right->wait_ns ? -1 : 1;
	return left->stack < right->stack ? -1 : left->stack > right->stack;
}

/* How many of COUNT are left without the last, if that one did not wait after all (rows are not taken back). */
static size_t without_idle(const struct lock_waiter *waiters, size_t count)
{
	return count > 0 && waiters[count - 1].count == 0 && waiters[count - 1].wait_ns == 0 ? count - 1 : count;
}

/* Sums rows of equal lock and stack, which are next to each other, into WAITERS. Returns how many that makes. */
static size_t fold_waits(const struct mp_lock_wait **rows, size_t count, struct lock_waiter *waiters)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (i == 0 || rows[i]->stack != rows[i - 1]->stack) {
			used = without_idle(waiters, used);
			waiters[used++] = (struct lock_waiter){ .stack = rows[i]->stack };
		}
		waiters[used - 1].count += rows[i]->count;
		waiters[used - 1].wait_ns += rows[i]->wait_ns;
		waiters[used - 1].wait_max_ns = larger(waiters[used - 1].wait_max_ns, rows[i]->wait_max_ns);
		waiters[used - 1].handoff_ns += rows[i]->handoff_ns;
		waiters[used - 1].reacquire_ns += rows[i]->reacquire_ns;
		waiters[used - 1].timeouts += rows[i]->timeouts;
		waiters[used - 1].flags |= rows[i]->flags;
	}
	return without_idle(waiters, used);
}

static void sum_lock_waits(struct aggregate *aggregate, const struct profile *profile)
{
	size_t count = profile->lock_wait_count;
	const struct mp_lock_wait **rows = memory_zeroed(count, sizeof(*rows));
	struct lock_waiter *waiters = arena_array(&aggregate->arena, struct lock_waiter, count);

	for (size_t i = 0; i < count; i++)
		rows[i] = &profile->lock_waits[i];
	qsort(rows, count, sizeof(*rows), compare_wait_rows);
	for (size_t first = 0, end; first < count; first = end) {
		struct lock_sum *sum = &aggregate->locks[rows[first]->lock - 1];

		for (end = first + 1; end < count && rows[end]->lock == rows[first]->lock;)
			end++;
		sum->waiter_count = fold_waits(rows + first, end - first, waiters);
		sum->waiters = waiters;
		qsort(waiters, sum->waiter_count, sizeof(*waiters), compare_waiters);
		waiters += sum->waiter_count;
	}
	free(rows);
}

/* Locks are summed in a table by number, then those that are no locks (numbers without a row) are taken out. */
static void sum_locks(struct aggregate *aggregate, const struct profile *profile)
{
	aggregate->locks = arena_array(&aggregate->arena, struct lock_sum, profile->lock_count);
	for (size_t i = 0; i < profile->lock_count; i++)
		aggregate->locks[i].lock = &profile->locks[i];
	sum_lock_shares(aggregate, profile);
	sum_lock_waits(aggregate, profile);
	for (size_t i = 0; i < profile->lock_count; i++) {
		if (profile->locks[i].row.address != 0)
			aggregate->locks[aggregate->lock_count++] = aggregate->locks[i];
	}
}

struct site *aggregate_find_site(struct aggregate *aggregate, uint32_t stack)
{
	size_t low = 0;
	size_t high = aggregate->site_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (aggregate->sites[middle].stack < stack)
			low = middle + 1;
		else
			high = middle;
	}
	return low < aggregate->site_count && aggregate->sites[low].stack == stack ? &aggregate->sites[low] : NULL;
}

void aggregate_init(struct aggregate *aggregate, const struct profile *profile)
{
	*aggregate = (struct aggregate){ 0 };
	sum_sites(aggregate, profile);
	size_classes_sum(aggregate, profile);
	lifetimes_sum(aggregate, profile);
	reallocs_sum(aggregate, profile);
	sum_marks(aggregate, profile);
	sum_locks(aggregate, profile);
}

void aggregate_free(struct aggregate *aggregate)
{
	arena_free(&aggregate->arena);
	*aggregate = (struct aggregate){ 0 };
}

int64_t site_value(const struct site *site, enum site_key key)
{
	switch (key) {
#define X(name, text, field)  \
	case SITE_KEY_##name: \
		return (int64_t)site->field;
		SITE_KEYS(X)
#undef X
	}
	return 0;
}

uint64_t site_error(double variance)
{
	double error = variance > 0 ? sqrt(variance) : 0;

	return error < 9e18 ? (uint64_t)(error + 0.5) : INT64_MAX;
}

uint64_t site_value_error(const struct site *site, enum site_key key)
{
	switch (key) {
	case SITE_KEY_PEAK:
		return site_error(site->peak_bytes_var);
	case SITE_KEY_BYTES:
		return site_error(site->alloc_bytes_var);
	case SITE_KEY_COUNT:
		return site_error(site->alloc_count_var);
	case SITE_KEY_TEMPORARY:
		return site_error(site->temporary_count_var);
	case SITE_KEY_LIVE:
		return site_error(site->alloc_bytes_var - site->free_bytes_var);
	case SITE_KEY_REALLOC:
		return site_error(site->realloc_count_var);
	}
	return 0;
}

static int compare_sites(const void *a, const void *b, void *context)
{
	const struct site *left = *(const struct site *const *)a;
	const struct site *right = *(const struct site *const *)b;
	const enum site_key *key = context;
	int64_t left_value = site_value(left, *key);
	int64_t right_value = site_value(right, *key);

	if (left_value != right_value)
		return left_value > right_value ? -1 : 1;
	return left->stack < right->stack ? -1 : left->stack > right->stack;
}

void aggregate_rank_sites(const struct site **sites, size_t count, enum site_key key)
{
	if (count > 0)
		qsort_r(sites, count, sizeof(*sites), compare_sites, &key);
}
