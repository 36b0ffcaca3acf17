/* SPDX-License-Identifier: MIT */
/* Stacks as a tree. Each node of the profile is translated once, however many stacks go through it. */
#include "export_tree.h"

#include <string.h>

#include "stack_view.h"

static uint32_t add_place(struct export_tree *tree, struct export_place place)
{
	bool is_new;
	uint64_t *index = hash_map_put(&tree->place_of, (uintptr_t)place.frames, &is_new);

	if (is_new) {
		place.first_frame = tree->frame_count;
		tree->frame_count += (uint32_t)place.count;
		vec_push(&tree->places) = place;
		*index = tree->places.count - 1;
	}
	return (uint32_t)*index;
}

static uint32_t add_node(struct export_tree *tree, uint32_t parent, uint32_t place)
{
	bool is_new;
	uint64_t *number = hash_map_put(&tree->node_of, (uint64_t)parent << 32 | place, &is_new);

	if (is_new) {
		vec_push(&tree->nodes) = (struct export_node){ parent, place };
		*number = tree->nodes.count - 1;
	}
	return (uint32_t)*number;
}

/* The outermost node "[TEXT]", without an address. KEY is that of TEXT. */
static uint32_t remark_node(struct export_tree *tree, uint32_t key, const char *text)
{
	bool is_new;
	uint64_t *node = hash_map_put(&tree->remarks, key, &is_new);

	if (is_new) {
		size_t bytes = strlen(text) + 3;
		char *name = arena_alloc(&tree->arena, bytes);
		struct frame *frame = arena_array(&tree->arena, struct frame, 1);

		snprintf(name, bytes, "[%s]", text);
		frame->function = name;
		*node = add_node(tree, 0, add_place(tree, (struct export_place){ .frames = frame, .count = 1 }));
	}
	return (uint32_t)*node;
}

/* The node of what ends the stack, 0 if it is complete. */
static uint32_t mark_node(struct export_tree *tree, uint32_t mark)
{
	const char *text = profile_mark_text(mark);

	return mark == 0 ? 0 : remark_node(tree, mark, text ? text : "cut: unknown reason");
}

uint32_t export_tree_node(struct export_tree *tree, uint32_t stack)
{
	const struct profile *profile = tree->report->profile;
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t count;
	size_t known = 0;
	uint32_t at;

	if (tree->memo[stack])
		return tree->memo[stack];
	if (stack == 0)
		return tree->memo[0] = remark_node(tree, MP_STACK_MARKS + 1, "not known who");
	count = profile_stack(profile, stack, nodes);
	while (known < count && tree->memo[nodes[known]] == 0)
		known++;
	at = known < count ? tree->memo[nodes[known]] : mark_node(tree, profile_stack_mark(profile, stack));
	for (size_t i = known; i-- > 0;) {
		const struct profile_node *row = &profile->nodes[nodes[i]];
		struct export_place place = { .module = row->module, .pc = row->exact ? row->ip : row->ip - 1 };

		place.frames = stack_view_node_frames(profile, tree->report->symbols, nodes[i], &place.count);
		if (place.count > 0)
			at = add_node(tree, at, add_place(tree, place));
		tree->memo[nodes[i]] = at;
	}
	if (at == 0) /* memprof's own frames only, or none at all */
		at = remark_node(tree, MP_STACK_MARKS, "memprof");
	tree->memo[stack] = at;
	return at;
}

void export_tree_init(struct export_tree *tree, const struct report *report, unsigned what)
{
	*tree = (struct export_tree){ .report = report };
	tree->memo = memory_zeroed(report->profile->node_count + 1, sizeof(*tree->memo));
	vec_push(&tree->nodes) = (struct export_node){ 0 };
	for (size_t i = 0; what & EXPORT_SITES && i < report->site_count; i++)
		export_tree_node(tree, report->sites[i]->stack);
	for (size_t i = 0; what & EXPORT_WAITS && i < report->lock_count; i++) {
		for (size_t j = 0; j < report->locks[i]->waiter_count; j++)
			export_tree_node(tree, report->locks[i]->waiters[j].stack);
	}
	for (size_t i = 0; what & EXPORT_HOLDS && i < report->lock_count; i++) {
		for (size_t j = 0; j < report->locks[i]->culprit_count; j++)
			export_tree_node(tree, report->locks[i]->culprits[j].culprit);
	}
}

void export_tree_free(struct export_tree *tree)
{
	vec_free(&tree->places);
	vec_free(&tree->nodes);
	hash_map_free(&tree->place_of);
	hash_map_free(&tree->node_of);
	hash_map_free(&tree->remarks);
	free(tree->memo);
	arena_free(&tree->arena);
}
