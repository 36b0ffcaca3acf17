/* SPDX-License-Identifier: MIT */
/* Text and frames of programs in JSON. */
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "symbolize.h"
#include "utf8.h"

char *json_repair(const char *text)
{
	char *copy = memory_resize(NULL, strlen(text) + 1, 3);
	char *at = copy;

	while (*text) {
		uint32_t code;
		size_t bytes = utf8_decode(text, &code);

		if (bytes > 0) {
			memcpy(at, text, bytes);
			at += bytes;
			text += bytes;
		} else {
			memcpy(at, "\xef\xbf\xbd", 3);
			at += 3;
			text++;
		}
	}
	*at = 0;
	return copy;
}

json_t *json_text(const char *text)
{
	json_t *value = text ? json_string(text) : json_null();
	char *copy;

	if (value)
		return value;
	copy = json_repair(text);
	value = json_string(copy);
	free(copy);
	return value;
}

json_t *json_frames(const struct frame *frames, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct frame *frame = &frames[i];
		json_t *object = json_object();

		json_object_set_new(object, "function", json_text(frame->function));
		json_object_set_new(object, "file", json_text(frame->file));
		json_object_set_new(object, "line", frame->line > 0 ? json_integer(frame->line) : json_null());
		json_object_set_new(object, "module", json_text(frame->module));
		json_object_set_new(object, "inlined", json_boolean(frame->inlined));
		json_array_append_new(list, object);
	}
	return list;
}
