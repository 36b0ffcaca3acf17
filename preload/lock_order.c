/* SPDX-License-Identifier: MIT */
/*
 * The order in which mutexes and rwlocks are taken, when asked for. Every lock that is taken gets a number then,
 * contended or not, and every hold is kept, so that for each acquisition all locks that the thread has are known; each
 * of them makes a row with the new one. Whether rows of several threads make a cycle is for the report to find out.
 */
#include "lock_order.h"

#include <stddef.h>

#include "capture.h"
#include "drop.h"
#include "lock_state.h"
#include "options.h"
#include "os.h"

#define CHECK_AT offsetof(struct mp_lock_order, check)

bool lock_order_on;

/* The other locks that T has beside number OUTER: the lowest ones, ascending, and how many there are. */
static uint32_t gates_beside(const struct thread *t, uint32_t outer, uint32_t ret_gates[MP_LOCK_GATES],
			     uint64_t *ret_hash)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < t->locks_held; i++) {
		uint32_t number = t->lock_store->held[i].number;
		uint32_t at = count < MP_LOCK_GATES ? count : MP_LOCK_GATES;

		if (number == outer)
			continue;
		*ret_hash += lock_key(number, 0x9a7e);
		count++;
		while (at > 0 && ret_gates[at - 1] > number) {
			if (at < MP_LOCK_GATES)
				ret_gates[at] = ret_gates[at - 1];
			at--;
		}
		if (at < MP_LOCK_GATES)
			ret_gates[at] = number;
	}
	return count;
}

static void add_order(struct thread *t, const struct lock_held *outer, uint32_t inner, stack_id stack, uint32_t flags)
{
	uint32_t gates[MP_LOCK_GATES] = { 0 };
	uint64_t hash = 0;
	uint32_t gate_count = gates_beside(t, outer->number, gates, &hash);
	uint64_t key = lock_key(lock_key((uint64_t)outer->number << 32 | inner, hash),
				lock_key((uint64_t)outer->stack << 32 | stack, (uint64_t)t->tid << 3 | flags));
	struct mp_lock_order *row;
	row_id id = shard_find(t->shard, key, CHECK_AT);

	if (id) {
		row = row_at(id);
		bump(&row->count, 1);
		return;
	}
	id = shard_add(t->shard, key, CHECK_AT, MP_CHUNK_LOCK_ORDER);
	if (!id) {
		drop(MP_LOSS_SITES_FULL);
		return;
	}
	row = row_at(id);
	row->outer = outer->number;
	row->outer_stack = outer->stack;
	row->inner_stack = stack;
	row->tid = t->tid;
	row->flags = flags;
	row->gate_count = gate_count;
	__builtin_memcpy(row->gates, gates, sizeof(gates));
	row->count = 1;
	row->first_ns = os_now_ns();
	store_release(&row->inner, inner);
}

MP_NOINLINE void lock_order_taking(struct thread *t, const struct lock_facts *facts, enum lock_mode mode, bool tried,
				   const struct regs *regs)
{
	uint32_t inner_flags =
		(tried ? MP_LOCK_ORDER_TRIED : 0) | (mode == LOCK_SHARED ? MP_LOCK_ORDER_INNER_SHARED : 0);
	stack_id stack;
	uint32_t number;

	capture(t, regs);
	stack = capture_intern(t);
	number = lock_foresee(t, facts, stack);
	/* The view of the lock is made with it: then there is a place for what follows. */
	if (!number || !lock_local(t, number))
		return;
	t->lock_store->order_stack = stack;
	for (uint32_t i = 0; i < t->locks_held; i++) {
		const struct lock_held *outer = &t->lock_store->held[i];

		if (outer->number != number)
			add_order(t, outer, number, stack,
				  inner_flags | (outer->mode == LOCK_SHARED ? MP_LOCK_ORDER_OUTER_SHARED : 0));
	}
}

void lock_order_init(void)
{
	lock_order_on = opt.lock_order != 0;
}
