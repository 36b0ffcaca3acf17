/* SPDX-License-Identifier: MIT */
/* Classes of locks, and everything a dump tells about each: how long, who waited, who made them wait. */
#ifndef MP_LOCK_CLASS_H
#define MP_LOCK_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate.h"
#include "arena.h"
#include "lock_order.h"
#include "lock_view.h"
#include "profile.h"

/* Of a histogram: nanoseconds, each within 5 % of a true value of that rank. */
struct lock_percentiles {
	uint64_t count; /* 0: there are none */
	uint64_t p50, p90, p99;
};

/* Wait that somebody caused: of all waiters (waiter 0), or of those of one stack. */
struct lock_blame {
	uint32_t waiter;  /* stack */
	uint32_t culprit; /* stack, 0 = unknown who */
	uint64_t count;
	uint64_t wait_ns;
	uint64_t running_ns; /* of wait_ns: the culprit did not wait itself */
	uint64_t approx_ns;  /* of wait_ns: it is not known exactly when the culprit had the lock */
};

struct lock_pair {
	uint32_t waiter_tid; /* 0 = several */
	uint32_t culprit_tid;
	uint64_t count;
	uint64_t wait_ns;
};

/* Sums over the locks of a class. Lists are sorted, the longest wait first. */
struct lock_class {
	uint32_t id; /* lowest number of its locks */
	uint32_t kind;
	uint32_t flags; /* MP_LOCK_FLAG_* of any of them */
	struct lock_label label;
	const char *name; /* for people and scripts: label.name, or told apart from another of that name; NULL = none */
	const char *category;  /* "contention" or "coordination" */
	const char *primitive; /* what it is used as, where the kind does not say: "mutex" of a futex; NULL = unknown */
	uint64_t instances;
	const struct lock_sum **rows; /* longest wait first */
	size_t row_count;

	bool counted; /* acquisitions are known */
	uint64_t acquisitions;
	uint64_t contentions, trylock_failures, timeouts;
	uint64_t wait_ns, wait_max_ns;
	const struct lock_waiter *waiters;
	size_t waiter_count;

	bool detailed;       /* what follows is known */
	uint64_t handoff_ns; /* of wait_ns */
	uint32_t waiters_max;
	uint32_t hold_period; /* largest */
	struct lock_percentiles wait, wait_shared, wait_exclusive;
	struct lock_percentiles hold, hold_shared, hold_exclusive;
	struct lock_percentiles reacquire;
	const struct lock_blame *culprits; /* waiter 0; unknown ones included */
	size_t culprit_count;
	const struct lock_blame *matrix;
	size_t matrix_count;
	const struct lock_pair *pairs;
	size_t pair_count;
	struct mp_lock_hold holds;   /* lock and check are not used */
	struct mp_lock_extra extras; /* likewise */
};

struct lock_classes {
	struct lock_class *list;
	size_t count;
	uint64_t contention_ns, coordination_ns; /* waited in all of them */
	uint32_t *class_of;                      /* index in list + 1 by number of the lock - 1; 0 = no such lock */
	const struct lock_sum **by_address;      /* all rows that are in a class */
	size_t row_count;
	const struct lock_cycle *cycles; /* orders of taking locks that can deadlock */
	size_t cycle_count;
	struct lock_namer namer;
	struct arena arena;
};

/* All arguments must outlive the result, which lock_classes_free() frees. Locks without waits are in no class. */
void lock_classes_init(struct lock_classes *classes, const struct profile *profile, const struct aggregate *aggregate,
		       struct symbolizer *symbols);
void lock_classes_free(struct lock_classes *classes);

/* The class of a row of the dump, which must be in one. */
const struct lock_class *lock_class_of(const struct lock_classes *classes, const struct lock_sum *row);

/* What lock NUMBER of the dump is called, also if it is in no class; into BUFFER if it has no name. */
const char *lock_classes_name(struct lock_classes *classes, uint32_t number, char *buffer, size_t size);

/* Index in classes->by_address of the first row at ADDRESS or behind it. */
size_t lock_classes_find(const struct lock_classes *classes, uint64_t address);

bool lock_class_is_contention(const struct lock_class *lock);
/* Has a separate account of readers. */
bool lock_class_is_shared(const struct lock_class *lock);
/* Of the wait, so much is charged to somebody, or known to be nobody's. */
uint64_t lock_class_known_ns(const struct lock_class *lock);

/* Contention before coordination, each by time waited, longest first. */
void lock_classes_rank(const struct lock_class **list, size_t count);

/* LOCK is the one that TEXT ("#4", or a part of its name in any case) means. */
bool lock_class_matches(const struct lock_classes *classes, const struct lock_class *lock, const char *text);

#endif
