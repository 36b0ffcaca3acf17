/* SPDX-License-Identifier: MIT */
/* Adds up the shares of all threads: allocation sites, locks, ends of stacks. Pure functions over a profile. */
#ifndef MP_AGGREGATE_H
#define MP_AGGREGATE_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "profile.h"

/* Allocations of one class of sizes: size_classes.h. */
struct size_sum {
	uint32_t size_class;
	uint64_t count;
	uint64_t bytes;
};

/* Fields as in struct mp_lifetime: a weight of 1 stands for MP_LIFETIME_EVERY blocks. */
struct lifetime_sum {
	uint64_t observed;
	uint64_t elsewhere;
	uint64_t sum_ns;
	uint64_t counts[MP_LIFETIME_CLASSES];
};

/*
 * What reallocs of older blocks did, by the names that all outputs use; see struct mp_site_resized. STEPS: reallocs,
 * those of UNKNOWN blocks among them. BLOCKS were resized for the first time, and had FIRST_BYTES before. Exact.
 */
#define REALLOC_NUMBERS(X) \
	X(steps) X(blocks) X(first_bytes) X(moves) X(copied_bytes) X(grown_bytes) X(shrinks) X(shrunk_bytes) X(unknown)

struct realloc_sum {
#define X(field) uint64_t field;
	REALLOC_NUMBERS(X)
#undef X
};

/* Fields as in struct mp_site. Nothing is clamped: in the dump of a running program a number may be a little off. */
struct site {
	uint32_t stack; /* 0: stacks that the file does not have */
	uint64_t alloc_count;
	uint64_t alloc_bytes;
	uint64_t free_count;
	uint64_t free_bytes;
	int64_t live_count;
	int64_t live_bytes;
	int64_t peak_count; /* this site's share of the moment when the process had most */
	int64_t peak_bytes;
	uint64_t temporary_count;
	uint64_t realloc_count;
	uint64_t freed_elsewhere_count; /* of free_count: by another thread than the one that allocated the block */
	uint64_t freed_elsewhere_bytes;
	const struct size_sum *sizes;   /* smallest first; no class without allocations */
	size_t size_count;              /* 0: the dump does not tell, or there were no allocations */
	struct lifetime_sum *lifetimes; /* NULL: not known */
	struct realloc_sum *reallocs;   /* NULL: none, or not known */
	/* Of a sampled dump: estimated variances of the sums above; live is alloc - free. */
	double alloc_count_var, alloc_bytes_var;
	double free_count_var, free_bytes_var;
	double peak_count_var, peak_bytes_var;
	double temporary_count_var, realloc_count_var;
	double freed_elsewhere_count_var, freed_elsewhere_bytes_var;
};

struct lock_waiter {
	uint32_t stack;
	uint64_t count;
	uint64_t wait_ns;
	uint64_t wait_max_ns;
	uint64_t handoff_ns;   /* of wait_ns */
	uint64_t reacquire_ns; /* condvar: of wait_ns */
	uint64_t timeouts;
	uint32_t flags; /* MP_LOCK_WAIT_* of any of its waits */
};

/* One row of the dump: a lock, or several that lived one after the other (mp_lock.instances). */
struct lock_sum {
	const struct profile_lock *lock;
	uint64_t acquisitions;
	uint64_t contentions;
	uint64_t trylock_failures;
	uint64_t timeouts;
	uint64_t wait_ns;
	uint64_t wait_max_ns;
	uint64_t handoff_ns;               /* of wait_ns */
	const struct lock_waiter *waiters; /* by wait_ns, longest first */
	size_t waiter_count;
};

/* Allocations whose stack ends with a mark. */
struct mark_sum {
	uint32_t mark; /* enum mp_stack_mark, PROFILE_MARK_DAMAGED or a number not known yet */
	uint64_t alloc_count;
};

struct aggregate {
	struct site *sites; /* by stack number */
	size_t site_count;
	struct site totals;     /* over all sites; stack 0 */
	struct lock_sum *locks; /* by number */
	size_t lock_count;
	struct mark_sum *marks; /* by alloc_count, largest first; without complete stacks */
	size_t mark_count;
	struct arena arena;
};

/* PROFILE must outlive the result, which aggregate_free() frees. */
void aggregate_init(struct aggregate *aggregate, const struct profile *profile);
void aggregate_free(struct aggregate *aggregate);

/* The site of STACK, NULL = none. */
struct site *aggregate_find_site(struct aggregate *aggregate, uint32_t stack);

/* What sites can be ranked by. X(NAME, option value, field of struct site) */
#define SITE_KEYS(X)                               \
	X(PEAK, "peak", peak_bytes)                \
	X(BYTES, "bytes", alloc_bytes)             \
	X(COUNT, "count", alloc_count)             \
	X(TEMPORARY, "temporary", temporary_count) \
	X(LIVE, "live", live_bytes)                \
	X(REALLOC, "realloc", realloc_count)

#define X(name, text, field) SITE_KEY_##name,
enum site_key { SITE_KEYS(X) };
#undef X

int64_t site_value(const struct site *site, enum site_key key);
/* Standard error of that value, 0 if the dump is not sampled. */
uint64_t site_value_error(const struct site *site, enum site_key key);
/* Of a variance: rounded, and 0 for one that rounding has made negative. */
uint64_t site_error(double variance);

/* Sorts by KEY, largest first; equals by stack number, so that the same dump always gives the same report. */
void aggregate_rank_sites(const struct site **sites, size_t count, enum site_key key);

#endif
