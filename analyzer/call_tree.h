/* SPDX-License-Identifier: MIT */
/* The stacks of a report as one tree of functions, weighed by a metric. */
#ifndef MP_CALL_TREE_H
#define MP_CALL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "out.h"
#include "text_index.h"
#include "vec.h"

struct call_node {
	uint32_t parent;                    /* smaller than the node's own number; 0 = none */
	uint32_t first_child, next_sibling; /* the largest total first; 0 = none */
	const char *name;
	const char *file; /* of the first frame that came; NULL = unknown */
	const char *module;
	uint32_t line;
	int64_t total, self;
};

struct call_tree {
	VEC(struct call_node) nodes; /* [0] is the root: everything */
	struct hash_map children;    /* parent and name -> number */
	struct text_index names;
};

/* INVERTED: from the functions that allocate or wait to their callers, else from the outermost functions inward. */
void call_tree_init(struct call_tree *tree, const struct report *report, enum out_metric metric, bool inverted);
void call_tree_free(struct call_tree *tree);

#endif
