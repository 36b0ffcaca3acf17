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
	bool bp_lost; /* it was not known for a time */
	bool plain;   /* every step so far can be checked again, see frame_reuse.h */
	bool outward; /* begins with the outermost frame of the kept stack, and so does not look for it */
	uint32_t first; /* where its frames go in t->walked */
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
		else
			w->bp_lost = true;
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
	return t->frames_end && t->frames_end == w->end && t->rules_generation == load_relaxed(&rules_generation) &&
	       !w->outward;
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
 * frames before that in t->walked, from w->first on. Returns the mark. The common step is written out here on local
 * variables; the same in readable form is step().
 */
static inline enum mp_stack_mark walk(struct walk *w, uint32_t *kept)
{
	struct thread *t = w->t;
	uint32_t candidate = can_build_on(t, w) ? t->frame_count : 0; /* frames below this may still be met */
	struct walked_frame *f = &t->walked[w->first];
	const struct walked_frame *last = f + w->max - 1;
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
	w->count = (uint32_t)(f - &t->walked[w->first]);
	return mark;
}

/*
 * May the next walk build on a stack that ended with MARK? Only if the end follows from what will be checked. One that
 * was cut goes on from its outermost frame if need be, for which bp must be known there.
 */
static bool lasts(const struct walk *w, enum mp_stack_mark mark)
{
	return w->plain &&
	       (!mark || mark == MP_MARK_NO_UNWIND_INFO || (mark == MP_MARK_DEPTH && !w->bp_lost));
}

/* What a frame takes over from the next one outward. */
struct outer {
	uint64_t hash;
	uint64_t rule;
	uint16_t check;
};

static inline void put_frame(struct thread *t, uint32_t to, const struct walked_frame *f, struct outer *o)
{
	if (frame_has_more(f->rule, o->rule))
		o->check = (uint16_t)to;
	o->rule = f->rule | frame_needs_bp(f->rule, o->rule);
	o->hash = frame_hash(o->hash, f->pc, RULE_MODULE(f->rule));
	t->frame_pc[to] = f->pc;
	t->frame_sp[to] = f->sp;
	t->frames[to] = (struct frame){ .bp = f->bp, .hash = o->hash, .rule = o->rule };
	t->frame_check[to] = o->check;
}

/* Puts COUNT walked frames behind the KEPT ones. */
static inline void append(struct thread *t, uint32_t kept, uint32_t count, enum mp_stack_mark mark)
{
	struct outer o = { .hash = frame_hash_root(mark) };

	if (kept)
		o = (struct outer){
			.hash = t->frames[kept - 1].hash,
			.rule = t->frames[kept - 1].rule,
			.check = t->frame_check[kept - 1],
		};
	for (uint32_t to = kept; count-- > 0; to++)
		put_frame(t, to, &t->walked[count], &o);
}

static struct walked_frame kept_frame(const struct thread *t, uint32_t i)
{
	return (struct walked_frame){
		.pc = t->frame_pc[i],
		.sp = t->frame_sp[i],
		.bp = t->frames[i].bp,
		.rule = t->frames[i].rule & ~FRAME_NEEDS_BP,
	};
}

/* Leaves the CUT outermost of the KEPT frames out, because the stack is deeper than the limit by so many. */
static void cut_kept(struct thread *t, uint32_t kept, uint32_t cut)
{
	struct outer o = { .hash = frame_hash_root(MP_MARK_DEPTH) };

	for (uint32_t i = cut; i < kept; i++) {
		struct walked_frame f = kept_frame(t, i);

		put_frame(t, i - cut, &f, &o);
	}
}

/*
 * The kept stack was cut at the limit, and now there is room for ROOM more frames: walks on from its outermost one.
 * The new frames go behind the COUNT in t->walked, and then before the KEPT ones. Returns how many.
 */
static uint32_t extend_kept(struct thread *t, struct walk *w, uint32_t kept, uint32_t room, enum mp_stack_mark *mark)
{
	struct walked_frame outermost = kept_frame(t, 0);
	struct walk more = {
		.t = t,
		.regs = { .ip = outermost.pc + 1, .sp = outermost.sp, .bp = outermost.bp },
		.pc = outermost.pc,
		.end = w->end,
		.bp_known = true,
		.plain = true,
		.outward = true,
		.first = w->count,
		.max = room + 1,
	};
	struct outer o;
	uint32_t none;
	uint32_t count;

	*mark = walk(&more, &none);
	w->plain = w->plain && more.plain;
	w->bp_lost = w->bp_lost || more.bp_lost;
	count = more.count - 1; /* the first of them is kept already */
	for (uint32_t i = kept; i-- > 0;) {
		t->frame_pc[i + count] = t->frame_pc[i];
		t->frame_sp[i + count] = t->frame_sp[i];
		t->frames[i + count] = t->frames[i];
	}
	o = (struct outer){ .hash = frame_hash_root(*mark) };
	for (uint32_t i = 0; i < count; i++)
		put_frame(t, i, &t->walked[w->count + count - i], &o);
	for (uint32_t i = count; i < count + kept; i++) {
		struct walked_frame f = kept_frame(t, i);

		put_frame(t, i, &f, &o);
	}
	return count;
}

/* Makes the KEPT frames end where a walk of max_frames from the inside would. Returns how many there are now. */
static MP_NOINLINE uint32_t fit_kept(struct thread *t, struct walk *w, uint32_t kept, enum mp_stack_mark *mark)
{
	uint32_t total = kept + w->count;

	if (total > w->max) {
		uint32_t cut = total - w->max;

		cut_kept(t, kept, cut);
		*mark = MP_MARK_DEPTH;
		return kept - cut;
	}
	if (*mark != MP_MARK_DEPTH || total == w->max)
		return kept;
	return kept + extend_kept(t, w, kept, w->max - total, mark);
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
	if (kept && unlikely(mark == MP_MARK_DEPTH || kept + w.count > max_frames)) {
		w.bp_lost = w.bp_lost || t->frames_bp_lost;
		kept = fit_kept(t, &w, kept, &mark);
		t->frames_end = lasts(&w, mark) ? w.end : 0;
		t->frames_bp_lost = w.bp_lost;
	}
	append(t, kept, w.count, mark);
	t->frame_count = kept + w.count;
	t->mark = mark;
	if (!kept) {
		t->frames_end = lasts(&w, mark) ? w.end : 0;
		t->frames_bp_lost = w.bp_lost;
		t->rules_generation = load_relaxed(&rules_generation);
	} else if (unlikely(!w.plain)) {
		t->frames_end = 0;
	}
}
