/* SPDX-License-Identifier: MIT */
/* Unit tests of capture and stack_memo: real stacks, their numbers and the tree in the dump. */
#include "capture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"
#include "dump_map.h"
#include "frame_shapes.h"
#include "init.h"
#include "options.h"
#include "os.h"
#include "preload_doubles.h"
#include "rules.h"
#include "stack_memo.h"
#include "unit_util.h"

Suite *suite_capture(void);

#if defined(__x86_64__)

static struct thread *t;
static struct mp_thread row;
static struct options defaults;

static void setup_once(void)
{
	preload_start_walking();
	t = os_map(sizeof(*t));
	ck_assert_ptr_nonnull(t);
}

/* As in a fork child: a new dump, with the modules of the one before. */
static void start_dump(uint64_t max_bytes)
{
	const char *old = dump_base;

	preload_new_dump(max_bytes);
	rules_forked(old);
	capture_reset();
}

static void setup(void)
{
	defaults = opt;
	memset(t, 0, sizeof(*t));
	t->stack = process_stack();
	t->row = &row;
	start_dump(64 << 20);
}

static void teardown(void)
{
	opt = defaults;
}

/* --- what is captured at one place --- */

static struct seen {
	uint64_t hash;
	stack_id id;
	uint64_t known; /* what the memo said before, 0 = nothing */
} seen;

static unsigned captures;
static unsigned allocations_per_capture = 1000; /* so many that every stack may be stored at once */

/* A hook as far as stacks go. For the sanitizers see test_frame_walk.c. */
static MP_NOINLINE __attribute__((no_sanitize("address", "undefined"))) void hook(void)
{
	struct regs regs;

	CALLER_REGS(&regs);
	seen.known = (uint64_t)memo_find(t, &regs);
	seen.hash = capture(t, &regs);
	seen.id = capture_intern(t);
	/* Any pointer does for a site; this one tells whether it comes back with the right stack. */
	t->row->alloc_count += allocations_per_capture;
	memo_store(t, &regs, seen.hash, (struct mp_site *)seen.hash);
	captures++;
}

static MP_NOINLINE void event(void)
{
	hook();
	__asm__ volatile("" ::: "memory");
}

/*
 * Events from one place until AFTER, which looks at what was seen, says that it is enough. In a loop of the test's own,
 * the compiler may take a turn out, and the call there would be another one.
 */
static MP_NOINLINE void repeat(void (*call)(shape_callee *callee), bool (*after)(unsigned turn))
{
	unsigned turn = 0;

	do {
		call(event);
	} while (after(turn++));
}

/* The tree leads from node ID along the frames of T to the outermost one, or to the mark. */
static void check_nodes(stack_id id)
{
	for (uint32_t i = t->frame_count; i-- > 0;) {
		const struct mp_node *node = preload_row(MP_CHUNK_NODE, id, sizeof(*node));
		bool exact = i + 1 < t->frame_count && RULE_KIND(t->frames[i + 1].rule) == CFI_SIGNAL;

		ck_assert_uint_eq(node->ip, t->frame_pc[i] + !exact);
		ck_assert_uint_eq(node->module, RULE_MODULE(t->frames[i].rule) | (exact ? MP_NODE_EXACT_IP : 0));
		ck_assert_uint_lt(node->parent, id);
		id = node->parent;
	}
	if (t->mark) {
		const struct mp_node *node = preload_row(MP_CHUNK_NODE, id, sizeof(*node));

		ck_assert_uint_eq(node->ip, t->mark);
		id = node->parent;
	}
	ck_assert_uint_eq(id, 0);
}

static struct seen first;

static bool expect_first(unsigned turn)
{
	if (turn == 0)
		first = seen;
	ck_assert_uint_ne(seen.id, 0);
	ck_assert_uint_eq(seen.id, first.id);
	ck_assert_uint_eq(seen.hash, first.hash);
	check_nodes(seen.id);
	return turn < 2;
}

START_TEST(a_stack_of_every_shape_keeps_its_number)
{
	repeat(frame_shapes[_i].call, expect_first);
}
END_TEST

START_TEST(stacks_that_differ_in_one_frame_are_two)
{
	struct seen a, b;

	event();
	a = seen;
	event();
	b = seen;
	ck_assert_uint_ne(a.id, b.id);
	ck_assert_uint_ne(a.hash, b.hash);
}
END_TEST

/* The module of each node is the object that the address lies in. */
START_TEST(nodes_tell_their_modules)
{
	frame_shapes[7].call(event);
	ck_assert_str_eq(frame_shapes[7].name, "sorting");
	for (uint32_t i = 0; i < t->frame_count; i++) {
		uint32_t number = RULE_MODULE(t->frames[i].rule);
		const struct mp_module *module = preload_row(MP_CHUNK_MODULE, number, sizeof(*module));

		ck_assert_uint_ge(t->frame_pc[i], module->start);
		ck_assert_uint_lt(t->frame_pc[i], module->end);
		ck_assert_uint_ne(module->path, 0);
	}
}
END_TEST

/* A signal interrupts at an address that is no return address. */
START_TEST(an_interrupted_address_is_marked_as_exact)
{
	const struct mp_node *node;
	unsigned exact = 0;

	frame_shapes[9].call(event);
	ck_assert_str_eq(frame_shapes[9].name, "signalled");
	check_nodes(seen.id);
	for (stack_id id = seen.id; id; id = node->parent) {
		node = preload_row(MP_CHUNK_NODE, id, sizeof(*node));
		exact += (node->module & MP_NODE_EXACT_IP) != 0;
	}
	ck_assert_uint_eq(exact, 1);
	ck_assert_uint_eq(t->mark, 0);
}
END_TEST

/* --- marks --- */

START_TEST(marks_are_stacks_of_their_own)
{
	stack_id ids[16] = { 0 };

#define X(name, number, text) ids[number] = capture_mark(MP_MARK_##name);
	MP_STACK_MARK_LIST(X)
#undef X
#define X(name, number, text) ck_assert_uint_eq(capture_mark(MP_MARK_##name), ids[number]);
	MP_STACK_MARK_LIST(X)
#undef X
	for (uint32_t mark = 1; mark < UNIT_LENGTH(ids) && ids[mark]; mark++) {
		const struct mp_node *node = preload_row(MP_CHUNK_NODE, ids[mark], sizeof(*node));

		ck_assert_uint_eq(node->ip, mark);
		ck_assert_uint_eq(node->parent, 0);
	}
}
END_TEST

START_TEST(cut_stacks_end_in_their_mark)
{
	opt.depth = 3;
	event();
	ck_assert_uint_eq(t->frame_count, 3);
	ck_assert_uint_eq(t->mark, MP_MARK_DEPTH);
	check_nodes(seen.id);
	opt.depth = defaults.depth;
	frame_shape_without_info(event);
	ck_assert_uint_eq(t->mark, MP_MARK_NO_UNWIND_INFO);
	check_nodes(seen.id);
}
END_TEST

/* --- many stacks --- */

static uint64_t path;
static unsigned levels;

static MP_NOINLINE void left(shape_callee *callee);
static MP_NOINLINE void right(shape_callee *callee);

/* Twenty calls to the left or to the right, as the bits of PATH say. */
static MP_NOINLINE void down(shape_callee *callee)
{
	if (levels == 0)
		callee();
	else if (path >> --levels & 1)
		left(callee);
	else
		right(callee);
	__asm__ volatile("" ::: "memory");
}

static MP_NOINLINE void left(shape_callee *callee)
{
	down(callee);
	__asm__ volatile("" ::: "memory");
}

static MP_NOINLINE void right(shape_callee *callee)
{
	down(callee);
	__asm__ volatile("" ::: "memory");
}

static void take_path(uint64_t number)
{
	path = number * 331;
	levels = 20;
}

#define PATHS 3000u

static struct seen known[PATHS];

/* All paths, and once more. */
static bool check_path(unsigned turn)
{
	static bool taken[PATHS * 50];
	unsigned i = turn % PATHS;

	if (turn < PATHS) {
		known[i] = seen;
		ck_assert_uint_lt(seen.id, UNIT_LENGTH(taken));
		ck_assert_msg(!taken[seen.id], "number %u twice", seen.id);
		taken[seen.id] = true;
	} else {
		ck_assert_uint_eq(seen.id, known[i].id);
		ck_assert_uint_eq(seen.hash, known[i].hash);
	}
	if (i % 100 == 0)
		check_nodes(seen.id);
	take_path((turn + 1) % PATHS);
	return turn + 1 < 2 * PATHS;
}

START_TEST(every_path_has_a_number_of_its_own)
{
	take_path(0);
	repeat(down, check_path);
}
END_TEST

static struct {
	uint64_t lost; /* before */
	stack_id other;
	unsigned paths; /* until the table was full */
} full;

/* New paths until the table is full; then the first one again, and the one that did not fit. */
static bool fill(unsigned turn)
{
	ck_assert_uint_ne(seen.id, 0);
	if (!full.paths) {
		ck_assert_uint_lt(turn, 100000);
		if (turn == 0)
			first = seen;
		if (preload_losses(MP_LOSS_STACKS_MERGED) == full.lost) {
			ck_assert_uint_ne(seen.id, full.other);
			take_path(turn + 1);
			return true;
		}
		full.paths = turn;
		ck_assert_uint_eq(seen.id, full.other);
		take_path(0);
		return true;
	}
	if (turn == full.paths + 1) {
		ck_assert_uint_eq(seen.id, first.id);
		take_path(full.paths);
		return true;
	}
	ck_assert_uint_eq(seen.id, full.other);
	return false;
}

START_TEST(a_full_table_merges_new_stacks_only)
{
	const struct mp_node *node;

	start_dump(1 << 20);
	full.lost = preload_losses(MP_LOSS_STACKS_MERGED);
	full.other = capture_mark(MP_MARK_OTHER);
	full.paths = 0;
	node = preload_row(MP_CHUNK_NODE, full.other, sizeof(*node));
	ck_assert_uint_eq(node->ip, MP_MARK_OTHER);
	take_path(0);
	repeat(down, fill);
	ck_assert_uint_gt(full.paths, 1000);
}
END_TEST

static bool reset_after_first(unsigned turn)
{
	if (turn == 0) {
		first = seen;
		start_dump(64 << 20);
		return true;
	}
	ck_assert_uint_eq(seen.hash, first.hash);
	check_nodes(seen.id);
	return false;
}

START_TEST(a_reset_forgets_all_numbers)
{
	repeat(frame_shapes[0].call, reset_after_first);
}
END_TEST

/* --- memos --- */

static uint64_t random_state;
static unsigned calls_left;
static unsigned depth;
static unsigned known_stacks;

static unsigned random_below(unsigned limit)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(random_state >> 33) % limit;
}

static void check_memo(void)
{
	event();
	known_stacks += seen.known != 0;
	ck_assert_msg(!seen.known || seen.known == seen.hash, "the memo is of another stack");
}

static void branch(void)
{
	depth++;
	for (unsigned i = 1 + random_below(3); i > 0; i--)
		check_memo();
	for (unsigned i = random_below(4); i > 0 && calls_left && depth < 8; i--) {
		unsigned shape = random_below((unsigned)frame_shape_count);

		/* Stacks with others are not kept; rarely, so that most are. */
		if (shape >= 9 && random_below(10))
			shape = 0;
		calls_left--;
		frame_shapes[shape].call(branch);
		check_memo();
	}
	depth--;
}

START_TEST(memos_are_of_the_stack_that_they_are_found_for)
{
	random_state = (uint64_t)_i + 1;
	calls_left = 2000;
	while (calls_left) {
		depth = 0;
		branch();
		calls_left -= calls_left > 0;
	}
	ck_assert_uint_gt(known_stacks, 100);
}
END_TEST

/* All paths of so many decisions between two functions, always in the same order, from one place. */
#define ORDER_DEPTH 11

static unsigned order;

static void next_of_order(void)
{
	unsigned level = depth;

	if (level == ORDER_DEPTH) {
		check_memo();
		return;
	}
	depth++;
	frame_shapes[order >> level & 1 ? 2 : 0].call(next_of_order);
	depth = level;
}

static void in_order(shape_callee *callee)
{
	(void)callee;
	known_stacks = 0;
	for (order = 0; order < 1u << ORDER_DEPTH; order++) {
		depth = 0;
		next_of_order();
	}
}

static unsigned large_since; /* the turn that ended with a large ring */
static uint64_t *large_ring;

static bool use_large_ring(unsigned turn)
{
	const unsigned most = (1u << ORDER_DEPTH) / 10 * 9, few = (1u << ORDER_DEPTH) / 4;

	if (!t->memo_index) {
		large_since = turn + 1;
		ck_assert_uint_lt(known_stacks, few);
		return true;
	}
	switch (turn - large_since) {
	case 0: /* it came in the middle of this turn */
	case 1: /* all are stored now, each with its successor */
		return true;
	case 2:
		ck_assert_uint_gt(known_stacks, most);
		/* What is stored over is not found. */
		t->memo_head += t->memo_words;
		return true;
	default:
		ck_assert_uint_lt(known_stacks, few);
		return false;
	}
}

START_TEST(thousands_of_stacks_that_come_in_order_are_known)
{
	/* Nothing would be stored unasked but for the room in a large ring. */
	allocations_per_capture = 1;
	memo_release(t);
	repeat(in_order, use_large_ring);
	allocations_per_capture = 1000;
}
END_TEST

static bool has_no_large_ring(unsigned turn)
{
	(void)turn;
	return !t->memo_index;
}

START_TEST(large_rings_go_from_thread_to_thread)
{
	allocations_per_capture = 1;
	for (unsigned i = 0; i < 3; i++) {
		memo_release(t);
		repeat(in_order, has_no_large_ring);
		if (i)
			ck_assert_ptr_eq(t->memo_ring, large_ring);
		large_ring = t->memo_ring;
		if (i) {
			/* A fork child has all of them, whoever had them. */
			memo_forked();
			t->memo_index = NULL;
		}
	}
	memo_release(t);
	allocations_per_capture = 1000;
}
END_TEST

static bool clear_after_second(unsigned turn)
{
	ck_assert_int_eq(seen.known != 0, turn == 1 || turn == 3);
	if (turn == 1)
		memo_clear(t);
	return turn < 3;
}

START_TEST(memos_can_be_forgotten)
{
	repeat(frame_shapes[0].call, clear_after_second);
}
END_TEST

static bool seldom(unsigned turn)
{
	ck_assert_int_eq(seen.known != 0, turn == 2);
	return turn < 2;
}

START_TEST(stacks_that_come_seldom_are_kept_when_seen_twice)
{
	t->memo_due = t->row->alloc_count + 1000000;
	allocations_per_capture = 0;
	repeat(frame_shapes[0].call, seldom);
	allocations_per_capture = 1000;
}
END_TEST

static bool recheck_after_second(unsigned turn)
{
	ck_assert_int_eq(seen.known != 0, turn == 1 || turn == 3);
	if (turn == 1)
		rules_recheck();
	return turn < 3;
}

/* Rules may be others after an object was unloaded. */
START_TEST(memos_do_not_outlive_rules)
{
	repeat(frame_shapes[0].call, recheck_after_second);
}
END_TEST

Suite *suite_capture(void)
{
	Suite *suite = suite_create("capture");
	TCase *tcase = tcase_create("capture");

	tcase_add_unchecked_fixture(tcase, setup_once, NULL);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_stack_of_every_shape_keeps_its_number, 0, (int)frame_shape_count);
	tcase_add_test(tcase, stacks_that_differ_in_one_frame_are_two);
	tcase_add_test(tcase, nodes_tell_their_modules);
	tcase_add_test(tcase, an_interrupted_address_is_marked_as_exact);
	tcase_add_test(tcase, marks_are_stacks_of_their_own);
	tcase_add_test(tcase, cut_stacks_end_in_their_mark);
	tcase_add_test(tcase, every_path_has_a_number_of_its_own);
	tcase_add_loop_test(tcase, memos_are_of_the_stack_that_they_are_found_for, 0, 3);
	tcase_add_test(tcase, thousands_of_stacks_that_come_in_order_are_known);
	tcase_add_test(tcase, large_rings_go_from_thread_to_thread);
	tcase_add_test(tcase, memos_can_be_forgotten);
	tcase_add_test(tcase, stacks_that_come_seldom_are_kept_when_seen_twice);
	tcase_add_test(tcase, memos_do_not_outlive_rules);
	tcase_add_test(tcase, a_full_table_merges_new_stacks_only);
	tcase_add_test(tcase, a_reset_forgets_all_numbers);
	suite_add_tcase(suite, tcase);
	return suite;
}

#else

Suite *suite_capture(void)
{
	return suite_create("capture");
}

#endif
