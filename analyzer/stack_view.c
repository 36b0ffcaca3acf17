/* SPDX-License-Identifier: MIT */
/* Stacks with symbols. */
#include "stack_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *stack_view_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

const struct frame *stack_view_node_frames(const struct profile *profile, struct symbolizer *symbols, uint32_t node,
					   size_t *ret_count)
{
	const struct profile_node *row = &profile->nodes[node];

	*ret_count = 0;
	if (profile_module_is_memprof(profile, row->module))
		return NULL;
	return symbolizer_frames(symbols, row->module, row->ip, row->exact, ret_count);
}

void stack_view_fill(struct stack_view *view, const struct profile *profile, struct symbolizer *symbols, uint32_t stack)
{
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t node_count = profile_stack(profile, stack, nodes);

	view->frames.count = 0;
	view->mark = profile_stack_mark(profile, stack);
	for (size_t i = 0; i < node_count; i++) {
		size_t frame_count;
		const struct frame *frames = stack_view_node_frames(profile, symbols, nodes[i], &frame_count);

		for (size_t j = 0; j < frame_count; j++)
			vec_push(&view->frames) = frames[j];
	}
}

void stack_view_free(struct stack_view *view)
{
	vec_free(&view->frames);
}

const char *stack_view_name(const struct frame *frame, char *buf, size_t bytes)
{
	if (frame->function)
		return frame->function;
	if (frame->module)
		snprintf(buf, bytes, "%s+0x%" PRIx64, stack_view_base_name(frame->module), frame->offset);
	else
		snprintf(buf, bytes, "0x%" PRIx64, frame->address);
	return buf;
}
