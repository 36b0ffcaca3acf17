/* SPDX-License-Identifier: MIT */
/* Sums of the rows of all threads that resized blocks. */
#include "reallocs.h"

#include <stdlib.h>

static void add(struct realloc_sum *sum, const struct mp_site_resized *row)
{
	sum->blocks += row->first_count;
	sum->first_bytes += row->first_bytes;
	sum->moves += row->move_count;
	sum->copied_bytes += row->copied_bytes;
	sum->grown_bytes += row->grown_bytes;
	sum->shrinks += row->shrink_count;
	sum->shrunk_bytes += row->shrunk_bytes;
	sum->unknown += row->unknown_count;
}

void reallocs_sum(struct aggregate *aggregate, const struct profile *profile)
{
	struct realloc_sum *all = NULL;

	for (size_t i = 0; i < profile->resized_count; i++) {
		const struct mp_site_resized *row = &profile->resized[i];
		struct site *site = aggregate_find_site(aggregate, row->site.stack);

		if (!all)
			all = arena_array(&aggregate->arena, struct realloc_sum, 1);
		add(all, row);
		/* There is one, for it is a row of sites as well. */
		if (!site->reallocs)
			site->reallocs = arena_array(&aggregate->arena, struct realloc_sum, 1);
		add(site->reallocs, row);
		site->reallocs->steps = site->realloc_count;
	}
	if (all)
		all->steps = aggregate->totals.realloc_count;
	aggregate->totals.reallocs = all;
}

static int compare_sites(const void *a, const void *b)
{
	const struct site *x = *(const struct site *const *)a;
	const struct site *y = *(const struct site *const *)b;

	if (x->reallocs->copied_bytes != y->reallocs->copied_bytes)
		return x->reallocs->copied_bytes > y->reallocs->copied_bytes ? -1 : 1;
	if (x->reallocs->steps != y->reallocs->steps)
		return x->reallocs->steps > y->reallocs->steps ? -1 : 1;
	return (x->stack > y->stack) - (x->stack < y->stack);
}

const struct site **reallocs_rank(const struct site *const *sites, size_t count, size_t *ret_count)
{
	const struct site **list = memory_zeroed(count + 1, sizeof(*list));

	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		if (sites[i]->reallocs && sites[i]->reallocs->steps)
			list[(*ret_count)++] = sites[i];
	}
	if (*ret_count > 1)
		qsort(list, *ret_count, sizeof(*list), compare_sites);
	return list;
}
