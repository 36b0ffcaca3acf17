/* SPDX-License-Identifier: MIT */
/* What lies at an offset in an object of the program, out of the DWARF data of one object file. */
#ifndef MP_DWARF_TYPES_H
#define MP_DWARF_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "dwarf_frames.h"
#include "strtab.h"

struct dwarf_types;

/* FRAMES are those of the same data, and outlive the result. Reads nothing yet. */
struct dwarf_types *dwarf_types_new(Dwarf *dwarf, struct dwarf_frames *frames, struct strtab *strings);
void dwarf_types_free(struct dwarf_types *t);

/*
 * The way to OFFSET in the static variable at ADDRESS (as in the debug data): ".lock", "[].lock" in any element of an
 * array, "" if it is the variable itself. NULL: no such variable is known.
 */
const char *dwarf_types_of_variable(struct dwarf_types *t, uint64_t address, uint64_t offset);

/* A type that a block of memory could have. */
struct dwarf_guess {
	const char *text; /* "Account.mutex_", "conn[].lock"; NULL = none found */
	unsigned rank;    /* the lower, the more likely; see dwarf_types.c */
};

/*
 * What the lock at OFFSET in a block of BYTES may be, judged by the types that the code around PC deals with: those
 * which have a lock at that place. Replaces *GUESS if it finds a better one.
 */
void dwarf_types_guess(struct dwarf_types *t, uint64_t pc, uint64_t bytes, uint64_t offset, struct dwarf_guess *guess);

#endif
