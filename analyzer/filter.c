/* SPDX-License-Identifier: MIT */
/* Regular expressions over stacks, each name asked once. */
#include "filter.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "stack_view.h"

enum verdict { NOT_ASKED, DIFFERS, MATCHES };

struct filter {
	const char *expression; /* the caller's */
	const struct profile *profile;
	struct symbolizer *symbols;
	regex_t regex;
	struct hash_map frames; /* address of an array of frames -> enum verdict */
	uint8_t *nodes;         /* enum verdict of each node with all its callers */
};

struct filter *filter_new(const char *expression, const struct profile *profile, struct symbolizer *symbols,
			  struct err *err)
{
	struct filter *filter = memory_zeroed(1, sizeof(*filter));
	int code = regcomp(&filter->regex, expression, REG_EXTENDED | REG_NOSUB);
	char text[256];

	if (code != 0) {
		regerror(code, &filter->regex, text, sizeof(text));
		err_set(err, NULL, ERR_NO_OFFSET, "--filter: '%s' is not a regular expression: %s", expression, text);
		free(filter);
		return NULL;
	}
	filter->expression = expression;
	filter->profile = profile;
	filter->symbols = symbols;
	filter->nodes = memory_zeroed(profile->node_count + 1, sizeof(*filter->nodes));
	filter->nodes[0] = DIFFERS;
	return filter;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	regfree(&filter->regex);
	hash_map_free(&filter->frames);
	free(filter->nodes);
	free(filter);
}

const char *filter_expression(const struct filter *filter)
{
	return filter->expression;
}

bool filter_matches_text(const struct filter *filter, const char *text)
{
	return text && regexec(&filter->regex, text, 0, NULL, 0) == 0;
}

/* The symbolizer gives equal addresses the same array, so the array stands for the address. */
static bool frames_match(struct filter *filter, const struct frame *frames, size_t count)
{
	uint64_t *verdict;
	bool is_new;

	if (count == 0)
		return false;
	verdict = hash_map_put(&filter->frames, (uint64_t)(uintptr_t)frames, &is_new);
	if (is_new) {
		*verdict = DIFFERS;
		for (size_t i = 0; i < count && *verdict == DIFFERS; i++) {
			if (filter_matches_text(filter, frames[i].function) ||
			    filter_matches_text(filter, frames[i].file) ||
			    filter_matches_text(filter, frames[i].module))
				*verdict = MATCHES;
		}
	}
	return *verdict == MATCHES;
}

static bool node_matches(struct filter *filter, uint32_t node)
{
	const struct frame *frames;
	size_t count;

	if (filter->profile->nodes[node].ip < MP_STACK_MARKS)
		return false;
	frames = stack_view_node_frames(filter->profile, filter->symbols, node, &count);
	return frames_match(filter, frames, count);
}

bool filter_matches_stack(struct filter *filter, uint32_t stack)
{
	uint32_t path[PROFILE_STACK_MAX + 1];
	size_t depth = 0;
	uint32_t node = stack;

	/* Out to where the answer is known, then back in: each node is asked once, however many stacks share it. */
	while (filter->nodes[node] == NOT_ASKED && depth < sizeof(path) / sizeof(*path)) {
		path[depth++] = node;
		node = filter->profile->nodes[node].parent;
	}
	while (depth > 0) {
		uint8_t outer = filter->nodes[node];

		node = path[--depth];
		filter->nodes[node] = outer == MATCHES || node_matches(filter, node) ? MATCHES : DIFFERS;
	}
	return filter->nodes[stack] == MATCHES;
}
