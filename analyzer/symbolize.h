/* SPDX-License-Identifier: MIT */
/* Turns addresses of a dump into functions, source lines and inlined frames, and static locks into names. */
#ifndef MP_SYMBOLIZE_H
#define MP_SYMBOLIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct profile;
struct symbolizer;

/* One line of a stack. Strings live as long as the symbolizer. */
struct frame {
	const char *function; /* demangled; NULL = unknown */
	const char *symbol;   /* mangled name of that function; NULL = it is not mangled, or unknown */
	const char *file;     /* source file; NULL = unknown */
	uint32_t line;        /* 0 = unknown */
	const char *module;   /* path of the object as recorded; NULL = unknown */
	uint64_t address;     /* in the memory of the program, as recorded */
	uint64_t offset;      /* the same address as in the object's file; meaningless without a module */
	bool inlined;         /* the code of this function lies within the function of the next frame */
};

struct symbolizer_options {
	bool inlines;        /* false: one frame per address, with the position in the function that holds the code */
	bool enabled;        /* false: no file is opened; frames have module and address only */
	bool anonymous;      /* names are replaced by hashes of them, and source files left out */
	const char *sysroot; /* put in front of all paths; NULL = the files of this machine */
};

/*
 * PROFILE must outlive the symbolizer. Files are opened when the first address in them is asked for. Never NULL: out of
 * memory ends the program.
 */
struct symbolizer *symbolizer_new(const struct profile *profile, const struct symbolizer_options *options);
void symbolizer_free(struct symbolizer *s);

/*
 * The frames of one node, innermost (most deeply inlined) first; never none. MODULE is the number of the module in the
 * dump (index + 1, 0 = unknown). IP is a return address, or with EXACT the address of the instruction itself. The array
 * belongs to the symbolizer; the same arguments give the same array.
 */
const struct frame *symbolizer_frames(struct symbolizer *s, uint32_t module, uint64_t ip, bool exact,
				      size_t *ret_count);

/* A place in the static data of the program. */
struct symbolizer_object {
	const char *module; /* path of the object file as recorded */
	const char *name;   /* demangled; NULL = no symbol is known there */
	uint64_t offset;    /* of the address in that object; without a name, in the file of the module */
	const char *member; /* what lies there: ".lock", "[].lock" in any element of an array; NULL = unknown */
};

/* false: ADDRESS is not in the static data of any object file that could be opened. */
bool symbolizer_find_object(struct symbolizer *s, uint64_t address, struct symbolizer_object *ret_object);

/*
 * The lock at OFFSET in a block of BYTES as "type.member", guessed from the types that the code at IP deals with.
 * Arguments as in symbolizer_frames(). Replaces *GUESS (zeroes at first) where it finds a better one.
 */
struct dwarf_guess;
void symbolizer_guess_member(struct symbolizer *s, uint32_t module, uint64_t ip, bool exact, uint64_t bytes,
			     uint64_t offset, struct dwarf_guess *guess);

/* The data object of the program at ADDRESS as "name" or "name+0x10", demangled; NULL when none is known. */
const char *symbolizer_object(struct symbolizer *s, uint64_t address);

/*
 * Where in its file the segment of module number MODULE begins; where the file was not opened, what is true of most
 * files: the offset is the address.
 */
uint64_t symbolizer_file_offset(const struct symbolizer *s, uint32_t module);

/* Files may be opened for names; else there are addresses only. */
bool symbolizer_has_names(const struct symbolizer *s);

/* What limited the names so far: missing or changed files, missing debug information. One sentence each. */
size_t symbolizer_warnings(const struct symbolizer *s, const char *const **ret_list);

#endif
