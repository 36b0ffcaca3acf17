/* SPDX-License-Identifier: MIT */
/* On most machines hardly any object has debug information: one line for all of them. */
#include "name_warnings.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Objects named in the one warning about missing debug information. */
#define NAMES_MAX 6

void name_warnings_free(struct name_warnings *w)
{
	vec_free(&w->texts);
	vec_free(&w->no_debug);
}

void name_warnings_add(struct name_warnings *w, const char *path, const char *text)
{
	char line[PATH_MAX + 256];

	snprintf(line, sizeof(line), "%.*s: %s", PATH_MAX, path, text);
	vec_push(&w->texts) = strtab_intern(w->strings, line);
}

void name_warnings_add_no_debug(struct name_warnings *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	char line[4096];
	size_t used;

	vec_push(&w->no_debug) = slash ? slash + 1 : path;
	used = (size_t)snprintf(line, sizeof(line), "no debug information, so no lines and no inlined calls: ");
	for (size_t i = 0; i < w->no_debug.count && i < NAMES_MAX; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%.*s", i ? ", " : "", NAME_MAX,
					 w->no_debug.list[i]);
	if (w->no_debug.count > NAMES_MAX)
		snprintf(line + used, sizeof(line) - used, " and %zu more", w->no_debug.count - NAMES_MAX);
	if (w->no_debug_index == 0) {
		vec_push(&w->texts) = NULL;
		w->no_debug_index = w->texts.count;
	}
	w->texts.list[w->no_debug_index - 1] = strtab_intern(w->strings, line);
}
