/* SPDX-License-Identifier: MIT */
/* What a gate demands: limits and how to apply them, from the command line and from a policy file. */
#ifndef MP_POLICY_H
#define MP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "leak_class.h"
#include "vec.h"

/* What a limit can be set for is written as NAME=VALUE on the command line, and as an object in a policy file. */
enum policy_key { POLICY_KEY_NONE, POLICY_KEY_CLASS, POLICY_KEY_LOCK };

enum policy_unit { POLICY_BYTES, POLICY_COUNT, POLICY_PERCENT, POLICY_TIME };

/*
 * Every limit. The word is the option behind "--", and with _ for - the member of a policy file.
 * X(NAME, field of struct options, word, unit, key, argument, help)
 */
#define POLICY_LIMITS(X)                                                                                          \
	X(STACK_BYTES, limit_leaks, "limit-leaks", BYTES, CLASS, "[CLASS=]SIZE",                                  \
	  "at most SIZE leaked by any one stack; CLASS as in --fail-on, default definite")                        \
	X(TOTAL_BYTES, limit_leaks_total, "limit-leaks-total", BYTES, CLASS, "[CLASS=]SIZE",                      \
	  "the same for all stacks together")                                                                     \
	X(STACK_BLOCKS, limit_leak_blocks, "limit-leak-blocks", COUNT, CLASS, "[CLASS=]N",                        \
	  "at most N blocks leaked by any one stack")                                                             \
	X(TOTAL_BLOCKS, limit_leak_blocks_total, "limit-leak-blocks-total", COUNT, CLASS, "[CLASS=]N",            \
	  "the same for all stacks together")                                                                     \
	X(PEAK, limit_peak, "limit-peak", BYTES, NONE, "SIZE",                                                    \
	  "largest heap of any process; +SIZE or +N%: more than in the baseline")                                 \
	X(GROWTH, limit_growth, "limit-growth", BYTES, NONE, "SIZE",                                              \
	  "growth per hour of any one stack whose live memory keeps growing")                                     \
	X(ITERATION, limit_iteration, "limit-iteration", BYTES, LOCK, "[TEXT=]SIZE",                              \
	  "growth of live memory from one mark named TEXT, or of any name, to the next")                          \
	X(ALLOCS, limit_allocs, "limit-allocs", COUNT, NONE, "N", "allocations of all processes; also +N or +N%") \
	X(TEMPORARY, limit_temporary, "limit-temporary", PERCENT, NONE, "PERCENT",                                \
	  "share of temporary allocations in all")                                                                \
	X(WAIT, limit_wait, "limit-wait", TIME, NONE, "TIME",                                                     \
	  "time waited for locks in all threads; also +TIME or +N%")                                              \
	X(LOCK_WAIT, limit_lock_wait, "limit-lock-wait", TIME, LOCK, "[LOCK=]TIME",                               \
	  "time waited for that lock, or for any one lock")

#define X(name, field, word, unit, key, argument, help) LIMIT_##name,
enum limit_kind { POLICY_LIMITS(X) LIMIT_COUNT };
#undef X

struct limit {
	enum limit_kind kind;
	enum mp_leak_class class; /* for those by class */
	const char *lock;         /* for those by lock, or text of a mark; NULL = any */
	bool relative;            /* to the baseline */
	bool percent;             /* relative: a share of what the baseline has */
	double value;             /* bytes, blocks, nanoseconds or percent */
};

struct policy {
	VEC(struct limit) limits; /* one per kind, class and lock: a later one replaces an earlier one */
	unsigned fail_on;         /* bits 1 << enum mp_leak_class: no leak of these classes at all */
	double tolerance_percent; /* leaks of the baseline may grow by this */
	const char *baseline;     /* NULL = none */
	VEC(const char *) suppressions;
	bool no_builtin;
	bool allow_partial;
	bool allow_unscanned;
	struct arena arena;
};

/* The default: nothing definitely lost. */
void policy_init(struct policy *policy);
void policy_free(struct policy *policy);

/*
 * Each sets what the text of an option says. Errors name WHERE, such as "--limit-peak". The last two check nothing else
 * than their form.
 */
bool policy_set_limit(struct policy *policy, enum limit_kind kind, const char *text, const char *where,
		      struct err *err);
bool policy_set_fail_on(struct policy *policy, const char *text, const char *where, struct err *err);
bool policy_set_tolerance(struct policy *policy, const char *text, const char *where, struct err *err);

/*
 * Reads a policy file, or TEXT of SIZE bytes that came from PATH. What it says replaces what was there. File names in
 * it are relative to its own place. Errors name file, line and column.
 */
bool policy_read(struct policy *policy, const char *path, struct err *err);
bool policy_parse(struct policy *policy, const char *path, const char *text, size_t size, struct err *err);

const char *limit_word(enum limit_kind kind);
enum policy_unit limit_unit(enum limit_kind kind);
enum policy_key limit_key(enum limit_kind kind);

#endif
