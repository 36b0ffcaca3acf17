/* SPDX-License-Identifier: MIT */
/* A row for each node whose ancestors are all open, in the order of a walk through the tree. */
#include "tui_tree.h"

#include <stdlib.h>

#include "samples.h"
#include "tui_screen.h"
#include "units.h"

#define INDENT     2
#define INDENT_MAX 30 /* levels; deeper ones stand below each other */

static const char *const metric_names[] = {
#define X(name, text, unit, verdicts) text,
	OUT_METRICS(X)
#undef X
};

static void list_rows(struct tui_tree *tree)
{
	const struct call_node *nodes = tree->tree.nodes.list;
	uint32_t node = nodes[0].first_child;
	uint32_t depth = 0;

	tree->rows.count = 0;
	while (node) {
		vec_push(&tree->rows).node = node;
		tree->rows.list[tree->rows.count - 1].depth = depth;
		if (tree->open[node] && nodes[node].first_child) {
			node = nodes[node].first_child;
			depth++;
			continue;
		}
		while (node && !nodes[node].next_sibling) {
			node = nodes[node].parent;
			depth -= node ? 1 : 0;
		}
		node = node ? nodes[node].next_sibling : 0;
	}
}

void tui_tree_free(struct tui_tree *tree)
{
	if (tree->built)
		call_tree_free(&tree->tree);
	free(tree->open);
	vec_free(&tree->rows);
	tree->open = NULL;
	tree->built = false;
}

/* Top-down, the way that most goes is open at first. */
void tui_tree_build(struct tui_tree *tree, const struct report *report)
{
	const struct call_node *nodes;

	if (tree->built)
		return;
	call_tree_init(&tree->tree, report, tree->metric, tree->inverted);
	tree->built = true;
	nodes = tree->tree.nodes.list;
	tree->open = memory_zeroed(tree->tree.nodes.count, sizeof(*tree->open));
	for (uint32_t node = nodes[0].first_child; !tree->inverted && node; node = nodes[node].first_child) {
		if (nodes[node].total * 2 < nodes[0].total)
			break;
		tree->open[node] = true;
	}
	list_rows(tree);
}

static const char *metric_text(enum out_metric metric, int64_t value, struct units *units)
{
	switch (samples_unit(metric)) {
	case OUT_UNIT_BYTES:
		*units = units_bytes(value);
		break;
	case OUT_UNIT_COUNT:
		*units = units_count(value);
		break;
	case OUT_UNIT_TIME:
		*units = units_duration((uint64_t)value);
		break;
	}
	return units->text;
}

void tui_tree_draw(const struct tui_tree *tree, int y, size_t row)
{
	uint32_t number = tree->rows.list[row].node;
	uint32_t depth = tree->rows.list[row].depth;
	const struct call_node *node = &tree->tree.nodes.list[number];
	int64_t whole = tree->tree.nodes.list[0].total;
	int x = 36 + INDENT * (int)(depth < INDENT_MAX ? depth : INDENT_MAX);
	struct units units;

	tui_right(y, 0, 12, metric_text(tree->metric, node->total, &units));
	tui_right(y, 13, 8, units_share(node->total, (uint64_t)whole).text);
	if (node->self > 0)
		tui_right(y, 22, 12, metric_text(tree->metric, node->self, &units));
	tui_text(y, x, 1, !node->first_child ? " " : tree->open[number] ? "-" : "+");
	tui_text(y, x + 2, tui_screen_width() - x - 2, node->name);
}

void tui_tree_change_metric(struct tui_tree *tree, const struct report *report)
{
	const size_t metrics = sizeof(metric_names) / sizeof(*metric_names);

	tui_tree_free(tree);
	tree->metric = (enum out_metric)((tree->metric + 1) % metrics);
	tui_tree_build(tree, report);
}

void tui_tree_open(struct tui_tree *tree, size_t *selected, bool open)
{
	uint32_t node, depth;

	if (*selected >= tree->rows.count)
		return;
	node = tree->rows.list[*selected].node;
	depth = tree->rows.list[*selected].depth;
	if (!open && !tree->open[node]) {
		while (*selected > 0 && depth > 0 && tree->rows.list[*selected].depth >= depth)
			--*selected;
		return;
	}
	tree->open[node] = open;
	list_rows(tree);
}

void tui_tree_toggle(struct tui_tree *tree, size_t selected)
{
	tui_tree_open(tree, &selected, !tree->open[tree->rows.list[selected].node]);
}

const char *tui_tree_metric_name(const struct tui_tree *tree)
{
	return metric_names[tree->metric];
}

const char *tui_tree_name(const struct tui_tree *tree, size_t row)
{
	return tree->tree.nodes.list[tree->rows.list[row].node].name;
}
