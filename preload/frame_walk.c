/* SPDX-License-Identifier: MIT */
/* One rule look-up and two loads per frame; every load is compared with the bounds of the stack first. */
#include "frame_walk.h"

#include <stdbool.h>

#include "compiler.h"
#include "drop.h"
#include "frame_fallback.h"
#include "frame_reuse.h"
#include "mp_dump.h"
#include "stack_bounds.h"

struct walk {
	struct thread *t;
	struct regs regs;	/* of the frame to be entered next */
	uint64_t pc;		/* regs.ip - 1, or regs.ip where a signal struck */
	uint64_t end;		/* first address behind the stack that regs.sp lies in */
	bool bp_known;
	bool plain;		/* every step so far can be checked again, see frame_reuse.h */
	uint32_t count;
	uint32_t max;
};

static inline bool readable(const struct walk *w, uint64_t address)
{
	return address >= w->regs.sp && address < w->end && w->end - address >= 8 && !(address & 7);
}

/* From the frame of a signal trampoline to the frame it interrupted. Returns the mark on failure. */
static MP_NOINLINE enum mp_stack_mark step_signal(struct walk *w)
{
	uint64_t sp = w->regs.sp;
	uint64_t new_sp;

	if (!readable(w, SIGNAL_BP_AT(sp)) || !readable(w, SIGNAL_IP_AT(sp)) || !readable(w, SIGNAL_SP_AT(sp)))
		return MP_MARK_OFF_STACK;
	w->regs.bp = frame_word(SIGNAL_BP_AT(sp));
	w->regs.ip = frame_word(SIGNAL_IP_AT(sp));
	new_sp = frame_word(SIGNAL_SP_AT(sp));
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
		cfa = frame_word(w->regs.bp + (uint64_t)RULE_CFA_OFFSET(r));
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
	ip = frame_word(cfa - 8);
	if (r & RULE_BP_SAVED) {
		uint64_t at = cfa + (uint64_t)RULE_BP_OFFSET(r);

		if (unlikely(!readable(w, at)))
			return MP_MARK_OFF_STACK;
		w->regs.bp = frame_word(at);
		w->bp_known = true;
	} else if (unlikely(r & (RULE_BP_AT_BP | RULE_BP_UNDEFINED))) {
		uint64_t at = w->regs.bp + (uint64_t)RULE_BP_OFFSET(r);

		w->bp_known = w->bp_known && (r & RULE_BP_AT_BP) && readable(w, at);
		if (w->bp_known)
			w->regs.bp = frame_word(at);
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

/* What is needed of a kept stack for a new walk to end on it. */
static inline bool can_build_on(const struct thread *t, const struct walk *w)
{
	return t->frames_end && t->frames_end == w->end && t->rules_generation == load_relaxed(&rules_generation);
}

/* Frames are built downward from here, so that they end up outermost first; the kept ones lie below THREAD_FRAMES. */
#define BUILD_END (2 * THREAD_FRAMES)

/*
 * Walks until the stack ends, or until it meets the kept stack: then KEPT frames of that are to be used. Returns the mark.
 * Sets w->plain to false when a frame was met whose way outward cannot be checked again later.
 */
static inline enum mp_stack_mark walk(struct walk *w, uint32_t *kept)
{
	struct thread *t = w->t;
	uint32_t candidate = can_build_on(t, w) ? t->frame_count : 0;	/* frames[0..candidate) may still be met */
	enum mp_stack_mark mark = w->end ? 0 : MP_MARK_UNKNOWN_STACK;

	*kept = 0;
	for (;;) {
		struct frame *f;
		rule r;

		while (candidate && t->frames[candidate - 1].sp < w->regs.sp)
			candidate--;
		if (candidate && t->frames[candidate - 1].sp == w->regs.sp) {
			const struct frame *old = &t->frames[candidate - 1];
			uint32_t failed;

			if (old->pc == w->pc &&
			    (!(old->rule & FRAME_NEEDS_BP) || (w->bp_known && old->bp == w->regs.bp))) {
				if (likely(frames_unchanged(t->frames, candidate - 1, &failed))) {
					*kept = candidate;
					return (enum mp_stack_mark)t->mark;
				}
				candidate = failed;
			}
		}
		/* The word above the outermost frame is often 0 where unwind tables do not say "end". */
		if (unlikely(!w->regs.ip))
			return 0;
		r = rules_find(w->pc);
		f = &t->frames[BUILD_END - ++w->count];
		f->pc = w->pc;
		f->sp = w->regs.sp;
		f->bp = w->regs.bp;
		f->rule = r;
		if (unlikely(mark))
			return mark;
		if (unlikely(w->count == w->max))
			return RULE_KIND(r) == CFI_END ? 0 : MP_MARK_DEPTH;
		if (likely(RULE_KIND(r) == CFI_SP || RULE_KIND(r) == CFI_BP)) {
			mark = step(w, r);
		} else if (RULE_KIND(r) == CFI_END) {
			return 0;
		} else if (RULE_KIND(r) == CFI_SIGNAL || RULE_KIND(r) == CFI_BP_DEREF) {
			w->plain = w->plain && RULE_KIND(r) == CFI_BP_DEREF;
			mark = step(w, r);
		} else if (RULE_KIND(r) == CFI_COMPLICATED) {
			w->plain = false;
			mark = step_complicated(w);
		} else {
			return mark_for(r);
		}
		if (unlikely(mark))
			return mark;
	}
}

/* May the next walk build on a stack that ended with MARK? Only if the end follows from what will be checked. */
static bool lasts(const struct walk *w, enum mp_stack_mark mark)
{
	return w->plain && (!mark || mark == MP_MARK_NO_UNWIND_INFO);
}

void frame_walk(struct thread *t, const struct regs *regs, uint32_t max_frames)
{
	struct walk w = {
		.t = t, .regs = *regs, .pc = regs->ip - 1, .bp_known = true, .plain = true, .max = max_frames,
	};
	enum mp_stack_mark mark;
	uint32_t kept;

	w.end = stack_end(t, regs->sp);
	mark = walk(&w, &kept);
	if (unlikely(kept + w.count > max_frames)) {
		/* Deeper than the limit: the kept outer part has frames too many, so the inner part is walked for itself. */
		t->frames_end = 0;
		w.regs = *regs;
		w.pc = regs->ip - 1;
		w.bp_known = true;
		w.count = 0;
		w.end = stack_end(t, regs->sp);
		mark = walk(&w, &kept);
	}
	for (uint32_t i = 0; i < w.count; i++) {
		struct frame *f = &t->frames[kept + i];

		*f = t->frames[BUILD_END - w.count + i];
		f->rule |= frame_needs_bp(f->rule, kept + i ? f[-1].rule : 0);
	}
	t->hashed = kept;
	t->frame_count = kept + w.count;
	t->mark = mark;
	if (!kept) {
		t->frames_end = lasts(&w, mark) ? w.end : 0;
		t->rules_generation = load_relaxed(&rules_generation);
	} else if (unlikely(!w.plain)) {
		t->frames_end = 0;
	}
}
