/* SPDX-License-Identifier: MIT */
/* What the parts of the JSON report share. */
#ifndef MP_JSON_OUT_H
#define MP_JSON_OUT_H

#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "export_tree.h"
#include "hash.h"
#include "leak_view.h"
#include "out.h"

struct json_out {
	const struct report *report;
	FILE *out;
	struct arena arena;
	struct hash_map texts;    /* address of an array of frames -> its JSON text */
	const char **nodes;       /* the same by node, NULL = not made yet */
	struct export_tree *tree; /* not NULL: stacks are numbers of its nodes, and the two above are not used */
};

/* The beginning of the report: brace, then everything that is no long list and not about locks. */
void json_out_head(struct json_out *json, const struct leak_view *view);

/* "threads":[...],"timeline":[...], as all that follows with a comma in front. */
void json_out_times(const struct json_out *json);

/* "locks":[...],"lock_order":... */
void json_out_locks(struct json_out *json);

/* "warnings":[...]: last, because the symbolizer adds its own while it works. */
void json_out_warnings(const struct json_out *json);

/* "cut":...,"stack":[...]; with a tree "node":N */
void json_out_stack(struct json_out *json, uint32_t stack);

/* One element of "locks". */
void json_out_lock(struct json_out *json, const struct lock_class *lock);

/* The value of "lock_order". */
void json_out_lock_order(struct json_out *json);

#endif
