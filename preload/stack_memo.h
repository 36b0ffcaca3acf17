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
 *
 * Other programs have thousands of stacks that come again only after thousands of allocations: a compiler. But these
 * come in an order: what came after a stack the last time, or the time before that, comes after it again nine times in
 * ten (cc1, python3). So each memo says which ones came next, these are tried first, and a thread that walks often gets
 * a large ring, whose memos are fetched into the cache while the program is still on its way to the next allocation.
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
	uint32_t next[MEMO_NEXT];       /* positions of those that came after this one, the latest first; 0 = none */
	uint16_t next_bytes[MEMO_NEXT]; /* of each, to fetch it */
	uint16_t count; /* of strides */
	bool bp_matters;
	struct memo_stride strides[];
};

static inline struct stack_memo *memo_at(struct thread *t, uint32_t position)
{
	return (struct stack_memo *)(void *)&t->memo_ring[position & (t->memo_words - 1)];
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
	return position && t->memo_head - position <= t->memo_words;
}

/* M at POSITION is the memo of the allocation under way: now it says what is tried for the next one. */
static inline void memo_came(struct thread *t, const struct stack_memo *m, uint32_t position)
{
	t->memo_last = position;
#pragma GCC unroll 2
	for (unsigned i = 0; i < MEMO_NEXT; i++) {
		t->memo_next[i] = m->next[i];
		if (t->memo_index) {
			const char *next = (const char *)memo_at(t, m->next[i]);

			for (uint32_t at = 0; at < m->next_bytes[i]; at += 64)
				__builtin_prefetch(next + at);
		}
	}
}

/* As memo_came(), when another one was thought to come first. */
static inline void memo_link(struct thread *t, const struct stack_memo *m, uint32_t position)
{
	if (memo_is_kept(t, t->memo_last)) {
		struct stack_memo *last = memo_at(t, t->memo_last);

		last->next[1] = last->next[0];
		last->next_bytes[1] = last->next_bytes[0];
		last->next[0] = position;
		last->next_bytes[0] = (uint16_t)(sizeof(*m) + m->count * sizeof(m->strides[0]));
	}
	memo_came(t, m, position);
}

/* No memo is the one of the allocation under way. */
static inline void memo_unknown(struct thread *t)
{
	t->memo_last = 0;
	__builtin_memset(t->memo_next, 0, sizeof(t->memo_next));
}

/* The memo at POSITION, if it is still there and of the stack that REGS are on; or NULL. */
static inline const struct stack_memo *memo_fits(struct thread *t, uint32_t position, const struct regs *regs)
{
	const struct stack_memo *m;

	if (!memo_is_kept(t, position))
		return NULL;
	m = memo_at(t, position);
	return memo_holds(m, regs) ? m : NULL;
}

/* The site that an allocation from REGS has, NULL: not known. Context: hook, gate closed. */
static inline struct mp_site *memo_find(struct thread *t, const struct regs *regs)
{
	const struct stack_memo *m = memo_fits(t, t->memo_next[0], regs);
	const struct memo_set *set;
	uint64_t hash;

	if (likely(m)) {
		memo_came(t, m, t->memo_next[0]);
		return m->site;
	}
	m = memo_fits(t, t->memo_next[1], regs);
	if (m) {
		memo_link(t, m, t->memo_next[1]);
		return m->site;
	}
	hash = memo_hash(regs);
	set = memo_set_of(t, hash);
	for (uint32_t way = 0; way < MEMO_WAYS; way++) {
		if (set->tag[way] != memo_tag(hash))
			continue;
		m = memo_fits(t, set->position[way], regs);
		if (m) {
			memo_link(t, m, set->position[way]);
			return m->site;
		}
	}
	return NULL;
}

/*
 * Lets the memo of the allocation under way, if it has one, lead to SITE, of the same stack, from now on. Context:
 * hook, gate closed.
 */
static inline void memo_replace(struct thread *t, struct mp_site *site)
{
	if (memo_is_kept(t, t->memo_last))
		memo_at(t, t->memo_last)->site = site;
}

/*
 * Keeps the stack in t->frames, which was just captured from REGS and has the hash STACK, and its site; or not, when
 * stacks do not repeat much. Context: hook, gate closed.
 */
void memo_store(struct thread *t, const struct regs *regs, uint64_t stack, struct mp_site *site);

/* Forgets all, when sites are about to change. Context: hook, gate closed. */
void memo_clear(struct thread *t);

/* T is about to be another thread's. Context: hook (slow path). */
void memo_release(struct thread *t);
/* In a fork child, where all threads but the calling one are gone, and its memos too. Context: setup. */
void memo_forked(void);

#endif
