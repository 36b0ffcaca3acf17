/* SPDX-License-Identifier: MIT */
/* What the parts of the JSON report share. */
#ifndef MP_JSON_OUT_H
#define MP_JSON_OUT_H

#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "hash.h"
#include "out.h"

struct json_out {
	const struct report *report;
	FILE *out;
	struct arena arena;
	struct hash_map texts; /* address of an array of frames -> its JSON text */
	const char **nodes;    /* the same by node, NULL = not made yet */
};

/* "cut":...,"stack":[...] */
void json_out_stack(struct json_out *json, uint32_t stack);

/* One element of "locks". */
void json_out_lock(struct json_out *json, const struct lock_class *lock);

/* The value of "lock_order". */
void json_out_lock_order(struct json_out *json);

#endif
