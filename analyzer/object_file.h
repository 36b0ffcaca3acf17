/* SPDX-License-Identifier: MIT */
/*
 * The files behind the modules of a dump: opened when one is asked for, and only if they are those that the program
 * ran.
 */
#ifndef MP_OBJECT_FILE_H
#define MP_OBJECT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdwfl.h>

#include "arena.h"
#include "dwarf_frames.h"
#include "dwarf_types.h"
#include "elf_symbols.h"
#include "name_warnings.h"
#include "profile.h"
#include "spans.h"
#include "strtab.h"

/*
 * Words: a *row* is a row of profile.modules, one executable segment at one time; an *object file* is what is behind
 * one or more rows. Addresses in it are as in the file.
 */
struct object_file {
	const struct profile_module *row; /* the first; path and identity of the file are the same in all */
	bool opened;
	Dwfl *dwfl; /* NULL after opening: no usable file */
	Dwfl_Module *module;
	uint64_t bias; /* libdwfl's address - address */

	bool symbols_read;
	struct elf_symbols symbols; /* object_file_need_symbols() */

	bool debug_read;             /* object_file_need_debug() */
	uint64_t debug_shift;        /* address in the debug data - address */
	struct dwarf_frames *frames; /* NULL = no debug information */
	struct dwarf_types *types;   /* likewise */
};

struct object_files {
	const struct profile *profile;
	struct strtab *strings;
	struct name_warnings *warnings;
	const char *sysroot; /* absolute where there is such a directory; NULL = the files of this machine */
	char *real_sysroot;
	char *debug_path; /* for libdwfl; NULL: its default */
	struct object_file *list;
	size_t count;
	size_t *of_row; /* index: row */

	bool segments_read;
	struct spans segments; /* writable ones in memory; index: row */
};

/* PROFILE, what is allocated from ARENA, STRINGS and WARNINGS outlive the files. No file is opened yet. */
void object_files_init(struct object_files *files, const struct profile *profile, const char *sysroot,
		       struct arena *arena, struct strtab *strings, struct name_warnings *warnings);
void object_files_free(struct object_files *files);

/* The file behind module number MODULE (index + 1), opened; NULL: it cannot be used, of which a warning tells. */
struct object_file *object_files_open(struct object_files *files, uint32_t module);

/* Reads what has not been read yet; FILE is open. */
void object_file_need_symbols(struct object_file *file);
void object_file_need_debug(struct object_files *files, struct object_file *file);

/* The row in whose writable segments ADDRESS, in the memory of the program, lies; NULL: in none that is known. */
const struct profile_module *object_files_data_row(struct object_files *files, uint64_t address);

/*
 * Where in its file the segment of module number MODULE begins; where the file was not opened, what is true of most
 * files: the offset is the address.
 */
uint64_t object_files_offset(const struct object_files *files, uint32_t module);

#endif
