/* SPDX-License-Identifier: MIT */
/* Path of another target program: it lies beside the running one. */
#ifndef MP_SIBLING_H
#define MP_SIBLING_H

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"

static inline const char *sibling(const char *name)
{
	static char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	require(length > 0);
	path[length] = 0;
	*strrchr(path, '/') = 0;
	strncat(path, "/", sizeof(path) - strlen(path) - 1);
	strncat(path, name, sizeof(path) - strlen(path) - 1);
	return path;
}

#endif
