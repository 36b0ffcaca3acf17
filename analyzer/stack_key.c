/* SPDX-License-Identifier: MIT */
/* Keys of stacks, node by node from the outermost inward. */
#include "stack_key.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "name_key.h"
#include "stack_view.h"
#include "vec.h"

#define NAME_MAX_BYTES 512 /* longer names differ in their templates, which are gone, or hardly ever */

/* A node with all its callers. */
struct node_state {
	uint64_t hash;    /* 0 = not asked yet */
	const char *last; /* name of the innermost function so far, NULL = none */
};

/* The names of an array of frames, innermost first. */
struct frame_names {
	const char **names;
	size_t count;
};

struct stack_keys {
	const struct profile *profile;
	struct symbolizer *symbols;
	struct strtab *names;
	struct node_state *nodes;
	struct hash_map frames; /* address of an array of frames -> struct frame_names */
	struct arena arena;
};

struct stack_keys *stack_keys_new(const struct profile *profile, struct symbolizer *symbols, struct strtab *names)
{
	struct stack_keys *keys = memory_zeroed(1, sizeof(*keys));

	keys->profile = profile;
	keys->symbols = symbols;
	keys->names = names;
	keys->nodes = memory_zeroed(profile->node_count + 1, sizeof(*keys->nodes));
	keys->nodes[0].hash = 1;
	return keys;
}

void stack_keys_free(struct stack_keys *keys)
{
	if (!keys)
		return;
	free(keys->nodes);
	hash_map_free(&keys->frames);
	arena_free(&keys->arena);
	free(keys);
}

/* NULL = does not count. */
static const char *name_of(struct stack_keys *keys, const struct frame *frame)
{
	char text[NAME_MAX_BYTES];
	size_t length;

	if (frame->function) {
		if (name_key_is_start(frame->function))
			return NULL;
		length = name_key(frame->function, text, sizeof(text));
	} else if (frame->module) {
		length = name_key_of_module(frame->module, text, sizeof(text));
	} else {
		return NULL;
	}
	return strtab_intern_bytes(keys->names, text, length);
}

/* The symbolizer gives equal addresses the same array, so the array stands for the address. */
static const struct frame_names *names_of(struct stack_keys *keys, uint32_t node)
{
	static const struct frame_names none;
	const struct frame *frames;
	struct frame_names *names;
	uint64_t *place;
	size_t count;
	bool is_new;

	if (keys->profile->nodes[node].ip < MP_STACK_MARKS)
		return &none;
	frames = stack_view_node_frames(keys->profile, keys->symbols, node, &count);
	if (count == 0)
		return &none;
	place = hash_map_put(&keys->frames, (uint64_t)(uintptr_t)frames, &is_new);
	if (is_new) {
		names = arena_alloc(&keys->arena, sizeof(*names));
		names->names = arena_array(&keys->arena, const char *, count);
		for (size_t i = 0; i < count; i++) {
			const char *name = name_of(keys, &frames[i]);

			if (name)
				names->names[names->count++] = name;
		}
		*place = (uint64_t)(uintptr_t)names;
	}
	return (const struct frame_names *)(uintptr_t)*place;
}

/* The state with one more function called by those in STATE. Equal neighbours count once. */
static void add_name(struct node_state *state, const char *name)
{
	if (name == state->last)
		return;
	state->last = name;
	state->hash = hash_u64(state->hash ^ hash_bytes(name, strlen(name)));
	if (state->hash == 0)
		state->hash = 1;
}

uint64_t stack_keys_hash(struct stack_keys *keys, uint32_t stack)
{
	uint32_t path[PROFILE_STACK_MAX + 1];
	size_t depth = 0;
	uint32_t node = stack;

	while (keys->nodes[node].hash == 0 && depth < sizeof(path) / sizeof(*path)) {
		path[depth++] = node;
		node = keys->profile->nodes[node].parent;
	}
	while (depth > 0) {
		/* of a node beyond the limit of depth, which only a corrupt file has: as if it were outermost */
		struct node_state state = keys->nodes[node].hash ? keys->nodes[node] : keys->nodes[0];
		const struct frame_names *names;

		node = path[--depth];
		names = names_of(keys, node);
		for (size_t i = names->count; i > 0; i--)
			add_name(&state, names->names[i - 1]);
		keys->nodes[node] = state;
	}
	return keys->nodes[stack].hash;
}

struct stack_key stack_keys_get(struct stack_keys *keys, uint32_t stack)
{
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t node_count = profile_stack(keys->profile, stack, nodes);
	VEC(const char *) found = { 0 };
	struct stack_key key = { .hash = stack_keys_hash(keys, stack) };

	for (size_t i = 0; i < node_count; i++) {
		const struct frame_names *names = names_of(keys, nodes[i]);

		for (size_t j = 0; j < names->count; j++) {
			if (found.count == 0 || found.list[found.count - 1] != names->names[j])
				vec_push(&found) = names->names[j];
		}
	}
	key.count = found.count;
	key.names = arena_copy(&keys->arena, found.list, found.count * sizeof(*found.list));
	vec_free(&found);
	return key;
}

struct stack_key stack_key_of_names(const char *const *names, size_t count)
{
	struct node_state state = { .hash = 1 };

	for (size_t i = count; i > 0; i--)
		add_name(&state, names[i - 1]);
	return (struct stack_key){ .hash = state.hash, .names = names, .count = count };
}

bool stack_key_is_similar(const struct stack_key *a, const struct stack_key *b)
{
	const struct stack_key *longer = a->count >= b->count ? a : b;
	const struct stack_key *shorter = longer == a ? b : a;
	size_t found = 0;

	if (shorter->count == 0 || shorter->count * 2 < longer->count)
		return false;
	for (size_t i = 0; i < longer->count && found < shorter->count; i++)
		found += longer->names[i] == shorter->names[found];
	return found == shorter->count;
}
