/* SPDX-License-Identifier: MIT */
/* Recent stacks of a thread with what was found out about them, each proven unchanged before it is used again. */
#ifndef MP_STACK_MEMO_H
#define MP_STACK_MEMO_H

#include <stdint.h>

#include "compiler.h"
#include "frame_reuse.h"
#include "regs.h"
#include "rules.h"
#include "thread.h"

/*
 * A program that allocates from a few places in turn never meets its thread's last stack whole. So the stacks of recent
 * allocations are kept as bare lists of slots and values: the walk that found them read these and nothing else, so if
 * all of them hold what they held, the stack is the same one (see frame_reuse.h), and its site is at hand without a
 * rule, a hash or an index.
 *
 * Memos are found by (ip, sp) in a set-associative table: what calls malloc from one place at one depth is as a rule a
 * wrapper, with several callers in turn. They lie one behind the other in a ring, where a new one takes the place of
 * the oldest. A few KiB hold all that matters (99 % of the stacks of perl, jq, sqlite3 and python3 at work), and more
 * would push the program's own data out of the nearest cache.
 */

#define MEMO_STRIDE 4u /* slots compared at once */

struct memo_stride {
	uint64_t value[MEMO_STRIDE];
	int16_t step[MEMO_STRIDE]; /* distance of each slot from the one before, in words; of the first one from sp */
};

struct stack_memo {
	uint64_t ip; /* of the hook's caller */
	uint64_t sp;
	uint64_t bp;
	struct mp_site *site;
	uint32_t rules_generation;
	uint16_t count; /* of strides */
	bool bp_matters;
	struct memo_stride strides[];
};

static inline struct stack_memo *memo_at(struct thread *t, uint32_t position)
{
	return (struct stack_memo *)(void *)&t->memo_ring[position % MEMO_RING_WORDS];
}

/* Do all slots that MEMO was read from still hold what they held? */
static inline bool memo_holds(const struct stack_memo *m, const struct regs *regs)
{
	const struct memo_stride *end = m->strides + m->count;
	uint64_t slot = m->sp;

	if (m->ip != regs->ip || m->sp != regs->sp || m->rules_generation != load_relaxed(&rules_generation) ||
	    (m->bp_matters && m->bp != regs->bp))
		return false;
	for (const struct memo_stride *s = m->strides; s != end; s++) {
		uint64_t differ = 0;

#pragma GCC unroll 4
		for (unsigned i = 0; i < MEMO_STRIDE; i++) {
			slot += (uint64_t)((int64_t)s->step[i] * 8);
			differ |= frame_word(slot) ^ s->value[i];
		}
		if (unlikely(differ))
			return false;
	}
	return true;
}

static inline uint64_t memo_hash(const struct regs *regs)
{
	return (regs->ip ^ regs->sp << 20) * 0x9e3779b97f4a7c15ull;
}

/* The place of a memo of HASH; and its tag there, which is never 0. */
static inline struct memo_set *memo_set_of(struct thread *t, uint64_t hash)
{
	return &t->memo_sets[hash >> 32 & (MEMO_SETS - 1)];
}

static inline uint32_t memo_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 20) | 1;
}

/* Not overwritten since? */
static inline bool memo_is_kept(const struct thread *t, uint32_t position)
{
	return t->memo_head - position <= MEMO_RING_WORDS;
}

/* The memo of the stack at REGS, NULL: none. */
static inline struct stack_memo *memo_look(struct thread *t, const struct regs *regs)
{
	uint64_t hash = memo_hash(regs);
	const struct memo_set *set = memo_set_of(t, hash);

	for (uint32_t way = 0; way < MEMO_WAYS; way++) {
		if (set->tag[way] == memo_tag(hash) && memo_is_kept(t, set->position[way])) {
			struct stack_memo *m = memo_at(t, set->position[way]);

			if (memo_holds(m, regs))
				return m;
		}
	}
	return NULL;
}

/* The site that an allocation from REGS has, NULL: not known. Context: hook, gate closed. */
static inline struct mp_site *memo_find(struct thread *t, const struct regs *regs)
{
	const struct stack_memo *m = memo_look(t, regs);

	return m ? m->site : NULL;
}

/*
 * Keeps the stack in t->frames, which was just captured from REGS and has the hash STACK, and its site; or not, when
 * stacks do not repeat much. Context: hook, gate closed.
 */
void memo_store(struct thread *t, const struct regs *regs, uint64_t stack, struct mp_site *site);

/* Lets the memo just found for REGS lead to SITE, of the same stack, from now on. Context: hook, gate closed. */
void memo_replace(struct thread *t, const struct regs *regs, struct mp_site *site);

/* Forgets all, when sites are about to change. Context: hook, gate closed. */
void memo_clear(struct thread *t);

#endif
