/* SPDX-License-Identifier: MIT */
/* Is a function there at all? Asked before dlsym, which allocates and frees when it finds nothing. */
#ifndef MP_ELF_DEFINED_H
#define MP_ELF_DEFINED_H

#include <stdbool.h>

enum elf_objects {
	ELF_ALL,
	ELF_LIBRARIES, /* all but the program: what RTLD_NEXT can find */
};

/*
 * Does an object that is loaded, other than this library, define NAME? It may still be none that dlsym looks into.
 * Nothing is allocated, no lock taken, and dlerror() has nothing to tell. Context: setup, while nobody else can load or
 * unload an object.
 */
bool elf_defined(const char *name, enum elf_objects objects);

#endif
