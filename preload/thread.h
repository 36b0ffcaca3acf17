/* SPDX-License-Identifier: MIT */
/* Per-thread state: the gate that every hook passes, counters, the last stack; and the registry of threads. */
#ifndef MP_THREAD_H
#define MP_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "mp_dump.h"

#define THREAD_FRAMES 512 /* MEMPROF_DEPTH at most */
#define MEMO_SETS     32  /* recent stacks kept, see stack_memo.h; a power of two */
#define MEMO_WAYS     4
#define MEMO_SEEN     128 /* stacks of which no more is kept than that they were seen; a power of two */
#define THREAD_YOUNG  256 /* newest blocks kept outside the live table, a power of two */
#define MEMO_RING_WORDS 1024u /* of the small ring of memos; a power of two */
#define MEMO_NEXT     2 /* guesses at the allocation that comes next */
#define THREAD_STACKS 4   /* foreign stacks remembered per thread */
#define THREAD_LOCKS  128 /* slots of the table of locks; a power of two */

enum thread_state {
	THREAD_NEW, /* zero: never seen, or wiped by fork */
	THREAD_LIVE,
	THREAD_PAUSED, /* what a thread looks like to hooks while it is not to be recorded */
	THREAD_DEAD, /* key destructors are over; what still comes goes to shared counters */
};

/*
 * The rest of what is kept of a frame of the last captured stack; its pc and sp have arrays of their own, because a
 * stack is compared with memory by those two alone.
 */
struct frame {
	uint64_t bp;
	uint64_t hash; /* names the stack from here outward */
	uint64_t rule; /* rule of rules.h: says how the next frame outward was found; and FRAME_* flags */
};

/* A frame of a walk under way, before its hash can be known. */
struct walked_frame {
	uint64_t pc;
	uint64_t sp;
	uint64_t bp;
	uint64_t rule;
};

/* A block that is not in the live table yet, see heap.c. */
struct young {
	uint64_t address; /* 0 = free */
	uint32_t bytes;
	uint32_t row;
};

/* Where memos of a few pairs (ip, sp) lie in the ring, see stack_memo.h. */
struct memo_set {
	uint32_t tag[MEMO_WAYS]; /* 0 = free */
	uint32_t position[MEMO_WAYS];
};

struct range {
	uint64_t start;
	uint64_t end;
};

struct shard;

/* One thread's acquisitions of one lock; lock_table.c tells who writes which field when. */
struct lock_slot {
	uint64_t address; /* 0 = free */
	uint64_t count;   /* acquisitions that are not in the thread's own row */
	uint64_t claimed; /* of these, already in a row by the doing of another thread */
	union {
		struct {
			uint32_t epoch;  /* lock_epoch when the address was last looked up */
			uint32_t number; /* 0 = not contended so far */
		};
		uint64_t epoch_number; /* both, for one comparison */
	};
};

/*
 * Lives in a mapping of its own that reads as zero in a fork child: so `open` is false there and the first hook enters
 * the slow path, without any fork handler.
 */
struct thread {
	/*
	 * The gate. False: new thread, thread at its end, inside one of our hooks, switched off, or a fresh fork
	 * child.
	 */
	bool open;
	bool sampling;           /* in sampling mode, where the gate is always shut: inside one of our slow paths */
	uint8_t state;           /* enum thread_state */
	bool lock_noted;         /* lock_settle() has something to do */
	uint32_t locks_held;     /* measured holds under way, in lock_store */
	uint64_t gate_sp;        /* stack pointer of the hook that closed the gate */
	int64_t unflushed_bytes; /* live bytes not yet in the header */
	int64_t unflushed_count;
	uint64_t flush_limit;
	int64_t countdown;      /* sampling: bytes to the next sample; 0 = none drawn, never so once it was */
	int64_t last_countdown; /* when last_block was allocated */
	uint64_t random_state;
	uint32_t ignoring;         /* blocks allocated now are to be left out of leak reports: depth */
	bool careful;              /* allocations need more than the fast path: verify, or ignoring */
	bool young_used;           /* young[] may hold blocks */
	uint64_t last_block;       /* address of the last allocation, 0 = already freed or none */
	struct mp_site *last_site; /* of last_block */
	struct shard *shard;
	struct mp_free_pair *pair; /* the one counted last, NULL = none yet */
	struct mp_thread *row;
	struct lock_store *lock_store; /* lock_state.h; NULL = met no contended lock yet */
	struct lock_slot *last_lock;   /* the one of the last acquisition, as a guess; never NULL in a live thread */

	struct range stack; /* the thread's own stack, start 0 = unknown */
	struct range stacks[THREAD_STACKS];
	uint32_t next_stack;
	uint32_t tid;
	uint32_t name_checks;
	uint32_t destructor_rounds;
	uint32_t left_out; /* allocations while it was paused that are not in the loss counter yet */
	struct thread *next; /* in the registry, or in the list of unused ones */
	struct thread *previous;

	uint32_t frame_count;      /* of frames[], outermost first; valid until the next capture */
	uint32_t mark;             /* enum mp_stack_mark, 0 = complete */
	uint32_t rules_generation; /* when they were captured */
	bool frames_bp_lost;       /* bp was not known in one of them */
	uint64_t frames_end;       /* end of the stack they lie on, 0 = the next walk must not build on them */
	struct young young[THREAD_YOUNG];
	struct memo_set memo_sets[MEMO_SETS];
	uint32_t memo_seen[MEMO_SEEN];
	uint64_t next_observed; /* number of the allocation whose lifetime is observed next; 0 = not drawn yet */
	uint32_t memo_head; /* position behind the newest memo; positions count all words of the ring ever taken */
	uint32_t memo_last; /* of the memo of the last allocation, 0 = it has none */
	uint32_t memo_next[MEMO_NEXT]; /* of those that came after it before, 0 = not known */
	uint64_t memo_due;    /* number of the allocation that may store its stack, whatever it is */
	uint64_t *memo_ring;  /* memo_words long: memo_small or a large one */
	uint32_t *memo_index; /* of the large ring: positions by stack; NULL = the small one is in use */
	uint32_t memo_words;  /* a power of two; 0 = no ring yet */
	uint32_t memo_walks;  /* stacks that no memo knew, since allocation number memo_since */
	uint64_t memo_since;
	uint64_t memo_small[MEMO_RING_WORDS];

	uint64_t frame_pc[THREAD_FRAMES]; /* return address - 1, or the exact address of an interrupted frame */
	uint64_t frame_sp[THREAD_FRAMES]; /* of the frame itself: its CFA is the sp of the next one outward */
	struct frame frames[THREAD_FRAMES];
	uint16_t frame_check[THREAD_FRAMES]; /* nearest frame, from here outward, with more to check than its return
						 * address; 0 = none */
	struct walked_frame walked[THREAD_FRAMES]; /* of the walk under way, innermost first */
	struct lock_slot locks[THREAD_LOCKS];
};

extern MP_TLS struct thread *thread_self; /* never NULL */

/*
 * Opens nothing yet: true says that this call is the outermost hook on a live thread and has now closed the gate.
 * Pairs with gate_leave(). Context: hook, signal.
 */
static inline bool gate_enter(struct thread *t)
{
	bool open = t->open;

	if (likely(open)) {
		t->open = false;
		t->gate_sp = (uint64_t)__builtin_frame_address(0);
		signal_fence();
	}
	return open;
}

static inline void gate_leave(struct thread *t)
{
	signal_fence();
	t->open = true;
}

/*
 * What a hook does when the gate was shut: initialises the process, or a forked child, registers the thread, recovers a
 * gate that a longjmp left shut. Returns the thread with the gate closed for the caller, who must call gate_leave(); or
 * NULL: pass the call through unrecorded. Context: hook.
 */
struct thread *thread_enter_slow(void);
/* The same for hooks whose nested calls are no loss: allocators lock their own mutexes. */
struct thread *thread_enter_slow_quiet(void);
/* Ends what thread_enter_slow() began, after gate_leave(). */
void thread_leave_slow(struct thread *t);

/*
 * What the slow paths of sampling mode begin with: the thread, registered, and marked as busy; thread_leave_sample()
 * ends it. NULL: pass the call through. Context: hook.
 */
struct thread *thread_enter_sample(void);
void thread_leave_sample(struct thread *t);

/*
 * Pauses: hooks find a structure in thread_self whose gate is shut for good, and come to the slow paths, which know. So
 * a thread that is not paused does nothing for it. What ends something (a free, the end of a lock) counts even so.
 */
extern struct thread paused_thread;

/* Is the calling thread left out, for whatever reason? Context: any. */
static inline bool thread_is_paused(void)
{
	return thread_self == &paused_thread;
}

/* The state of the calling thread even while it is paused. Context: any. */
struct thread *thread_own(void);
/* The calling thread leaves its events out from here to the matching resume; pairs may be nested. Context: setup. */
void thread_pause(void);
void thread_resume(void); /* one too many is forgiven */
/* An allocation of the calling thread was left out. false: not because of its own pause. Context: hook. */
bool thread_leave_out(void);
/*
 * For what counts in a pause, too; to be left like another entry. NULL: the thread is not paused, or busy. In sampling
 * mode it is marked as that wants. Context: hook, setup.
 */
struct thread *thread_enter_paused(void);

/*
 * All threads at once. Each that is recorded takes notice at its next allocation or wait, which still counts. RET: was
 * it otherwise before? Context: setup.
 */
bool thread_pause_all(bool pause);
bool thread_all_paused(void);
/* Were they ever? Then there may be blocks that nobody has heard of. Context: any. */
bool thread_were_paused(void);
/* Where a recorded thread takes notice; T: the calling one, its gate closed. Context: hook (slow path). */
void thread_notice_pause(struct thread *t);

/* Adds up the rows of all threads, ended ones included. Context: setup, or hook (slow path). */
void thread_sum(struct mp_thread *ret_sum);

/* Calls EACH for every registered thread, under the lock of the registry. Context: setup, or hook (slow path). */
void thread_for_each(void (*each)(struct thread *t, void *data), void *data);

/* Number of registered threads, at least 1. */
uint32_t thread_count(void);

/* Stores the thread's present name in its row, now and then. Context: hook (slow path). */
void thread_refresh_name(struct thread *t);
/* Stores the names of all threads, by /proc. Context: setup (process exit). */
void thread_refresh_all_names(void);

/* Sets up the end-of-thread notice. false: no end of thread will be noticed. Context: setup. */
bool thread_init(void);
/* Makes ready for COUNT more threads, which no memory need be asked for then. Context: setup. */
void thread_reserve(uint32_t count);
/* In a fork child: forgets all threads; the calling one registers anew with its next event. Context: setup. */
void thread_forked(void);
/*
 * Is the calling thread registering or ending, or counting after its end, so that a signal handler on it must not take
 * locks? Its gate does not say so. Context: signal.
 */
bool thread_is_between(void);
/* Was the gate of T, of this thread, shut by a frame that is gone (longjmp out of a hook, or an exception)? */
bool thread_gate_abandoned(const struct thread *t);
/* From now on the calling thread is a new one; what had its state goes on with that. Context: setup, signal. */
void thread_set_aside(void);
/* Tells a new thread the extent of its stack, before its first event. Context: setup. */
void thread_set_stack(uint64_t start, uint64_t end);

#endif
