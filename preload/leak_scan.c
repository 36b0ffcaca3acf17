/* SPDX-License-Identifier: MIT */
/*
 * A child of a bare clone searches. Where the process has only one thread, which waits for the answer, the child shares
 * its memory: nothing is copied, and nothing changes. (Nothing but what a signal handler does; one that allocates or
 * frees makes the search start anew in the other way.) Whatever goes wrong in the child ends the child alone.
 *
 * Else the search works on a snapshot: the child has a copy of all private memory as it is at this instant, the live
 * table included, and looks for pointers at leisure, while the program goes on. Its answer is in memory that both see.
 *
 * A snapshot lacks the registers of other threads, and is not taken at one instant when other threads write meanwhile.
 * But what is lost stays lost, while a pointer under way shows up a moment later. So while there are other threads, a
 * block is lost only if it is so in two snapshots and has lived on from the one to the other.
 */
#include "leak_scan.h"

#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "drop.h"
#include "dump_map.h"
#include "heap.h"
#include "init.h"
#include "leak_pages.h"
#include "leak_room.h"
#include "leak_roots.h"
#include "leak_search.h"
#include "leak_stacks.h"
#include "live_table.h"
#include "mp_metrics.h"
#include "options.h"
#include "os.h"
#include "thread.h"

#define SNAPSHOTS_MAX  4u
#define BETWEEN_NS     50000000ull
#define POLL_NS        20000000ull
#define SCANS_RECORDED 32u          /* of those that a program asks for */
#define STACK_BYTES    (256u << 10) /* of a child that shares memory: far more than it needs */

static struct os_lock lock; /* held during a search */
static uint32_t scan_count;
static struct mp_leak_scan *next_row;
static uint32_t rows_left;

static struct roots roots;
static uint32_t threads; /* 0 = not known */
static struct search_answer *answer;
static uint64_t candidates_max;

static struct os_lock regions_lock;
static struct os_range regions[ROOTS_RANGES_MAX];
static uint32_t region_count;

/* --- the child --- */

static __attribute__((noreturn)) void child(bool borrows, enum search_task task)
{
	os_snapshot_settle(borrows);
	pages_in_snapshot(!borrows);
	search_run(task, answer, candidates_max, &roots);
	store_release(&answer->done, 1);
	os_wake_shared(&answer->done);
	for (;;)
		os_exit(0);
}

static void borrowing_child(void)
{
	child(/*borrows=*/true, SEARCH_FIND);
}

/* --- the parent --- */

/* Are there blocks of which the live table does not know? */
static bool table_is_incomplete(void)
{
	static const enum mp_loss_reason reasons[] = {
		MP_LOSS_NESTED,       MP_LOSS_SITES_FULL, MP_LOSS_LIVE_FULL,
		MP_LOSS_THREADS_FULL, MP_LOSS_EARLY,      MP_LOSS_FORKED_BLOCK,
	};

	for (unsigned i = 0; i < ARRAY_LEN(reasons); i++) {
		if (drop_count(reasons[i]))
			return true;
	}
	return process_sampling || thread_were_paused();
}

static void prepare_roots(const struct leak_context *context)
{
	const struct thread *t = thread_own();

	__builtin_memset(&roots, 0, sizeof(roots));
	for (unsigned i = 0; i < ARRAY_LEN(context->registers); i++)
		roots.registers[i] = context->registers[i];
	roots.sp = context->sp;
	roots.stack = (struct os_range){ t->stack.start, t->stack.end };
	if (os_tid() == os_pid())
		roots.stack = (struct os_range){ process_stack().start, process_stack().end };
	roots.heap_too = table_is_incomplete();
	os_lock(&regions_lock);
	for (uint32_t i = 0; i < region_count; i++)
		roots.named[roots.named_count++] = regions[i];
	os_unlock(&regions_lock);
	threads = stacks_look(&roots, os_tid());
}

static enum mp_scan_result wait_for(long pid)
{
	while (!load_acquire(&answer->done)) {
		os_wait_shared(&answer->done, 0, POLL_NS);
		if (!load_acquire(&answer->done) && os_snapshot_reap(pid, /*wait=*/false))
			return load_acquire(&answer->done) ? answer->result : MP_SCAN_RESULT_CHILD_DIED;
	}
	os_snapshot_reap(pid, /*wait=*/true);
	return answer->result;
}

static void reset_answer(enum search_task task)
{
	answer->done = 0;
	if (task != SEARCH_COMPARE)
		__builtin_memset(answer, 0, offsetof(struct search_answer, rows));
}

/* One snapshot, and what it answers. PAUSE_NS is raised to the time that the fork took. */
static enum mp_scan_result take_snapshot(enum search_task task, uint64_t *pause_ns)
{
	uint64_t start = os_now_ns();
	uint64_t took;
	long pid;

	reset_answer(task);
	pid = os_snapshot();
	if (pid == 0)
		child(/*borrows=*/false, task);
	took = os_now_ns() - start;
	*pause_ns = took > *pause_ns ? took : *pause_ns;
	return pid < 0 ? MP_SCAN_RESULT_NO_FORK : wait_for(pid);
}

bool leak_snapshots_only;

/*
 * Is there nobody else to write to our memory, and room in it for the tables of the search? Who runs short of memory is
 * ended together with all that share it; a snapshot would be ended alone.
 */
static bool may_borrow(void)
{
	uint64_t heap_bytes;
	uint64_t count;

	if (threads != 1 || leak_snapshots_only)
		return false;
	count = live_count_at_most();
	heap_bytes = live_address_bytes();
	return search_bytes_for(count, heap_bytes) < leak_room() / 2;
}

/* In the memory of the process. false: that was not possible, or something has changed meanwhile. */
static bool search_in_place(enum mp_scan_result *ret_result)
{
	uint64_t nested = drop_count(MP_LOSS_NESTED);
	char *stack = os_map(STACK_BYTES);
	long pid;

	if (!stack)
		return false;
	reset_answer(SEARCH_FIND);
	pid = os_borrow(borrowing_child, stack + STACK_BYTES);
	*ret_result = pid < 0 ? MP_SCAN_RESULT_NO_FORK : wait_for(pid);
	if (*ret_result == MP_SCAN_RESULT_CHILD_DIED)
		os_borrower_died();
	search_clean_up();
	os_unmap(stack, STACK_BYTES);
	return *ret_result != MP_SCAN_RESULT_NO_FORK && *ret_result != MP_SCAN_RESULT_CHILD_DIED &&
	       drop_count(MP_LOSS_NESTED) == nested;
}

static void set_candidates(const uint64_t *addresses, uint64_t count, bool set)
{
	for (uint64_t i = 0; i < count; i++)
		live_set_candidate(addresses[i], set);
}

/* A snapshot some time after the last. Adds to the time that searches took. */
static enum mp_scan_result look_again(enum search_task task, struct mp_leak_scan *scan, uint64_t *pause_ns)
{
	enum mp_scan_result result;

	threads = stacks_look(&roots, os_tid());
	result = take_snapshot(task, pause_ns);
	scan->snapshots++;
	scan->cpu_ns += answer->cpu_ns;
	return result;
}

/*
 * In place, or repeats until two snapshots agree. Between them each lost block is marked in the live table; the mark
 * goes with the block, so what has it later is the same block still.
 */
static enum mp_scan_result take_snapshots(struct mp_leak_scan *scan, uint64_t *pause_ns)
{
	enum mp_scan_result result;
	/* Where the heap is a root, or blocks are samples, much may lead to a block that has not changed. */
	bool comparable = !roots.heap_too && !process_sampling;
	uint64_t unconfirmed = 0;
	uint64_t before;

	scan->snapshots = 1;
	if (may_borrow() && search_in_place(&result)) {
		scan->method = MP_SCAN_METHOD_IN_PLACE;
		scan->cpu_ns = answer->cpu_ns;
		return result;
	}
	result = take_snapshot(SEARCH_FIND, pause_ns);
	scan->cpu_ns = answer->cpu_ns;
	before = answer->lost_count;
	while (result == MP_SCAN_RESULT_DONE && threads != 1 && before && scan->snapshots < SNAPSHOTS_MAX) {
		set_candidates(answer->candidates, answer->candidate_count, true);
		os_sleep_ns(BETWEEN_NS);
		if (comparable) {
			comparable = false;
			result = look_again(SEARCH_COMPARE, scan, pause_ns);
			if (result != MP_SCAN_RESULT_DONE || answer->confirmed_count == before)
				break;
		}
		result = look_again(SEARCH_CONFIRM, scan, pause_ns);
		unconfirmed += before - (answer->lost_count < before ? answer->lost_count : before);
		if (answer->lost_count == before)
			break;
		before = answer->lost_count;
	}
	answer->scan.unconfirmed_count = unconfirmed;
	return result;
}

static bool write_rows(uint32_t number)
{
	struct mp_chunk *chunk;
	struct mp_leak *to;

	if (!answer->row_count)
		return true;
	chunk = dump_chunk(MP_CHUNK_LEAK, sizeof(struct mp_leak),
			   sizeof(*chunk) + answer->row_count * sizeof(struct mp_leak), 0, 0);
	if (!chunk)
		return false;
	to = (struct mp_leak *)(void *)(chunk + 1);
	for (uint32_t i = 0; i < answer->row_count; i++) {
		struct mp_leak row = answer->rows[i];
		uint32_t leak_class = row.leak_class;

		row.leak_class = 0;
		row.scan = number;
		to[i] = row;
		store_release(&to[i].leak_class, leak_class);
	}
	return true;
}

static struct mp_leak_scan *new_row(void)
{
	if (!rows_left) {
		struct mp_chunk *chunk = dump_chunk(MP_CHUNK_LEAK_SCAN, sizeof(struct mp_leak_scan), DUMP_PAGE, 0, 0);

		if (!chunk)
			return NULL;
		next_row = (struct mp_leak_scan *)(void *)(chunk + 1);
		rows_left = (uint32_t)chunk->rows;
	}
	rows_left--;
	return next_row++;
}

/* The shared memory of the answer, with room for as many addresses as there are live blocks. */
static bool make_answer(size_t *ret_bytes)
{
	candidates_max = live_count_at_most();
	*ret_bytes = sizeof(struct search_answer) + candidates_max * sizeof(uint64_t);
	answer = os_map_shared(*ret_bytes);
	return answer;
}

static void copy_counts(struct mp_leak_scan *row)
{
	const struct mp_leak_scan *from = &answer->scan;

	row->block_count = from->block_count;
	row->block_bytes = from->block_bytes;
	row->root_bytes = from->root_bytes;
	row->heap_bytes = from->heap_bytes;
	row->skipped_bytes = from->skipped_bytes;
	row->unconfirmed_count = from->unconfirmed_count;
	row->ignored_count = from->ignored_count;
	for (unsigned i = 0; i < MP_SCAN_HEURISTICS_MAX; i++)
		row->heuristic_count[i] = from->heuristic_count[i];
}

int64_t leak_scan(enum mp_scan_trigger trigger, const struct leak_context *context)
{
	struct mp_leak_scan unrecorded = { 0 };
	struct mp_leak_scan *row = &unrecorded;
	enum mp_scan_result result = MP_SCAN_RESULT_NO_MEMORY;
	uint64_t start = os_now_ns();
	uint64_t pause_ns = 0;
	int64_t definite = -1;
	bool recorded;
	size_t bytes;

	if (!os_trylock(&lock))
		return -1;
	recorded = trigger == MP_SCAN_EXIT || scan_count < SCANS_RECORDED;
	if (recorded)
		row = new_row();
	if (!row) {
		os_unlock(&lock);
		return -1;
	}
	heap_flush_young(thread_own());
	row->result = MP_SCAN_RESULT_UNFINISHED;
	row->trigger = trigger;
	row->method = MP_SCAN_METHOD_FORK;
	row->start_ns = start;
	store_release(&row->number, ++scan_count);
	if (!os_may_snapshot()) {
		result = MP_SCAN_RESULT_NO_FORK;
	} else if (prepare_roots(context), make_answer(&bytes)) {
		row->threads = threads;
		result = take_snapshots(row, &pause_ns);
		if (result == MP_SCAN_RESULT_DONE && recorded && !write_rows(row->number))
			result = MP_SCAN_RESULT_NO_ROOM;
		copy_counts(row);
		if (result == MP_SCAN_RESULT_DONE)
			definite = (int64_t)answer->definite_count;
		if (trigger != MP_SCAN_EXIT)
			set_candidates(answer->candidates, answer->candidate_count, false);
		os_unmap_shared(answer, bytes);
	}
	row->pause_ns = pause_ns;
	row->duration_ns = os_now_ns() - start;
	store_release(&row->result, (uint32_t)result);
	os_unlock(&lock);
	return definite;
}

/* --- the end --- */

static struct leak_context at_exit_context;
static uint32_t exit_tid; /* whose context that is: of several threads that call exit(), one gets through */

void leak_exit_called(void)
{
	LEAK_CONTEXT(&at_exit_context);
	store_release(&exit_tid, os_tid());
}

void leak_scan_at_exit(void)
{
	extern void *__libc_stack_end;
	struct leak_context context = { .sp = (uint64_t)__builtin_frame_address(0) };

	if (opt.leaks == OPTIONS_LEAKS_OFF)
		return;
	if (load_acquire(&exit_tid) == os_tid())
		context = at_exit_context;
	else if (os_tid() == os_pid()) /* main() has returned: nothing of the program is on its stack */
		context.sp = (uint64_t)__libc_stack_end;
	leak_scan(MP_SCAN_EXIT, &context);
}

/* --- what the program tells us --- */

bool leak_add_region(uint64_t start, uint64_t bytes)
{
	bool room;

	os_lock(&regions_lock);
	room = region_count < ROOTS_RANGES_MAX;
	if (room)
		regions[region_count++] = (struct os_range){ start, start + bytes };
	os_unlock(&regions_lock);
	return room;
}

bool leak_remove_region(uint64_t start, uint64_t bytes)
{
	bool found = false;

	os_lock(&regions_lock);
	for (uint32_t i = 0; i < region_count && !found; i++) {
		found = regions[i].start == start && regions[i].end == start + bytes;
		if (found)
			regions[i] = regions[--region_count];
	}
	os_unlock(&regions_lock);
	return found;
}

void leak_forked(void)
{
	lock.word = 0;
	regions_lock.word = 0;
	stacks_forked();
	scan_count = 0;
	next_row = NULL;
	rows_left = 0;
}
