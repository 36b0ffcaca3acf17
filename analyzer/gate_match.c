/* SPDX-License-Identifier: MIT */
/*
 * Matching in passes, from the most alike to the less: a leak and a row of the baseline that belong together are taken
 * out before a weaker likeness can tear them apart.
 */
#include "gate_match.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_SLACK 1.1 /* mean sizes of blocks that may be those of one structure before and after a change */

struct pass {
	const char *name;
	bool same_class;
	bool same_stack;
};

/*
 * Which block of a cycle is the lost one and which hang on it is a matter of addresses, and a baseline without verdicts
 * knows no class, so classes may differ in the second pass.
 */
static const struct pass passes[] = {
	{ "equal", true, true },
	{ "class changed", false, true },
	{ "inlined", true, false },
};

static bool is_lost(enum mp_leak_class leak_class)
{
	return leak_class == MP_LEAK_DEFINITE || leak_class == MP_LEAK_INDIRECT || leak_class == MP_LEAK_UNFREED;
}

static bool classes_agree(enum mp_leak_class now, enum mp_leak_class old, bool same)
{
	return now == old || (!same && ((is_lost(now) && is_lost(old)) || old == MP_LEAK_UNFREED));
}

static double mean_bytes(const struct summary_leak *leak)
{
	return leak->blocks.value > 0 ? leak->bytes.value / leak->blocks.value : 0;
}

static bool sizes_agree(const struct summary_leak *a, const struct summary_leak *b)
{
	return mean_bytes(a) <= mean_bytes(b) * SIZE_SLACK && mean_bytes(b) <= mean_bytes(a) * SIZE_SLACK;
}

static bool rows_agree(const struct summary_leak *now, const struct summary_leak *old, const struct pass *pass)
{
	if (!classes_agree(now->leak_class, old->leak_class, pass->same_class))
		return false;
	if (pass->same_stack)
		return now->key.hash == old->key.hash;
	return sizes_agree(now, old) && stack_key_is_similar(&now->key, &old->key);
}

/* The rows taken by one leak, as one. */
static const struct summary_leak *add_old(const struct summary_leak *sum, const struct summary_leak *old,
					  struct arena *arena)
{
	struct summary_leak *both;

	if (!sum)
		return old;
	both = arena_copy(arena, sum, sizeof(*sum));
	amount_add(&both->blocks, &old->blocks);
	amount_add(&both->bytes, &old->bytes);
	return both;
}

/* Rows by hash, as a list through `next`. */
struct index {
	struct hash_map first; /* hash of the key -> row + 1 */
	size_t *next;          /* row + 1, 0 = the end */
};

static void index_init(struct index *index, const struct summary *baseline)
{
	*index = (struct index){ .next = memory_zeroed(baseline->leaks.count + 1, sizeof(*index->next)) };
	for (size_t i = baseline->leaks.count; i > 0; i--) {
		uint64_t *first = hash_map_put(&index->first, baseline->leaks.list[i - 1].key.hash, NULL);

		index->next[i - 1] = (size_t)*first;
		*first = i;
	}
}

static void match_by_stack(const struct summary *baseline, const struct index *index, const struct pass *pass,
			   const struct gate_leak *leak, const struct summary_leak **old, bool *used,
			   struct arena *arena)
{
	const uint64_t *first = hash_map_find(&index->first, leak->leak.key.hash);

	for (size_t row = first ? (size_t)*first : 0; row > 0; row = index->next[row - 1]) {
		if (used[row - 1] || !rows_agree(&leak->leak, &baseline->leaks.list[row - 1], pass))
			continue;
		*old = add_old(*old, &baseline->leaks.list[row - 1], arena);
		used[row - 1] = true;
	}
}

/* Only a leak that nothing else explains, and one row for it. */
static void match_by_likeness(const struct summary *baseline, const struct pass *pass, const struct gate_leak *leak,
			      const struct summary_leak **old, bool *used)
{
	for (size_t row = 0; !*old && row < baseline->leaks.count; row++) {
		if (used[row] || !rows_agree(&leak->leak, &baseline->leaks.list[row], pass))
			continue;
		*old = &baseline->leaks.list[row];
		used[row] = true;
	}
}

void gate_match(const struct summary *baseline, const struct gate_leak *leaks, size_t count,
		const struct summary_leak **ret_olds, bool *ret_used, struct arena *arena)
{
	struct index index;

	index_init(&index, baseline);
	for (size_t i = 0; i < sizeof(passes) / sizeof(*passes); i++) {
		/* Twice: a suppressed leak is no reason to take its row from another. */
		for (size_t k = 0; k < 2 * count; k++) {
			size_t j = k % count;

			if ((leaks[j].suppression != NULL) != (k >= count))
				continue;
			if (passes[i].same_stack)
				match_by_stack(baseline, &index, &passes[i], &leaks[j], &ret_olds[j], ret_used, arena);
			else
				match_by_likeness(baseline, &passes[i], &leaks[j], &ret_olds[j], ret_used);
		}
	}
	free(index.next);
	hash_map_free(&index.first);
}
