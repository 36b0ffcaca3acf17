/* SPDX-License-Identifier: MIT */
/* The verdict of a gate: what was found, what is known already, which limits are exceeded. */
#ifndef MP_GATE_H
#define MP_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy.h"
#include "summary.h"
#include "suppress.h"
#include "term.h"
#include "vec.h"

/* Beside the baseline. X(NAME, word, baselineState of SARIF) */
#define GATE_STATES(X)                         \
	X(NONE, "", NULL) /* no baseline */    \
	X(NEW, "new", "new")                   \
	X(GROWN, "grown", "updated")           \
	X(UNCHANGED, "unchanged", "unchanged") \
	X(GONE, "gone", "absent")

#define X(name, word, sarif) GATE_##name,
enum gate_state { GATE_STATES(X) };
#undef X

/* Leaked blocks of one class that share a stack, in all dumps together. */
struct gate_leak {
	struct summary_leak leak; /* owner is 0: rows of all owners are added up */
	enum gate_state state;
	double old_blocks, old_bytes;          /* in the baseline */
	struct amount more_blocks, more_bytes; /* beyond that */
	double judged_blocks, judged_bytes;    /* of these, what is certain */
	struct suppression *suppression;       /* NULL = not suppressed */
	bool fails;                            /* some rule is broken by it */
};

enum gate_outcome { GATE_PASSED, GATE_FAILED, GATE_NOT_JUDGED };

/* A limit, or that there be no leak of a class, and what became of it. */
struct gate_rule {
	bool is_zero; /* no leak of that class at all */
	struct limit limit;
	enum gate_outcome outcome;
	const char *title;                   /* "definite leaks" */
	const char *found;                   /* "3 stacks, 12.3 KiB in 13 blocks" */
	const char *bound;                   /* "none allowed" */
	const char *why;                     /* not judged because; else NULL */
	VEC(const struct gate_leak *) leaks; /* that break it */
	const struct summary_lock *lock;     /* the worst that breaks it */
	const struct summary_marks *marks;   /* the same of marks */
};

struct gate {
	const struct policy *policy;
	const struct summary *summary;
	const struct summary *baseline; /* NULL = none */
	const struct suppressions *suppressions;
	struct gate_leak *leaks; /* by class and bytes, most first; suppressed ones last */
	size_t leak_count;
	VEC(struct gate_leak) gone; /* of the baseline, not found any more */
	VEC(struct gate_rule) rules;
	size_t failed, not_judged; /* rules */
	size_t unreadable;         /* dumps */
	bool partial;              /* and not allowed: cannot pass */
	bool needs_verdict;        /* some rule is about classes of leaks */
	struct arena arena;
};

/* The other arguments must outlive GATE. Counts what suppressions hide. */
void gate_judge(struct gate *gate, const struct policy *policy, const struct summary *summary,
		const struct summary *baseline, struct suppressions *suppressions);
void gate_free(struct gate *gate);

/* "PASSED", "FAILED", or "NOT JUDGED" */
const char *gate_verdict(const struct gate *gate);
const char *gate_state_word(enum gate_state state);

/* "12 blocks, 12.0 KiB"; estimates with their standard error. */
const char *gate_amount(struct arena *arena, const struct summary_leak *leak);

/* One sentence on a leak: "12.0 KiB in 12 blocks definitely lost, allocated by conn_new". */
const char *gate_leak_text(struct arena *arena, const struct gate_leak *leak);

/* A fingerprint that survives edits: hash of class and function names, in hex. */
const char *gate_fingerprint(struct arena *arena, const struct gate_leak *leak);

/* The summary without what is suppressed, to be written as a baseline. summary_free() frees it. */
void gate_accepted(const struct gate *gate, struct strtab *names, struct summary *ret_summary);

/*
 * Where a leak is in the sources below ROOT: the innermost frame whose file is there. *RET_PATH is relative to ROOT.
 * NULL: none is; *RET_PATH is untouched.
 */
const struct frame *gate_source_frame(struct arena *arena, const struct summary_stack *stack, const char *root,
				      const char **ret_path);

struct gate_output {
	const char *root; /* of the sources */
	size_t top;       /* leaks shown; 0 = all */
	bool full_stacks;
};

/* Writers; the caller checks OUT for errors. */
void out_gate_text(const struct gate *gate, const struct gate_output *output, const struct term *term);
void out_gate_json(const struct gate *gate, const struct gate_output *output, FILE *out);
void out_sarif(const struct gate *gate, const struct gate_output *output, FILE *out);
void out_junit(const struct gate *gate, const struct gate_output *output, FILE *out);
void out_github(const struct gate *gate, const struct gate_output *output, FILE *out);
void out_markdown(const struct gate *gate, const struct gate_output *output, FILE *out);

#endif
