/* SPDX-License-Identifier: MIT */
/* Source positions and inlined calls out of the DWARF data of one object. */
#ifndef MP_DWARF_FRAMES_H
#define MP_DWARF_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "strtab.h"

/* Inlined calls that are followed into each other at one address. Deeper ones are left out. */
#define DWARF_FRAMES_MAX 256

/* Strings live as long as the Dwarf and the strtab that dwarf_frames_new() was given. */
struct dwarf_frame {
	const char *linkage_name; /* mangled name, NULL = none given */
	const char *name;         /* as in the source, with its namespaces and classes; NULL = unknown */
	const char *file;         /* NULL = unknown */
	uint32_t line;            /* 0 = unknown */
	bool inlined;
};

struct dwarf_frames;

/* Reads only the list of compilation units; each unit is read when the first address in it is asked for. */
struct dwarf_frames *dwarf_frames_new(Dwarf *dwarf, struct strtab *strings);
void dwarf_frames_free(struct dwarf_frames *d);

/*
 * The frames at PC, innermost first, written to RET_FRAMES (DWARF_FRAMES_MAX of them); the last is the function that
 * holds the code. PC is an address as in the debug data. Returns how many: 0 when no unit holds PC. A single frame
 * without names, but with a line, is possible (assembly).
 */
size_t dwarf_frames_at(struct dwarf_frames *d, uint64_t pc, struct dwarf_frame *ret_frames);

/*
 * The function that holds PC and the inlined calls in it that do, outermost first, written to RET_SCOPES
 * (DWARF_FRAMES_MAX of them). Returns how many, 0 when none is known.
 */
size_t dwarf_frames_scopes(struct dwarf_frames *d, uint64_t pc, Dwarf_Die *ret_scopes);

/* NAME, of a function or type, with the namespaces, classes and functions around its declaration in front. */
const char *dwarf_frames_qualified_name(struct dwarf_frames *d, Dwarf_Die *die, const char *name);

/* Sibling references in damaged data can point back: following only those that go forward ends every walk. */
bool dwarf_frames_next_sibling(Dwarf_Die *die, Dwarf_Die *ret_next);

#endif
