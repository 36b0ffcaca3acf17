/* SPDX-License-Identifier: MIT */
/* Executable segments of loaded objects: our own list, so that no hook ever needs the loader's. */
#ifndef MP_MODULES_H
#define MP_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi_compile.h"

/* Bits of a rule and of a stack's hash that a module number has; modules beyond are counted as a loss. */
#define MODULES_MAX 65535u

struct module {
	uint64_t start;
	uint64_t end;
	uint32_t number; /* in the dump, from 1; 0 = code that belongs to no file (JIT) */
	bool gone;
	bool loader; /* the dynamic linker itself */
	struct cfi_tables tables;
};

/*
 * Reads the list anew from /proc/self/maps, and enters what is loaded now. LOADER_BASE: where the dynamic linker is
 * (AT_BASE of the auxiliary vector), 0 = unknown. Context: setup.
 */
void modules_init(uint64_t loader_base);

/*
 * The module that holds PC. When none does, and RETRY allows it, /proc/self/maps is read once more: an object on our
 * own stack cannot be unloaded meanwhile. Code that no file backs is remembered too, number 0. NULL: not executable,
 * as far as can be seen. Context: hook (slow path), under the caller's lock.
 */
const struct module *modules_find(uint64_t pc);

/* One line of /proc/self/maps. */
struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t inode;
	bool read;
	bool write;
	bool execute;
	bool shared;
	const char *path; /* "" for anonymous memory; valid during the call */
};

/*
 * Calls EACH for every mapping, addresses ascending. For a snapshot of the process, where nobody else reads them.
 * false: they cannot be read.
 */
bool modules_for_each_mapping(void (*each)(const struct mapping *m));

/* Does module NUMBER of the dump (of a node) belong to the dynamic linker? Context: setup, in a snapshot too. */
bool modules_is_loader(uint32_t number);

/* The readable and writable mapping that holds ADDRESS. Context: hook (slow path). */
bool modules_find_writable(uint64_t address, uint64_t *ret_start, uint64_t *ret_end);

/*
 * After a dlclose: marks modules whose range no longer holds the same file. Calls EACH for each of them.
 * Context: setup, under the caller's lock.
 */
void modules_check(void (*each)(const struct module *m));

/* In a fork child: enters all modules into the new dump, numbered as in the parent's at OLD_BASE. Context: setup. */
void modules_forked(const char *old_base);

#endif
