/* SPDX-License-Identifier: MIT */
/*
 * What one or more dumps say, added up in terms that outlive the run: stacks by the names of their functions, locks by
 * their own. Two summaries with the same names can be compared.
 */
#ifndef MP_SUMMARY_H
#define MP_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate.h"
#include "arena.h"
#include "err.h"
#include "hash.h"
#include "leak_class.h"
#include "profile.h"
#include "stack_key.h"
#include "strtab.h"
#include "symbolize.h"
#include "vec.h"

/* An amount, and how sure it is: the variance is 0 unless it is an estimate. */
struct amount {
	double value;
	double variance;
};

/* Ends of the interval that holds the truth in 95 % of cases; the lower is never below 0. */
double amount_low(const struct amount *amount);
double amount_high(const struct amount *amount);
void amount_add(struct amount *sum, const struct amount *part);

/* Frames copied out of a dump. */
struct summary_stack {
	const struct frame *frames; /* innermost first; NULL if they come from a baseline file */
	size_t count;
	uint32_t mark; /* as profile_stack_mark() */
};

struct summary_leak {
	enum mp_leak_class leak_class;
	struct stack_key key;
	uint64_t owner; /* INDIRECT: hash of the key of the blocks that lead here; else 0 */
	struct summary_stack stack;
	struct amount blocks, bytes;
	uint64_t held_blocks, held_bytes; /* DEFINITE: INDIRECT ones behind these */
	size_t dumps;                     /* in so many */
	size_t last_dump;                 /* number of the last of them, so that none counts twice */
};

struct summary_lock {
	const char *name; /* NULL = it has none; then the hash is that of its kind and of who waited for it most */
	const char *kind;
	uint64_t hash;
	struct summary_stack stack; /* of the longest waiter */
	uint64_t acquisitions, contentions, wait_ns, wait_max_ns;
};

/* Only if asked for. */
struct summary_site {
	uint64_t hash; /* of the stack's key */
	uint32_t source, stack;
	struct amount alloc_count, alloc_bytes, peak_bytes, live_bytes, temporary_count;
};

/* The stack that grows fastest, of all dumps; see growth_view.h. */
struct summary_growth {
	const char *function; /* NULL: none grows */
	double bytes_per_hour;
	double bytes_per_hour_low;
	size_t unjudged; /* dumps with too few points in time */
};

/* A stack that grows from one mark to the next. */
struct summary_marked {
	struct summary_stack stack;
	double bytes, bytes_low, blocks;
};

/* Marks of one text in one dump; see growth_view.h. */
#define SUMMARY_MARKED_MAX 20u
struct summary_marks {
	const char *text;
	bool judged;
	double bytes, bytes_low; /* that live memory grows by from one to the next; 0 unless it grows */
	bool stacks_judged;
	const struct summary_marked *stacks; /* that grow, most first; at most SUMMARY_MARKED_MAX */
	size_t stack_count;
	bool leaks_judged;
	double leaked[MP_LEAK_REACHABLE + 1]; /* bytes that a class of leaks gains from one to the next, 0 or more */
};

struct summary_totals {
	struct amount peak_bytes; /* of the process that had most */
	const char *peak_dump;    /* which */
	struct amount alloc_count, alloc_bytes, live_count, live_bytes, temporary_count;
	uint64_t wait_ns;
};

/* Why a dump cannot be judged in full. */
enum summary_defect {
	SUMMARY_PARTIAL,   /* damaged, cut short, or its process still runs */
	SUMMARY_UNSCANNED, /* no verdict on leaks */
	SUMMARY_REPLACED,  /* no verdict either, but none is missing: exec ended what had been there */
};

struct summary_note {
	enum summary_defect defect;
	const char *dump;
	const char *program;
	const char *text;
};

struct summary_source;

struct summary {
	struct strtab *names; /* the caller's: keys, and every text of the summary */
	bool with_sites;      /* set it before adding dumps */
	/* Bits 1 << enum mp_leak_class, also to be set before: leaks of other classes are only added up, without their
	 * stacks, because naming stacks is most of the work. All by default. */
	unsigned named_classes;
	size_t dumps;
	const char *program; /* of the first dump: base name of the executable */
	bool several_programs;
	uint32_t pid;
	uint64_t start_realtime_ns, duration_ns; /* of the first; of all together */
	const char *hostname;
	bool sampled;
	size_t without_locks; /* dumps in which locks were not recorded */
	size_t defects[SUMMARY_REPLACED + 1];
	struct summary_totals totals;
	struct summary_growth growth;
	VEC(struct summary_marks) marks;
	VEC(struct summary_leak) leaks;
	VEC(struct summary_lock) locks;
	VEC(struct summary_site) sites;
	VEC(struct summary_note) notes;
	VEC(struct summary_source *) sources;                  /* with sites: dumps kept open */
	struct hash_map leak_places, lock_places, site_places; /* hash -> index */
	struct arena arena;
};

void summary_init(struct summary *summary, struct strtab *names);
void summary_free(struct summary *summary);

/* Adds a dump. false: it cannot be read. */
bool summary_add_dump(struct summary *summary, const char *path, struct err *err);

/* The same for rows that do not come from a dump; equal ones are added up. */
void summary_add_leak(struct summary *summary, const struct summary_leak *leak);
void summary_add_lock(struct summary *summary, const struct summary_lock *lock);

/* What summary_lock.hash is for a lock with a name. */
uint64_t summary_lock_hash(const char *kind, const char *name);

/* The frames and key of a site. The frames live as long as the summary. */
void summary_site_stack(struct summary *summary, const struct summary_site *site, struct summary_stack *ret_stack);
struct stack_key summary_site_key(struct summary *summary, const struct summary_site *site);

/* The sum for one class; MP_LEAK_UNFREED: for all, whatever their class. */
void summary_sum_leaks(const struct summary *summary, enum mp_leak_class leak_class, struct amount *ret_blocks,
		       struct amount *ret_bytes);

/* Where a person would look first: the innermost frame outside of system libraries and allocators. NULL: no frame. */
const struct frame *summary_main_frame(const struct summary_stack *stack);

#endif
