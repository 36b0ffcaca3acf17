/* SPDX-License-Identifier: MIT */
/* Pairs of sites and locks, and what their difference is worth. */
#include "diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define Z_95 1.96

/* So many sites without a like, the largest, are compared with each other in search of inlined calls. */
#define LIKENESS_MAX 500u

const char *diff_state_word(enum diff_state state)
{
#define X(name, word) word,
	static const char *const words[] = { DIFF_STATES(X) };
#undef X

	return words[state];
}

struct amount diff_value(const struct summary_site *site, enum diff_metric metric)
{
	static const struct amount nothing;

	if (!site)
		return nothing;
	switch (metric) {
#define X(name, key, field, title, is_bytes) \
	case DIFF_##name:                    \
		return site->field;
		DIFF_METRICS(X)
#undef X
	case DIFF_METRIC_COUNT:
		break;
	}
	return nothing;
}

static double total_of(const struct summary_totals *totals, enum diff_metric metric)
{
	switch (metric) {
	case DIFF_PEAK:
		return totals->peak_bytes.value;
	case DIFF_LIVE:
		return totals->live_bytes.value;
	case DIFF_BYTES:
		return totals->alloc_bytes.value;
	case DIFF_COUNT:
		return totals->alloc_count.value;
	case DIFF_TEMPORARY:
		return totals->temporary_count.value;
	case DIFF_METRIC_COUNT:
		break;
	}
	return 0;
}

static enum diff_state state_of(const struct amount *old, const struct amount *now, double total, double min_share)
{
	double change = fabs(now->value - old->value);

	if (change == 0 || change < total * min_share || change < Z_95 * sqrt(now->variance + old->variance))
		return DIFF_SAME;
	if (old->value == 0)
		return DIFF_NEW;
	if (now->value == 0)
		return DIFF_GONE;
	return now->value > old->value ? DIFF_GROWN : DIFF_SHRUNK;
}

enum diff_state diff_site_state(const struct diff *diff, const struct diff_site *site, enum diff_metric metric)
{
	struct amount old = diff_value(site->old, metric);
	struct amount now = diff_value(site->now, metric);
	double total = fmax(total_of(&diff->old->totals, metric), total_of(&diff->now->totals, metric));

	return state_of(&old, &now, total, diff->min_share);
}

/* Ranking. */

struct change {
	const struct diff_site *site;
	double size;
};

static int compare_changes(const void *a, const void *b)
{
	const struct change *x = a;
	const struct change *y = b;
	uint64_t hash_x = x->site->now ? x->site->now->hash : x->site->old->hash;
	uint64_t hash_y = y->site->now ? y->site->now->hash : y->site->old->hash;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return (hash_x > hash_y) - (hash_x < hash_y);
}

size_t diff_rank(const struct diff *diff, enum diff_metric metric, const struct diff_site ***ret_list)
{
	struct change *changes = memory_zeroed(diff->sites.count + 1, sizeof(*changes));
	const struct diff_site **list = memory_zeroed(diff->sites.count + 1, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < diff->sites.count; i++) {
		const struct diff_site *site = &diff->sites.list[i];

		if (diff_site_state(diff, site, metric) != DIFF_SAME)
			changes[count++] = (struct change){ site, fabs(diff_value(site->now, metric).value -
								       diff_value(site->old, metric).value) };
	}
	qsort(changes, count, sizeof(*changes), compare_changes);
	for (size_t i = 0; i < count; i++)
		list[i] = changes[i].site;
	free(changes);
	*ret_list = list;
	return count;
}

void diff_stack(const struct diff *diff, const struct diff_site *site, struct summary_stack *ret_stack)
{
	if (site->now)
		summary_site_stack(diff->now, site->now, ret_stack);
	else
		summary_site_stack(diff->old, site->old, ret_stack);
}

/* Pairing. */

static int compare_sizes(const void *a, const void *b)
{
	const struct summary_site *x = *(const struct summary_site *const *)a;
	const struct summary_site *y = *(const struct summary_site *const *)b;

	if (x->alloc_bytes.value != y->alloc_bytes.value)
		return x->alloc_bytes.value > y->alloc_bytes.value ? -1 : 1;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Sites of SUMMARY that are not in OTHER, largest first. */
static const struct summary_site **unmatched(const struct summary *summary, const struct summary *other,
					     size_t *ret_count)
{
	const struct summary_site **list = memory_zeroed(summary->sites.count + 1, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < summary->sites.count; i++) {
		if (!hash_map_find(&other->site_places, summary->sites.list[i].hash))
			list[count++] = &summary->sites.list[i];
	}
	qsort(list, count, sizeof(*list), compare_sizes);
	*ret_count = count;
	return list;
}

static bool is_like(const struct summary_site *a, const struct summary_site *b)
{
	double mean_a = a->alloc_count.value > 0 ? a->alloc_bytes.value / a->alloc_count.value : 0;
	double mean_b = b->alloc_count.value > 0 ? b->alloc_bytes.value / b->alloc_count.value : 0;

	return mean_a <= mean_b * 1.1 && mean_b <= mean_a * 1.1;
}

static void pair_alike(struct diff *diff, const struct summary_site **olds, size_t old_count,
		       const struct summary_site **nows, size_t now_count)
{
	struct stack_key *keys = memory_zeroed(LIKENESS_MAX, sizeof(*keys));
	size_t old_tried = old_count < LIKENESS_MAX ? old_count : LIKENESS_MAX;

	for (size_t i = 0; i < old_tried; i++)
		keys[i] = summary_site_key(diff->old, olds[i]);
	for (size_t i = 0; i < now_count; i++) {
		struct diff_site pair = { .now = nows[i] };
		struct stack_key key = { 0 };

		if (i < LIKENESS_MAX)
			key = summary_site_key(diff->now, nows[i]);
		for (size_t j = 0; i < LIKENESS_MAX && !pair.old && j < old_tried; j++) {
			if (olds[j] && is_like(olds[j], nows[i]) && stack_key_is_similar(&keys[j], &key)) {
				pair.old = olds[j];
				olds[j] = NULL;
			}
		}
		vec_push(&diff->sites) = pair;
	}
	for (size_t i = 0; i < old_count; i++) {
		if (olds[i])
			vec_push(&diff->sites) = (struct diff_site){ .old = olds[i] };
	}
	free(keys);
}

static void pair_sites(struct diff *diff)
{
	size_t old_count, now_count;
	const struct summary_site **olds = unmatched(diff->old, diff->now, &old_count);
	const struct summary_site **nows = unmatched(diff->now, diff->old, &now_count);

	for (size_t i = 0; i < diff->now->sites.count; i++) {
		const struct summary_site *now = &diff->now->sites.list[i];
		const uint64_t *place = hash_map_find(&diff->old->site_places, now->hash);

		if (place)
			vec_push(&diff->sites) = (struct diff_site){ &diff->old->sites.list[*place], now };
	}
	pair_alike(diff, olds, old_count, nows, now_count);
	free(olds);
	free(nows);
}

static double lock_change(const struct diff_lock *lock)
{
	return fabs((lock->now ? (double)lock->now->wait_ns : 0) - (lock->old ? (double)lock->old->wait_ns : 0));
}

static int compare_locks(const void *a, const void *b)
{
	double x = lock_change(a);
	double y = lock_change(b);

	return (x < y) - (x > y);
}

static void add_lock(struct diff *diff, const struct summary_lock *old, const struct summary_lock *now)
{
	struct amount before = { old ? (double)old->wait_ns : 0, 0 };
	struct amount after = { now ? (double)now->wait_ns : 0, 0 };
	double total = fmax((double)diff->old->totals.wait_ns, (double)diff->now->totals.wait_ns);
	struct diff_lock lock = { old, now, state_of(&before, &after, total, diff->min_share) };

	if (lock.state != DIFF_SAME)
		vec_push(&diff->locks) = lock;
}

static void pair_locks(struct diff *diff)
{
	for (size_t i = 0; i < diff->now->locks.count; i++) {
		const struct summary_lock *now = &diff->now->locks.list[i];
		const uint64_t *place = hash_map_find(&diff->old->lock_places, now->hash);

		add_lock(diff, place ? &diff->old->locks.list[*place] : NULL, now);
	}
	for (size_t i = 0; i < diff->old->locks.count; i++) {
		const struct summary_lock *old = &diff->old->locks.list[i];

		if (!hash_map_find(&diff->now->lock_places, old->hash))
			add_lock(diff, old, NULL);
	}
	if (diff->locks.count > 1)
		qsort(diff->locks.list, diff->locks.count, sizeof(*diff->locks.list), compare_locks);
}

void diff_init(struct diff *diff, struct summary *old, struct summary *now, double min_percent)
{
	*diff = (struct diff){ .old = old, .now = now, .min_share = min_percent / 100 };
	policy_init(&diff->no_policy);
	diff->no_policy.fail_on = 0;
	pair_sites(diff);
	pair_locks(diff);
	gate_judge(&diff->leaks, &diff->no_policy, now, old, &diff->no_suppressions);
}

void diff_free(struct diff *diff)
{
	gate_free(&diff->leaks);
	suppress_free(&diff->no_suppressions);
	policy_free(&diff->no_policy);
	vec_free(&diff->sites);
	vec_free(&diff->locks);
}
