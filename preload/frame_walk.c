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
	struct regs regs; /* of the frame to be entered next */
	uint64_t pc;      /* regs.ip - 1, or regs.ip where a signal struck */
	uint64_t end;     /* first address behind the stack that regs.sp lies in */
	bool bp_known;
	bool plain; /* every step so far can be checked again, see frame_reuse.h */
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
static enum mp_stack_mark step(struct walk *w, rule r)
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

/* The rare steps, and the reasons of failed ones. Returns the mark, 0 to go on. */
static MP_NOINLINE enum mp_stack_mark step_slow(struct walk *w, rule r)
{
	switch ((int)RULE_KIND(r)) {
	case CFI_SP:
	case CFI_BP:
	case CFI_BP_DEREF:
		return step(w, r);
	case CFI_SIGNAL:
		w->plain = false;
		return step_signal(w);
	case CFI_COMPLICATED:
		w->plain = false;
		return step_complicated(w);
	default:
		return mark_for(r);
	}
}

/* CFA from sp or bp, the caller's bp saved or unchanged: nearly all rules. */
static inline bool is_common(rule r)
{
	_Static_assert((CFI_SP & 14) == CFI_SP && CFI_BP == CFI_SP + 1, "the two differ in bit 0 only");
	return (r & (14 | RULE_BP_AT_BP | RULE_BP_UNDEFINED)) == CFI_SP;
}

/*
 * Walks until the stack ends, or until it meets the kept stack: then *KEPT frames of that are to be used. Leaves the
 * frames before that in t->walked. Returns the mark. The common step is written out here on local variables; the same
 * in readable form is step().
 */
static inline enum mp_stack_mark walk(struct walk *w, uint32_t *kept)
{
	struct thread *t = w->t;
	uint32_t candidate = can_build_on(t, w) ? t->frame_count : 0; /* frames below this may still be met */
	const struct walked_frame *last = &t->walked[w->max - 1];
	struct walked_frame *f = t->walked;
	uint64_t end = w->end;
	uint64_t pc = w->pc;
	uint64_t sp = w->regs.sp;
	uint64_t bp = w->regs.bp;
	enum mp_stack_mark mark = w->end ? 0 : MP_MARK_UNKNOWN_STACK;

	*kept = 0;
	for (;; f++) {
		uint64_t cfa;
		rule r;

		while (candidate && t->frame_sp[candidate - 1] < sp)
			candidate--;
		if (candidate && t->frame_sp[candidate - 1] == sp && t->frame_pc[candidate - 1] == pc) {
			const struct frame *old = &t->frames[candidate - 1];
			uint32_t failed;

			if (!(old->rule & FRAME_NEEDS_BP) || (w->bp_known && old->bp == bp)) {
				if (likely(frames_unchanged(t, candidate - 1, &failed))) {
					*kept = candidate;
					mark = (enum mp_stack_mark)t->mark;
					break;
				}
				candidate = failed;
			}
		}
		/* The word above the outermost frame is often 0 where unwind tables do not say "end". */
		if (unlikely(pc == UINT64_MAX))
			break;
		r = rules_find(pc);
		*f = (struct walked_frame){ .pc = pc, .sp = sp, .bp = bp, .rule = r };
		cfa = (RULE_KIND(r) == CFI_SP ? sp : bp) + (uint64_t)RULE_CFA_OFFSET(r);
		/* The CFA lies above sp, by at least the return address, and not above the end of the stack. */
		if (likely(is_common(r) && w->bp_known && f != last && cfa - sp - 8 <= end - sp - 8 && !(cfa & 7) &&
			   end)) {
			if (r & RULE_BP_SAVED) {
				uint64_t bp_at = cfa + (uint64_t)RULE_BP_OFFSET(r);

				if (unlikely(bp_at - sp >= end - sp)) {
					mark = MP_MARK_OFF_STACK;
					f++;
					break;
				}
				bp = frame_word(bp_at);
			}
			pc = frame_word(cfa - 8) - 1;
			sp = cfa;
			continue;
		}
		if (!mark && RULE_KIND(r) != CFI_END) {
			w->pc = pc;
			w->regs.sp = sp;
			w->regs.bp = bp;
			w->regs.ip = pc + 1;
			mark = f == last ? MP_MARK_DEPTH : step_slow(w, r);
			if (!mark) {
				pc = w->pc;
				sp = w->regs.sp;
				bp = w->regs.bp;
				end = w->end;
				continue;
			}
		}
		f++;
		break;
	}
	w->count = (uint32_t)(f - t->walked);
	return mark;
}

/* May the next walk build on a stack that ended with MARK? Only if the end follows from what will be checked. */
static bool lasts(const struct walk *w, enum mp_stack_mark mark)
{
	return w->plain && (!mark || mark == MP_MARK_NO_UNWIND_INFO);
}

/* Puts COUNT walked frames behind the KEPT ones. */
static inline void append(struct thread *t, uint32_t kept, uint32_t count, enum mp_stack_mark mark)
{
	uint64_t hash = kept ? t->frames[kept - 1].hash : frame_hash_root(mark);
	uint64_t outer = kept ? t->frames[kept - 1].rule : 0;
	uint16_t check = kept ? t->frame_check[kept - 1] : 0;

	for (uint32_t to = kept; count-- > 0; to++) {
		const struct walked_frame *f = &t->walked[count];

		if (frame_has_more(f->rule, outer))
			check = (uint16_t)to;
		outer = f->rule | frame_needs_bp(f->rule, outer);
		hash = frame_hash(hash, f->pc, RULE_MODULE(f->rule));
		t->frame_pc[to] = f->pc;
		t->frame_sp[to] = f->sp;
		t->frames[to] = (struct frame){ .bp = f->bp, .hash = hash, .rule = outer };
		t->frame_check[to] = check;
	}
}

void frame_walk(struct thread *t, const struct regs *regs, uint32_t max_frames)
{
	struct walk w = {
		.t = t,
		.regs = *regs,
		.pc = regs->ip - 1,
		.bp_known = true,
		.plain = true,
		.max = max_frames,
	};
	enum mp_stack_mark mark;
	uint32_t kept;

	w.end = stack_end(t, regs->sp);
	mark = walk(&w, &kept);
	if (unlikely(kept + w.count > max_frames)) {
		/*
		 * Deeper than the limit: the kept outer part has frames too many, so the inner part is walked for
		 * itself.
		 */
		t->frames_end = 0;
		w.regs = *regs;
		w.pc = regs->ip - 1;
		w.regs.bp = regs->bp;
		w.bp_known = true;
		w.end = stack_end(t, regs->sp);
		mark = walk(&w, &kept);
	}
	append(t, kept, w.count, mark);
	t->frame_count = kept + w.count;
	t->mark = mark;
	if (!kept) {
		t->frames_end = lasts(&w, mark) ? w.end : 0;
		t->rules_generation = load_relaxed(&rules_generation);
	} else if (unlikely(!w.plain)) {
		t->frames_end = 0;
	}
}
