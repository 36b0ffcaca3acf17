/* SPDX-License-Identifier: MIT */
/* A row has one class of sizes, which is that of its mean. */
#include "size_classes.h"

#include <stdlib.h>

#define CLASSES 64u

uint64_t size_class_from(uint32_t size_class)
{
	return size_class ? 1ull << size_class : 0;
}

uint64_t size_class_to(uint32_t size_class)
{
	return size_class < CLASSES - 1 ? (2ull << size_class) - 1 : UINT64_MAX;
}

static uint32_t class_of(const struct mp_site *row)
{
	return (uint32_t)(CLASSES - 1) - (uint32_t)__builtin_clzll(row->alloc_bytes / row->alloc_count | 1);
}

static int compare_rows(const void *a, const void *b)
{
	const struct mp_site *left = *(const struct mp_site *const *)a;
	const struct mp_site *right = *(const struct mp_site *const *)b;
	uint32_t left_class, right_class;

	if (left->stack != right->stack)
		return left->stack < right->stack ? -1 : 1;
	left_class = class_of(left);
	right_class = class_of(right);
	return left_class < right_class ? -1 : left_class > right_class;
}

static void sum_totals(struct aggregate *aggregate)
{
	struct size_sum *sums = arena_array(&aggregate->arena, struct size_sum, CLASSES);
	size_t used = 0;

	for (size_t i = 0; i < aggregate->site_count; i++) {
		const struct site *site = &aggregate->sites[i];

		for (size_t k = 0; k < site->size_count; k++) {
			sums[site->sizes[k].size_class].count += site->sizes[k].count;
			sums[site->sizes[k].size_class].bytes += site->sizes[k].bytes;
		}
	}
	for (uint32_t k = 0; k < CLASSES; k++) {
		if (sums[k].count)
			sums[used++] = (struct size_sum){ k, sums[k].count, sums[k].bytes };
	}
	aggregate->totals.sizes = sums;
	aggregate->totals.size_count = used;
}

void size_classes_sum(struct aggregate *aggregate, const struct profile *profile)
{
	const struct mp_site **rows;
	struct size_sum *sums;
	size_t count = 0;
	size_t next = 0;

	if (!(profile->process.features & MP_FEATURE_SIZES))
		return;
	rows = memory_zeroed(profile->site_count, sizeof(*rows));
	for (size_t i = 0; i < profile->site_count; i++) {
		/* The others count only frees of what other threads allocated. */
		if (profile->sites[i].alloc_count)
			rows[count++] = &profile->sites[i];
	}
	qsort(rows, count, sizeof(*rows), compare_rows);
	sums = arena_array(&aggregate->arena, struct size_sum, count);
	/* Both are in the order of stacks, and every row has its site. */
	for (size_t i = 0; i < aggregate->site_count; i++) {
		struct site *site = &aggregate->sites[i];

		site->sizes = sums;
		for (; next < count && rows[next]->stack == site->stack; next++) {
			uint32_t size_class = class_of(rows[next]);

			if (!site->size_count || sums[site->size_count - 1].size_class != size_class)
				sums[site->size_count++] = (struct size_sum){ .size_class = size_class };
			sums[site->size_count - 1].count += rows[next]->alloc_count;
			sums[site->size_count - 1].bytes += rows[next]->alloc_bytes;
		}
		sums += site->size_count;
	}
	free(rows);
	sum_totals(aggregate);
}
