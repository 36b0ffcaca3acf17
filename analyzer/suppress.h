/* SPDX-License-Identifier: MIT */
/* Suppressions: leaks that are known and accepted, in the syntax of LeakSanitizer or of valgrind. */
#ifndef MP_SUPPRESS_H
#define MP_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "arena.h"
#include "err.h"
#include "leak_class.h"
#include "symbolize.h"
#include "vec.h"

enum suppression_syntax { SUPPRESSION_LSAN, SUPPRESSION_VALGRIND, SUPPRESSION_BUILTIN };

/* How a line of a valgrind entry looks at a frame. X(NAME, prefix) */
#define SUPPRESSION_LINES(X) \
	X(FUN, "fun:")       \
	X(OBJ, "obj:")       \
	X(SRC, "src:")       \
	X(ANY, "...")

#define X(name, prefix) SUPPRESSION_LINE_##name,
enum suppression_line_kind { SUPPRESSION_LINES(X) };
#undef X

struct suppression_line {
	enum suppression_line_kind kind;
	const char *pattern; /* "" for ANY */
};

struct suppression {
	enum suppression_syntax syntax;
	const char *name;                     /* pattern of an LSan rule, name of a valgrind entry */
	const char *path;                     /* file, NULL = built in */
	unsigned line;                        /* in that file, from 1 */
	unsigned leak_classes;                /* bits 1 << enum mp_leak_class */
	const struct suppression_line *lines; /* valgrind: innermost frame first */
	size_t line_count;
	/* What it has hidden: for the caller to count. */
	size_t stacks;
	uint64_t blocks, bytes;
};

/* Zeroes are none. */
struct suppressions {
	VEC(struct suppression *) rules;
	struct arena arena;
};

/*
 * Adds the rules of a file, or of TEXT (SIZE bytes, not 0-terminated) that came from PATH. A file may hold entries of
 * both kinds; entries of valgrind that are not about leaks are skipped. Errors name file and line.
 */
bool suppress_read(struct suppressions *suppressions, const char *path, struct err *err);
bool suppress_parse(struct suppressions *suppressions, const char *path, const char *text, size_t size,
		    struct err *err);

/* One-time allocations of the loader, the C library and GLib. */
void suppress_add_builtin(struct suppressions *suppressions);
/* Forgets what the rules have hidden. */
void suppress_reset(struct suppressions *suppressions);
void suppress_free(struct suppressions *suppressions);

/* The first rule that hides a leak of that class with this stack, innermost frame first; NULL = none. */
struct suppression *suppress_find(const struct suppressions *suppressions, enum mp_leak_class class,
				  const struct frame *frames, size_t count);

/* Writes an entry that hides just these leaks: for valgrind and ourselves, with a rule of LeakSanitizer as comment. */
void suppress_print(FILE *out, enum mp_leak_class class, const char *amount, const struct frame *frames, size_t count);

/* LSan: TEXT holds PATTERN, with * for anything, ^ and $ for the ends. */
bool suppress_matches_lsan(const char *pattern, const char *text);
/* valgrind: the whole of TEXT, with * for anything and ? for one character. */
bool suppress_matches_glob(const char *pattern, const char *text);

#endif
