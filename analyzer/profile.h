/* SPDX-License-Identifier: MIT */
/* The model of one dump: plain data, checked and owned, no file behind it. */
#ifndef MP_PROFILE_H
#define MP_PROFILE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "mp_dump.h"
#include "mp_metrics.h"
#include "strtab.h"

/* Stands beside enum mp_stack_mark for a stack that the file does not have, or not to its end. */
#define PROFILE_MARK_DAMAGED (MP_STACK_MARKS - 1u)

/* Longest stack a reader follows: twice the most that the preload keeps, so that a corrupt file costs bounded time. */
#define PROFILE_STACK_MAX 1024

/* JSON and text name of each way to end. X(NAME, text) */
#define PROFILE_ENDED(X)      \
	X(RUNNING, "running") \
	X(EXIT, "exit")       \
	X(SIGNAL, "signal")   \
	X(EXEC, "exec")       \
	X(KILLED, "killed")

#define X(name, text) PROFILE_ENDED_##name,
enum profile_ended { PROFILE_ENDED(X) };
#undef X

struct profile_process {
	uint32_t pid;
	uint32_t parent_pid;
	uint64_t start_realtime_ns; /* since 1970 */
	uint64_t start_ns;          /* CLOCK_MONOTONIC, as all *_ns times of the profile */
	uint64_t pid_start_ticks;   /* field 22 of /proc/PID/stat, 0 = unknown */
	uint8_t boot_id[16];        /* all 0 = unknown */
	enum profile_ended ended;   /* dump_read() says RUNNING where only the machine that ran it can tell KILLED */
	int32_t end_status;         /* exit status, or signal number */
	uint64_t end_ns;            /* 0 = did not say goodbye */
	uint64_t last_ns;
	uint32_t machine; /* ELF e_machine */
	uint32_t mode;    /* enum mp_mode; other values are shown by number */
	uint64_t sample_bytes;
	uint32_t features; /* MP_FEATURE_* */
	uint32_t stack_limit_frames;
	uint32_t page_bytes;
	uint64_t dropped_bytes; /* file space asked for and not got */
	uint64_t self_bytes;    /* private memory of memprof in the process */
	uint64_t paused_ns;    /* recording was off, up to the end; times that it was switched off; and is it still? */
	uint64_t paused_count;
	bool paused;
	uint64_t anonymous_max_bytes; /* most resident memory of no file, as seen; 0 = unknown */
	const char *exe;        /* strings: NULL = unknown */
	const char *cwd;
	const char *producer;
	const char *hostname;
	const char *const *argv;
	size_t argc; /* 0 = unknown */
};

struct profile_node {
	uint64_t ip;     /* 0: no such node; below MP_STACK_MARKS: enum mp_stack_mark */
	uint32_t parent; /* always smaller than the node's own number; 0 = outermost */
	uint32_t module; /* number, 0 = none known */
	bool exact;      /* ip is the address itself, not a return address */
	bool cut;        /* has no parent because the file is damaged */
};

/* One executable segment. A row that the file leaves out or that is corrupt has start == end. */
struct profile_module {
	uint32_t number;
	uint64_t start, end, bias, load_ns, unload_ns; /* as in struct mp_module */
	const char *path;                              /* NULL = unknown */
	const char *real_path;                         /* if path is a hash that stands for it; else NULL */
	const uint8_t *build_id;                       /* NULL = none */
	uint32_t build_id_bytes;
	uint32_t generation;
	uint64_t file_bytes, file_mtime_ns;
};

struct profile_lock {
	uint32_t number;
	const char *name;   /* that the program gave it, NULL = none */
	struct mp_lock row; /* stacks are 0 or exist; address 0: no such lock */
};

/* A row of names; those of one address follow each other, the innermost function first. */
struct profile_symbol {
	uint64_t ip;
	uint32_t module;      /* number, 0 = none */
	uint32_t line;        /* 0 = unknown */
	const char *function; /* NULL = unknown */
	const char *file;
	uint32_t depth;
	bool exact, inlined, is_object;
};

/* Marks of one text. */
struct profile_mark_name {
	const char *text; /* NULL: no such text */
	uint64_t count;   /* how many there were; some of them have a row */
	uint64_t stride;  /* 1 in so many */
	uint64_t last_ns;
	size_t rows;        /* so many are in profile.marks, with rising numbers */
	size_t first, last; /* places there, if there are any; those between by profile.mark_next */
};

struct profile_option {
	const char *name;
	const char *value;
};

/*
 * Rows that need no translation are kept as in the file. If the dump is sampled, counts of sites are in units of
 * 1/MP_COUNT_UNITS, those of threads, ticks and totals in blocks. All numbers of stacks, locks and modules in them are
 * checked: they are 0 or name something that is here. Only rows in use are kept, except that nodes, modules and locks
 * are indexed by number.
 */
struct profile {
	const char *path; /* of the dump */
	struct profile_process process;

	int64_t live_bytes, live_count; /* as the process itself added them up */
	uint64_t peak_bytes, peak_count, peak_ns;
	uint32_t peak_epoch;
	uint64_t inherited_count, inherited_bytes, inherited_free_count, inherited_free_bytes;

	const struct profile_node *nodes; /* [1..node_count]; [0] is empty */
	size_t node_count;
	const struct mp_site *sites;
	size_t site_count;                         /* rows: a stack has one row per shard that met it */
	const struct mp_site_resized *resized;     /* rows of sites again: those that tell what reallocs did */
	size_t resized_count;
	const struct mp_site_sample *site_samples; /* of a sampled dump, else none; variances are finite, 0 or more */
	size_t site_sample_count;
	const struct mp_lifetime *lifetimes;
	size_t lifetime_count;
	const struct mp_thread *threads;
	size_t thread_count;
	const struct mp_free_pair *free_pairs; /* variances are finite, 0 or more */
	size_t free_pair_count;
	const struct profile_module *modules; /* number N is modules[N - 1] */
	size_t module_count;
	const struct mp_tick *ticks; /* times ascend */
	size_t tick_count;
	const struct profile_mark_name *mark_names; /* number N is mark_names[N - 1] */
	size_t mark_name_count;
	const struct mp_mark *marks; /* times ascend; their texts are here */
	size_t mark_count;
	const size_t *mark_next;       /* place of the next mark of the same text, if there is one */
	const struct mp_mark_growth *mark_growth; /* by text, stack, number; none twice; their texts are here */
	size_t mark_growth_count;
	const char *const *lock_names; /* that the program gave; NULL = none of that number. [number - 1] */
	size_t lock_name_count;
	const struct profile_lock *locks; /* number N is locks[N - 1] */
	size_t lock_count;
	const struct mp_lock_share *lock_shares;
	size_t lock_share_count;
	const struct mp_lock_wait *lock_waits;
	size_t lock_wait_count;
	const struct mp_growth *growth; /* by stack, then time; none twice */
	size_t growth_count;
	const struct mp_leak_scan *leak_scans; /* numbers ascend */
	size_t leak_scan_count;
	const struct mp_leak *leaks; /* of scans that are here; of known classes; leak_view.h makes sense of them */
	size_t leak_count;
	/* The rest about locks is only in dumps with lock_details; without, what it would tell is unknown, not 0. */
	bool lock_details;
	const struct mp_lock_hist *lock_hists; /* octaves are below 64, kinds may be unknown ones */
	size_t lock_hist_count;
	const struct mp_lock_culprit *lock_culprits;
	size_t lock_culprit_count;
	const struct mp_lock_pair *lock_pairs;
	size_t lock_pair_count;
	const struct mp_lock_hold *lock_holds; /* allocations in blocks, also if the dump is sampled */
	size_t lock_hold_count;
	const struct mp_lock_extra *lock_extras;
	size_t lock_extra_count;
	const struct mp_lock_wake *lock_wakes;
	size_t lock_wake_count;
	const struct mp_lock_order *lock_orders; /* both locks exist; gates may not */
	size_t lock_order_count;
	const struct mp_loss *losses; /* one per reason, nonzero counts, unknown reasons included */
	size_t loss_count;
	const struct profile_symbol *symbols; /* of a dump that brings its names */
	size_t symbol_count;
	const struct profile_option *options;
	size_t option_count;

	bool anonymous; /* by profile_anonymise() */
	bool partial;   /* something that the process wrote is missing here; warnings say what */
	const char **warnings;
	size_t warning_count;
	size_t warnings_left_out; /* not kept, there were too many */

	struct arena arena; /* holds everything the pointers above lead to */
	struct strtab strings;
};

void profile_init(struct profile *profile, const char *path);
void profile_free(struct profile *profile);

/* Adds a line for the foot of the report. The text is copied. Repetitions and a flood are dropped. */
void profile_warn(struct profile *profile, const char *format, ...) __attribute__((format(printf, 2, 3)));
void profile_vwarn(struct profile *profile, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* Nodes of STACK from the innermost outward, without the mark; at most PROFILE_STACK_MAX. Returns how many. */
size_t profile_stack(const struct profile *profile, uint32_t stack, uint32_t *ret_nodes);

/* What ends STACK: enum mp_stack_mark, PROFILE_MARK_DAMAGED or a number not known yet; 0 = the stack is complete. */
uint32_t profile_stack_mark(const struct profile *profile, uint32_t stack);

/* The path of the module's file on the machine that it was recorded on, NULL = unknown. */
static inline const char *profile_module_file(const struct profile_module *module)
{
	return module->real_path ? module->real_path : module->path;
}

/* The module is libmemprof.so itself; its frames are not the program's. */
bool profile_module_is_memprof(const struct profile *profile, uint32_t module);

/* Names of numbers in the dump. NULL = a number this program does not know. */
const char *profile_mark_name(uint32_t mark); /* in upper case, unlike the others */
const char *profile_mark_text(uint32_t mark);
const char *profile_mode_name(uint32_t mode);
const char *profile_ended_name(enum profile_ended ended);
const char *profile_lock_kind_name(uint32_t kind);
const char *profile_lock_category(uint32_t kind);
/* Of a category. What this program does not know is contention, so that it is not overlooked. */
bool profile_is_contention(const char *category);
const char *profile_loss_name(uint64_t reason);
const char *profile_loss_text(uint64_t reason);
const char *profile_leak_class_name(uint32_t leak_class);
const char *profile_scan_trigger_name(uint32_t trigger);
const char *profile_scan_method_name(uint32_t method);
const char *profile_scan_result_text(uint32_t result);

/* Counters are estimates. */
bool profile_is_sampled(const struct profile *profile);
/* A count in the units of the dump, in blocks. */
uint64_t profile_blocks(const struct profile *profile, uint64_t count);
int64_t profile_signed_blocks(const struct profile *profile, int64_t count);

/* Nanoseconds from the start of the process to its end, or to the last sign of life. */
uint64_t profile_duration_ns(const struct profile *profile);

#endif
