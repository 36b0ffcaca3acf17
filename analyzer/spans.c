/* SPDX-License-Identifier: MIT */
/* Ranges sorted by start; "reach" bounds how far back a range can begin that still holds an address. */
#include "spans.h"

#include <stdlib.h>

void spans_add(struct spans *s, struct span span)
{
	if (span.start < span.end)
		vec_push(&s->spans) = span;
}

/* Ascending start. The search runs backwards: of equal starts the better rank stands last, then the shorter range. */
static int compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

void spans_sort(struct spans *s)
{
	uint64_t reach = 0;

	if (s->spans.count == 0)
		return;
	qsort(s->spans.list, s->spans.count, sizeof(*s->spans.list), compare);
	for (size_t i = 0; i < s->spans.count; i++) {
		if (s->spans.list[i].end > reach)
			reach = s->spans.list[i].end;
		s->spans.list[i].reach = reach;
	}
}

void spans_free(struct spans *s)
{
	vec_free(&s->spans);
}

const struct span *spans_before(const struct spans *s, uint64_t address)
{
	size_t low = 0, high = s->spans.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->spans.list[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &s->spans.list[low - 1] : NULL;
}

const struct span *spans_find(const struct spans *s, uint64_t address, const struct span *after)
{
	const struct span *span = after ? after : spans_before(s, address);

	if (span == NULL || (after && span == s->spans.list))
		return NULL;
	if (after)
		span--;
	while (span->reach > address) {
		if (span->end > address)
			return span;
		if (span == s->spans.list)
			return NULL;
		span--;
	}
	return NULL;
}
