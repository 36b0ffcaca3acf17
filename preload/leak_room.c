/* SPDX-License-Identifier: MIT */
/* Memory that is left: what /proc/meminfo and the control groups of the process say. */
#include "leak_room.h"

#include <stdbool.h>

#include "compiler.h"
#include "fmt.h"
#include "os.h"

#define PATH_BYTES 1024u

/* The number at the start of TEXT; UINT64_MAX: none ("max"), as with a file that is not there. */
static uint64_t number(const char *text)
{
	uint64_t n = 0;

	while (*text == ' ')
		text++;
	if (*text < '0' || *text > '9')
		return UINT64_MAX;
	for (; *text >= '0' && *text <= '9' && n < UINT64_MAX / 16; text++)
		n = n * 10 + (uint64_t)(*text - '0');
	return n;
}

static const char *after(const char *text, const char *what)
{
	for (; *text; text++) {
		const char *t = text;
		const char *w = what;

		while (*w && *t == *w) {
			t++;
			w++;
		}
		if (!*w)
			return t;
	}
	return NULL;
}

static uint64_t file_number(const char *directory, const char *name)
{
	static char path[PATH_BYTES + 128]; /* one search at a time, perhaps on a small stack */
	char text[64];
	struct fmt f;

	fmt_init(&f, path, sizeof(path));
	fmt_str(&f, directory);
	fmt_str(&f, name);
	return os_read_file(path, text, sizeof(text)) > 0 ? number(text) : UINT64_MAX;
}

/* What is left in the group at ROOT + PATH and in all that it belongs to. PATH is changed. */
static uint64_t left_in_group(const char *root, char *path, const char *limit, const char *usage)
{
	uint64_t least = UINT64_MAX;

	for (;;) {
		static char directory[PATH_BYTES + 64];
		struct fmt f;
		uint64_t max;
		uint64_t used;
		char *last = path;

		fmt_init(&f, directory, sizeof(directory));
		fmt_str(&f, root);
		fmt_str(&f, path);
		max = file_number(directory, limit);
		used = file_number(directory, usage);
		if (max != UINT64_MAX && used != UINT64_MAX) {
			uint64_t left = max > used ? max - used : 0;

			least = left < least ? left : least;
		}
		if (!path[0])
			return least;
		for (char *p = path; *p; p++)
			last = *p == '/' ? p : last;
		*last = '\0';
	}
}

/* Copies a line's end from AT without the slash at the end, if there is one. */
static void copy_path(const char *at, char path[PATH_BYTES])
{
	unsigned n = 0;

	while (at[n] && at[n] != '\n' && n + 1 < PATH_BYTES) {
		path[n] = at[n];
		n++;
	}
	n -= n && path[n - 1] == '/';
	path[n] = '\0';
}

/* Both kinds of control groups: the line of /proc/self/cgroup, and where the limits are. */
static const struct {
	const char *marker;
	const char *root;
	const char *limit;
	const char *usage;
} groups[] = {
	{ "0::", "/sys/fs/cgroup", "/memory.max", "/memory.current" },
	{ ":memory:", "/sys/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes" },
};

uint64_t leak_room(void)
{
	static char text[4096];
	static char path[PATH_BYTES];
	uint64_t least = UINT64_MAX;
	const char *at;

	if (os_read_file("/proc/meminfo", text, sizeof(text)) > 0 && (at = after(text, "MemAvailable:"))) {
		least = number(at);
		least = least == UINT64_MAX ? least : least * 1024;
	}
	if (os_read_file("/proc/self/cgroup", text, sizeof(text)) <= 0)
		return least;
	for (unsigned i = 0; i < ARRAY_LEN(groups); i++) {
		uint64_t left;

		at = after(text, groups[i].marker);
		if (!at)
			continue;
		copy_path(at, path);
		left = left_in_group(groups[i].root, path, groups[i].limit, groups[i].usage);
		least = left < least ? left : least;
	}
	return least;
}
