/* SPDX-License-Identifier: MIT */
/* A function is one node below its caller, whatever its lines. */
#include "call_tree.h"

#include <stdlib.h>

#include "samples.h"
#include "stack_view.h"

static uint32_t child_of(struct call_tree *tree, uint32_t parent, const char *name, const struct frame *frame)
{
	uint32_t id = text_index_of(&tree->names, name);
	bool is_new;
	uint64_t *number = hash_map_put(&tree->children, (uint64_t)parent << 32 | id, &is_new);

	if (is_new) {
		vec_push(&tree->nodes) = (struct call_node){ .parent = parent,
							     .name = tree->names.texts.list[id],
							     .file = frame ? frame->file : NULL,
							     .module = frame ? frame->module : NULL,
							     .line = frame ? frame->line : 0 };
		*number = tree->nodes.count - 1;
	}
	return (uint32_t)*number;
}

static uint32_t add_mark(struct call_tree *tree, uint32_t at, uint32_t mark)
{
	const char *text = profile_mark_text(mark);

	return mark == 0 ? at : child_of(tree, at, text ? text : "cut: unknown reason", NULL);
}

static void add_stack(struct call_tree *tree, const struct stack_view *view, int64_t value, bool inverted)
{
	uint32_t at = inverted ? 0 : add_mark(tree, 0, view->mark);

	for (size_t i = 0; i < view->frames.count; i++) {
		const struct frame *frame = &view->frames.list[inverted ? i : view->frames.count - 1 - i];
		char place[256];

		at = child_of(tree, at, stack_view_name(frame, place, sizeof(place)), frame);
	}
	if (inverted)
		at = add_mark(tree, at, view->mark);
	tree->nodes.list[at].self += value;
}

static int compare_nodes(const void *a, const void *b, void *context)
{
	const struct call_node *nodes = context;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	if (nodes[left].total != nodes[right].total)
		return nodes[left].total < nodes[right].total ? -1 : 1;
	return left < right ? 1 : -1;
}

/* Sums from the inside out, then lists of children, the largest first. */
static void finish(struct call_tree *tree)
{
	struct call_node *nodes = tree->nodes.list;
	size_t count = tree->nodes.count;
	uint32_t *numbers = memory_zeroed(count, sizeof(*numbers));

	for (size_t i = count; i-- > 0;) {
		nodes[i].total += nodes[i].self;
		if (i > 0)
			nodes[nodes[i].parent].total += nodes[i].total;
	}
	for (size_t i = 1; i < count; i++)
		numbers[i - 1] = (uint32_t)i;
	qsort_r(numbers, count - 1, sizeof(*numbers), compare_nodes, nodes);
	for (size_t i = 0; i + 1 < count; i++) {
		struct call_node *node = &nodes[numbers[i]];

		node->next_sibling = nodes[node->parent].first_child;
		nodes[node->parent].first_child = numbers[i];
	}
	free(numbers);
}

void call_tree_init(struct call_tree *tree, const struct report *report, enum out_metric metric, bool inverted)
{
	struct samples samples = { 0 };
	struct stack_view view = { 0 };

	*tree = (struct call_tree){ 0 };
	vec_push(&tree->nodes) = (struct call_node){ .name = "all" };
	samples_add(&samples, report, metric);
	for (size_t i = 0; i < samples.all.count; i++) {
		const struct sample *sample = &samples.all.list[i];

		if (sample->remark) {
			tree->nodes.list[child_of(tree, 0, sample->remark, NULL)].self += sample->value;
			continue;
		}
		stack_view_fill(&view, report->profile, report->symbols, sample->stack);
		add_stack(tree, &view, sample->value, inverted);
	}
	finish(tree);
	vec_free(&samples.all);
	stack_view_free(&view);
}

void call_tree_free(struct call_tree *tree)
{
	vec_free(&tree->nodes);
	hash_map_free(&tree->children);
	text_index_free(&tree->names);
}
