/* SPDX-License-Identifier: MIT */
/* Sums of the rows of all threads that freed observed blocks. */
#include "lifetimes.h"

uint64_t lifetime_from_ns(uint32_t k)
{
	uint64_t ns = 100;

	for (uint32_t i = 0; i < k; i++)
		ns *= 10;
	return k ? ns : 0;
}

uint64_t lifetime_to_ns(uint32_t k)
{
	return k < MP_LIFETIME_CLASSES - 1 ? lifetime_from_ns(k + 1) : UINT64_MAX;
}

uint64_t lifetime_mean_ns(const struct lifetime_sum *sum)
{
	uint64_t weight = 0;

	for (uint32_t k = 0; k < MP_LIFETIME_CLASSES; k++)
		weight += sum->counts[k];
	return weight ? sum->sum_ns / weight : 0;
}

static void add(struct lifetime_sum *sum, const struct mp_lifetime *row)
{
	sum->observed += row->observed;
	sum->elsewhere += row->elsewhere;
	sum->sum_ns += row->sum_ns;
	for (uint32_t k = 0; k < MP_LIFETIME_CLASSES; k++)
		sum->counts[k] += row->counts[k];
}

void lifetimes_sum(struct aggregate *aggregate, const struct profile *profile)
{
	struct lifetime_sum *all = NULL;

	for (size_t i = 0; i < profile->lifetime_count; i++) {
		const struct mp_lifetime *row = &profile->lifetimes[i];
		struct site *site = aggregate_find_site(aggregate, row->stack);

		if (!row->observed)
			continue;
		if (!all)
			all = arena_array(&aggregate->arena, struct lifetime_sum, 1);
		add(all, row);
		/* Without a site only in a damaged file. */
		if (!site)
			continue;
		if (!site->lifetimes)
			site->lifetimes = arena_array(&aggregate->arena, struct lifetime_sum, 1);
		add(site->lifetimes, row);
	}
	aggregate->totals.lifetimes = all;
}
