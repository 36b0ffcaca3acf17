/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of frame_walk, frame_reuse, frame_fallback and stack_bounds: real stacks of this process, compared with
 * what libunwind finds by itself (through verify, which is so tested as well), and with a walk that reuses nothing.
 */
#include "frame_walk.h"

#include <check.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "compiler.h"
#include "frame_shapes.h"
#include "init.h"
#include "mp_dump.h"
#include "os.h"
#include "preload_doubles.h"
#include "rules.h"
#include "unit_util.h"
#include "verify.h"

Suite *suite_frame_walk(void);

/* The hand-made frames are those of x86-64. */
#if defined(__x86_64__)

static struct thread *kept;  /* walks one after the other, each building on the one before */
static struct thread *fresh; /* walks from scratch */
static unsigned looks;
static uint32_t look_limit;

static uint64_t verified(enum mp_verify_kind kind)
{
	const struct mp_chunk *chunk = preload_chunk(MP_CHUNK_VERIFY, 0);

	return chunk ? ((const struct mp_verify *)(const void *)(chunk + 1))[kind - 1].count : 0;
}

/* Both walks found the same. */
static void compare_walks(void)
{
	ck_assert_uint_eq(kept->frame_count, fresh->frame_count);
	ck_assert_uint_eq(kept->mark, fresh->mark);
	ck_assert_mem_eq(kept->frame_pc, fresh->frame_pc, kept->frame_count * sizeof(kept->frame_pc[0]));
	for (uint32_t i = 0; i < kept->frame_count; i++) {
		if (kept->frames[i].hash != fresh->frames[i].hash)
			ck_abort_msg("hash of frame %u of %u differs", i, kept->frame_count);
	}
}

/*
 * Walks from the caller on, as hooks do. Sanitizers would put the frame's variables, and so the frame, where the
 * registers of the caller are not found.
 */
static MP_NOINLINE __attribute__((no_sanitize("address", "undefined"))) void look_deep(uint32_t max_frames)
{
	struct regs regs;

	CALLER_REGS(&regs);
	frame_walk(kept, &regs, max_frames);
	fresh->frames_end = 0;
	frame_walk(fresh, &regs, max_frames);
	compare_walks();
	verify_stack(kept, &regs);
	looks++;
}

static MP_NOINLINE void look(void)
{
	look_deep(look_limit);
	__asm__ volatile("" ::: "memory");
}

static void setup_once(void)
{
	preload_start_walking();
	kept = os_map(sizeof(*kept));
	fresh = os_map(sizeof(*fresh));
	ck_assert(kept && fresh);
}

static void set_stack(struct range stack)
{
	memset(kept, 0, sizeof(*kept));
	memset(fresh, 0, sizeof(*fresh));
	kept->stack = stack;
	fresh->stack = stack;
}

static uint64_t before[MP_VERIFY_COUNT];

static void setup(void)
{
	set_stack(process_stack());
	looks = 0;
	look_limit = THREAD_FRAMES;
	for (unsigned kind = 1; kind < MP_VERIFY_COUNT; kind++)
		before[kind] = verified((enum mp_verify_kind)kind);
}

/* All stacks seen by this test were compared with libunwind's, and came out like this. */
static void assert_all(enum mp_verify_kind kind)
{
	ck_assert_uint_gt(looks, 0);
	if (!preload_chunk(MP_CHUNK_VERIFY, 0))
		return;
	for (unsigned k = 1; k < MP_VERIFY_COUNT; k++) {
		uint64_t got = verified((enum mp_verify_kind)k) - before[k];
		uint64_t want = k == (unsigned)kind ? looks : 0;

		ck_assert_msg(got == want, "%llu of %u stacks are of kind %u, not %llu", (unsigned long long)got, looks,
			      k, (unsigned long long)want);
	}
}

/* --- every shape --- */

START_TEST(a_frame_of_every_shape_is_walked)
{
	frame_shapes[_i].call(look);
	ck_assert_uint_eq(kept->mark, 0);
	assert_all(MP_VERIFY_EQUAL);
}
END_TEST

/* --- every shape called by every shape, at random --- */

static uint64_t random_state;
static unsigned left; /* calls */
static unsigned depth;

static unsigned random_below(unsigned limit)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(random_state >> 33) % limit;
}

static MP_NOINLINE void branch(void)
{
	depth++;
	look();
	for (unsigned i = random_below(4); i > 0 && left && depth < 60; i--) {
		left--;
		frame_shapes[random_below((unsigned)frame_shape_count)].call(branch);
		if (random_below(2))
			look();
	}
	depth--;
}

static void walk_trees(uint64_t seed, unsigned calls)
{
	random_state = seed;
	left = calls;
	while (left) {
		depth = 0;
		branch();
		left -= left > 0;
	}
}

START_TEST(stacks_that_change_at_random_are_walked)
{
	walk_trees((uint64_t)_i + 1, 400);
	ck_assert_uint_gt(looks, 400);
	assert_all(MP_VERIFY_EQUAL);
}
END_TEST

/* Of every shape there are some at the limit, where they come into the kept part and fall out of it. */
START_TEST(stacks_that_change_around_the_limit_are_walked)
{
	static const uint32_t limits[] = { 1, 2, 3, 5, 8, 12, 20, 33, 50 };

	look_limit = limits[_i];
	walk_trees((uint64_t)_i + 50, 400);
	ck_assert_uint_gt(looks, 400);
	ck_assert_uint_gt(verified(MP_VERIFY_CUT_BY_DEPTH), before[MP_VERIFY_CUT_BY_DEPTH]);
	ck_assert_uint_eq(verified(MP_VERIFY_DIFFERENT), before[MP_VERIFY_DIFFERENT]);
	ck_assert_uint_eq(verified(MP_VERIFY_CUT_BY_US), before[MP_VERIFY_CUT_BY_US]);
}
END_TEST

static void *walk_in_thread(void *arg)
{
	pthread_attr_t attributes;
	void *start;
	size_t bytes;

	(void)arg;
	pthread_getattr_np(pthread_self(), &attributes);
	pthread_attr_getstack(&attributes, &start, &bytes);
	pthread_attr_destroy(&attributes);
	set_stack((struct range){ (uint64_t)start, (uint64_t)start + bytes });
	walk_trees(99, 200);
	return NULL;
}

START_TEST(stacks_of_threads_are_walked)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, walk_in_thread, NULL), 0);
	pthread_join(thread, NULL);
	assert_all(MP_VERIFY_EQUAL);
}
END_TEST

/* Frames that are left by a jump leave their slots behind. */
static jmp_buf way_out;

static void jump_out(void)
{
	look();
	longjmp(way_out, 1);
}

START_TEST(frames_left_by_a_jump_are_not_reused)
{
	for (volatile unsigned i = 0; i < 200; i++) {
		unsigned shape = i * 7 % (unsigned)frame_shape_count;

		/* A jump out of qsort would leak, out of a handler it would leave the signal blocked. */
		if (!strcmp(frame_shapes[shape].name, "sorting") || !strcmp(frame_shapes[shape].name, "signalled"))
			continue;
		if (setjmp(way_out) == 0)
			frame_shapes[shape].call(jump_out);
		look();
		frame_shapes[(shape + 1) % frame_shape_count].call(look);
	}
	assert_all(MP_VERIFY_EQUAL);
}
END_TEST

/* --- other stacks --- */

static void on_signal(int number)
{
	(void)number;
	look();
	frame_shapes[looks % frame_shape_count].call(look);
}

START_TEST(a_signal_stack_leads_back_to_the_interrupted_one)
{
	size_t bytes = 256 << 10;
	stack_t stack = { .ss_sp = os_map(bytes), .ss_size = bytes };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	for (unsigned i = 0; i < 10; i++) {
		look();
		raise(SIGUSR1);
	}
	ck_assert_uint_eq(kept->mark, 0);
	assert_all(MP_VERIFY_EQUAL);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
}
END_TEST

static ucontext_t main_context;
static ucontext_t coroutine_context;

static void coroutine(void)
{
	for (unsigned i = 0; i < 10; i++) {
		look();
		frame_shapes[i % frame_shape_count].call(look);
		swapcontext(&coroutine_context, &main_context);
	}
}

START_TEST(coroutines_are_walked_to_their_start)
{
	size_t bytes = 256 << 10;

	ck_assert_int_eq(getcontext(&coroutine_context), 0);
	coroutine_context.uc_stack.ss_sp = os_map(bytes);
	coroutine_context.uc_stack.ss_size = bytes;
	coroutine_context.uc_link = &main_context;
	makecontext(&coroutine_context, coroutine, 0);
	for (unsigned i = 0; i < 10; i++) {
		look();
		swapcontext(&main_context, &coroutine_context);
	}
	ck_assert_uint_ge(kept->frame_count, 2);
	ck_assert_uint_eq(verified(MP_VERIFY_DIFFERENT), before[MP_VERIFY_DIFFERENT]);
}
END_TEST

START_TEST(a_stack_is_cut_where_it_leaves_the_known_one)
{
	size_t bytes = 256 << 10;
	char *stack = os_map(bytes);

	frame_shape_other_stack(look, stack + bytes);
	/* libunwind may not read there either. */
	ck_assert_uint_eq(kept->mark, MP_MARK_UNSUPPORTED);
	ck_assert_uint_ge(kept->frame_count, 2);
	assert_all(MP_VERIFY_CUT_BY_US);
}
END_TEST

START_TEST(code_without_information_cuts_a_stack)
{
	frame_shape_without_info(look);
	ck_assert_uint_eq(kept->mark, MP_MARK_NO_UNWIND_INFO);
	/* This function's caller is not found, but the one without information is. */
	ck_assert_uint_ge(kept->frame_count, 2);
	ck_assert_uint_eq(verified(MP_VERIFY_DIFFERENT), before[MP_VERIFY_DIFFERENT]);
}
END_TEST

/* --- depth --- */

static unsigned levels;
static uint32_t limit;

static MP_NOINLINE void descend(void)
{
	if (levels-- > 1)
		descend();
	else
		look_deep(limit);
	__asm__ volatile("" ::: "memory");
}

START_TEST(deep_stacks_are_cut_at_the_outer_end)
{
	static const uint32_t limits[] = { 1, 2, 3, 64, THREAD_FRAMES };

	for (size_t i = 0; i < UNIT_LENGTH(limits); i++) {
		limit = limits[i];
		levels = 600;
		descend();
		ck_assert_uint_eq(kept->mark, MP_MARK_DEPTH);
		ck_assert_uint_eq(kept->frame_count, limit);
		/* The innermost ones are kept: but for the last call, all of them are this recursion. */
		for (uint32_t f = 1; f + 1 < limit; f++)
			ck_assert_uint_eq(kept->frame_pc[f], kept->frame_pc[0]);
	}
	assert_all(MP_VERIFY_CUT_BY_DEPTH);
}
END_TEST

/* With every depth around the limit, growing from a stack that was kept whole and shrinking to one. */
START_TEST(stacks_around_the_limit_are_walked)
{
	unsigned cut = 0;
	unsigned whole = 0;

	limit = 40;
	for (unsigned i = 1; i < 100; i++) {
		levels = i <= 50 ? i : 100 - i;
		descend();
		if (kept->mark == MP_MARK_DEPTH)
			cut++;
		else
			whole++;
		ck_assert_uint_le(kept->frame_count, limit);
		ck_assert(kept->mark == 0 || kept->mark == MP_MARK_DEPTH);
	}
	ck_assert_uint_gt(cut, 10);
	ck_assert_uint_gt(whole, 10);
	ck_assert_uint_eq(verified(MP_VERIFY_DIFFERENT), before[MP_VERIFY_DIFFERENT]);
	ck_assert_uint_eq(verified(MP_VERIFY_CUT_BY_US), before[MP_VERIFY_CUT_BY_US]);
}
END_TEST

/* --- hostile memory --- */

static void walk_from(struct regs regs)
{
	frame_walk(kept, &regs, THREAD_FRAMES);
	fresh->frames_end = 0;
	frame_walk(fresh, &regs, THREAD_FRAMES);
	compare_walks();
}

START_TEST(what_is_no_stack_is_not_read)
{
	static const uint64_t nowhere[] = { 0, 1, 8, 4096, 0x700000000000, 0x7ffffffffff8, 1ull << 47, UINT64_MAX - 7 };
	uint64_t here = (uint64_t)look;

	for (size_t i = 0; i < UNIT_LENGTH(nowhere); i++) {
		walk_from((struct regs){ .ip = here + 1, .sp = nowhere[i], .bp = nowhere[i] });
		ck_assert_uint_eq(kept->mark, MP_MARK_UNKNOWN_STACK);
		ck_assert_uint_eq(kept->frame_count, 1);
	}
}
END_TEST

START_TEST(what_is_no_code_ends_a_stack)
{
	uint64_t stack[64] = { 0 };
	static char data[64];
	const uint64_t addresses[] = { 4711, (uint64_t)stack, (uint64_t)data, 1ull << 47, UINT64_MAX };

	set_stack((struct range){ (uint64_t)stack, (uint64_t)(stack + UNIT_LENGTH(stack)) });
	for (size_t i = 0; i < UNIT_LENGTH(addresses); i++) {
		walk_from((struct regs){ .ip = addresses[i], .sp = (uint64_t)stack, .bp = 0 });
		ck_assert_uint_eq(kept->mark, MP_MARK_UNKNOWN_CODE);
		ck_assert_uint_eq(kept->frame_count, 1);
	}
	/* The word above the outermost frame is often 0: that is an end, not a fault. */
	walk_from((struct regs){ .ip = 0, .sp = (uint64_t)stack, .bp = 0 });
	ck_assert_uint_eq(kept->mark, 0);
	ck_assert_uint_eq(kept->frame_count, 0);
}
END_TEST

/* Return addresses of a real stack, to be thrown together at random. */
static uint64_t some_code[256];
static unsigned some_code_count;

static void collect_code(void)
{
	look();
	for (uint32_t i = 0; i < kept->frame_count && some_code_count < UNIT_LENGTH(some_code); i++) {
		/* Not the trampoline of signals: it leads wherever the memory says, which may be no stack of ours. */
		if (RULE_KIND(kept->frames[i].rule) != CFI_SIGNAL)
			some_code[some_code_count++] = kept->frame_pc[i] + 1;
	}
}

static uint64_t hostile_word(const uint64_t *words, size_t count)
{
	switch (random_below(20)) {
	case 0:
		return (uint64_t)(words + random_below((unsigned)count));
	case 1:
		return (uint64_t)(words + random_below((unsigned)count)) + random_below(8);
	case 2:
		return random_state;
	case 3:
		return random_below(2) ? 0 : UINT64_MAX - random_below(16);
	default:
		return some_code[random_below(some_code_count)];
	}
}

/* A heap block as stack, so that the sanitizer sees every read outside of it. */
START_TEST(a_stack_of_random_words_is_survived)
{
	enum { WORDS = 512 };
	uint64_t *words = malloc(WORDS * sizeof(*words));
	unsigned marks[16] = { 0 };
	unsigned deep = 0;

	ck_assert_ptr_nonnull(words);
	for (size_t i = 0; i < frame_shape_count; i++)
		frame_shapes[i].call(collect_code);
	ck_assert_uint_gt(some_code_count, 20);
	set_stack((struct range){ (uint64_t)words, (uint64_t)(words + WORDS) });
	random_state = 5;
	for (unsigned round = 0; round < 20000; round++) {
		/* A few words change between walks, so that parts of stacks are met again. */
		if (round % 50 == 0) {
			for (size_t i = 0; i < WORDS; i++)
				words[i] = hostile_word(words, WORDS);
		}
		for (unsigned i = random_below(4); i > 0; i--)
			words[random_below(WORDS)] = hostile_word(words, WORDS);
		walk_from((struct regs){ .ip = some_code[random_below(some_code_count)],
					 .sp = (uint64_t)(words + random_below(round % 2 ? WORDS : 16)),
					 .bp = hostile_word(words, WORDS) });
		marks[kept->mark & 15]++;
		deep += kept->frame_count > 3;
	}
	ck_assert_uint_gt(deep, 100);
	ck_assert_uint_gt(marks[MP_MARK_OFF_STACK], 0);
	ck_assert_uint_gt(marks[MP_MARK_UNKNOWN_CODE], 0);
	ck_assert_uint_gt(marks[MP_MARK_NO_PROGRESS], 0);
	free(words);
}
END_TEST

static TCase *tcase_walks(const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_unchecked_fixture(tcase, setup_once, NULL);
	tcase_add_checked_fixture(tcase, setup, NULL);
	return tcase;
}

Suite *suite_frame_walk(void)
{
	Suite *suite = suite_create("frame_walk");
	TCase *real = tcase_walks("real stacks");
	TCase *others = tcase_walks("other stacks");

	tcase_add_loop_test(real, a_frame_of_every_shape_is_walked, 0, (int)frame_shape_count);
	tcase_add_loop_test(real, stacks_that_change_at_random_are_walked, 0, 3);
	tcase_add_loop_test(real, stacks_that_change_around_the_limit_are_walked, 0, 9);
	tcase_add_test(real, stacks_of_threads_are_walked);
	tcase_add_test(real, frames_left_by_a_jump_are_not_reused);
	tcase_add_test(real, deep_stacks_are_cut_at_the_outer_end);
	tcase_add_test(real, stacks_around_the_limit_are_walked);
	suite_add_tcase(suite, real);
	tcase_add_test(others, a_signal_stack_leads_back_to_the_interrupted_one);
	tcase_add_test(others, coroutines_are_walked_to_their_start);
	tcase_add_test(others, a_stack_is_cut_where_it_leaves_the_known_one);
	tcase_add_test(others, code_without_information_cuts_a_stack);
	tcase_add_test(others, what_is_no_stack_is_not_read);
	tcase_add_test(others, what_is_no_code_ends_a_stack);
	tcase_add_test(others, a_stack_of_random_words_is_survived);
	suite_add_tcase(suite, others);
	return suite;
}

#else

Suite *suite_frame_walk(void)
{
	return suite_create("frame_walk");
}

#endif
