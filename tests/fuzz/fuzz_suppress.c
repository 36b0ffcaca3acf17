/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the input is a file of suppressions; whatever it holds, reading it ends with rules or with an error that
 * names a line, and rules can be tried on any stack. Functions in the stacks are lines of the input itself, so that
 * patterns meet what they are made for.
 */
#include <stdlib.h>
#include <string.h>

#include "suppress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FRAMES 6u

static void make_frames(struct arena *arena, const char *text, size_t size, struct frame *frames)
{
	const char *at = text;
	const char *end = text + size;

	for (size_t i = 0; i < FRAMES; i++) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((line ? line : end) - at);
		size_t prefix = length > 5 ? 5 : 0; /* "leak:" */

		frames[i] = (struct frame){ .function = arena_string(arena, at + prefix, length - prefix), .line = 7 };
		frames[i].file = i % 2 ? frames[i].function : NULL;
		frames[i].module = i % 3 ? frames[i].function : NULL;
		at += length + (line != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct suppressions suppressions = { 0 };
	struct frame frames[FRAMES];
	struct arena arena = { 0 };
	struct err err = { 0 };

	suppress_add_builtin(&suppressions);
	if (suppress_parse(&suppressions, "fuzz.supp", text, size, &err) == err.set)
		abort();
	if (err.set && strncmp(err.text, "line ", 5) != 0)
		abort();
	make_frames(&arena, text, size, frames);
	for (unsigned class = MP_LEAK_DEFINITE; class < LEAK_CLASS_END; class ++) {
		for (size_t count = 0; count <= FRAMES; count++)
			suppress_find(&suppressions, (enum mp_leak_class) class, frames, count);
	}
	arena_free(&arena);
	suppress_free(&suppressions);
	return 0;
}
