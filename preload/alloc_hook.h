/* SPDX-License-Identifier: MIT */
/* What the hooks of all allocation functions have in common. */
#ifndef MP_ALLOC_HOOK_H
#define MP_ALLOC_HOOK_H

#include "compiler.h"
#include "heap.h"
#include "init.h"
#include "live_table.h"
#include "regs.h"
#include "sample.h"
#include "thread.h"

/* What the real function gave out on the way through. */
static inline void *unrecorded(void *p)
{
	if (unlikely(!process_passive))
		heap_own(p);
	return p;
}

/* The thread to record for, its gate closed; NULL: pass the call through. */
static inline struct thread *enter(void)
{
	struct thread *t = thread_self;

	if (likely(gate_enter(t)))
		return t;
	return process_passive || process_sampling ? NULL : thread_enter_slow();
}

static inline void leave(struct thread *t)
{
	gate_leave(t);
	if (unlikely(t != thread_self))
		thread_leave_slow(t);
}

/* Records an allocation by the caller of the hook. */
#define RECORD(t, p, bytes)                                            \
	do {                                                           \
		struct regs regs_;                                     \
		CALLER_REGS(&regs_);                                   \
		heap_alloc((t), &regs_, (uint64_t)(p), (bytes), NULL); \
	} while (0)

/* The same in sampling mode. Stands in the hook itself, since it is the whole of the work there. */
#define SAMPLE(p, bytes, reallocated)                                    \
	do {                                                             \
		if (unlikely(sample_due(bytes))) {                       \
			struct regs regs_;                               \
			CALLER_REGS(&regs_);                             \
			sample_alloc(&regs_, (p), (bytes), reallocated); \
		}                                                        \
	} while (0)

/*
 * Records what a resize came to: the block FROM, taken out before the call, is now BYTES at P. P NULL: it is gone if
 * FREED; else it still lives and is put back.
 */
static inline void record_resized(struct thread *t, const struct regs *regs, struct resized *from, void *p,
				  size_t bytes, bool freed)
{
	if (likely(p != NULL)) {
		if (likely(from->known))
			heap_count_free(t, from->address, &from->block);
		heap_alloc(t, regs, (uint64_t)p, bytes, from);
	} else if (from->known) {
		if (freed)
			heap_count_free(t, from->address, &from->block);
		else
			live_put_back(from->address, &from->block);
	}
}

/* The same in sampling mode. KNOWN: the sample that was taken out at OLD, NULL = there was none. */
static inline void sample_resized(const struct regs *regs, void *old, const struct live_block *known, void *p,
				  size_t bytes, bool freed)
{
	if (unlikely(known != NULL)) {
		if (p || freed)
			sample_count_free(known);
		else
			sample_put_back(old, known);
	}
	if (p && unlikely(sample_due(bytes)))
		sample_alloc(regs, p, bytes, old != NULL);
}

/* Records the free of P, which the caller passes on. Returns the thread to leave, or NULL. */
static inline struct thread *record_free(void *p)
{
	struct thread *t = enter();

	if (t)
		heap_free(t, (uint64_t)p);
	else if (process_sampling && sample_may_know(p))
		sample_free(p);
	else if (thread_is_paused())
		heap_free_paused((uint64_t)p);
	return t;
}

#endif
