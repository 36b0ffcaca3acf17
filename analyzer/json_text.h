/* SPDX-License-Identifier: MIT */
/* Text of programs in JSON: it may be missing, and need not be UTF-8. */
#ifndef MP_JSON_TEXT_H
#define MP_JSON_TEXT_H

#include <jansson.h>

/* TEXT as valid UTF-8, with U+FFFD for each byte that does not fit. The caller frees it. */
char *json_repair(const char *text);

/* A new string, repaired where needed; null for NULL. */
json_t *json_text(const char *text);

#endif
