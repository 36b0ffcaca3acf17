/* SPDX-License-Identifier: MIT */
/* Counts allocations and frees: what the allocation hooks call once they know the thread and the caller's registers. */
#ifndef MP_HEAP_H
#define MP_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "live_table.h"
#include "poisson.h"
#include "regs.h"
#include "thread.h"

/* What a block was before a realloc. */
struct resized {
	uint64_t address;
	struct live_block block;
	bool known; /* else block is not set */
};

/*
 * Records that the allocator gave out ADDRESS. FROM: out of that older block, whose free is recorded already; NULL =
 * a new one. Context: hook, gate closed.
 */
void heap_alloc(struct thread *t, const struct regs *regs, uint64_t address, uint64_t bytes,
		const struct resized *from);

/*
 * Records that ADDRESS is about to be freed. false: not a recorded block (counted, unless it is boot memory).
 * Context: hook, gate closed, before the real free.
 */
bool heap_free(struct thread *t, uint64_t address);

/*
 * The two halves of a realloc's free: take before the real call; then either count the free or put the block back.
 * heap_take answers false for an address that is not ours to count.
 */
bool heap_take(struct thread *t, uint64_t address, struct live_block *ret_block);
void heap_count_free(struct thread *t, uint64_t address, const struct live_block *block);

/*
 * The same for a thread that is paused, whose state these find for themselves; in sampling mode they do nothing. FREED:
 * count the free, else put the block back. Context: hook.
 */
void heap_free_paused(uint64_t address);
bool heap_take_paused(uint64_t address, struct live_block *ret_block);
void heap_taken_paused(uint64_t address, const struct live_block *block, bool freed);

/*
 * The same in sampling mode. HEAP_REPLACED: the address was still known as that of *ret_old, whose free is to be
 * counted. Context: hook, thread marked as sampling.
 */
enum heap_entered { HEAP_ENTERED, HEAP_REPLACED, HEAP_NOT_ENTERED };
enum heap_entered heap_sample_alloc(struct thread *t, const struct regs *regs, uint64_t address, uint64_t bytes,
				    const struct poisson_weight *weight, bool reallocated, struct live_block *ret_old);
void heap_sample_free(struct thread *t, const struct live_block *block, const struct poisson_weight *weight,
		      bool temporary);

/*
 * Notes a block that memprof itself caused, so that its free later is no mystery. For others it does nothing.
 * Context: hook.
 */
void heap_own(void *p);
extern uint64_t heap_own_count; /* of such blocks so far; written during set-up only */

/* The block is to be left out of leak reports. Context: setup, gate closed. */
void heap_ignore(struct thread *t, uint64_t address);
/* Enters what is kept outside of the live table. Context: setup, gate closed. */
void heap_flush_young(struct thread *t);

/* To be called by the only thread of a process before there is a second one, or a child process. Context: setup. */
void heap_before_sharing(void);

/* Adds the thread's unflushed live bytes to the header, and looks for a new peak. Context: hook (slow path), setup. */
void heap_flush(struct thread *t);

#endif
