/* SPDX-License-Identifier: MIT */
/* Text and frames of programs in JSON: text may be missing, and need not be UTF-8. */
#ifndef MP_JSON_TEXT_H
#define MP_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

struct frame;

/* TEXT as valid UTF-8, with U+FFFD for each byte that does not fit. The caller frees it. */
char *json_repair(const char *text);

/* A new string, repaired where needed; null for NULL. */
json_t *json_text(const char *text);

/* A list of objects: function, file, line, module, inlined; what is unknown is null. */
json_t *json_frames(const struct frame *frames, size_t count);

#endif
