/* SPDX-License-Identifier: MIT */
/* Proves that the outer part of a stack is the one that was captured last, by reading again what the walk had read. */
#ifndef MP_FRAME_REUSE_H
#define MP_FRAME_REUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "regs.h"
#include "rules.h"
#include "thread.h"

/*
 * Unwinding is a function of (pc, sp, bp) and of the stack slots read on the way. So when a frame of a new walk has
 * the pc and sp of a kept one, and the same bp where bp matters, and every slot that was read from there outward
 * still holds what it held, then the rest of the stack is the kept one: nothing is assumed about what the program did
 * in between, and nothing of its is changed. bp matters to a frame if its own rule computes the CFA from it, or if no
 * rule between it and the next such frame outward reloads it: code without frame pointers keeps data in bp, which
 * says nothing about the stack.
 */

/* In struct frame.rule, beside the bits of the rule itself: bp matters here. */
#define FRAME_NEEDS_BP (1ull << 7)

/* The flag for a frame with rule R whose caller's flags are OUTER (0 for the outermost frame). */
static inline uint64_t frame_needs_bp(rule r, uint64_t outer)
{
	if (RULE_KIND(r) == CFI_BP || RULE_KIND(r) == CFI_BP_DEREF || r & RULE_BP_AT_BP)
		return FRAME_NEEDS_BP;
	return r & RULE_BP_SAVED ? 0 : outer & FRAME_NEEDS_BP;
}

/*
 * A word of the stack, which may be any: what a frame that is gone has left there, or what AddressSanitizer, under
 * which unit tests run, has put between variables.
 */
static inline __attribute__((no_sanitize("address"))) uint64_t frame_word(uint64_t address)
{
	return *(const uint64_t *)address;
}

/*
 * Does the way from frame I to its caller depend on more than the return address? CALLER: rule and flags of the
 * caller.
 */
static inline bool frame_has_more(rule r, uint64_t caller)
{
	return RULE_KIND(r) == CFI_BP_DEREF || (caller & FRAME_NEEDS_BP && r & (RULE_BP_SAVED | RULE_BP_AT_BP));
}

/* The part of frames_unchanged() that few stacks need. */
static MP_NOINLINE bool frames_unchanged_more(const struct thread *t, uint32_t from, uint32_t *ret_failed)
{
	for (uint32_t i = from; i; i = t->frame_check[i - 1]) {
		rule r = t->frames[i].rule;
		uint64_t caller_sp = t->frame_sp[i - 1];
		uint64_t caller_bp = t->frames[i - 1].bp;
		bool same = true;

		if (t->frames[i - 1].rule & FRAME_NEEDS_BP) {
			if (r & RULE_BP_SAVED)
				same = frame_word(caller_sp + (uint64_t)RULE_BP_OFFSET(r)) == caller_bp;
			else if (r & RULE_BP_AT_BP)
				same = frame_word(t->frames[i].bp + (uint64_t)RULE_BP_OFFSET(r)) == caller_bp;
		}
		if (RULE_KIND(r) == CFI_BP_DEREF)
			same = same && frame_word(t->frames[i].bp + (uint64_t)RULE_CFA_OFFSET(r)) == caller_sp;
		if (!same) {
			*ret_failed = i - 1;
			return false;
		}
	}
	return true;
}

/*
 * Do the slots that lead from frame FROM to frame 0 (outermost) still hold what they held? All of them lie between
 * the frame's sp and the end of its stack, as the walk that kept them has checked. On failure *ret_failed is the
 * innermost frame that can no longer be trusted. Context: hook.
 */
static inline bool frames_unchanged(const struct thread *t, uint32_t from, uint32_t *ret_failed)
{
	const uint64_t *sp = t->frame_sp;
	const uint64_t *pc = t->frame_pc;
	uint32_t i = from;

	for (; i >= 4; i -= 4) {
		uint64_t differ = 0;

#pragma GCC unroll 4
		for (uint32_t j = i - 4; j < i; j++)
			differ |= frame_word(sp[j] - 8) - pc[j] - 1;
		if (unlikely(differ))
			break;
	}
	for (; i > 0; i--) {
		if (unlikely(frame_word(sp[i - 1] - 8) != pc[i - 1] + 1)) {
			*ret_failed = i - 1;
			return false;
		}
	}
	return likely(!t->frame_check[from]) || frames_unchanged_more(t, t->frame_check[from], ret_failed);
}

#endif
