/* SPDX-License-Identifier: MIT */
/*
 * What the hooks do in sampling mode when a sample falls. The gate stays shut all the time, so that every hook comes to
 * its branch for shut gates; there an allocation is a subtraction and a free is a load, and all else is here. A thread
 * that is in here says so by `sampling`, which is what the gate is to the other mode.
 */
#include "sample.h"

#include "drop.h"
#include "heap.h"
#include "options.h"
#include "os.h"
#include "poisson.h"

#define FILTER_FULL 255

uint8_t sample_filter[SAMPLE_FILTER];

static void filter_add(uint64_t address, int step)
{
	uint8_t *at = sample_filter_at(address);
	uint8_t seen = load_relaxed(at);

	/* Whoever frees the block has got it from us, by way of the program: that orders the two. */
	while (seen != FILTER_FULL && !cas_acquire(at, &seen, (uint8_t)(seen + step)))
		;
}

static void seed(struct thread *t)
{
	static uint32_t threads;
	uint64_t number = add_relaxed(&threads, 1);

	t->random_state = opt.seed ? opt.seed : os_realtime_ns() ^ (uint64_t)t ^ (uint64_t)t->tid << 40;
	/* Threads and neighbouring seeds must not walk in each other's steps. */
	t->random_state = poisson_random(&t->random_state) + number * 0xd6e8feb86659fd93ull;
	t->random_state = poisson_random(&t->random_state);
}

static void record(struct thread *t, const struct regs *regs, uint64_t address, uint64_t bytes, bool reallocated)
{
	struct poisson_weight weight;
	struct live_block old;

	poisson_weigh(bytes, opt.sample, &weight);
	switch (heap_sample_alloc(t, regs, address, bytes, &weight, reallocated, &old)) {
	case HEAP_REPLACED:
		/* Already in the filter. */
		drop(MP_LOSS_UNSEEN_FREE);
		poisson_weigh(old.bytes, opt.sample, &weight);
		heap_sample_free(t, &old, &weight, false);
		break;
	case HEAP_ENTERED:
		filter_add(address, 1);
		break;
	case HEAP_NOT_ENTERED:
		break;
	}
}

MP_COLD void sample_alloc(const struct regs *regs, void *p, uint64_t bytes, bool reallocated)
{
	struct thread *t = thread_enter_sample();
	int64_t left;

	if (!t) {
		heap_own(p);
		return;
	}
	if (!t->countdown) { /* the first event */
		seed(t);
		t->countdown = poisson_draw(&t->random_state, opt.sample);
	}
	left = t->countdown - (int64_t)(bytes + !bytes);
	if (left <= 0) {
		record(t, regs, (uint64_t)p, bytes, reallocated);
		/* The distances have no memory, so the next one may start behind the block. */
		left = poisson_draw(&t->random_state, opt.sample);
		t->last_block = (uint64_t)p;
		t->last_countdown = left;
	}
	t->countdown = left;
	thread_leave_sample(t);
}

/* Takes the block out, if it is one of ours. */
static bool take(uint64_t address, struct live_block *ret_block)
{
	if (!live_take(address, ret_block))
		return false;
	if (ret_block->row != LIVE_ROW_OWN)
		filter_add(address, -1);
	return true;
}

static void count_free(struct thread *t, const struct live_block *block, bool temporary)
{
	struct poisson_weight weight;

	poisson_weigh(block->bytes, opt.sample, &weight);
	heap_sample_free(t, block, &weight, temporary);
}

/* For what ends a recorded block, also while the thread is paused. */
static struct thread *enter_to_free(void)
{
	return thread_is_paused() ? thread_enter_paused() : thread_enter_sample();
}

MP_COLD void sample_free(void *p)
{
	struct thread *t = enter_to_free();
	struct live_block block;
	bool last;

	if (!t)
		return;
	/* An allocation since would have moved the countdown. */
	last = t->last_block == (uint64_t)p && t->countdown == t->last_countdown;
	if (take((uint64_t)p, &block))
		count_free(t, &block, last);
	thread_leave_sample(t);
}

MP_COLD bool sample_take(void *p, struct live_block *ret_block)
{
	struct thread *t = enter_to_free();
	bool found;

	if (!t)
		return false;
	found = take((uint64_t)p, ret_block);
	thread_leave_sample(t);
	return found;
}

MP_COLD void sample_count_free(const struct live_block *block)
{
	struct thread *t = enter_to_free();

	if (!t)
		return;
	count_free(t, block, false);
	thread_leave_sample(t);
}

MP_COLD void sample_put_back(void *p, const struct live_block *block)
{
	struct thread *t = enter_to_free();

	if (!t)
		return;
	live_put_back((uint64_t)p, block);
	filter_add((uint64_t)p, 1);
	thread_leave_sample(t);
}

struct sample_pause sample_pause(int64_t countdown)
{
	struct thread *t = thread_self;
	struct sample_pause pause = { .thread = NULL };

	if (t->countdown > 0) { /* a structure of the thread's own */
		pause = (struct sample_pause){ .thread = t, .countdown = t->countdown };
		t->countdown = countdown;
	}
	return pause;
}

void sample_resume(struct sample_pause *pause)
{
	if (pause->thread)
		pause->thread->countdown = pause->countdown;
	pause->thread = NULL;
}
