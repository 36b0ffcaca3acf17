/* SPDX-License-Identifier: MIT */
/* Text of programs in JSON. */
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
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
