/* SPDX-License-Identifier: MIT */
/* The symbol tables of one object file, by address as in the file. */
#ifndef MP_ELF_SYMBOLS_H
#define MP_ELF_SYMBOLS_H

#include <elfutils/libdwfl.h>
#include <stdint.h>

#include "spans.h"

/* Zeroes are an object without symbols. */
struct elf_symbols {
	struct spans code;   /* symbols of known size */
	struct spans labels; /* code symbols of size 0; each ends with its section */
	struct spans data;
};

/* BIAS: what libdwfl adds to addresses of the file. The names belong to MODULE, which must outlive SYMBOLS. */
void elf_symbols_read(struct elf_symbols *symbols, Dwfl_Module *module, uint64_t bias);
void elf_symbols_free(struct elf_symbols *symbols);

/*
 * The name of the function at ADDRESS, NULL = not known. Never a wrong name: code behind the end of a sized function
 * belongs to none that is known. A label without size (assembly) counts up to the next function or the end of its
 * section.
 */
const char *elf_symbols_code(const struct elf_symbols *symbols, uint64_t address);

#endif
