/* SPDX-License-Identifier: MIT */
/* What stays of a call stack from one run to the next, and from one build to the next: the names of its functions. */
#ifndef MP_STACK_KEY_H
#define MP_STACK_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile.h"
#include "strtab.h"
#include "symbolize.h"

/*
 * Functions as name_key(), innermost first; an address without a name is its object. Those that start a program or
 * thread are left out, and a function that follows itself (recursion, neighbours without a name) stands once.
 */
struct stack_key {
	uint64_t hash;
	const char *const *names; /* of a strtab: equal names are the same pointer */
	size_t count;
};

struct stack_keys;

/* Strings of the keys are put into NAMES, which as PROFILE and SYMBOLS must outlive the result. */
struct stack_keys *stack_keys_new(const struct profile *profile, struct symbolizer *symbols, struct strtab *names);
void stack_keys_free(struct stack_keys *keys);

/* hash of STACK's key, never 0. Each node is asked once, however many stacks share it. */
uint64_t stack_keys_hash(struct stack_keys *keys, uint32_t stack);

/* The key of STACK; names live as long as KEYS. */
struct stack_key stack_keys_get(struct stack_keys *keys, uint32_t stack);

/* The key of NAMES, which are clean already (from a baseline file), innermost first. */
struct stack_key stack_key_of_names(const char *const *names, size_t count);

/*
 * One stack can be the other with some calls inlined that no debug information tells of: its functions are those of the
 * other in the same order, with some of them missing; not more than half. Needs names of the same strtab.
 */
bool stack_key_is_similar(const struct stack_key *a, const struct stack_key *b);

#endif
