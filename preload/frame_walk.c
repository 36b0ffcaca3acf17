/* SPDX-License-Identifier: MIT */
/* One rule look-up and two loads per frame; every load is compared with the bounds of the stack first. */
#include "frame_walk.h"

#include <stdbool.h>

#include "compiler.h"
#include "drop.h"
#include "frame_fallback.h"
#include "mp_dump.h"
#include "rules.h"
#include "stack_bounds.h"

struct walk {
	struct thread *t;
	struct regs regs;	/* of the frame to be entered next */
	uint64_t pc;		/* regs.ip - 1, or regs.ip where a signal struck */
	uint64_t end;		/* first address behind the stack that regs.sp lies in */
	bool bp_known;
	uint32_t count;
	uint32_t max;
};

static inline bool readable(const struct walk *w, uint64_t address)
{
	return address >= w->regs.sp && address < w->end && w->end - address >= 8 && !(address & 7);
}

static inline uint64_t word_at(uint64_t address)
{
	return *(const uint64_t *)address;
}

/* From the frame of a signal trampoline to the frame it interrupted. Returns the mark on failure. */
static MP_NOINLINE enum mp_stack_mark step_signal(struct walk *w)
{
	uint64_t sp = w->regs.sp;
	uint64_t new_sp;

	if (!readable(w, SIGNAL_BP_AT(sp)) || !readable(w, SIGNAL_IP_AT(sp)) || !readable(w, SIGNAL_SP_AT(sp)))
		return MP_MARK_OFF_STACK;
	w->regs.bp = word_at(SIGNAL_BP_AT(sp));
	w->regs.ip = word_at(SIGNAL_IP_AT(sp));
	new_sp = word_at(SIGNAL_SP_AT(sp));
	w->pc = w->regs.ip;
	w->regs.sp = new_sp;
	w->bp_known = true;
	w->end = stack_end(w->t, new_sp);
	return w->end ? 0 : MP_MARK_UNKNOWN_STACK;
}

/* One frame outward by rule R. Returns the mark on failure, 0 on success. */
static inline enum mp_stack_mark step(struct walk *w, rule r)
{
	uint64_t cfa;
	uint64_t ip;

	switch (RULE_KIND(r)) {
	case CFI_SP:
		cfa = w->regs.sp + (uint64_t)RULE_CFA_OFFSET(r);
		break;
	case CFI_BP:
		if (unlikely(!w->bp_known))
			return MP_MARK_UNSUPPORTED;
		cfa = w->regs.bp + (uint64_t)RULE_CFA_OFFSET(r);
		break;
	case CFI_BP_DEREF:
		if (!w->bp_known || !readable(w, w->regs.bp + (uint64_t)RULE_CFA_OFFSET(r)))
			return MP_MARK_OFF_STACK;
		cfa = word_at(w->regs.bp + (uint64_t)RULE_CFA_OFFSET(r));
		break;
	case CFI_SIGNAL:
		return step_signal(w);
	default:
		return MP_MARK_UNSUPPORTED;
	}
	if (unlikely(cfa <= w->regs.sp))
		return MP_MARK_NO_PROGRESS;
	if (unlikely(!readable(w, cfa - 8)))
		return MP_MARK_OFF_STACK;
	ip = word_at(cfa - 8);
	if (r & RULE_BP_SAVED) {
		uint64_t at = cfa + (uint64_t)RULE_BP_OFFSET(r);

		if (unlikely(!readable(w, at)))
			return MP_MARK_OFF_STACK;
		w->regs.bp = word_at(at);
		w->bp_known = true;
	} else if (unlikely(r & (RULE_BP_AT_BP | RULE_BP_UNDEFINED))) {
		uint64_t at = w->regs.bp + (uint64_t)RULE_BP_OFFSET(r);

		w->bp_known = w->bp_known && (r & RULE_BP_AT_BP) && readable(w, at);
		if (w->bp_known)
			w->regs.bp = word_at(at);
	}
	w->regs.sp = cfa;
	w->regs.ip = ip;
	w->pc = ip - 1;
	return 0;
}

static enum mp_stack_mark mark_for(rule r)
{
	switch ((int)RULE_KIND(r)) {
	case CFI_NONE:
		return MP_MARK_NO_UNWIND_INFO;
	case RULE_NO_CODE:
		return MP_MARK_UNKNOWN_CODE;
	default:
		return MP_MARK_UNSUPPORTED;
	}
}

/* A rule beyond ours: libunwind walks from here to a frame that has one. */
static MP_NOINLINE enum mp_stack_mark step_complicated(struct walk *w)
{
	struct regs next;

	drop(MP_LOSS_UNWIND_FALLBACK);
	if (!frame_fallback_step(w->t, &w->regs, w->end, &next))
		return MP_MARK_UNSUPPORTED;
	if (next.sp <= w->regs.sp)
		return MP_MARK_NO_PROGRESS;
	w->regs = next;
	w->pc = next.ip - 1;
	w->bp_known = true;
	return next.sp < w->end ? 0 : MP_MARK_OFF_STACK;
}

void frame_walk(struct thread *t, const struct regs *regs, uint32_t max_frames)
{
	struct walk w = { .t = t, .regs = *regs, .pc = regs->ip - 1, .bp_known = true, .max = max_frames };
	enum mp_stack_mark mark = 0;

	w.end = stack_end(t, regs->sp);
	if (unlikely(!w.end))
		mark = MP_MARK_UNKNOWN_STACK;
	for (;;) {
		struct frame *f = &t->frames[w.count];
		rule r;

		/* The word above the outermost frame is often 0 where unwind tables do not say "end". */
		if (unlikely(!w.regs.ip))
			break;
		r = rules_find(w.pc);
		f->pc = w.pc;
		f->sp = w.regs.sp;
		f->bp = w.regs.bp;
		f->rule = r;
		w.count++;
		if (unlikely(mark))
			break;
		if (unlikely(w.count == w.max)) {
			mark = RULE_KIND(r) == CFI_END ? 0 : MP_MARK_DEPTH;
			break;
		}
		if (likely(RULE_KIND(r) == CFI_SP || RULE_KIND(r) == CFI_BP)) {
			mark = step(&w, r);
		} else if (RULE_KIND(r) == CFI_END) {
			break;
		} else if (RULE_KIND(r) == CFI_SIGNAL || RULE_KIND(r) == CFI_BP_DEREF) {
			mark = step(&w, r);
		} else if (RULE_KIND(r) == CFI_COMPLICATED) {
			mark = step_complicated(&w);
		} else {
			mark = mark_for(r);
		}
		if (unlikely(mark))
			break;
	}
	t->frame_count = w.count;
	t->mark = mark;
}
