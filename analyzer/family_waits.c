/* SPDX-License-Identifier: MIT */
/* Sums of waits over processes. */
#include "family_waits.h"

#include <stdlib.h>

#include "aggregate.h"
#include "filter.h"
#include "profile.h"

static bool is_contention(uint32_t kind)
{
	return profile_is_contention(profile_lock_category(kind));
}

/* The place of STACK, whose hash is HASH, among those of one kind of lock; new ones are put behind the others. */
static size_t place_of(struct hash_map *of_hash, size_t next, uint64_t hash, uint32_t kind)
{
	bool is_new;
	uint64_t *index = hash_map_put(of_hash, hash_u64(hash + kind), &is_new);

	if (is_new)
		*index = next;
	return *index;
}

static void add_to(struct family_place *place, size_t process, uint32_t stack, uint64_t weight)
{
	bool first = place->last == 0;

	if (place->last != process + 1)
		place->processes++;
	place->last = process + 1;
	if (!first && weight <= place->most)
		return;
	place->most = weight;
	place->process = process;
	place->stack = stack;
}

static void add_waiter(struct family_waits *waits, const struct lock_sum *lock, const struct lock_waiter *waiter,
		       uint64_t hash, size_t process)
{
	uint32_t kind = lock->lock->row.kind;
	size_t index = place_of(&waits->waiter_of_hash, waits->waiters.count, hash, kind);
	struct family_place *place;

	if (index == waits->waiters.count)
		vec_push(&waits->waiters) = (struct family_place){ .kind = kind };
	place = &waits->waiters.list[index];
	place->count += waiter->count;
	place->wait_ns += waiter->wait_ns;
	*(is_contention(kind) ? &waits->contention_ns : &waits->coordination_ns) += waiter->wait_ns;
	add_to(place, process, waiter->stack, waiter->wait_ns);
	if (kind == MP_LOCK_SEM)
		vec_push(&waits->waits) = (struct family_link){ .address = lock->lock->row.address, .place = index };
}

static void add_waker(struct family_waits *waits, const struct mp_lock_wake *wake, uint64_t hash, size_t process)
{
	size_t index = place_of(&waits->waker_of_hash, waits->wakers.count, hash, wake->kind);
	struct family_place *place;

	if (index == waits->wakers.count)
		vec_push(&waits->wakers) = (struct family_place){ .kind = wake->kind };
	place = &waits->wakers.list[index];
	place->count += wake->count;
	add_to(place, process, wake->stack, wake->count);
	vec_push(&waits->wakes) =
		(struct family_link){ .address = wake->address, .place = index, .count = wake->count };
}

static bool is_wanted(const struct report *report, uint32_t stack)
{
	return !report->filter || filter_matches_stack(report->filter, stack);
}

void family_waits_add(struct family_waits *waits, const struct report *report, const uint64_t *hashes, size_t process)
{
	const struct aggregate *aggregate = report->aggregate;
	const struct profile *profile = report->profile;

	for (size_t i = 0; i < aggregate->lock_count; i++) {
		const struct lock_sum *lock = &aggregate->locks[i];

		for (size_t k = 0; lock->lock && k < lock->waiter_count; k++) {
			if (is_wanted(report, lock->waiters[k].stack))
				add_waiter(waits, lock, &lock->waiters[k], hashes[lock->waiters[k].stack], process);
		}
	}
	for (size_t i = 0; i < profile->lock_wake_count; i++)
		add_waker(waits, &profile->lock_wakes[i], hashes[profile->lock_wakes[i].stack], process);
}

/* --- links --- */

static int compare(uint64_t x, uint64_t y)
{
	return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b)
{
	const struct family_link *x = a, *y = b;

	return x->place != y->place ? compare(x->place, y->place) : compare(x->address, y->address);
}

static int by_address(const void *a, const void *b)
{
	const struct family_link *x = a, *y = b;

	return x->address != y->address ? compare(x->address, y->address) : compare(x->place, y->place);
}

/* The first of COUNT sorted links that does not come before KEY. */
static size_t first_link(const struct family_link *list, size_t count, struct family_link key,
			 int (*order)(const void *, const void *))
{
	size_t first = 0;

	while (first < count) {
		size_t middle = first + (count - first) / 2;

		if (order(&list[middle], &key) < 0)
			first = middle + 1;
		else
			count = middle;
	}
	return first;
}

static void sort_links(struct family_link *list, size_t count, int (*order)(const void *, const void *))
{
	if (count > 0)
		qsort(list, count, sizeof(*list), order);
}

void family_waits_finish(struct family_waits *waits, const size_t *place)
{
	for (size_t i = 0; i < waits->waiters.count; i++)
		waits->waiters.list[i].process = place[waits->waiters.list[i].process];
	for (size_t i = 0; i < waits->wakers.count; i++)
		waits->wakers.list[i].process = place[waits->wakers.list[i].process];
	sort_links(waits->waits.list, waits->waits.count, by_place);
	sort_links(waits->wakes.list, waits->wakes.count, by_address);
}

/* --- ranking --- */

static const struct family_place *ranking;

static int by_wait(const void *a, const void *b)
{
	const struct family_place *x = &ranking[*(const size_t *)a];
	const struct family_place *y = &ranking[*(const size_t *)b];

	if (x->wait_ns != y->wait_ns)
		return x->wait_ns > y->wait_ns ? -1 : 1;
	return x < y ? -1 : x > y;
}

size_t family_waits_rank(const struct family_waits *waits, bool contention, size_t *ret_list)
{
	size_t count = 0;

	for (size_t i = 0; i < waits->waiters.count; i++) {
		if (waits->waiters.list[i].wait_ns > 0 && is_contention(waits->waiters.list[i].kind) == contention)
			ret_list[count++] = i;
	}
	ranking = waits->waiters.list;
	if (count > 0)
		qsort(ret_list, count, sizeof(*ret_list), by_wait);
	return count;
}

/* Keeps LIST, of COUNT, the largest first. Returns the new count. */
static size_t insert(struct family_waker *list, size_t count, struct family_waker waker)
{
	size_t at = count < FAMILY_WAKERS ? count++ : FAMILY_WAKERS;

	while (at > 0 && list[at - 1].count < waker.count) {
		if (at < FAMILY_WAKERS)
			list[at] = list[at - 1];
		at--;
	}
	if (at < FAMILY_WAKERS)
		list[at] = waker;
	return count;
}

/* What woke at the addresses that WAITER waited at. A dump may have any number of either, so all is found by search. */
static struct family_links wakes_for(const struct family_waits *waits, size_t waiter)
{
	const struct family_links *all = &waits->wakes;
	struct family_links found = { 0 };
	size_t i = first_link(waits->waits.list, waits->waits.count, (struct family_link){ .place = waiter }, by_place);

	for (const struct family_link *last = NULL; i < waits->waits.count; i++) {
		const struct family_link *wait = &waits->waits.list[i];
		struct family_link key = { .address = wait->address };

		if (wait->place != waiter)
			break;
		if (last && last->address == wait->address)
			continue;
		last = wait;
		for (size_t k = first_link(all->list, all->count, key, by_address);
		     k < all->count && all->list[k].address == wait->address; k++)
			vec_push(&found) = all->list[k];
	}
	sort_links(found.list, found.count, by_place);
	return found;
}

size_t family_waits_wakers(const struct family_waits *waits, size_t waiter, struct family_waker *ret_list,
			   uint64_t *ret_all)
{
	struct family_links found = wakes_for(waits, waiter);
	struct family_waker waker = { 0 };
	size_t count = 0;

	*ret_all = 0;
	for (size_t i = 0; i < found.count; i++) {
		const struct family_link *wake = &found.list[i];

		if (i == 0 || wake->place != found.list[i - 1].place)
			waker = (struct family_waker){ &waits->wakers.list[wake->place], 0 };
		waker.count += wake->count;
		*ret_all += wake->count;
		if (waker.count > 0 && (i + 1 == found.count || found.list[i + 1].place != wake->place))
			count = insert(ret_list, count, waker);
	}
	vec_free(&found);
	return count;
}

void family_waits_free(struct family_waits *waits)
{
	vec_free(&waits->waiters);
	vec_free(&waits->wakers);
	vec_free(&waits->waits);
	vec_free(&waits->wakes);
	hash_map_free(&waits->waiter_of_hash);
	hash_map_free(&waits->waker_of_hash);
}
