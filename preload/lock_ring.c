/* SPDX-License-Identifier: MIT */
/*
 * A wait is walked from its end backwards, so that of several readers of a rwlock, who have it at the same time, the
 * one who kept the writer waiting last comes first, and no instant is charged twice.
 */
#include "lock_ring.h"

#include <stddef.h>

#include "atomic.h"

/* The entry N before the newest. */
static struct lock_past *entry(const struct lock_ring *ring, uint32_t n)
{
	return &ring->past[(ring->added - 1 - n) & (ring->size - 1)];
}

static uint32_t entries(const struct lock_ring *ring)
{
	return ring->added < ring->size ? ring->added : ring->size;
}

static bool joins(const struct lock_past *last, const struct lock_past *past)
{
	return last->tid == past->tid && last->stack == past->stack && last->moves == past->moves &&
	       last->from_ns && past->from_ns >= last->to_ns;
}

void lock_ring_add(struct lock_ring *ring, const struct lock_past *past)
{
	store_relaxed(&ring->version, ring->version + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (ring->added && joins(entry(ring, 0), past)) {
		struct lock_past *last = entry(ring, 0);

		last->to_ns = past->to_ns;
		last->held_ns += past->held_ns;
		last->blocked_ns += past->blocked_ns;
	} else {
		ring->added++;
		if (ring->added > ring->size)
			ring->forgotten_ns = entry(ring, 0)->to_ns;
		*entry(ring, 0) = *past;
	}
	store_release(&ring->version, ring->version + 1);
}

void lock_ring_replace(struct lock_ring *ring, struct lock_past *past, uint32_t size)
{
	store_relaxed(&ring->version, ring->version + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (ring->added)
		ring->forgotten_ns = entry(ring, 0)->to_ns;
	ring->past = past;
	ring->size = size;
	ring->added = 0;
	store_release(&ring->version, ring->version + 1);
}

void lock_charge_add(struct lock_share_out *out, const struct lock_charge *charge)
{
	struct lock_charge *to = NULL;

	if (!charge->ns)
		return;
	for (uint32_t i = 0; i < out->count && !to; i++) {
		if (out->charges[i].tid == charge->tid && out->charges[i].stack == charge->stack)
			to = &out->charges[i];
	}
	if (!to && out->count < LOCK_CHARGES) {
		to = &out->charges[out->count++];
		*to = (struct lock_charge){ .tid = charge->tid, .stack = charge->stack };
	}
	if (!to) {
		to = &out->charges[LOCK_CHARGES - 1];
		to->approx_ns += charge->ns - charge->approx_ns;
	}
	to->ns += charge->ns;
	to->running_ns += charge->running_ns;
	to->approx_ns += charge->approx_ns;
}

/* A charge to thread TID, of which only older holds are known, if any. */
static void charge_thread(const struct lock_ring *ring, struct lock_share_out *out, uint32_t tid, uint64_t ns)
{
	struct lock_charge charge = { .tid = tid, .ns = ns, .running_ns = ns, .approx_ns = ns };

	for (uint32_t n = 0; tid && n < entries(ring) && !charge.stack; n++) {
		if (entry(ring, n)->tid == tid)
			charge.stack = entry(ring, n)->stack;
	}
	lock_charge_add(out, &charge);
}

/* When the hold of entry N began, as far as it lies in the wait, and whether that is certain. */
static uint64_t begin_of(const struct lock_ring *ring, uint32_t n, const struct lock_span *span, bool *ret_certain)
{
	const struct lock_past *past = entry(ring, n);

	*ret_certain = true;
	if (past->from_ns)
		return past->from_ns > span->from_ns ? past->from_ns : span->from_ns;
	if (n + 1 < entries(ring) && entry(ring, n + 1)->to_ns > span->from_ns) {
		/* It cannot have begun before the one before ended. */
		*ret_certain = false;
		return entry(ring, n + 1)->to_ns;
	}
	*ret_certain = past->tid == span->owner;
	return span->from_ns;
}

/* Charges the hold PAST with its part of the time from BEGIN to END. */
static void charge_hold(const struct lock_ring *ring, struct lock_share_out *out, const struct lock_past *past,
			uint64_t begin, uint64_t end, bool certain)
{
	struct lock_charge charge = { .tid = past->tid, .stack = past->stack, .ns = end - begin };

	if (past->from_ns) {
		/* Began before the wait: then that part lies in the first of its holds. */
		uint64_t before = begin - past->from_ns;
		uint64_t held = past->held_ns > before ? past->held_ns - before : 0;

		if (charge.ns > held)
			charge.ns = held;
	}
	out->handoff_ns += end - begin - charge.ns;
	charge.running_ns = charge.ns;
	if (past->held_ns && past->blocked_ns)
		charge.running_ns -= (uint64_t)((double)charge.ns * ((double)past->blocked_ns / (double)past->held_ns));
	charge.approx_ns = certain ? 0 : charge.ns;
	if (!charge.stack)
		charge_thread(ring, out, charge.tid, charge.ns);
	else
		lock_charge_add(out, &charge);
}

void lock_ring_share_out(const struct lock_ring *ring, const struct lock_span *span, struct lock_share_out *ret)
{
	uint64_t left = span->to_ns; /* what is before is still to be charged */
	uint32_t n;

	for (n = 0; n < entries(ring) && left > span->from_ns; n++) {
		const struct lock_past *past = entry(ring, n);
		uint64_t end = past->to_ns < left ? past->to_ns : left;
		uint64_t begin;
		bool certain;

		if (past->to_ns <= span->from_ns)
			break;
		if (span->got && past->to_ns > span->to_ns)
			continue;
		if (n == 0 && span->holder)
			charge_thread(ring, ret, span->holder, left - end);
		else if (span->elsewhere)
			charge_thread(ring, ret, 0, left - end);
		else
			ret->handoff_ns += left - end;
		begin = begin_of(ring, n, span, &certain);
		if (begin > end)
			begin = end;
		charge_hold(ring, ret, past, begin, end, certain);
		left = begin;
	}
	if (left <= span->from_ns)
		return;
	if (n == entries(ring) && ring->forgotten_ns > span->from_ns) {
		const struct lock_past unknown = { .tid = 0 };
		const struct lock_past *oldest = n ? entry(ring, n - 1) : &unknown;
		struct lock_charge charge = { .tid = oldest->tid, .stack = oldest->stack };

		charge.ns = charge.running_ns = charge.approx_ns = left - span->from_ns;
		lock_charge_add(ret, &charge);
		ret->lost = true;
	} else if (span->owner || span->holder || span->elsewhere) {
		charge_thread(ring, ret, span->owner ? span->owner : span->holder, left - span->from_ns);
	} else {
		ret->handoff_ns += left - span->from_ns;
	}
}

uint64_t lock_ring_last_wake(const struct lock_ring *ring, const struct lock_span *span, struct lock_share_out *ret)
{
	struct lock_charge charge = { .ns = span->to_ns - span->from_ns };
	uint64_t wake_ns = 0;

	for (uint32_t n = 0; n < entries(ring); n++) {
		const struct lock_past *past = entry(ring, n);

		if (past->to_ns > span->to_ns)
			continue; /* has woken others since */
		if (past->to_ns > span->from_ns) {
			wake_ns = past->to_ns;
			charge = (struct lock_charge){ .tid = past->tid, .stack = past->stack };
			charge.ns = wake_ns - span->from_ns;
			ret->handoff_ns += span->to_ns - wake_ns;
		}
		break;
	}
	charge.running_ns = charge.ns;
	lock_charge_add(ret, &charge);
	return wake_ns;
}
