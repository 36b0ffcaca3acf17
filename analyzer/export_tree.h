/* SPDX-License-Identifier: MIT */
/*
 * The stacks of a report as a tree, for formats that are made of one. A *place* is one return address of the program
 * with its inlined frames; a *node* is a place and the node of its caller. Memprof's own frames are left out; why a
 * stack is cut, and that nothing is known of it, are places of their own, outermost.
 */
#ifndef MP_EXPORT_TREE_H
#define MP_EXPORT_TREE_H

#include "hash.h"
#include "out.h"
#include "vec.h"

struct export_place {
	const struct frame *frames; /* innermost first, never none */
	size_t count;
	uint32_t module;      /* number in the dump, 0 = none: frames[0].module is NULL then, too */
	uint64_t pc;          /* address within the instruction, 0 = not an address of the program */
	uint32_t first_frame; /* frames are numbered through all places */
};

struct export_node {
	uint32_t parent; /* smaller than the node's own number; 0 = outermost */
	uint32_t place;  /* index */
};

struct export_tree {
	const struct report *report;
	VEC(struct export_place) places;
	VEC(struct export_node) nodes; /* [0] is nothing */
	uint32_t frame_count;          /* of all places */
	struct hash_map place_of;      /* address of the frames -> index + 1 */
	struct hash_map node_of;       /* parent and place -> number */
	struct hash_map remarks;       /* mark -> node */
	uint32_t *memo;                /* by node of the profile, 0 = not made yet */
	struct arena arena;
};

/* Whose stacks a format is about. */
#define EXPORT_SITES 1u
#define EXPORT_WAITS 2u
#define EXPORT_HOLDS 4u /* of those who made others wait */
#define EXPORT_ALL   (EXPORT_SITES | EXPORT_WAITS)

/* The stacks of what WHAT says, as far as it is selected in REPORT, which must outlive the tree. */
void export_tree_init(struct export_tree *tree, const struct report *report, unsigned what);
void export_tree_free(struct export_tree *tree);

/*
 * The innermost node of STACK, 0 = that of somebody unknown; never 0. Stacks that export_tree_init() did not see are
 * added.
 */
uint32_t export_tree_node(struct export_tree *tree, uint32_t stack);

static inline const struct export_place *export_tree_place(const struct export_tree *tree, uint32_t node)
{
	return &tree->places.list[tree->nodes.list[node].place];
}

#endif
