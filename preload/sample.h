/* SPDX-License-Identifier: MIT */
/* Sampling by bytes: which allocations are recorded, and which frees concern a recorded block. */
#ifndef MP_SAMPLE_H
#define MP_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "live_table.h"
#include "regs.h"
#include "thread.h"

/*
 * How many recorded blocks are alive, by a few bits of their address: 0 says that a block is none of them, in one load
 * and without touching the live table. Neighbours in the heap are neighbours here, so the hot part of the array is
 * 1/16 of the hot part of the heap. A full counter stays full.
 */
#define SAMPLE_FILTER 65536u
extern uint8_t sample_filter[SAMPLE_FILTER];

static inline uint8_t *sample_filter_at(uint64_t address)
{
	return &sample_filter[(address >> 4 ^ address >> 20) & (SAMPLE_FILTER - 1)];
}

/* false: not a recorded block. true: perhaps one. Context: hook. */
static inline bool sample_may_know(const void *p)
{
	return load_relaxed(sample_filter_at((uint64_t)p)) != 0;
}

/*
 * Counts BYTES down. true: a sample falls on them, or the thread has none drawn yet: call sample_alloc(). Structures
 * that threads share (of those not registered) are at 0, so they are never written here. Context: hook.
 */
static inline bool sample_due(uint64_t bytes)
{
	struct thread *t = thread_self;
	int64_t left = t->countdown - (int64_t)(bytes + !bytes);

	if (unlikely(left <= 0))
		return true;
	t->countdown = left;
	return false;
}

/* Records a block if the sample really falls on it, and draws the next. Context: hook. */
void sample_alloc(const struct regs *regs, void *p, uint64_t bytes, bool reallocated);

/* Records that P is about to be freed, if it is a recorded block. Context: hook, before the real free. */
void sample_free(void *p);

/*
 * The halves of a realloc, as in heap.h: take before the real call (false: not a recorded block), then count the free
 * or put the block back.
 */
bool sample_take(void *p, struct live_block *ret_block);
void sample_count_free(const struct live_block *block);
void sample_put_back(void *p, const struct live_block *block);

/*
 * Gives the calling thread another countdown for a while; what is counted down in between does not count.
 * SAMPLE_NONE: around an allocator that may call another one through our hooks. SAMPLE_EACH: every allocation goes to
 * sample_alloc(). Context: hook, setup.
 */
#define SAMPLE_NONE (INT64_MAX / 2) /* no program allocates that much between two calls */
#define SAMPLE_EACH 0
struct sample_pause {
	struct thread *thread; /* NULL: nothing to resume */
	int64_t countdown;
};
struct sample_pause sample_pause(int64_t countdown);
void sample_resume(struct sample_pause *pause);

#endif
