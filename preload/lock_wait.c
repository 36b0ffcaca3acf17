/* SPDX-License-Identifier: MIT */
/*
 * Waits, holds and wakes of locks that were ever contended, folded into rows as they happen.
 *
 * Who gives a lock up while others wait for it, or wakes who waits, leaves an entry in the lock's ring, with its stack.
 * A waiter that has got the lock shares its wait out among the entries that overlap it. Of a lock that one thread has
 * at a time, entries are made with that lock held, which puts them in order; of the others, under the ring's own lock.
 * A waiter reads under that lock, too, or by the ring's version: of the first kind after it has given the lock up
 * again, so as not to hold it longer. So a stack is only ever captured where somebody waits.
 *
 * Order of locks: a ring's own lock may be held while a stack is entered, not while one is captured.
 */
#include "capture.h"
#include "clock.h"
#include "control.h"
#include "drop.h"
#include "dump_map.h"
#include "lock_order.h"
#include "lock_rows.h"
#include "lock_state.h"
#include "timeline.h"

/* How often a ring that changes meanwhile is read before who had the lock is called unknown. */
#define RING_READS 8u
/* Beside a wait of this length it is nothing to hold the lock for as long as it takes to put the wait down. */
#define LONG_WAIT_NS 1000000u
/* Of a lock that is not hot, each thread measures one hold in so many acquisitions. */
#define HOLD_PERIOD 64u

/* --- kinds --- */

/* By the names in the list of kinds, which have different lengths. */
static bool coordination(enum mp_lock_kind kind)
{
#define X(name, number, text, category) [number] = sizeof(category) == sizeof("coordination"),
	static const bool is[] = { MP_LOCK_KINDS(X) };
#undef X

	return is[kind];
}

/* Do threads have a lock of this kind, or are they only woken from it? */
static bool is_held(enum mp_lock_kind kind)
{
	return kind == MP_LOCK_MUTEX || kind == MP_LOCK_RWLOCK || kind == MP_LOCK_SPIN || kind == MP_LOCK_OMP;
}

/* Can only one thread at a time change its ring, because it has the lock? */
static bool in_order(const struct lock_state *state)
{
	return is_held(state->kind) && state->kind != MP_LOCK_RWLOCK;
}

/* --- stacks --- */

/* The number of the caller's stack, mostly without the lock of the table of stacks. */
static stack_id stack_of(struct thread *t, const struct regs *regs)
{
	uint64_t hash = capture(t, regs);
	uint32_t at = (uint32_t)(hash >> 20) % LOCK_STACKS;
	stack_id stack;

	if (t->lock_store && t->lock_store->stacks[at].hash == hash)
		return t->lock_store->stacks[at].stack;
	stack = capture_intern(t);
	if (t->lock_store) {
		t->lock_store->stacks[at].hash = hash;
		t->lock_store->stacks[at].stack = stack;
	}
	return stack;
}

/* --- holds --- */

/* Everything that this thread has waited so far, and memprof saw. */
static uint64_t blocked_so_far(const struct thread *t)
{
	return t->row->lock_wait_ns + t->row->coordination_ns;
}

static MP_COLD bool more_held(struct lock_store *store)
{
	uint32_t room = store->held_room * 2;
	struct lock_held *bigger = os_map(room * sizeof(*bigger));

	if (!bigger)
		return false;
	__builtin_memcpy(bigger, store->held, store->held_room * sizeof(*bigger));
	if (store->held != store->first_held)
		os_unmap(store->held, store->held_room * sizeof(*bigger));
	store->held = bigger;
	store->held_room = room;
	return true;
}

/* Newest first: locks are mostly given up in the opposite order. NULL: not measured. */
static struct lock_held *find_held(const struct thread *t, uint64_t address)
{
	for (uint32_t i = t->locks_held; i-- > 0;) {
		if (t->lock_store->held[i].address == address)
			return &t->lock_store->held[i];
	}
	return NULL;
}

static void drop_held(struct thread *t, struct lock_held *h)
{
	struct lock_held *last = &t->lock_store->held[--t->locks_held];

	for (; h < last; h++)
		h[0] = h[1];
}

/* Is the hold that begins now one to be measured? WAITED: the thread has waited for it. */
static inline bool to_measure(struct lock_local *l, bool waited, bool *ret_hot)
{
	uint32_t moves = crowd_moves(l->state);

	*ret_hot = true;
	if (unlikely(moves != l->seen)) {
		l->seen = moves;
		l->hot = LOCK_HOT_HOLDS;
	}
	if (waited || crowd_waiters(l->state))
		return true;
	if (l->hot && l->left) {
		l->hot--;
		l->left--;
		return true;
	}
	*ret_hot = false;
	if (unlikely(lock_order_on))
		return true;
	if (l->skip--)
		return false;
	l->skip = HOLD_PERIOD - 1;
	return true;
}

static void begin_hold(struct thread *t, uint64_t address, uint32_t number, enum lock_mode mode, bool hot,
		       uint64_t now_ns)
{
	struct lock_store *store = t->lock_store;
	struct lock_held *h = find_held(t, address);

	/* A reader may have it twice; else another thread has given it up for this one. */
	if (unlikely(h) && mode == LOCK_EXCLUSIVE)
		drop_held(t, h);
	if (unlikely(t->locks_held == store->held_room) && !more_held(store))
		return;
	store->held[t->locks_held] = (struct lock_held){
		.address = address,
		.from_ns = now_ns ? now_ns : clock_stamp(),
		.blocked_ns = blocked_so_far(t),
		.alloc_count = t->row->alloc_count,
		.alloc_bytes = t->row->alloc_bytes,
		.number = number,
		.stack = store->order_stack,
		.mode = (uint8_t)mode,
		.hot = hot,
	};
	store->order_stack = 0;
	t->locks_held++;
}

MP_NOINLINE void lock_acquired_numbered(struct thread *t, uint64_t address, uint32_t number, enum lock_mode mode,
					uint64_t now_ns)
{
	struct lock_local *l = lock_local(t, number);
	bool hot;

	if (unlikely(!l))
		return;
	if (likely(l->share))
		bump(&l->share->acquisitions, 1);
	if (to_measure(l, now_ns != 0, &hot))
		begin_hold(t, address, number, mode, hot, now_ns);
}

static void count_hold(struct thread *t, const struct lock_noted *noted)
{
	const struct lock_held *h = &noted->hold.held;
	struct lock_local *l = lock_local(t, h->number);
	uint64_t ns = noted->hold.ns;
	struct mp_lock_hold *row;

	if (unlikely(!l))
		return;
	row = lock_hold_row(t, l);
	lock_hist_add(t, l, h->mode == LOCK_SHARED ? MP_LOCK_HIST_HOLD_SHARED : MP_LOCK_HIST_HOLD, ns);
	if (!row)
		return;
	bump(&row->count, 1);
	bump(&row->ns, ns);
	if (ns > row->max_ns)
		store_relaxed(&row->max_ns, ns);
	if (h->hot)
		bump(&row->hot_count, 1);
	if (noted->hold.blocked_ns)
		bump(&row->blocked_ns, noted->hold.blocked_ns);
	if (noted->hold.alloc_count != h->alloc_count) {
		bump(&row->alloc_count, noted->hold.alloc_count - h->alloc_count);
		bump(&row->alloc_bytes, noted->hold.alloc_bytes - h->alloc_bytes);
	}
}

/* That the hold H is over, counted later. */
static void note_hold(struct thread *t, const struct lock_held *h, const struct lock_past *past)
{
	struct lock_noted *noted = &t->lock_store->noted;

	if (unlikely(noted->hold.held.number))
		lock_settle_noted(t);
	noted->hold.held = *h;
	noted->hold.ns = past->held_ns;
	noted->hold.blocked_ns = past->blocked_ns;
	noted->hold.alloc_count = t->row->alloc_count;
	noted->hold.alloc_bytes = t->row->alloc_bytes;
	t->lock_noted = true;
}

/* With the ring in the caller's hands. */
static MP_COLD void grow_ring(struct lock_ring *ring)
{
	uint32_t size = ring->size * (ring->size == LOCK_RING_FIRST ? 8 : 4);
	struct lock_past *past;

	if (size > LOCK_RING_MAX)
		return;
	past = os_map(size * sizeof(*past));
	if (!past)
		return;
	/* The old array stays, because somebody who gave up waiting may read it. */
	lock_ring_replace(ring, past, size);
}

static void enter_past(struct lock_state *state, const struct lock_past *past)
{
	bool alone = in_order(state);

	if (!alone)
		os_lock(&state->busy);
	if (unlikely(load_relaxed(&state->ring_small))) {
		grow_ring(&state->ring);
		store_relaxed(&state->ring_small, false);
	}
	lock_ring_add(&state->ring, past);
	if (!alone)
		os_unlock(&state->busy);
}

MP_NOINLINE void lock_releasing(struct thread *t, uint64_t address, enum lock_mode mode, bool maybe_waiters,
				const struct regs *regs)
{
	struct lock_held *held = t->locks_held ? find_held(t, address) : NULL;
	struct lock_held h = { .mode = (uint8_t)mode };
	struct lock_past past = { .tid = t->tid };
	struct lock_local *l;

	if (held) {
		h = *held;
		drop_held(t, held);
		l = lock_local(t, h.number);
	} else if (maybe_waiters) {
		l = lock_local_at(t, address);
	} else {
		return;
	}
	if (unlikely(!l))
		return;
	if (maybe_waiters || crowd_waiters(l->state))
		past.stack = stack_of(t, regs);
	past.to_ns = clock_stamp();
	if (held) {
		past.from_ns = h.from_ns;
		past.held_ns = past.to_ns > h.from_ns ? past.to_ns - h.from_ns : 0;
		past.blocked_ns = blocked_so_far(t) - h.blocked_ns;
		note_hold(t, &h, &past);
	}
	if (past.stack) {
		past.moves = crowd_moves(l->state);
		enter_past(l->state, &past);
	}
}

/* --- waits --- */

static void raise_to(uint32_t *max, uint32_t v)
{
	uint32_t seen = load_relaxed(max);

	while (v > seen && !cas_acquire(max, &seen, v))
		;
}

static void arrive(struct lock_state *state, const struct lock_wait *w, stack_id stack)
{
	uint32_t waiters = crowd_join(state);

	if (unlikely(load_relaxed(&state->row->flags) & MP_LOCK_FLAG_UNCONTENDED)) {
		/* So far it was only known for its place in the order. Of two that come at once, either is first. */
		store_relaxed(&state->row->first_stack, stack);
		store_relaxed(&state->row->hold_period, is_held(w->kind) ? HOLD_PERIOD : 0);
		store_relaxed(&state->row->flags, state->row->flags & ~MP_LOCK_FLAG_UNCONTENDED);
	}
	if (waiters > load_relaxed(&state->row->waiters_max))
		raise_to(&state->row->waiters_max, waiters);
}

void lock_wait_begin(struct lock_wait *w, struct thread *t, const struct lock_facts *facts, enum lock_mode mode,
		     uint32_t owner, const struct regs *regs)
{
	stack_id stack = stack_of(t, regs);
	struct lock_slot *s = lock_slot(t, facts->address);
	struct lock_local *l;

	*w = (struct lock_wait){ .thread = t, .forks = lock_forks, .kind = facts->kind, .mode = mode, .owner = owner };
	w->number = s->number;
	if (unlikely(!w->number)) {
		struct mp_lock draft = { .first_ns = os_now_ns(), .first_stack = stack };

		draft.hold_period = is_held(facts->kind) ? HOLD_PERIOD : 0;
		w->number = lock_number(facts, &draft);
	}
	/* Counted before the wait: of a thread that never gets the lock, the report must show where it stands. */
	if (!coordination(facts->kind))
		bump(&t->row->lock_contentions, 1);
	l = w->number ? lock_local(t, w->number) : NULL;
	if (likely(l)) {
		w->state = l->state;
		if (likely(l->share))
			bump(&l->share->contentions, 1);
		w->row = lock_wait_row(t, w->number, stack, mode);
		if (likely(w->row))
			bump(&w->row->count, 1);
		arrive(w->state, w, stack);
	}
	if (control_pending())
		control_answer(t, NULL);
	w->start_ns = clock_stamp();
	timeline_tick(w->start_ns);
}

static void add_wait(uint64_t *sum, uint64_t *max, uint64_t ns)
{
	bump(sum, ns);
	if (ns > load_relaxed(max))
		store_relaxed(max, ns);
}

/*
 * Of a lock that one thread has at a time, by a waiter that need not have it: others may change the ring. The holds of
 * a wait that is over stay where they are until as many others as the ring has room for were added.
 */
static void share_out_unordered(struct lock_state *state, const struct lock_span *span, struct lock_share_out *ret)
{
	const struct lock_ring *ring = &state->ring;

	for (unsigned i = 0; i < RING_READS; i++) {
		uint32_t version = load_acquire(&ring->version);
		struct lock_ring seen = *ring;

		ret->count = 0;
		ret->handoff_ns = 0;
		ret->lost = false;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		/* First that these belong together. */
		if ((version & 1) || load_relaxed(&ring->version) != version)
			continue;
		lock_ring_share_out(&seen, span, ret);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (load_relaxed(&ring->version) == version) {
			if (unlikely(ret->lost))
				store_relaxed(&state->ring_small, true);
			return;
		}
	}
	ret->count = 0;
	ret->handoff_ns = 0;
	lock_charge_add(ret, &(struct lock_charge){
				     .tid = span->holder ? span->holder : span->owner,
				     .ns = span->to_ns - span->from_ns,
				     .running_ns = span->to_ns - span->from_ns,
				     .approx_ns = span->to_ns - span->from_ns,
			     });
}

/* Finds out who had the lock, or who woke the waiter. Returns the time of that wake, 0 = none. */
static uint64_t share_out(const struct lock_wait *w, const struct lock_span *span, bool got, struct lock_share_out *ret)
{
	struct lock_state *state = w->state;
	uint64_t wake_ns = 0;

	if (in_order(state)) {
		share_out_unordered(state, span, ret);
		return 0;
	}
	if (!is_held(state->kind) && !got) {
		/* What woke others meanwhile did not wake this one. */
		lock_charge_add(ret, &(struct lock_charge){ .ns = span->to_ns - span->from_ns,
							    .running_ns = span->to_ns - span->from_ns });
		return 0;
	}
	os_lock(&state->busy);
	if (is_held(state->kind)) {
		lock_ring_share_out(&state->ring, span, ret);
		if (ret->lost)
			store_relaxed(&state->ring_small, true);
	} else {
		wake_ns = lock_ring_last_wake(&state->ring, span, ret);
	}
	os_unlock(&state->busy);
	return wake_ns;
}

/* NEW_STACK, NEW_TID: no other charge of this wait had that culprit. */
static void charge(struct thread *t, const struct lock_wait *w, struct lock_local *l, const struct lock_charge *c,
		   bool new_stack, bool new_tid)
{
	struct mp_lock_culprit *culprit = lock_culprit_row(t, w->number, w->row->stack, c->stack);
	struct mp_lock_pair *pair = lock_pair_row(t, l, t->tid, c->tid);

	if (likely(culprit)) {
		bump(&culprit->count, new_stack);
		bump(&culprit->wait_ns, c->ns);
		bump(&culprit->running_ns, c->running_ns);
		bump(&culprit->approx_ns, c->approx_ns);
	}
	if (likely(pair)) {
		bump(&pair->count, new_tid);
		bump(&pair->wait_ns, c->ns);
	}
}

static void add_up(struct thread *t, const struct lock_wait *w, struct lock_local *l, uint64_t ns,
		   enum lock_outcome outcome, const struct lock_share_out *out)
{
	lock_hist_add(t, l, w->mode == LOCK_SHARED ? MP_LOCK_HIST_WAIT_SHARED : MP_LOCK_HIST_WAIT, ns);
	if (likely(l->share)) {
		add_wait(&l->share->wait_ns, &l->share->wait_max_ns, ns);
		bump(&l->share->handoff_ns, out->handoff_ns);
		if (outcome == LOCK_TIMED_OUT)
			bump(&l->share->timeouts, 1);
	}
	if (unlikely(!w->row))
		return;
	add_wait(&w->row->wait_ns, &w->row->wait_max_ns, ns);
	bump(&w->row->handoff_ns, out->handoff_ns);
	if (outcome == LOCK_TIMED_OUT)
		bump(&w->row->timeouts, 1);
	for (uint32_t i = 0; i < out->count; i++) {
		const struct lock_charge *c = &out->charges[i];
		bool new_stack = true;
		bool new_tid = true;

		for (uint32_t k = 0; k < i; k++) {
			new_stack = new_stack && out->charges[k].stack != c->stack;
			new_tid = new_tid && out->charges[k].tid != c->tid;
		}
		charge(t, w, l, c, new_stack, new_tid);
	}
}

/* Of a condition variable's wait: what it took after the wake to have the mutex again. */
static void add_reacquire(struct thread *t, const struct lock_wait *w, struct lock_local *l, uint64_t ns)
{
	lock_hist_add(t, l, MP_LOCK_HIST_REACQUIRE, ns);
	if (w->row)
		bump(&w->row->reacquire_ns, ns);
}

void lock_wait_abandon(const struct lock_wait *w)
{
	if (w->state && w->forks == lock_forks)
		crowd_leave(w->state);
}

static void uncount(const struct lock_wait *w, struct thread *t, bool timeout)
{
	struct lock_local *l;

	if (t != w->thread || w->forks != lock_forks)
		return;
	if (!coordination(w->kind))
		bump(&t->row->lock_contentions, -1);
	l = w->state ? lock_local(t, w->number) : NULL;
	if (l && l->share) {
		bump(&l->share->contentions, -1);
		if (timeout && l->share->timeouts)
			bump(&l->share->timeouts, -1);
	}
	if (!w->row)
		return;
	bump(&w->row->count, -1);
	if (timeout && w->row->timeouts)
		bump(&w->row->timeouts, -1);
}

void lock_wait_undo(const struct lock_wait *w, struct thread *t)
{
	lock_wait_abandon(w);
	uncount(w, t, false);
}

void lock_wait_goes_on(const struct lock_wait *w, struct thread *t, bool timed_out)
{
	uncount(w, t, timed_out);
}

/*
 * What every end of a wait begins with. Returns T's view of the lock; NULL: there is nothing more to do. SPAN: for
 * sharing it out.
 */
static struct lock_local *end_wait(const struct lock_wait *w, struct thread *t, struct lock_span *ret_span,
				   uint64_t *ret_ns)
{
	struct lock_span span = { .from_ns = w->start_ns, .to_ns = clock_stamp(), .owner = w->owner };
	uint64_t ns;

	lock_wait_abandon(w);
	if (span.to_ns < span.from_ns)
		span.to_ns = span.from_ns; /* stamps of two processors */
	*ret_ns = ns = span.to_ns - span.from_ns;
	span.holder = w->holder;
	/* The hook has charged a part itself: what it knows comes first. */
	span.from_ns += w->charged_ns < ns ? w->charged_ns : ns;
	*ret_span = span;
	if (t != w->thread || w->forks != lock_forks)
		return NULL;
	bump(coordination(w->kind) ? &t->row->coordination_ns : &t->row->lock_wait_ns, ns);
	thread_notice_pause(t);
	return w->state ? lock_local(t, w->number) : NULL;
}

uint64_t lock_wait_end(const struct lock_wait *w, struct thread *t, enum lock_outcome outcome)
{
	struct lock_share_out out = { .count = 0 };
	struct lock_span span;
	uint64_t ns;
	struct lock_local *l = end_wait(w, t, &span, &ns);
	uint64_t wake_ns;

	if (!l)
		return 0;
	/* Readers that kept a writer out until it gave up are still there, and nobody knows which. */
	span.elsewhere =
		(w->state->flags & MP_LOCK_FLAG_PSHARED) || (w->state->kind == MP_LOCK_RWLOCK && outcome != LOCK_GOT);
	wake_ns = share_out(w, &span, outcome == LOCK_GOT, &out);
	add_up(t, w, l, ns, outcome, &out);
	if (w->kind == MP_LOCK_COND && wake_ns)
		add_reacquire(t, w, l, span.to_ns - wake_ns);
	return wake_ns;
}

uint64_t lock_wait_got(const struct lock_wait *w, struct thread *t)
{
	struct lock_noted *noted;
	struct lock_span span;
	uint64_t ns;
	const struct lock_local *l = end_wait(w, t, &span, &ns);

	if (!l)
		return span.to_ns;
	span.got = true;
	span.elsewhere = w->state->flags & MP_LOCK_FLAG_PSHARED;
	noted = &t->lock_store->noted;
	if (unlikely(noted->wait.wait.number))
		lock_settle_noted(t);
	noted->wait.wait = *w;
	noted->wait.span = span;
	noted->wait.ns = ns;
	t->lock_noted = true;
	if (unlikely(ns >= LONG_WAIT_NS))
		lock_settle_noted(t);
	return span.to_ns;
}

static void settle_wait(struct thread *t, struct lock_noted *noted)
{
	const struct lock_wait *w = &noted->wait.wait;
	struct lock_local *l = lock_local(t, w->number);
	struct lock_share_out out = { .count = 0 };

	if (unlikely(!l || w->forks != lock_forks))
		return;
	share_out_unordered(w->state, &noted->wait.span, &out);
	add_up(t, w, l, noted->wait.ns, LOCK_GOT, &out);
}

MP_NOINLINE void lock_settle_noted(struct thread *t)
{
	struct lock_noted *noted = &t->lock_store->noted;

	t->lock_noted = false;
	if (noted->wait.wait.number)
		settle_wait(t, noted);
	if (noted->hold.held.number)
		count_hold(t, noted);
	noted->wait.wait.number = 0;
	noted->hold.held.number = 0;
}

void lock_wait_charge(struct lock_wait *w, struct thread *t, uint32_t culprit_tid, uint32_t culprit_stack, uint64_t ns)
{
	struct lock_charge c = { .tid = culprit_tid, .stack = culprit_stack, .ns = ns, .running_ns = ns };
	struct lock_local *l;

	if (t != w->thread || w->forks != lock_forks || !w->state || !w->row)
		return;
	l = lock_local(t, w->number);
	if (!l)
		return;
	charge(t, w, l, &c, true, true);
	w->charged_ns += ns;
}

void lock_wait_past(struct thread *t, const struct lock_facts *facts, uint64_t from_ns, uint32_t owner,
		    const struct regs *regs)
{
	struct lock_wait w;

	lock_wait_begin(&w, t, facts, LOCK_EXCLUSIVE, owner, regs);
	if (w.start_ns > from_ns)
		w.start_ns = from_ns;
	lock_wait_end(&w, t, LOCK_GOT);
}

/* --- wakes --- */

void lock_waking(struct thread *t, uint64_t address, unsigned flags, const struct regs *regs)
{
	struct lock_local *l = lock_local_at(t, address);
	struct mp_lock_extra *extra = l ? lock_extra(t, address) : NULL;

	if (!l)
		return;
	if (crowd_waiters(l->state)) {
		struct lock_past past = { .tid = t->tid, .stack = stack_of(t, regs) };

		past.to_ns = clock_stamp();
		enter_past(l->state, &past);
	} else if (extra) {
		bump(&extra->wakes_unheard, 1);
	}
	if (!extra)
		return;
	bump(&extra->wakes, 1);
	if (flags & LOCK_WAKE_ALL)
		bump(&extra->wakes_all, 1);
	if (flags & LOCK_WAKE_LOCKED)
		bump(&extra->wakes_locked, 1);
}

void lock_waking_elsewhere(struct thread *t, uint64_t address, enum mp_lock_kind kind, const struct regs *regs)
{
	struct mp_lock_wake *row = lock_wake_row(t, address, kind, stack_of(t, regs));

	if (likely(row))
		bump(&row->count, 1);
}

uint32_t lock_waiters(struct thread *t, uint64_t address)
{
	const struct lock_local *l = lock_local_at(t, address);

	return l ? crowd_waiters(l->state) : 0;
}
