/* SPDX-License-Identifier: MIT */
/* Where in a JSON text a member stands: parsers of JSON forget that, and messages have to say it. */
#ifndef MP_JSON_WHERE_H
#define MP_JSON_WHERE_H

#include <stddef.h>

struct json_place {
	unsigned line, column; /* from 1; columns count bytes */
};

/*
 * Place of the member KEY in the object that is the member OUTER (NULL = of the outermost object itself). TEXT is valid
 * JSON whose outermost value is an object. The start of the text if there is no such member.
 */
struct json_place json_where(const char *text, size_t size, const char *outer, const char *key);

#endif
