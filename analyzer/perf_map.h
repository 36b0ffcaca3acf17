/* SPDX-License-Identifier: MIT */
/* Names of code that a program made while it ran, as it left them in /tmp/perf-PID.map for the profilers of Linux. */
#ifndef MP_PERF_MAP_H
#define MP_PERF_MAP_H

#include "profile.h"
#include "spans.h"
#include "strtab.h"

/* Zeroes know nothing. */
struct perf_map {
	struct spans code;
};

/*
 * Reads the map of the process of PROFILE below ROOT ("" or a directory), if there is one that can be trusted: a
 * regular file, no symbolic link, of the user who reads it, written after the process started and on this machine since
 * it was booted (with a ROOT that cannot be asked). Names are kept in STRINGS. Returns NULL, or why a map that is there
 * was not used: a text for a warning.
 */
const char *perf_map_read(struct perf_map *map, const struct profile *profile, const char *root, char *ret_path,
			  size_t path_bytes, struct strtab *strings);
void perf_map_free(struct perf_map *map);

/* The function at ADDRESS; NULL: not known. Where code was replaced, the map's last word counts. */
const char *perf_map_find(const struct perf_map *map, uint64_t address);

#endif
