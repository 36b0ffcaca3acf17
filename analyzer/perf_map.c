/* SPDX-License-Identifier: MIT */
/* Lines of "START SIZE NAME", numbers in hexadecimal without a prefix. */
#include "perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dump_file.h"

/* The time of a file is that of the kernel's last tick, up to so much before its last write. */
#define TICK_NS 10000000u

/* Why the open file FD is not to be trusted; NULL: it is. */
static const char *defect(int fd, const struct profile *profile)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return "not a regular file, so not used";
	if (status.st_uid != geteuid())
		return "belongs to another user, so not used";
	if ((uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec + TICK_NS <
	    profile->process.start_realtime_ns)
		return "older than the process, so not used";
	return NULL;
}

static void read_lines(struct perf_map *map, FILE *file, struct strtab *strings)
{
	uint32_t rank = UINT32_MAX; /* counts down: of equal ones the newest has the lowest and is found first */
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, file)) > 0) {
		uint64_t start, size;
		int name = 0;

		if (line[length - 1] == '\n')
			line[length - 1] = 0;
		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %n", &start, &size, &name) < 2 || name == 0 || !line[name] ||
		    start + size < start)
			continue;
		spans_add(&map->code, (struct span){ .start = start,
						     .end = start + size,
						     .name = strtab_intern(strings, line + name),
						     .rank = rank-- });
	}
	free(line);
	spans_sort(&map->code);
}

const char *perf_map_read(struct perf_map *map, const struct profile *profile, const char *root, char *ret_path,
			  size_t path_bytes, struct strtab *strings)
{
	const char *why_not;
	FILE *file;
	int fd;

	*map = (struct perf_map){ 0 };
	/* Process ids are of one boot of one machine. */
	if (!root[0] && !dump_file_boot_id_is_ours(profile->process.boot_id))
		return NULL;
	snprintf(ret_path, path_bytes, "%s/tmp/perf-%" PRIu32 ".map", root, profile->process.pid);
	fd = open(ret_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ELOOP ? "a symbolic link, so not used" : NULL;
	why_not = defect(fd, profile);
	file = why_not ? NULL : fdopen(fd, "r");
	if (!file) {
		close(fd);
		return why_not;
	}
	read_lines(map, file, strings);
	fclose(file);
	return NULL;
}

void perf_map_free(struct perf_map *map)
{
	spans_free(&map->code);
}

const char *perf_map_find(const struct perf_map *map, uint64_t address)
{
	const struct span *span = spans_find(&map->code, address, NULL);

	return span ? span->name : NULL;
}
