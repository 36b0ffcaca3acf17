/* SPDX-License-Identifier: MIT */
/* Writing memos: the slots that a walk has read, in the order from the inside out, where changes are likeliest. */
#include "stack_memo.h"

#include <stdbool.h>

#include "frame_reuse.h"

static bool add(struct stack_memo *m, uint64_t slot, uint64_t value)
{
	if (m->count == MEMO_CHECKS)
		return false;
	m->checks[m->count].slot = slot;
	m->checks[m->count].value = value;
	m->count++;
	return true;
}

/* What leads from frame I to its caller, frame I - 1; the same slots as in frames_unchanged(). */
static bool add_step(struct stack_memo *m, const struct thread *t, uint32_t i)
{
	const struct frame *caller = &t->frames[i - 1];
	uint64_t caller_sp = t->frame_sp[i - 1];
	rule r = t->frames[i].rule;

	if (!add(m, caller_sp - 8, t->frame_pc[i - 1] + 1))
		return false;
	if (!frame_has_more(r, caller->rule))
		return true;
	if (caller->rule & FRAME_NEEDS_BP) {
		if (r & RULE_BP_SAVED && !add(m, caller_sp + (uint64_t)RULE_BP_OFFSET(r), caller->bp))
			return false;
		if (r & RULE_BP_AT_BP && !add(m, t->frames[i].bp + (uint64_t)RULE_BP_OFFSET(r), caller->bp))
			return false;
	}
	return RULE_KIND(r) != CFI_BP_DEREF || add(m, t->frames[i].bp + (uint64_t)RULE_CFA_OFFSET(r), caller_sp);
}

void memo_store(struct thread *t, const struct regs *regs, struct mp_site *site)
{
	struct stack_memo *m = memo_slot(t, regs);

	/*
	 * Only stacks that another walk could build on, and only on the thread's own stack: another one may have been
	 * unmapped, and something smaller been mapped there, before the same sp comes up again.
	 */
	m->ip = 0;
	if (!t->frames_end || t->frames_end != t->stack.end || !t->frame_count)
		return;
	m->count = 0;
	for (uint32_t i = t->frame_count - 1; i > 0; i--) {
		if (!add_step(m, t, i))
			return;
	}
	m->bp_matters = t->frames[t->frame_count - 1].rule & FRAME_NEEDS_BP;
	m->bp = regs->bp;
	m->sp = regs->sp;
	m->rules_generation = t->rules_generation;
	m->site = site;
	m->ip = regs->ip;
}

void memo_clear(struct thread *t)
{
	for (uint32_t i = 0; i < THREAD_MEMOS; i++)
		t->memos[i].ip = 0;
}
