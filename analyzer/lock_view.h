/* SPDX-License-Identifier: MIT */
/* What locks are called, and which of them are of one class. */
#ifndef MP_LOCK_VIEW_H
#define MP_LOCK_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "hash.h"
#include "profile.h"
#include "stack_view.h"
#include "strtab.h"
#include "symbolize.h"

/* What the locks of a class have in common, the best first. X(NAME, word, what people read) */
#define LOCK_BONDS(X)                                                     \
	X(GIVEN, "given", "named by the program")                         \
	X(STATIC, "static", "static object")                              \
	X(MEMBER, "member", "member of a type, by debug information")     \
	X(HEAP, "heap", "allocated at the same place")                    \
	X(FIRST_WAIT, "first_wait", "first waited for at the same place") \
	X(ADDRESS, "address", "a lock that only its address tells from others")

#define X(name, word, text) LOCK_BOND_##name,
enum lock_bond { LOCK_BONDS(X) };
#undef X

struct lock_label {
	enum lock_bond bond;
	const char *name; /* NULL: nothing better is known than the address */
	const char *key;  /* the same text for the locks of one class, in this dump */
	const char *text; /* the same for the class in every run of the program, as far as names go */
};

/* Zeroes but for the first two. lock_namer_free() ends the life of all labels. */
struct lock_namer {
	const struct profile *profile;
	struct symbolizer *symbols;
	struct strtab strings;
	struct hash_map members; /* hash of stacks and place in the block to the address of a text */
};

void lock_namer_free(struct lock_namer *namer);

void lock_view_label(struct lock_namer *namer, const struct profile_lock *lock, struct lock_label *ret_label);

/*
 * What a futex is used as, by the library functions that first waited for it: "mutex", "semaphore". *RET_PRIMITIVE and
 * *RET_CATEGORY stay as they are where LOCK is none, or where its functions do not tell.
 */
void lock_view_primitive(struct lock_namer *namer, const struct profile_lock *lock, const char **ret_primitive,
			 const char **ret_category);

/* FUNCTION is code of a lock, or wraps one: its caller is who wanted the lock. */
bool lock_view_is_plumbing(const char *function);

const char *lock_view_bond_word(enum lock_bond bond);
const char *lock_view_bond_text(enum lock_bond bond);

/*
 * What a person can act on in a stack of somebody who took, held or gave a lock: the innermost frame that is not part
 * of a lock's own code. RET_FRAME is a copy; false: the stack has no frame at all.
 */
bool lock_view_actor(const struct profile *profile, struct symbolizer *symbols, uint32_t stack,
		     struct frame *ret_frame);

#endif
