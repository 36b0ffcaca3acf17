/* SPDX-License-Identifier: MIT */
/* Recent stacks of a thread with what was found out about them, each proven unchanged before it is used again. */
#ifndef MP_STACK_MEMO_H
#define MP_STACK_MEMO_H

#include <stdint.h>

#include "compiler.h"
#include "regs.h"
#include "rules.h"
#include "thread.h"

/*
 * A program that allocates from a few places in turn never meets its thread's last stack whole. So the stacks of recent
 * allocations are kept by (ip, sp) as bare lists of slots and values: the walk that found them read these and nothing
 * else, so if all of them hold what they held, the stack is the same one (see frame_reuse.h), and its site is at hand
 * without a rule, a hash or an index.
 */

static inline struct stack_memo *memo_slot(struct thread *t, const struct regs *regs)
{
	uint64_t h = (regs->ip ^ regs->sp << 20) * 0x9e3779b97f4a7c15ull;

	return &t->memos[h >> 58 & (THREAD_MEMOS - 1)];
}

/* The site that an allocation from REGS has, NULL: not known. Context: hook, gate closed. */
static inline struct mp_site *memo_find(struct thread *t, const struct regs *regs)
{
	const struct stack_memo *m = memo_slot(t, regs);

	if (m->ip != regs->ip || m->sp != regs->sp || m->rules_generation != load_relaxed(&rules_generation) ||
	    (m->bp_matters && m->bp != regs->bp))
		return NULL;
	for (uint32_t i = 0; i < m->count; i++) {
		if (unlikely(*(const uint64_t *)m->checks[i].slot != m->checks[i].value))
			return NULL;
	}
	return m->site;
}

/* Keeps the stack in t->frames, which was just captured from REGS, and its site. Context: hook, gate closed. */
void memo_store(struct thread *t, const struct regs *regs, struct mp_site *site);

/* Forgets all, when sites are about to change. Context: hook, gate closed. */
void memo_clear(struct thread *t);

#endif
