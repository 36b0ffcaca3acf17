/* SPDX-License-Identifier: MIT */
/* Writing memos: the slots that a walk has read, in the order from the inside out, where changes are likeliest. */
#include "stack_memo.h"

#include <stdbool.h>

#include "os.h"

/* Deeper stacks are not kept, because they would push all others out. */
#define MEMO_STRIDES 25u
#define MEMO_CHECKS  (MEMO_STRIDES * MEMO_STRIDE)
/* Of all allocations, one in so many may store its stack at once; and so many more in a row. */
#define STORE_SHARE 32u
#define STORE_BURST 32u

/*
 * The large rings: 4 MiB, of which a program touches what it needs. A thread gets one when of the allocations since it
 * was last looked at, CHECK_WALKS walks ago, at least one in LARGE_SHARE was walked for, and while there is one left.
 */
#define LARGE_RINGS 2u
#define LARGE_WORDS (1u << 19)
#define LARGE_INDEX (LARGE_WORDS / 16)
#define CHECK_WALKS 8192u
#define LARGE_SHARE 16u

struct large_ring {
	uint32_t taken;
	uint64_t *words; /* LARGE_WORDS, and behind them LARGE_INDEX positions; NULL = not mapped yet */
};

static struct large_ring large_rings[LARGE_RINGS];

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

/* Names a stack at one place of memory. */
static inline uint64_t key_of(uint64_t stack, uint64_t sp)
{
	return stack ^ sp * 0x9e3779b97f4a7c15ull;
}

/*
 * Writing a memo costs more than a walk, so it must be worth it. Stores are free while they are few, or while a large
 * ring has room that was never used. In a program whose stacks seldom come again, a stack is stored when it is seen for
 * the second time within the last few.
 */
static bool worth_storing(struct thread *t, uint64_t key)
{
	uint64_t now = t->row->alloc_count;
	uint32_t mark = (uint32_t)(key >> 16);
	uint32_t *seen = &t->memo_seen[mark % MEMO_SEEN];

	if (t->memo_index && t->memo_head < t->memo_words)
		return true;
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
	uint32_t left = t->memo_words - (t->memo_head & (t->memo_words - 1));

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

static MP_COLD void take_large_ring(struct thread *t)
{
	for (unsigned i = 0; i < LARGE_RINGS; i++) {
		struct large_ring *r = &large_rings[i];

		if (load_relaxed(&r->taken) || __atomic_exchange_n(&r->taken, 1, __ATOMIC_ACQUIRE))
			continue;
		if (!r->words)
			r->words = os_map(LARGE_WORDS * sizeof(*r->words) + LARGE_INDEX * sizeof(uint32_t));
		if (!r->words) {
			store_release(&r->taken, 0u);
			return;
		}
		t->memo_ring = r->words;
		t->memo_words = LARGE_WORDS;
		t->memo_index = (uint32_t *)(void *)(r->words + LARGE_WORDS);
		memo_clear(t);
		return;
	}
}

/* What every so many walks in a thread are a reason to look at. */
static MP_NOINLINE void consider_large_ring(struct thread *t)
{
	uint64_t now = t->row->alloc_count;

	if (!t->memo_index && now - t->memo_since < (uint64_t)CHECK_WALKS * LARGE_SHARE)
		take_large_ring(t);
	t->memo_walks = 0;
	t->memo_since = now;
}

/* Where the position of a memo in a large ring is kept. */
static inline uint32_t *index_of(struct thread *t, uint64_t key)
{
	return &t->memo_index[key >> 24 & (LARGE_INDEX - 1)];
}

/* The position of a new memo of the stack in t->frames, 0: it cannot have one. */
static uint32_t write_memo(struct thread *t, const struct regs *regs, struct mp_site *site)
{
	uint32_t position = next_position(t);
	struct draft d = { .memo = memo_at(t, position), .slot = regs->sp };
	bool kept;

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
	return kept ? position : 0;
}

static void enter_in_set(struct thread *t, const struct regs *regs, uint32_t position)
{
	uint64_t hash = memo_hash(regs);
	struct memo_set *set = memo_set_of(t, hash);
	uint32_t way = choose_way(t, set);

	set->tag[way] = memo_tag(hash);
	set->position[way] = position;
}

MP_NOINLINE void memo_store(struct thread *t, const struct regs *regs, uint64_t stack, struct mp_site *site)
{
	uint64_t key = key_of(stack, regs->sp);
	uint32_t *index = NULL;
	uint32_t position = 0;

	if (unlikely(!t->memo_words)) {
		t->memo_ring = t->memo_small;
		t->memo_words = MEMO_RING_WORDS;
		memo_clear(t);
	}
	if (unlikely(++t->memo_walks >= CHECK_WALKS))
		consider_large_ring(t);
	/*
	 * Only stacks that another walk could build on, and only on the thread's own stack: another one may have been
	 * unmapped, and something smaller been mapped there, before the same sp comes up again.
	 */
	if (t->frames_end && t->frames_end == t->stack.end && t->frame_count) {
		if (t->memo_index) {
			index = index_of(t, key);
			/* Had that one been tried, there would have been no need for a walk. */
			position = memo_fits(t, *index, regs) ? *index : 0;
		}
		if (!position && worth_storing(t, key))
			position = write_memo(t, regs, site);
	}
	if (!position) {
		memo_unknown(t);
		return;
	}
	if (index)
		*index = position;
	memo_link(t, memo_at(t, position), position);
	enter_in_set(t, regs, position);
}

void memo_clear(struct thread *t)
{
	__builtin_memset(t->memo_sets, 0, sizeof(t->memo_sets));
	if (t->memo_index)
		__builtin_memset(t->memo_index, 0, LARGE_INDEX * sizeof(*t->memo_index));
	t->memo_head = 1; /* 0 is no position */
	memo_unknown(t);
}

void memo_release(struct thread *t)
{
	for (unsigned i = 0; i < LARGE_RINGS; i++) {
		if (t->memo_index && large_rings[i].words == t->memo_ring)
			store_release(&large_rings[i].taken, 0u);
	}
	t->memo_index = NULL;
	t->memo_ring = NULL;
	t->memo_words = 0;
	t->memo_walks = 0;
	t->memo_since = 0;
	t->memo_due = 0;
	memo_clear(t);
}

void memo_forked(void)
{
	for (unsigned i = 0; i < LARGE_RINGS; i++)
		large_rings[i].taken = 0;
}
