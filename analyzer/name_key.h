/* SPDX-License-Identifier: MIT */
/* What stays of a function's name from one build to the next, so that stacks of different builds can be matched. */
#ifndef MP_NAME_KEY_H
#define MP_NAME_KEY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * FUNCTION (demangled) without what compilers and small edits change: parameters, template arguments, numbers of
 * lambdas and unnamed types, ABI tags, and the suffixes of clones and parts ("f.part.0" is "f"). Into BUFFER of SIZE
 * bytes, cut where it ends. Returns the length.
 */
size_t name_key(const char *function, char *buffer, size_t size);

/* The file name of an object without what its versions change: "libz.so" for "/usr/lib/libz.so.1.2.13". */
size_t name_key_of_module(const char *path, char *buffer, size_t size);

/*
 * The function stands for the start of a program or thread: it is outermost in nearly every stack, and another in
 * another version of the C library.
 */
bool name_key_is_start(const char *function);

#endif
