/* SPDX-License-Identifier: MIT */
/* Readable names for the mangled symbols of C++, Rust and D. */
#ifndef MP_DEMANGLE_H
#define MP_DEMANGLE_H

/*
 * The readable form of SYMBOL, to be released with free(). NULL when SYMBOL is NULL, not mangled, or damaged: use it as
 * it is then. Hashes at the end of Rust names are dropped.
 */
char *demangle(const char *symbol);

#endif
