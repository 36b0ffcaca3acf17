/* SPDX-License-Identifier: MIT */
/* Dumps as files: loading one, also while its program runs, and asking whether it does. */
#ifndef MP_DUMP_FILE_H
#define MP_DUMP_FILE_H

#include <stdbool.h>

#include "err.h"
#include "profile.h"
#include "vec.h"

/*
 * Loads the dump at PATH into PROFILE, which profile_init() has prepared and profile_free() frees in any case, and
 * finds out whether a process that left no end is running or was killed. Errors as dump_read().
 */
bool dump_file_load(const char *path, struct profile *profile, struct err *err);

/*
 * The process that writes this dump is there: same machine, same boot, same process id with the same start time, and
 * not a zombie. Where the dump does not know the start time, any process of that number counts.
 */
bool dump_file_is_running(const struct mp_header *header);

/* The machine has been running since a dump with this boot id (16 bytes) was written. */
bool dump_file_boot_id_is_ours(const uint8_t *boot_id);

/* The dump was written since the machine was last started, so its clock is ours. */
bool dump_file_is_this_boot(const struct mp_header *header);

/* Paths of dumps to read; free with dump_file_list_free(). */
struct dump_file_list {
	VEC(char *) paths;
	bool has_directory; /* one was added, whatever was in it */
};

/* Adds PATH, or if it is a directory every dump in it, by name. false: it cannot be read, or no dump is in it. */
bool dump_file_list_add(struct dump_file_list *list, const char *path, struct err *err);
/* Adds all of PATHS; complains of those that cannot be read. false: there were such. */
bool dump_file_list_add_all(struct dump_file_list *list, char *const *paths, size_t count);
void dump_file_list_free(struct dump_file_list *list);

#endif
