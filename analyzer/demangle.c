/* SPDX-License-Identifier: MIT */
/* Readable names for the mangled symbols of C++, Rust and D: the only user of libiberty. */
#include "demangle.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <libiberty/demangle.h>

/*
 * Longest symbol that is tried. Real ones of heavy templates reach some ten thousand bytes; the demangler is recursive
 * (its own limit of depth stays on) and its result can be far longer than its input.
 */
#define SYMBOL_BYTES_MAX 65536

/* Return types are dropped so that a name begins with the function, as in "f<int>(int)". */
#define CXX_OPTIONS (DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP)

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* D has no reserved prefix: "_D" must go on like a D name, or "_DYNAMIC" would be tried as well. */
static bool is_d_name(const char *symbol)
{
	return starts_with(symbol, "_D") && (isdigit((unsigned char)symbol[2]) || strcmp(symbol, "_Dmain") == 0);
}

char *demangle(const char *symbol)
{
	char *name = NULL;

	if (symbol == NULL || symbol[0] != '_' || strnlen(symbol, SYMBOL_BYTES_MAX) == SYMBOL_BYTES_MAX)
		return NULL;
	if (starts_with(symbol, "_R"))
		return rust_demangle(symbol, DMGL_PARAMS);
	if (is_d_name(symbol))
		return dlang_demangle(symbol, DMGL_PARAMS);
	/* Names of older Rust compilers are valid C++ names too, told apart by the hash at their end. */
	if (starts_with(symbol, "_ZN"))
		name = rust_demangle(symbol, DMGL_PARAMS);
	if (name == NULL && (starts_with(symbol, "_Z") || starts_with(symbol, "_GLOBAL_")))
		name = cplus_demangle_v3(symbol, CXX_OPTIONS);
	return name;
}
