/* SPDX-License-Identifier: MIT */
/* Names of locks. */
#include "lock_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "stack_view.h"

/* Functions that only pass an allocation on: the caller says more. Compared up to the first '('. */
static bool is_allocator(const char *function)
{
	static const char *const names[] = {
		"malloc",         "calloc",         "realloc",       "reallocarray", "memalign",
		"aligned_alloc",  "posix_memalign", "valloc",        "pvalloc",      "operator new",
		"operator new[]", "__libc_malloc",  "__libc_calloc",
	};
	size_t length = strcspn(function, "(");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strlen(names[i]) == length && memcmp(names[i], function, length) == 0)
			return true;
	}
	return false;
}

/* Innermost function of STACK that is not itself an allocator. */
static const char *find_function(const struct profile *profile, struct symbolizer *symbols, uint32_t stack)
{
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t node_count = profile_stack(profile, stack, nodes);

	for (size_t i = 0; i < node_count; i++) {
		size_t frame_count;
		const struct frame *frames = stack_view_node_frames(profile, symbols, nodes[i], &frame_count);

		for (size_t j = 0; j < frame_count; j++) {
			if (frames[j].function && !is_allocator(frames[j].function))
				return frames[j].function;
		}
	}
	return NULL;
}

const char *lock_view_name(const struct profile *profile, struct symbolizer *symbols, const struct profile_lock *lock,
			   char *buffer, size_t size)
{
	const struct mp_lock *row = &lock->row;
	const char *function;

	if (row->alloc_stack == 0)
		return symbolizer_object(symbols, row->address);
	function = find_function(profile, symbols, row->alloc_stack);
	if (!function)
		return NULL;
	snprintf(buffer, size, "%s%s+0x%" PRIx32, function, strchr(function, '(') ? "" : "()", row->alloc_offset);
	return buffer;
}
