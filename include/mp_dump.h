/* SPDX-License-Identifier: MIT */
/* The dump format: what libmemprof.so writes through a shared mapping and memprof-analyze reads. */
#ifndef MP_DUMP_H
#define MP_DUMP_H

#include <stdint.h>

/*
 * A dump is one file: a header of MP_HEADER_BYTES, then chunks, back to back, up to header.used_bytes. The file may be
 * longer (space held ready); what lies past used_bytes is not part of the dump. All integers are little-endian, all
 * structures are 8-byte aligned, there are no pointers.
 *
 * The file is valid at every instant, because the program may be killed between any two stores:
 *  - used_bytes is stored (release) only after the header of the chunk below it is complete;
 *  - a row is in use when its key field (named below, never 0) is set; the key is stored last (release);
 *  - counters only ever grow, except where a field says otherwise. One thread writes a row, any thread may read it.
 * A reader skips chunk kinds it does not know, and fields past those it knows in a longer row.
 *
 * Words: a *stack* is the return addresses of one call path; it is named by the number of its innermost *node*. Nodes
 * form a tree: a node is one return address and the number of the node of its caller. A *site* is a stack seen as a
 * place of allocation. A *shard* is a set of rows with one writing thread at a time; readers add the rows of all
 * shards.
 */

#define MP_MAGIC "MEMPROF\n"		/* 8 bytes, no terminator in the file */
#define MP_DUMP_VERSION 1
#define MP_BYTE_ORDER 0x01020304u
#define MP_HEADER_BYTES 4096
#define MP_CHUNK_ALIGN 64		/* chunks start and end at multiples of this */

/* Kinds of chunk. X(name, number, row structure, what the rows are). Numbers are never reused. */
#define MP_CHUNKS(X)                                                                      \
	X(NODE, 1, mp_node, "stack tree: one return address per row")                     \
	X(SITE, 2, mp_site, "one thread's share of the counters of an allocation site")   \
	X(THREAD, 3, mp_thread, "threads and their totals")                               \
	X(MODULE, 4, mp_module, "loaded objects")                                         \
	X(STRING, 5, mp_string, "text: bytes, not rows")                                  \
	X(TIMELINE, 6, mp_tick, "points in time")                                         \
	X(LOCK, 7, mp_lock, "locks that were contended at least once")                    \
	X(LOCK_SHARE, 8, mp_lock_share, "one thread's share of the counters of a lock")   \
	X(LOCK_WAIT, 9, mp_lock_wait, "one thread's waits for a lock, by stack")          \
	X(LOSS, 10, mp_loss, "what was not recorded, by reason")                          \
	X(OPTION, 11, mp_option, "options in force")                                      \
	X(VERIFY, 12, mp_verify, "MEMPROF_VERIFY: stacks compared with libunwind's walk") \
	X(SITE_SAMPLE, 13, mp_site_sample, "sampled: how sure the counters of sites are")               \
	X(LOCK_HIST, 14, mp_lock_hist, "one thread's histograms of waits and holds of a lock")          \
	X(LOCK_CULPRIT, 15, mp_lock_culprit, "who made whom wait for a lock, by stacks")                \
	X(LOCK_PAIR, 16, mp_lock_pair, "who made whom wait for a lock, by threads")                     \
	X(LOCK_HOLD, 17, mp_lock_hold, "one thread's measured holds of a lock")                         \
	X(LOCK_EXTRA, 18, mp_lock_extra, "one thread's counters that only some kinds of locks have")    \
	X(LOCK_ORDER, 19, mp_lock_order, "MEMPROF_LOCK_ORDER: a lock taken while another was held") \
	X(LEAK_SCAN, 20, mp_leak_scan, "searches for leaks: when, how, and why not")      \
	X(LEAK, 21, mp_leak, "what a search found, by class and stack")                   \
	X(GROWTH, 31, mp_growth, "live bytes of the largest sites, at points in time")    \
	X(LIFETIME, 25, mp_lifetime, "how long some of the blocks of a site lived")       \
	X(MARK_NAME, 34, mp_mark_name, "texts of the marks that the program set")         \
	X(MARK, 35, mp_mark, "marks: points in time that the program named")              \
	X(MARK_GROWTH, 46, mp_mark_growth, "live bytes of the largest sites, at some of the marks") \
	X(LOCK_NAME, 37, mp_lock_name, "names that the program gave to locks")            \
	X(FREE_PAIR, 40, mp_free_pair, "who freed what another thread had allocated")     \
	X(LOCK_WAKE, 47, mp_lock_wake, "who woke threads of other processes")             \
	X(SYMBOL, 30, mp_symbol, "names of the addresses in the dump, put in by memprof-analyze bundle")

#define X(name, number, row, text) MP_CHUNK_##name = number,
enum mp_chunk_kind { MP_CHUNKS(X) };
#undef X

/* How the process ended. RUNNING with no such process left: killed, or crashed. */
enum mp_ended {
	MP_ENDED_RUNNING = 0,
	MP_ENDED_EXIT = 1,	/* end_status: exit status, 0-255 */
	MP_ENDED_SIGNAL = 2,	/* end_status: signal number (abort(), or told by whoever waited for the process) */
	MP_ENDED_EXEC = 3,	/* replaced itself by another program */
};

enum mp_mode {
	MP_MODE_FULL = 1,	/* every event counted */
	MP_MODE_SAMPLE = 2,	/* Poisson sample by bytes; header.sample_bytes is the mean distance */
	MP_MODE_OFF = 3,	/* loaded, dormant */
};

/*
 * In a sampled dump counters are estimates: a block of s bytes is recorded with probability p = 1 - exp(-s /
 * sample_bytes), s = 0 taken as 1, and then adds not 1 and s but 1/p blocks and s/p bytes, so that sums are right on
 * average. Counts of blocks are then in units of 1/MP_COUNT_UNITS: all *_count fields of the header, of mp_site (but
 * for those that say otherwise), mp_thread and mp_tick; the lock_* fields are not.
 */
#define MP_COUNT_UNITS 1024

/*
 * Commands to a running process. Who sends one writes command and text and then the next number into request (release);
 * the process stores that number in control_taken, does what it says, and answers with value and result, and then that
 * number in answer (release), on which it wakes who waits there with a futex. Who gives up stores 0 in command, which
 * is obeyed by doing nothing. Numbers are never used again; whoever finds a request without an answer first stores the
 * next number, and command and text are those of the number that request has before and after they were read. One
 * sender at a time: it locks the file with flock(). X(word, number, text)
 */
#define MP_CONTROLS(X)                                                                        \
	X(status, 1, "tell whether it answers, and what is live")                              \
	X(mark, 2, "set a mark named TEXT")                                                    \
	X(leaks, 3, "search for lost blocks now")                                              \
	X(snapshot, 4, "bring the dump up to date, set a mark (TEXT), search for lost blocks") \
	X(on, 5, "go on recording")                                                            \
	X(off, 6, "stop recording")

#define X(word, number, text) MP_CONTROL_##word = number,
enum mp_control_command { MP_CONTROLS(X) };
#undef X

enum mp_control_result {
	MP_CONTROL_DONE = 1,
	MP_CONTROL_NO_VERDICT = 2,	/* the search failed; its row in MP_CHUNK_LEAK_SCAN says why */
	MP_CONTROL_UNKNOWN = 3,		/* command */
};

#define MP_CONTROL_TEXT_BYTES 256u
struct mp_control {
	uint32_t open;		/* 1: the process takes commands */
	uint32_t signal;	/* makes the process look for one; 0 = none does */
	uint32_t request;
	uint32_t answer;
	uint32_t command;	/* enum mp_control_command */
	uint32_t result;	/* enum mp_control_result */
	int64_t value;		/* leaks, snapshot: blocks definitely lost */
	uint64_t answer_ns;
	char text[MP_CONTROL_TEXT_BYTES];	/* 0-terminated */
};
_Static_assert(sizeof(struct mp_control) == 296, "format change");

struct mp_header {
	char magic[8];			/* MP_MAGIC */
	uint32_t version;		/* MP_DUMP_VERSION */
	uint32_t header_bytes;		/* MP_HEADER_BYTES */
	uint32_t byte_order;		/* MP_BYTE_ORDER as written */
	uint32_t page_bytes;
	uint64_t used_bytes;		/* header and all finished chunks */

	uint32_t machine;		/* ELF e_machine of the process */
	uint32_t mode;			/* enum mp_mode */
	uint64_t sample_bytes;		/* 0 unless MP_MODE_SAMPLE */
	uint32_t pid;
	uint32_t parent_pid;
	uint64_t start_realtime_ns;	/* since 1970 */
	uint64_t start_ns;		/* CLOCK_MONOTONIC; all other *_ns times in the file are on this clock */
	uint64_t pid_start_ticks;	/* field 22 of /proc/PID/stat, tells a reused pid; 0 = unknown */
	uint8_t boot_id[16];		/* of the machine's boot, all 0 = unknown */

	uint32_t ended;			/* enum mp_ended */
	int32_t end_status;
	uint64_t end_ns;		/* 0 while ended is MP_ENDED_RUNNING */
	uint64_t last_ns;		/* last time seen by any slow path, so at most a little before the death */

	/*
	 * Live bytes over all threads, as added up whenever a thread has moved by more than a small share of the
	 * total.
	 */
	int64_t live_bytes;
	int64_t live_count;
	uint64_t peak_bytes;		/* largest live_bytes so far */
	uint64_t peak_count;		/* live blocks at that moment */
	uint64_t peak_ns;
	uint64_t peak_epoch;		/* number of that peak; see mp_site.peak_epoch */

	uint64_t inherited_count;	/* blocks alive in the parent at fork, 0 if not forked. Not in any site. */
	uint64_t inherited_bytes;
	uint64_t inherited_free_count;	/* of those, freed by this process */
	uint64_t inherited_free_bytes;

	uint64_t exe;			/* string references: file offset of an mp_string, 0 = unknown */
	uint64_t cwd;
	uint64_t argv;			/* arguments, each followed by a 0 byte */
	uint64_t producer;		/* "memprof 0.1.0" */
	uint64_t hostname;
	uint32_t features;		/* MP_FEATURE_* */
	uint32_t stack_limit_frames;	/* deepest stack kept */
	uint64_t dropped_bytes;		/* file space asked for and not got */
	uint64_t self_bytes;		/* private address space that memprof maps in the process; 0 = unknown */
	uint64_t anonymous_max_bytes;	/* most resident memory that belongs to no file and is not shared, as seen at
					 * points of the timeline; 0 = unknown */
	uint64_t paused_ns;		/* recording was off for so long, not counting since paused_since_ns */
	uint64_t paused_since_ns;	/* 0 = it is on */
	uint64_t paused_count;		/* times that it was switched off */
	struct mp_control control;
	uint32_t control_taken;		/* number of the last command that the process has begun with */
	uint32_t reserved;
};
_Static_assert(sizeof(struct mp_header) <= MP_HEADER_BYTES, "header must fit its page");

#define MP_FEATURE_LOCKS 1u		/* locks were recorded */
#define MP_FEATURE_TIMELINE 2u
#define MP_FEATURE_FORKED 4u		/* the process is a fork child of a recorded process */
#define MP_FEATURE_FOREIGN_NEW 8u	/* operator new of another allocator is recorded at operator new itself */
#define MP_FEATURE_SIZES 16u		/* a site's row counts allocations of one class of sizes: 2^k to 2^(k+1) - 1
					 * bytes, 0 and 1 being one class; it is the class of the row's mean */

struct mp_chunk {
	uint32_t kind;		/* enum mp_chunk_kind; 0: none yet, to be skipped */
	uint32_t row_bytes;	/* 1 for MP_CHUNK_STRING */
	uint64_t bytes;		/* of the whole chunk, this header included; a multiple of MP_CHUNK_ALIGN */
	uint64_t rows;		/* room for this many; used ones have their key set */
	uint64_t first;		/* NODE, MODULE, THREAD, LOCK, MARK_NAME, LOCK_NAME: number of the first row; else 0 */
	uint64_t owner;		/* kinds whose rows are one thread's: number of the shard; else 0 */
	uint64_t reserved[3];
};
_Static_assert(sizeof(struct mp_chunk) == MP_CHUNK_ALIGN, "rows start on a cache line");

/*
 * Node numbers: 0 is "no node" (the caller of the outermost frame), the first row of the first NODE chunk is number
 * 1.
 */
struct mp_node {
	uint64_t ip;		/* key. Return address, or the exact address for the frame a signal interrupted;
				 * below MP_STACK_MARKS: enum mp_stack_mark */
	uint32_t parent;	/* node of the caller */
	uint32_t module;	/* number of the module that held ip at that time, 0 = none known */
};
_Static_assert(sizeof(struct mp_node) == 16, "format change");

/*
 * Marks stand in a node where a return address would be, always outermost (parent 0), and say why a stack ends there.
 * A stack without a mark is complete. X(name, number, text)
 */
#define MP_STACK_MARKS 4096
#define MP_STACK_MARK_LIST(X)                                                                   \
	X(OTHER, 1, "other stacks: the stack table was full")                                   \
	X(DEPTH, 2, "cut: deeper than the limit")                                               \
	X(NO_UNWIND_INFO, 3, "cut: code without unwind information (JIT, assembly)")            \
	X(OFF_STACK, 4, "cut: the next frame is not on a known stack")                          \
	X(UNKNOWN_STACK, 5, "cut: running on a stack of unknown extent")                        \
	X(UNSUPPORTED, 6, "cut: unwind rule beyond both unwinders")                             \
	X(EARLY, 7, "no stack: recorded before initialisation")                                 \
	X(UNKNOWN_CODE, 8, "cut: return address outside all loaded objects")                    \
	X(NO_PROGRESS, 9, "cut: frames do not move outward")

#define X(name, number, text) MP_MARK_##name = number,
enum mp_stack_mark { MP_STACK_MARK_LIST(X) };
#undef X

/* Set in mp_node.module beside the number: the address is exact, not a return address (do not subtract 1). */
#define MP_NODE_EXACT_IP 0x80000000u

/*
 * live = alloc - free, per row possibly negative: a thread may free what another allocated. A realloc counts as one
 * free (of the old stack) and one allocation (of the new one), as valgrind does. A row without allocations counts
 * frees of blocks that came from other shards.
 */
struct mp_site {
	uint32_t stack;		/* key: innermost node */
	uint32_t peak_epoch;	/* equal to (the lower half of) header.peak_epoch: peak_* are this row's share at the
				 * peak. Else the row has not changed since, and its live values are that share. */
	uint64_t alloc_count;
	uint64_t alloc_bytes;	/* as requested */
	uint64_t free_count;	/* blocks of this site freed by this shard's threads, whoever allocated them */
	uint64_t free_bytes;
	int64_t peak_bytes;
	int32_t peak_count;	/* saturates; whole blocks also in a sampled dump */
	uint32_t temporary_count;	/* freed by the allocating thread before it allocated anything else */
	uint32_t realloc_count;		/* allocations of this row that realloc made out of an older block. A row
					 * is closed, and another opened for the same stack, before any 32-bit
					 * counter is full. In a sampled dump both are 0: see mp_site_sample. */
	uint32_t check;			/* for the writer */
};
_Static_assert(sizeof(struct mp_site) == 64, "one cache line");

/*
 * What reallocs of older blocks did. SITE chunks with rows of this length hold the blocks that realloc made, others
 * hold none of them, so that the writer knows of each block whether it was resized before. The steps counted here are
 * those of realloc_count, but for rows of blocks whose lifetime is observed: these steps are counted in a row of this
 * kind, of the same stack. None in a sampled dump.
 */
struct mp_site_resized {
	struct mp_site site;
	uint64_t first_count;	/* blocks that were resized for the first time, as far as this process has seen */
	uint64_t first_bytes;	/* their size before that */
	uint64_t move_count;	/* steps after which the block was at another address */
	uint64_t copied_bytes;	/* by these steps: the smaller one of both sizes */
	uint64_t shrink_count;	/* steps that made a block smaller */
	uint64_t shrunk_bytes;	/* by so much */
	uint64_t grown_bytes;	/* by so much the other steps made blocks larger */
	uint64_t unknown_count;	/* steps of blocks of unknown size, in none of the fields above */
};
_Static_assert(sizeof(struct mp_site_resized) == 128, "two cache lines");

/*
 * Sampled dumps: what mp_site has no room for. Rows of a stack are added up like those. The variance of an estimated
 * sum is the sum of w (w - 1) x^2 over the samples, w being 1/p and x what one block adds to the exact sum: 1, or its
 * bytes. That of live blocks is alloc_*_var - free_*_var, since a block that was freed is in neither.
 */
struct mp_site_sample {
	uint32_t stack;		/* key: innermost node */
	uint32_t check;		/* for the writer */
	uint32_t alloc_samples;	/* blocks recorded, saturates */
	uint32_t free_samples;	/* of blocks recorded, frees; saturates */
	uint64_t temporary_count;	/* estimates as in mp_site, in units of 1/MP_COUNT_UNITS */
	uint64_t realloc_count;
	double alloc_count_var;	/* in blocks, squared: no units of 1/MP_COUNT_UNITS here */
	double alloc_bytes_var;
	double free_count_var;
	double free_bytes_var;
};
_Static_assert(sizeof(struct mp_site_sample) == 64, "one cache line");

/* Of about so many allocations one is observed until it is freed; not in a sampled dump. */
#define MP_LIFETIME_EVERY 256u
#define MP_LIFETIME_CLASSES 10u

/* Blocks of one stack that were observed and freed. Rows of a stack are added up. */
struct mp_lifetime {
	uint32_t stack;		/* key: innermost node */
	uint32_t check;		/* for the writer */
	uint32_t observed;	/* blocks */
	uint32_t elsewhere;	/* weight of those that another thread freed */
	uint64_t sum_ns;	/* of all lifetimes times their weight */
	uint32_t counts[MP_LIFETIME_CLASSES];	/* weight of blocks by lifetime: below 1 us, below 10 us, ..., 100 s
						 * and more. A weight of 1 stands for MP_LIFETIME_EVERY blocks. */
};
_Static_assert(sizeof(struct mp_lifetime) == 64, "one cache line");

static inline uint32_t mp_lifetime_class(uint64_t ns)
{
	uint32_t k = 0;

	for (uint64_t limit = 1000; ns >= limit && k < MP_LIFETIME_CLASSES - 1; limit *= 10)
		k++;
	return k;
}

struct mp_thread {
	uint64_t start_ns;	/* key: first event of the thread */
	uint64_t end_ns;	/* 0 = alive, as far as known */
	uint32_t tid;		/* 0: a row that adds up several ended threads of that name */
	uint32_t threads;	/* how many threads the row stands for, 1 or more */
	char name[16];		/* as last seen, 0-terminated */
	uint64_t alloc_count;
	uint64_t alloc_bytes;
	uint64_t free_count;
	uint64_t free_bytes;
	uint64_t temporary_count;
	uint64_t realloc_count;
	uint64_t lock_acquisitions;	/* all locks, contended or not */
	uint64_t lock_contentions;	/* kinds of the category contention only, see MP_LOCK_KINDS */
	uint64_t lock_wait_ns;
	uint64_t coordination_ns;	/* waits of the other kinds: condition variables, semaphores... */
	/* Rows of earlier versions end here: MP_THREAD_BYTES_MIN. */
	uint32_t shard;		/* its counters are in this shard's rows; 0 = unknown, or in several (tid is 0 then) */
	uint32_t reserved;
};
_Static_assert(sizeof(struct mp_thread) == 128, "format change");
#define MP_THREAD_BYTES_MIN 120

/*
 * Blocks that a thread of one shard freed (or resized), and a thread of another had allocated. The threads of a shard
 * had it one after the other: when many threads come and go, shards are used again, and what one of them frees of an
 * earlier one of its shard is not counted here.
 */
struct mp_free_pair {
	uint32_t free_shard;	/* key */
	uint32_t check;		/* for the writer */
	uint32_t alloc_shard;	/* 0 = others, beyond the MP_FREE_PAIRS_MAX first of free_shard */
	uint32_t pairs;		/* for the writer */
	uint64_t count;		/* blocks, as in struct mp_site */
	uint64_t bytes;
	double count_var;	/* of a sampled dump, else 0: as in struct mp_site_sample */
	double bytes_var;
	uint64_t reserved[2];
};
_Static_assert(sizeof(struct mp_free_pair) == 64, "one cache line");
#define MP_FREE_PAIRS_MAX 64u

/* One row per executable segment of an object. Rows are never reused: an address can belong to several over time. */
struct mp_module {
	uint64_t start;		/* key: first address of the segment */
	uint64_t end;		/* first address behind it */
	uint64_t bias;		/* address in memory - address in the ELF file */
	uint64_t load_ns;	/* when seen first */
	uint64_t unload_ns;	/* 0 = still loaded, as far as known */
	uint64_t path;		/* string reference, 0 = unknown */
	uint32_t generation;	/* 1, 2, ...: counts reuses of the same address range */
	uint32_t build_id_bytes;	/* 0 = none */
	uint8_t build_id[32];
	uint64_t file_bytes;	/* size and modification time of the file when seen; 0 = unknown */
	uint64_t file_mtime_ns;
};
_Static_assert(sizeof(struct mp_module) == 104, "format change");

/* A string reference is the offset of an mp_string in the file, which always lies within a STRING chunk. */
struct mp_string {
	uint32_t bytes;		/* key; without the 0 that follows the text. Strings start 8-byte aligned. */
	char text[];
};

struct mp_tick {
	uint64_t time_ns;	/* key. Rows are sorted, but the last may be half written: check order. */
	int64_t live_bytes;
	uint64_t rss_bytes;	/* 0 = unknown, or not read at this point */
	uint64_t alloc_count;	/* since start */
	uint64_t alloc_bytes;
	uint64_t free_count;
	uint64_t lock_wait_ns;
	uint64_t reserved;
};
_Static_assert(sizeof(struct mp_tick) == 64, "format change");
#define MP_TICKS_MAX 1024

/*
 * A program names points in time: marks. Marks of one text are numbered 1, 2, ...; the row of the text counts them all,
 * a mark has a row of its own if its number less 1 is a multiple of the text's stride. When there is no room for more
 * rows, the stride of the text with most of them is doubled, and rows that it leaves out become free. So rows are in no
 * order, and rows that a larger stride leaves out may still be there.
 */
struct mp_mark_name {
	uint64_t text;		/* key: string reference, at most MP_MARK_TEXT_MAX bytes */
	uint64_t count;		/* marks of this text */
	uint64_t stride;	/* a power of two */
	uint64_t last_ns;	/* time of the last one */
};
_Static_assert(sizeof(struct mp_mark_name) == 32, "format change");
#define MP_MARK_NAMES_MAX 256
#define MP_MARK_TEXT_MAX 255

/* Totals as all threads together had counted them at that moment. */
struct mp_mark {
	uint64_t time_ns;		/* key */
	uint64_t number;		/* 1, 2, ... among the marks of its text */
	uint32_t name;			/* number of the row of its text */
	uint32_t flags;			/* MP_MARK_* */
	int64_t live_bytes;
	int64_t live_count;		/* counts as in struct mp_thread */
	uint64_t alloc_count;		/* since start */
	uint64_t alloc_bytes;
	uint64_t free_count;
	uint64_t lock_wait_ns;
	uint32_t tid;			/* thread that set it */
	uint32_t reserved;
};
_Static_assert(sizeof(struct mp_mark) == 80, "format change");
#define MP_MARKS_MAX 1024
#define MP_MARK_CONTROL 1u	/* set by a command from outside, not by the program */

/*
 * A row per site and mark, of the sites with most live bytes at that moment; of each text that has two marks or more,
 * MP_MARK_GROWTH_POINTS marks at most, at even distances, which need not have a row of MP_CHUNK_MARK. The texts beyond
 * MP_MARK_GROWTH_TEXTS have none.
 */
struct mp_mark_growth {
	uint64_t number;		/* key: of the mark, as in struct mp_mark */
	uint32_t name;			/* number of the row of its text */
	uint32_t stack;
	uint32_t cut;			/* 1: more than MP_GROWTH_SITES sites had live bytes */
	uint32_t reserved;
	int64_t live_bytes;
	int64_t live_count;		/* as in struct mp_site */
};
_Static_assert(sizeof(struct mp_mark_growth) == 40, "format change");
#define MP_MARK_GROWTH_POINTS 16
#define MP_MARK_GROWTH_TEXTS 16

/* One site at one point in time; rows of a point have the same time and no order. Sites not in a point had less. */
struct mp_growth {
	uint64_t time_ns;		/* key */
	uint32_t stack;
	uint32_t cut;			/* 0: that point has all sites with live bytes; 1: only those with most */
	int64_t live_bytes;
	int64_t live_count;		/* as in struct mp_site */
};
_Static_assert(sizeof(struct mp_growth) == 32, "format change");
#define MP_GROWTH_POINTS 24
#define MP_GROWTH_SITES 128

/* X(name, number, JSON and text name, category) */
#define MP_LOCK_KINDS(X)                          \
	X(MUTEX, 1, "mutex", "contention")        \
	X(RWLOCK, 2, "rwlock", "contention")      \
	X(SPIN, 3, "spinlock", "contention")      \
	X(ONCE, 4, "once", "contention")          \
	X(COND, 5, "condvar", "coordination")     \
	X(SEM, 6, "semaphore", "coordination")    \
	X(BARRIER, 7, "barrier", "coordination")  \
	X(JOIN, 8, "join", "coordination")        \
	X(FUTEX, 9, "futex", "contention")        \
	X(OMP, 10, "openmp lock", "contention")

#define X(name, number, text, category) MP_LOCK_##name = number,
enum mp_lock_kind { MP_LOCK_KINDS(X) };
#undef X

/*
 * Lock numbers start at 1. A lock gets a row when it is first contended; lives at one address are rows of their own,
 * but for what mp_lock.instances says.
 */
struct mp_lock {
	uint64_t address;	/* key */
	uint32_t kind;		/* enum mp_lock_kind */
	uint32_t flags;		/* MP_LOCK_FLAG_* */
	uint32_t reserved_0;	/* 0 */
	uint32_t first_stack;	/* stack that first contended */
	uint64_t first_ns;
	uint64_t retired_ns;	/* destroyed or its memory freed; 0 = not */
	uint32_t alloc_stack;	/* stack that allocated the block the lock lies in, 0 = not in a known heap block */
	uint32_t alloc_offset;	/* of the lock in that block, bytes */
	uint64_t alloc_bytes;	/* size of that block */
	uint32_t waiters_max;	/* most threads that waited at the same time */
	uint32_t instances;	/* how many locks the row stands for; 0 = 1. More than one: all of one class (same
				 * kind, flags, alloc_stack and alloc_offset, and first_stack when it lies in no known
				 * block), one after the other; address and times are those of the last */
	uint32_t hold_period;	/* acquisitions per measured hold while the lock is not hot; 0 = none is measured */
	uint32_t name;		/* number of the row of the name that the program gave it; 0 = none */
};
_Static_assert(sizeof(struct mp_lock) == 72, "format change");
#define MP_LOCK_FLAG_COUNT_FROM_FIRST 1u	/* acquisitions before the first contention may be missing */
#define MP_LOCK_FLAG_RECURSIVE 2u
#define MP_LOCK_FLAG_ERRORCHECK 4u
#define MP_LOCK_FLAG_ADAPTIVE 8u
#define MP_LOCK_FLAG_ROBUST 16u
#define MP_LOCK_FLAG_PI 32u
#define MP_LOCK_FLAG_PP 64u
#define MP_LOCK_FLAG_PSHARED 128u
#define MP_LOCK_FLAG_UNCOUNTED 256u	/* acquisitions without waiting cannot be seen: unknown, not 0 */
#define MP_LOCK_FLAG_UNCONTENDED 512u	/* has a row only because of its place in an order (MP_CHUNK_LOCK_ORDER) */
#define MP_LOCK_FLAG_WRITER_FIRST 1024u	/* rwlock that prefers writers */

/* Names that programs give to locks, at most MP_LOCK_NAME_MAX bytes; in rows of locks that were contended. */
struct mp_lock_name {
	uint64_t text;		/* key: string reference */
	uint64_t reserved;
};
_Static_assert(sizeof(struct mp_lock_name) == 16, "format change");
#define MP_LOCK_NAMES_MAX 1024
#define MP_LOCK_NAME_MAX 63

struct mp_lock_share {
	uint32_t lock;		/* key */
	uint32_t check;		/* for the writer */
	uint64_t acquisitions;	/* semaphore, condvar, barrier, join: calls that came through */
	uint64_t contentions;	/* waits begun */
	uint64_t trylock_failures;
	uint64_t timeouts;
	uint64_t wait_ns;	/* of waits that are over */
	uint64_t wait_max_ns;
	uint64_t handoff_ns;	/* of wait_ns: nobody had the lock any more, but the waiter did not run yet */
};
_Static_assert(sizeof(struct mp_lock_share) == 64, "one cache line");

struct mp_lock_wait {
	uint32_t lock;
	uint32_t stack;		/* key: innermost node */
	uint64_t count;		/* waits begun */
	uint64_t wait_ns;
	uint64_t wait_max_ns;
	uint32_t check;		/* for the writer */
	uint32_t flags;		/* MP_LOCK_WAIT_* */
	uint64_t handoff_ns;	/* as in mp_lock_share */
	uint64_t reacquire_ns;	/* condvar: of wait_ns, from the signal to having the mutex again */
	uint64_t timeouts;
};
_Static_assert(sizeof(struct mp_lock_wait) == 64, "one cache line");
#define MP_LOCK_WAIT_SHARED 1u	/* rwlock: to read */

/*
 * Histograms: a row is one octave of times of one lock, 2^octave <= ns < 2^(octave + 1) (0 counts as 1), in
 * MP_LOCK_CELLS cells of equal width: half a cell is at most 4.2 % of any value in it. Every contended wait that is
 * over and every measured hold is in one cell. A lock may have several rows for one octave: a row is closed before a
 * cell is full.
 */
#define MP_LOCK_CELLS 12
#define MP_LOCK_HISTS(X)                                              \
	X(WAIT, 1, "waits; of a rwlock: to write")                    \
	X(HOLD, 2, "measured holds; of a rwlock: to write")           \
	X(WAIT_SHARED, 3, "waits to read")                            \
	X(HOLD_SHARED, 4, "measured holds to read")                   \
	X(REACQUIRE, 5, "condvar: from the signal to having the mutex again, of each wait")

#define X(name, number, text) MP_LOCK_HIST_##name = number,
enum mp_lock_hist_kind { MP_LOCK_HISTS(X) };
#undef X

struct mp_lock_hist {
	uint32_t lock;		/* key */
	uint32_t check;		/* for the writer */
	uint32_t what;		/* enum mp_lock_hist_kind */
	uint32_t octave;	/* 0 to 63 */
	uint32_t cells[MP_LOCK_CELLS];
};
_Static_assert(sizeof(struct mp_lock_hist) == 64, "one cache line");

/*
 * Who made whom wait. A culprit is, for a lock that is held, the stack that released it (or waited on a condvar with
 * it), charged for the part of the wait in which it held the lock; else the stack that ended the wait: that signalled,
 * posted, came last to the barrier, woke the futex. The wait_ns of all culprits (stack 0 among them) and the handoff_ns
 * make up the wait_ns of a stack in mp_lock_wait. Written by the thread that waited.
 */
struct mp_lock_culprit {
	uint32_t lock;		/* key */
	uint32_t waiter_stack;	/* as mp_lock_wait.stack */
	uint32_t culprit_stack;	/* 0 = unknown: another process, or a release that was not seen */
	uint32_t check;		/* for the writer */
	uint64_t count;		/* waits in which this culprit had a part */
	uint64_t wait_ns;	/* charged */
	uint64_t running_ns;	/* of wait_ns: the culprit itself did not wait for anything that memprof sees */
	uint64_t approx_ns;	/* of wait_ns: charged without knowing exactly when the culprit had the lock */
	uint64_t reserved[2];
};
_Static_assert(sizeof(struct mp_lock_culprit) == 64, "one cache line");

struct mp_lock_pair {
	uint32_t lock;		/* key */
	uint32_t check;		/* for the writer */
	uint32_t waiter_tid;	/* 0 = several: pairs beyond the MP_LOCK_PAIRS_MAX first of a lock and shard */
	uint32_t culprit_tid;	/* 0 = unknown, or several if waiter_tid is 0 */
	uint64_t count;		/* as in mp_lock_culprit */
	uint64_t wait_ns;
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct mp_lock_pair) == 64, "one cache line");
#define MP_LOCK_PAIRS_MAX 64

/*
 * Measured holds: every one that begins with a wait or while somebody waits, and of each thread some thousands
 * more not long after a contention; else one in mp_lock.hold_period acquisitions of a thread. So times of holds are
 * those of the busy phases above all.
 */
struct mp_lock_hold {
	uint32_t lock;		/* key */
	uint32_t check;		/* for the writer */
	uint64_t count;		/* measured holds, of readers too */
	uint64_t hot_count;	/* of these, measured while every such hold was */
	uint64_t ns;
	uint64_t max_ns;
	uint64_t blocked_ns;	/* of ns: the holder waited for something that memprof sees */
	uint64_t alloc_count;	/* allocations made by the holders meanwhile; units as in mp_thread */
	uint64_t alloc_bytes;
};
_Static_assert(sizeof(struct mp_lock_hold) == 64, "one cache line");

/* What only some kinds have. "Wakes": signal and broadcast, post, wake of a futex, the last thread at a barrier. */
struct mp_lock_extra {
	uint32_t lock;		/* key */
	uint32_t check;		/* for the writer */
	uint64_t shared_acquisitions;	/* rwlock: of acquisitions, to read */
	uint64_t wakes;		/* calls; all of them since the lock has a row */
	uint64_t wakes_all;	/* of wakes: of all waiters at once (broadcast, wake of more than one) */
	uint64_t wakes_unheard;	/* of wakes: nobody waited */
	uint64_t wakes_locked;	/* condvar: of wakes, while the caller held the mutex of a waiter */
	uint64_t reacquire_count;	/* condvar: waits whose mutex was not free at once after the signal */
	uint64_t reacquire_ns;	/* condvar: from the signal to having the mutex again, over all waits */
};
_Static_assert(sizeof(struct mp_lock_extra) == 64, "one cache line");

/* Posts of a semaphore that processes share, while threads waited for it and none of this process did. */
struct mp_lock_wake {
	uint32_t stack;		/* key: who posted, innermost node */
	uint32_t check;		/* for the writer */
	uint64_t address;	/* in this process; related processes mostly have the same */
	uint64_t count;
	uint32_t kind;		/* enum mp_lock_kind */
	uint32_t reserved_0;	/* 0 */
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct mp_lock_wake) == 64, "one cache line");

/*
 * INNER was taken while OUTER was held, by one thread with one pair of stacks and one set of further locks held
 * (gates). A cycle of such rows can deadlock if at least two threads made it, if the rows have no gate in common, if
 * no inner lock was only tried, and if where a lock is the inner one of a row and the outer one of the next, not both
 * had it shared. gate_count > MP_LOCK_GATES: more than the row has room for, so nothing is known about common ones.
 */
#define MP_LOCK_GATES 4
struct mp_lock_order {
	uint32_t outer;
	uint32_t inner;		/* key */
	uint32_t outer_stack;	/* where OUTER was taken */
	uint32_t inner_stack;	/* where INNER was taken, or waited for */
	uint32_t tid;
	uint32_t check;		/* for the writer */
	uint32_t flags;		/* MP_LOCK_ORDER_* */
	uint32_t gate_count;
	uint32_t gates[MP_LOCK_GATES];	/* ascending numbers of locks, 0 = none */
	uint64_t count;
	uint64_t first_ns;
};
_Static_assert(sizeof(struct mp_lock_order) == 64, "one cache line");
#define MP_LOCK_ORDER_OUTER_SHARED 1u
#define MP_LOCK_ORDER_INNER_SHARED 2u
#define MP_LOCK_ORDER_TRIED 4u	/* by trylock: cannot deadlock as the inner one */

struct mp_loss {
	uint64_t reason;	/* key: enum mp_loss_reason of mp_metrics.h */
	uint64_t count;
};

/* X(name, number, text): how a stack compares with the one that libunwind found from the same place. */
#define MP_VERIFY_KINDS(X)                                                                        \
	X(EQUAL, 1, "equal")                                                                      \
	X(CUT_BY_US, 2, "equal as far as ours goes; ours is cut, with a mark")                    \
	X(CUT_BY_DEPTH, 3, "equal as far as ours goes; ours is cut at the depth limit")           \
	X(CUT_BY_LIBUNWIND, 4, "equal as far as libunwind's goes; libunwind stopped earlier")     \
	X(DIFFERENT, 5, "different")

#define X(name, number, text) MP_VERIFY_##name = number,
enum mp_verify_kind { MP_VERIFY_KINDS(X) MP_VERIFY_COUNT };
#undef X

struct mp_verify {
	uint64_t kind;		/* key: enum mp_verify_kind */
	uint64_t count;
	uint32_t stack;		/* an example: ours, 0 = none */
	uint32_t frames;	/* of the example that both agree on */
	uint64_t ours;		/* the first return address that differs, in ours and in libunwind's; 0 = none */
	uint64_t theirs;
};

/*
 * A leak scan looks at all live blocks and asks which of them the program can still reach. It is made at exit, and on
 * demand. X(NAME, number, JSON word)
 */
#define MP_SCAN_TRIGGERS(X) \
	X(EXIT, 1, "exit")  \
	X(API, 2, "api")    \
	X(CONTROL, 3, "control")

#define X(name, number, word) MP_SCAN_##name = number,
enum mp_scan_trigger { MP_SCAN_TRIGGERS(X) };
#undef X

/* How the memory was looked at. X(NAME, number, JSON word) */
#define MP_SCAN_METHODS(X) \
	X(FORK, 1, "fork") \
	X(IN_PLACE, 2, "in place")

#define X(name, number, word) MP_SCAN_METHOD_##name = number,
enum mp_scan_method { MP_SCAN_METHODS(X) };
#undef X

/* What became of it. X(NAME, number, why there is no verdict) */
#define MP_SCAN_RESULTS(X)                                                                                 \
	X(DONE, 1, "done")                                                                                 \
	X(UNFINISHED, 2, "the scan was under way when the process ended")                                  \
	X(OFF, 3, "switched off")                                                                          \
	X(NO_FORK, 4, "no snapshot: the system refused a fork (seccomp, process limit, or memory)")        \
	X(NO_MEMORY, 5, "no memory for the scan")                                                          \
	X(DEADLINE, 6, "the scan took longer than allowed")                                                \
	X(CHILD_DIED, 7, "the scanning process was killed")                                                \
	X(NO_ROOM, 8, "no room for the result in the dump")                                                \
	X(NO_MAPS, 9, "the memory map of the process could not be read")                                   \
	X(BUSY, 10, "memprof was interrupted inside its own tables on this thread")

#define X(name, number, text) MP_SCAN_RESULT_##name = number,
enum mp_scan_result { MP_SCAN_RESULTS(X) };
#undef X

/* Interior pointers that count as pointers to the start. X(NAME, index, JSON word and option word) */
#define MP_SCAN_HEURISTICS(X)                    \
	X(STDSTRING, 0, "stdstring")             \
	X(LENGTH64, 1, "length64")               \
	X(NEWARRAY, 2, "newarray")               \
	X(MULTIPLE_INHERITANCE, 3, "multipleinheritance") \
	X(TAG, 4, "tag")

#define X(name, number, word) MP_SCAN_HEURISTIC_##name = number,
enum mp_scan_heuristic { MP_SCAN_HEURISTICS(X) MP_SCAN_HEURISTIC_COUNT };
#undef X
#define MP_SCAN_HEURISTICS_MAX 8

struct mp_leak_scan {
	uint32_t number;		/* key: 1, 2, ... in the order of start */
	uint32_t result;		/* enum mp_scan_result; UNFINISHED until it is over, stored last */
	uint32_t trigger;		/* enum mp_scan_trigger */
	uint32_t method;		/* enum mp_scan_method */
	uint32_t snapshots;		/* a block is definitely lost if it was so in all of them */
	uint32_t threads;		/* of the process, at the (last) snapshot */
	uint64_t start_ns;
	uint64_t duration_ns;		/* from the start to the result */
	uint64_t pause_ns;		/* of these, the longest time that the scan kept all threads from running */
	uint64_t block_count;		/* live blocks looked at, and their bytes (of a sampled dump: recorded ones) */
	uint64_t block_bytes;
	uint64_t root_bytes;		/* memory searched for pointers outside of blocks */
	uint64_t heap_bytes;		/* and inside */
	uint64_t skipped_bytes;		/* memory not searched because it is not frozen in a snapshot, or unreadable */
	uint64_t unconfirmed_count;	/* blocks lost in one snapshot but not in another: taken as reachable */
	uint64_t ignored_count;		/* blocks that the program asked to ignore, and what they reach */
	uint64_t heuristic_count[MP_SCAN_HEURISTICS_MAX]; /* blocks that only an interior pointer of that kind
							   * reaches, by enum mp_scan_heuristic */
	uint64_t cpu_ns;		/* processor time of all searches; 0 = not known */
	uint64_t reserved[3];
};
_Static_assert(sizeof(struct mp_leak_scan) == 200, "format change");

/* X(NAME, number, JSON word): what is known of a live block. */
#define MP_LEAK_CLASSES(X)           \
	X(DEFINITE, 1, "definite")   \
	X(INDIRECT, 2, "indirect")   \
	X(POSSIBLE, 3, "possible")   \
	X(REACHABLE, 4, "reachable") \
	X(UNFREED, 5, "unfreed")

#define X(name, number, word) MP_LEAK_##name = number,
enum mp_leak_class { MP_LEAK_CLASSES(X) };
#undef X

/*
 * One row per scan, class, stack and owner. DEFINITE: no pointer leads to it. INDIRECT: pointers lead to it from a
 * DEFINITE block only, its owner. POSSIBLE: only pointers into it, not to its start, or behind such a pointer.
 * UNFREED: not known (in sampled dumps, blocks to which anything points). Of a cycle of lost blocks, the one with the
 * lowest address is the owner of the others.
 */
struct mp_leak {
	uint32_t scan;			/* number of the scan */
	uint32_t leak_class;		/* key: enum mp_leak_class */
	uint32_t stack;			/* that allocated the blocks */
	uint32_t owner;			/* INDIRECT: stack of their owners; else 0 */
	uint64_t count;			/* as in struct mp_site: estimates in a sampled dump */
	uint64_t bytes;
	uint64_t held_count;		/* DEFINITE: INDIRECT blocks that these own */
	uint64_t held_bytes;
	uint64_t cycle_count;		/* DEFINITE: of these blocks, those that lie on a cycle */
	uint64_t address;		/* of one of them */
};
_Static_assert(sizeof(struct mp_leak) == 64, "one cache line");

/*
 * Names, so that a reader needs no other file. Never written by the preload. An address has a row per function, the
 * innermost inlined one first; the rows follow each other. One that has no name is in it, too: nothing more is known.
 */
struct mp_symbol {
	uint64_t ip;		/* key: as in mp_node; with MP_SYMBOL_OBJECT the address of a lock */
	uint32_t module;	/* as in mp_node, MP_NODE_EXACT_IP included; 0 with MP_SYMBOL_OBJECT */
	uint32_t line;		/* 0 = unknown */
	uint64_t function;	/* string reference: readable name of the function, or of the object; 0 = unknown */
	uint64_t file;		/* string reference: source file; 0 = unknown */
	uint32_t depth;		/* 0, 1, ... among the rows of the address */
	uint32_t flags;		/* MP_SYMBOL_* */
};
_Static_assert(sizeof(struct mp_symbol) == 40, "format change");
#define MP_SYMBOL_INLINED 1u	/* into the function of the next row */
#define MP_SYMBOL_OBJECT 2u	/* a data object */

struct mp_option {
	uint64_t name;		/* key: string reference */
	uint64_t value;		/* string reference */
};

#endif
