/* SPDX-License-Identifier: MIT */
/* A call tree on the screen: which of its nodes are open, and the rows that makes. */
#ifndef MP_TUI_TREE_H
#define MP_TUI_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call_tree.h"
#include "out.h"
#include "vec.h"

/* Zeroes, METRIC and INVERTED are a tree that is not built yet. */
struct tui_tree {
	enum out_metric metric;
	bool inverted; /* as in call_tree_init() */
	bool built;
	struct call_tree tree;
	bool *open; /* by node */
	VEC(struct {
		uint32_t node;
		uint32_t depth;
	})
	rows; /* of what is open */
};

/* Does nothing if that has been done. */
void tui_tree_build(struct tui_tree *tree, const struct report *report);
void tui_tree_free(struct tui_tree *tree);

/* The same tree by the next metric. */
void tui_tree_change_metric(struct tui_tree *tree, const struct report *report);
const char *tui_tree_metric_name(const struct tui_tree *tree);

/* Opens or closes the node of row *SELECTED; a closed one, asked to close, gives way to its parent. */
void tui_tree_open(struct tui_tree *tree, size_t *selected, bool open);
void tui_tree_toggle(struct tui_tree *tree, size_t selected);

void tui_tree_draw(const struct tui_tree *tree, int y, size_t row);
const char *tui_tree_name(const struct tui_tree *tree, size_t row);

#endif
