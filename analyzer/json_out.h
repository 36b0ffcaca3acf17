/* SPDX-License-Identifier: MIT */
/* What the parts of the JSON report share. */
#ifndef MP_JSON_OUT_H
#define MP_JSON_OUT_H

#include <jansson.h>
#include <stddef.h>
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

/* "warnings":[...]: last, because the symbolizer adds its own while it works. */
void json_out_warnings(const struct json_out *json);

/* Further parts of the report: members, each with a comma in front. */

/* json_sites.c: "totals":{...}; "sites":[...] */
void json_out_totals(const struct json_out *json);
void json_out_sites(struct json_out *json);

/* json_leaks.c: "leak_scan":{...},"leak_totals":{...}; "growth":{...}; "leaks":[...] */
void json_out_leak_scan(const struct json_out *json, const struct leak_view *view);
void json_out_growth(struct json_out *json);
void json_out_leaks(struct json_out *json, const struct leak_view *view);

/* json_times.c: "threads":[...],"free_pairs":[...],"timeline":[...],"marks":[...] */
void json_out_times(const struct json_out *json);

/* json_locks.c: "locks":[...],"lock_order":... */
void json_out_locks(struct json_out *json);

/* json_stack.c: "stacks":{...}, how many are incomplete, and why */
void json_out_stack_marks(const struct json_out *json);
/* Within an object, no comma in front: "cut":...,"stack":[...]; with a tree "node":N */
void json_out_stack(struct json_out *json, uint32_t stack);

/* What they are made with. */

/* JSON word of a mark at the end of a stack, "no_unwind_info"; returns BUFFER. */
#define JSON_MARK_MAX 40
const char *json_mark_word(uint32_t mark, char buffer[static JSON_MARK_MAX]);

/* One element of "stack". */
json_t *json_frame(const struct frame *frame);

/* Writes VALUE, and takes it over; likewise ,"KEY":VALUE. */
void json_out_value(const struct json_out *json, json_t *value);
void json_out_member(const struct json_out *json, const char *key, json_t *value);

/* Starts element I of a list: each on a line of its own, so that line tools can work with large reports. */
void json_out_element(const struct json_out *json, size_t i);

/* How many of COUNT elements of a list are wanted; TOP as in the options, 0 = all. */
size_t json_out_limit(uint64_t top, size_t count);

#endif
