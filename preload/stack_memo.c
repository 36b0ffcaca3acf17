/* SPDX-License-Identifier: MIT */
/* Writing memos: the slots that a walk has read, in the order from the inside out, where changes are likeliest. */
#include "stack_memo.h"

#include <stdbool.h>

/* Deeper stacks are not kept, because they would push all others out. */
#define MEMO_STRIDES 25u
#define MEMO_CHECKS  (MEMO_STRIDES * MEMO_STRIDE)
/* Of all allocations, one in so many may store its stack at once; and so many more in a row. */
#define STORE_SHARE 32u
#define STORE_BURST 32u

#define HEAD_WORDS   (sizeof(struct stack_memo) / 8)
#define STRIDE_WORDS (sizeof(struct memo_stride) / 8)
_Static_assert(sizeof(struct stack_memo) % 8 == 0 && sizeof(struct memo_stride) % 8 == 0, "a ring of words");

/* A memo that is being written. */
struct draft {
	struct stack_memo *memo;
	uint32_t count; /* of checks */
	uint64_t slot;  /* the last one */
};

static inline bool add(struct draft *d, uint64_t slot, uint64_t value)
{
	struct memo_stride *s = &d->memo->strides[d->count / MEMO_STRIDE];
	int64_t step = (int64_t)(slot - d->slot) >> 3;

	if (unlikely(d->count == MEMO_CHECKS || step != (int16_t)step))
		return false;
	s->step[d->count % MEMO_STRIDE] = (int16_t)step;
	s->value[d->count % MEMO_STRIDE] = value;
	d->slot = slot;
	d->count++;
	return true;
}

/* What leads from frame I to its caller, frame I - 1, beside the return address; as in frames_unchanged_more(). */
static MP_NOINLINE bool add_more(struct draft *d, const struct thread *t, uint32_t i)
{
	const struct frame *caller = &t->frames[i - 1];
	uint64_t caller_sp = t->frame_sp[i - 1];
	rule r = t->frames[i].rule;

	if (caller->rule & FRAME_NEEDS_BP) {
		if (r & RULE_BP_SAVED && !add(d, caller_sp + (uint64_t)RULE_BP_OFFSET(r), caller->bp))
			return false;
		if (r & RULE_BP_AT_BP && !add(d, t->frames[i].bp + (uint64_t)RULE_BP_OFFSET(r), caller->bp))
			return false;
	}
	return RULE_KIND(r) != CFI_BP_DEREF || add(d, t->frames[i].bp + (uint64_t)RULE_CFA_OFFSET(r), caller_sp);
}

/* The stack in t->frames. false: too much of it, or slots further apart than a memo can say. */
static bool add_stack(struct draft *d, const struct thread *t)
{
	for (uint32_t i = t->frame_count - 1; i > 0; i--) {
		if (!add(d, t->frame_sp[i - 1] - 8, t->frame_pc[i - 1] + 1))
			return false;
		if (unlikely(frame_has_more(t->frames[i].rule, t->frames[i - 1].rule)) && !add_more(d, t, i))
			return false;
	}
	return true;
}

/*
 * Writing a memo costs more than a walk, so it must be worth it. Stores are free while they are few. In a program whose
 * stacks seldom come again, a stack is stored when it is seen for the second time within the last few.
 */
static bool worth_storing(struct thread *t, uint64_t stack, uint64_t sp)
{
	uint64_t now = t->row->alloc_count;
	uint32_t mark = (uint32_t)((stack ^ sp * 0x9e3779b97f4a7c15ull) >> 16);
	uint32_t *seen = &t->memo_seen[mark % MEMO_SEEN];

	if (t->memo_due + STORE_SHARE * STORE_BURST < now)
		t->memo_due = now - STORE_SHARE * STORE_BURST;
	if (t->memo_due <= now) {
		t->memo_due += STORE_SHARE;
		return true;
	}
	if (*seen == mark)
		return true;
	*seen = mark;
	return false;
}

/* Where the next memo goes, with room for the largest. */
static uint32_t next_position(struct thread *t)
{
	uint32_t left = MEMO_RING_WORDS - t->memo_head % MEMO_RING_WORDS;

	if (t->memo_head > UINT32_MAX / 2)
		memo_clear(t); /* before positions repeat */
	if (left < HEAD_WORDS + MEMO_STRIDES * STRIDE_WORDS)
		t->memo_head += left;
	return t->memo_head;
}

/* The way of SET that is free, or else the oldest. */
static uint32_t choose_way(const struct thread *t, const struct memo_set *set)
{
	uint32_t oldest = 0;

	for (uint32_t way = 0; way < MEMO_WAYS; way++) {
		if (!set->tag[way] || !memo_is_kept(t, set->position[way]))
			return way;
		if (set->position[way] < set->position[oldest])
			oldest = way;
	}
	return oldest;
}

MP_NOINLINE void memo_store(struct thread *t, const struct regs *regs, uint64_t stack, struct mp_site *site)
{
	uint64_t hash = memo_hash(regs);
	struct memo_set *set = memo_set_of(t, hash);
	struct draft d;
	uint32_t position;
	uint32_t way;
	bool kept;

	/*
	 * Only stacks that another walk could build on, and only on the thread's own stack: another one may have been
	 * unmapped, and something smaller been mapped there, before the same sp comes up again.
	 */
	if (!t->frames_end || t->frames_end != t->stack.end || !t->frame_count || !worth_storing(t, stack, regs->sp))
		return;
	position = next_position(t);
	d = (struct draft){ .memo = memo_at(t, position), .slot = regs->sp };
	*d.memo = (struct stack_memo){
		.ip = regs->ip,
		.sp = regs->sp,
		.bp = regs->bp,
		.bp_matters = t->frames[t->frame_count - 1].rule & FRAME_NEEDS_BP,
		.rules_generation = t->rules_generation,
		.site = site,
	};
	kept = add_stack(&d, t);
	/* What is missing to a whole stride is the last check again. A stack of one frame has none. */
	while (kept && d.count % MEMO_STRIDE)
		kept = add(&d, d.slot, d.memo->strides[(d.count - 1) / MEMO_STRIDE].value[(d.count - 1) % MEMO_STRIDE]);
	d.memo->count = (uint16_t)((d.count + MEMO_STRIDE - 1) / MEMO_STRIDE);
	/* The memos that were here are overwritten, also when this one turns out not to fit. */
	t->memo_head = position + (uint32_t)(HEAD_WORDS + d.memo->count * STRIDE_WORDS);
	if (!kept)
		return;
	way = choose_way(t, set);
	set->tag[way] = memo_tag(hash);
	set->position[way] = position;
}

void memo_clear(struct thread *t)
{
	__builtin_memset(t->memo_sets, 0, sizeof(t->memo_sets));
	t->memo_head = 0;
}

void memo_replace(struct thread *t, const struct regs *regs, struct mp_site *site)
{
	struct stack_memo *m = memo_look(t, regs);

	if (m)
		m->site = site;
}
