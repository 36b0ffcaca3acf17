/* SPDX-License-Identifier: MIT */
/* What limited the names of a report: a sentence for each file, and one for all that lack debug information. */
#ifndef MP_NAME_WARNINGS_H
#define MP_NAME_WARNINGS_H

#include <stddef.h>

#include "strtab.h"
#include "vec.h"

/* Zeroes and STRINGS, which must outlive it, are an empty list. */
struct name_warnings {
	struct strtab *strings;
	VEC(const char *) texts;
	VEC(const char *) no_debug; /* file names of objects without debug information */
	size_t no_debug_index;      /* index + 1 of the warning that names them, 0 = none yet */
};

void name_warnings_free(struct name_warnings *w);

/* "PATH: TEXT" */
void name_warnings_add(struct name_warnings *w, const char *path, const char *text);

/* Nothing tells the lines and inlined calls of PATH, which is kept. */
void name_warnings_add_no_debug(struct name_warnings *w, const char *path);

#endif
