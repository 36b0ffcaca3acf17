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
#include "capture.h"
#include "compiler.h"
#include "drop.h"
#include "dump_map.h"
#include "fmt.h"
#include "heap.h"
#include "init.h"
#include "leak_graph.h"
#include "leak_pages.h"
#include "leak_room.h"
#include "leak_roots.h"
#include "live_table.h"
#include "modules.h"
#include "mp_metrics.h"
#include "options.h"
#include "os.h"
#include "poisson.h"
#include "shard.h"
#include "thread.h"

#define ROWS_MAX       (1u << 17)
#define SLOTS          (ROWS_MAX * 2)
#define SNAPSHOTS_MAX  4u
#define BETWEEN_NS     50000000ull
#define POLL_NS        20000000ull
#define SCANS_RECORDED 32u /* of those that a program asks for */
#define TASKS_MAX      512u
#define STACK_BYTES    (256u << 10) /* of a child that shares memory: far more than it needs */
#define WORDS_PER_TASK 7u           /* six arguments of the system call it waits in, and its stack pointer */

/* In memory that both processes see. */
struct answer {
	uint32_t done; /* 1 when all else is there */
	uint32_t result;
	struct mp_leak_scan scan; /* what the child counts of it */
	uint64_t definite_count;
	uint64_t lost_count; /* definite and indirect */
	uint64_t candidate_count;
	uint64_t confirmed_count; /* of a CONFIRM that found no other change: lost still */
	uint64_t cpu_ns;          /* of the last child */
	uint32_t row_count;
	uint32_t reserved;
	struct mp_leak rows[ROWS_MAX];
	uint64_t candidates[]; /* addresses of what is lost */
};

static struct os_lock lock; /* held during a search */
static uint32_t scan_count;
static struct mp_leak_scan *next_row;
static uint32_t rows_left;

static struct roots roots;
static struct os_lock regions_lock;
static struct os_range regions[ROOTS_RANGES_MAX];
static uint32_t region_count;

static struct os_lock stacks_lock;
static struct os_range over[ROOTS_RANGES_MAX]; /* stacks of threads that have ended; the oldest are forgotten */
static uint32_t over_next;

/*
 * Of several snapshots the first finds what is lost, and the second mostly finds the same, which is told faster than it
 * is found. If not, all is judged anew, with what was lost so far as candidates.
 */
enum task { TASK_FIND, TASK_COMPARE, TASK_CONFIRM };

/* --- the child --- */

static struct answer *answer;
static uint64_t candidates_max;
static struct {
	uint64_t address;
	struct live_block block;
	bool candidate;
} * large; /* sorted by address */
static size_t large_bytes;
static uint32_t large_count;
static uint32_t large_used;
static uint32_t *row_slots; /* row + 1, by hash of class, stack and owner */
static uint32_t row_slots_mask;
static uint64_t inherited_count;

static uint32_t stack_of(uint32_t row)
{
	return ((const struct mp_site *)row_at(row & (LIVE_ROWS_MAX - 1)))->stack;
}

/*
 * Memory that the loader itself asked for (tables of thread-local storage, lists of objects) is kept in ways that are
 * the loader's own; so is what we caused.
 */
static bool is_root(const struct live_block *b)
{
	const struct mp_node *node;

	if (b->row == LIVE_ROW_OWN || b->row & LIVE_ROW_IGNORED)
		return true;
	if (b->generation != live_generation())
		return false;
	node = capture_node(stack_of(b->row));
	return node && modules_is_loader(node->module & ~MP_NODE_EXACT_IP);
}

static void add_block(uint64_t address, const struct live_block *b, bool candidate)
{
	uint32_t row = b->generation == live_generation() ? b->row : LIVE_ROW_OWN;

	answer->scan.ignored_count += b->row != LIVE_ROW_OWN && b->row & LIVE_ROW_IGNORED;
	inherited_count += row == LIVE_ROW_OWN;
	if (row != LIVE_ROW_OWN) {
		answer->scan.block_count++;
		answer->scan.block_bytes += b->bytes;
	}
	graph_add(address, b->bytes, row, is_root(b), candidate);
}

static void collect_large(uint64_t address, const struct live_block *b, bool candidate)
{
	uint32_t at;

	for (at = large_count++; at && large[at - 1].address > address; at--)
		large[at] = large[at - 1];
	large[at].address = address;
	large[at].block = *b;
	large[at].candidate = candidate;
}

static void add_large_below(uint64_t address)
{
	for (; large_used < large_count && large[large_used].address < address; large_used++)
		add_block(large[large_used].address, &large[large_used].block, large[large_used].candidate);
}

static void add_small(uint64_t address, const struct live_block *b, bool candidate)
{
	if (unlikely(large_used < large_count))
		add_large_below(address);
	add_block(address, b, candidate);
}

static void count_large(uint64_t address, const struct live_block *b, bool candidate)
{
	(void)address;
	(void)b;
	(void)candidate;
	large_count++;
}

static enum mp_scan_result build_graph(void)
{
	uint64_t capacity = live_count_at_most();

	if (capacity > UINT32_MAX - 2 || !graph_init((uint32_t)capacity))
		return MP_SCAN_RESULT_NO_MEMORY;
	large_count = 0;
	large_used = 0;
	live_for_each_large(count_large);
	large_bytes = (large_count + 1) * sizeof(*large);
	large = os_map(large_bytes);
	if (!large)
		return MP_SCAN_RESULT_NO_MEMORY;
	large_count = 0;
	live_for_each_large(collect_large);
	live_for_each_small(add_small);
	add_large_below(UINT64_MAX);
	return graph_finish() ? MP_SCAN_RESULT_DONE : MP_SCAN_RESULT_NO_MEMORY;
}

/* The row of the answer for a class, stack and owner; NULL: no room. */
static struct mp_leak *answer_row(enum mp_leak_class leak_class, uint32_t stack, uint32_t owner)
{
	uint64_t h = ((uint64_t)stack << 32 | owner) * 0x9e3779b97f4a7c15ull ^ (uint64_t)leak_class << 40;
	uint32_t at = (uint32_t)((h ^ h >> 29) * 0xd6e8feb86659fd93ull >> 40) & row_slots_mask;
	struct mp_leak *row;

	for (; row_slots[at]; at = (at + 1) & row_slots_mask) {
		row = &answer->rows[row_slots[at] - 1];
		if (row->leak_class == leak_class && row->stack == stack && row->owner == owner)
			return row;
	}
	if (answer->row_count == ROWS_MAX)
		return NULL;
	row_slots[at] = ++answer->row_count;
	row = &answer->rows[answer->row_count - 1];
	*row = (struct mp_leak){ .leak_class = leak_class, .stack = stack, .owner = owner };
	return row;
}

/* What a block stands for: itself, or in a sampled dump more. */
static void weigh(uint64_t bytes, uint64_t *ret_count, uint64_t *ret_bytes)
{
	struct poisson_weight weight;

	*ret_count = 1;
	*ret_bytes = bytes;
	if (!process_sampling)
		return;
	poisson_weigh(bytes, opt.sample, &weight);
	*ret_count = weight.count;
	*ret_bytes = weight.bytes;
}

static enum mp_leak_class class_of(uint32_t i)
{
	/* Of a sampled dump most blocks are not in the table, so nobody knows what leads where. */
	if (process_sampling)
		return graph_noted(i) || graph_mark(i) == GRAPH_REACHED ? MP_LEAK_UNFREED : MP_LEAK_DEFINITE;
	switch (graph_mark(i)) {
	case GRAPH_REACHED:
		return MP_LEAK_REACHABLE;
	case GRAPH_POSSIBLE:
		return MP_LEAK_POSSIBLE;
	case GRAPH_LOST:
		break;
	}
	return graph_owner(i) == i ? MP_LEAK_DEFINITE : MP_LEAK_INDIRECT;
}

/*
 * Inherited blocks are the parent's to judge. Where a lost one owns a block of this process, the block has no owner
 * that can be named, and is definitely lost itself.
 */
static bool add_to_answer(uint32_t i)
{
	enum mp_leak_class leak_class = class_of(i);
	uint32_t owner = leak_class == MP_LEAK_INDIRECT ? graph_owner(i) : i;
	struct mp_leak *row;
	uint64_t count;
	uint64_t bytes;

	if (graph_row(i) == LIVE_ROW_OWN)
		return true;
	if (graph_row(owner) == LIVE_ROW_OWN) {
		leak_class = MP_LEAK_DEFINITE;
		owner = i;
	}
	weigh(graph_bytes(i), &count, &bytes);
	row = answer_row(leak_class, stack_of(graph_row(i)),
			 leak_class == MP_LEAK_INDIRECT ? stack_of(graph_row(owner)) : 0);
	if (!row)
		return false;
	row->count += count;
	row->bytes += bytes;
	row->address = graph_address(i);
	if (leak_class == MP_LEAK_INDIRECT) {
		row = answer_row(MP_LEAK_DEFINITE, stack_of(graph_row(owner)), 0);
		if (!row)
			return false;
		row->held_count += count;
		row->held_bytes += bytes;
	} else if (leak_class == MP_LEAK_DEFINITE) {
		answer->definite_count++;
		if (!process_sampling && graph_is_cyclic(i))
			row->cycle_count += count;
	}
	if (leak_class == MP_LEAK_DEFINITE || leak_class == MP_LEAK_INDIRECT) {
		answer->lost_count++;
		if (answer->candidate_count < candidates_max)
			answer->candidates[answer->candidate_count++] = graph_address(i);
	}
	return true;
}

static uint32_t chosen_heuristics(void)
{
	uint32_t chosen = 0;

	if (fmt_equal(opt.leak_heuristics, "all"))
		return ~0u;
#define X(name, index, word) chosen |= (uint32_t)fmt_has_word(opt.leak_heuristics, word) << index;
	MP_SCAN_HEURISTICS(X)
#undef X
	return chosen;
}

/* At most one row for each block, so that the table of a small heap has few pages. */
static bool make_row_slots(void)
{
	uint32_t slots = 1024;

	while (slots < SLOTS && slots < 2 * graph_count())
		slots *= 2;
	row_slots = os_map(slots * sizeof(*row_slots));
	row_slots_mask = slots - 1;
	return row_slots != NULL;
}

static enum mp_scan_result compare(void)
{
	graph_assume_others();
	if (!roots_scan(&roots))
		return MP_SCAN_RESULT_NO_MAPS;
	answer->confirmed_count = graph_confirm();
	return graph_late() ? MP_SCAN_RESULT_DEADLINE : MP_SCAN_RESULT_DONE;
}

static enum mp_scan_result search(enum task task)
{
	enum mp_scan_result result = build_graph();

	if (result != MP_SCAN_RESULT_DONE)
		return result;
	graph_set_deadline(os_now_ns() + opt.leak_timeout_ms * 1000000);
	if (task == TASK_COMPARE)
		return compare();
	if (!make_row_slots())
		return MP_SCAN_RESULT_NO_MEMORY;
	graph_set_heuristics(chosen_heuristics());
	if (!roots_scan(&roots))
		return MP_SCAN_RESULT_NO_MAPS;
	graph_mark_all(task == TASK_CONFIRM);
	if (!graph_fold())
		return MP_SCAN_RESULT_NO_MEMORY;
	if (graph_late())
		return MP_SCAN_RESULT_DEADLINE;
	for (uint32_t i = 0; i < graph_count(); i++) {
		if (!add_to_answer(i))
			return MP_SCAN_RESULT_NO_ROOM;
	}
	return MP_SCAN_RESULT_DONE;
}

static void count_search(struct mp_leak_scan *scan)
{
	scan->root_bytes = roots.root_bytes;
	scan->skipped_bytes = roots.skipped_bytes + pages_unreadable() * PAGES_BYTES;
	scan->heap_bytes = graph_counts()->heap_bytes;
	scan->unconfirmed_count = graph_counts()->unconfirmed_count;
	for (unsigned i = 0; i < MP_SCAN_HEURISTICS_MAX; i++)
		scan->heuristic_count[i] = graph_counts()->heuristic_count[i];
}

static __attribute__((noreturn)) void child(bool borrows, enum task task)
{
	struct mp_leak_scan found = answer->scan;

	os_snapshot_settle(borrows);
	pages_in_snapshot(!borrows);
	answer->result = search(task);
	pages_close();
	if (task == TASK_COMPARE)
		answer->scan = found;
	else
		count_search(&answer->scan);
	answer->cpu_ns = os_cpu_ns();
	store_release(&answer->done, 1);
	os_wake_shared(&answer->done);
	for (;;)
		os_exit(0);
}

static void borrowing_child(void)
{
	child(/*borrows=*/true, TASK_FIND);
}

/* What a child that shared our memory has left behind. */
static void clean_up(void)
{
	graph_free();
	if (large)
		os_unmap(large, large_bytes);
	if (row_slots)
		os_unmap(row_slots, ((size_t)row_slots_mask + 1) * sizeof(*row_slots));
	large = NULL;
	row_slots = NULL;
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

struct tasks {
	uint32_t count;
	uint32_t tids[TASKS_MAX];
	uint64_t words[TASKS_MAX * WORDS_PER_TASK];
	uint32_t word_count;
	uint32_t known; /* tasks of which it is known where their stack is */
};
static struct tasks tasks;

static void list_tasks(void)
{
	static char buf[32768];
	int fd = os_open_directory("/proc/self/task");
	long n;

	tasks.count = 0;
	if (fd < 0)
		return;
	while ((n = os_list(fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			/* struct linux_dirent64: inode, offset, u16 length, u8 type, name */
			const char *name = buf + at + 19;
			uint32_t tid = 0;
			uint16_t length;

			__builtin_memcpy(&length, buf + at + 16, sizeof(length));
			for (; *name >= '0' && *name <= '9'; name++)
				tid = tid * 10 + (uint32_t)(*name - '0');
			if (tid && tasks.count < TASKS_MAX)
				tasks.tids[tasks.count] = tid;
			tasks.count += tid != 0;
			at += length;
		}
	}
	os_close(fd);
}

/* What a thread that waits in the kernel holds: "number arg arg arg arg arg arg sp pc", in hex but for the first. */
static uint64_t look_at_task(uint32_t tid)
{
	char path[64];
	char text[256];
	const char *s = text;
	uint64_t sp = 0;
	struct fmt f;

	fmt_init(&f, path, sizeof(path));
	fmt_str(&f, "/proc/self/task/");
	fmt_u64(&f, tid);
	fmt_str(&f, "/syscall");
	if (os_read_file(path, text, sizeof(text)) <= 0 || text[0] < '0' || text[0] > '9')
		return 0;
	while (*s && *s != ' ')
		s++;
	for (unsigned i = 0; i < WORDS_PER_TASK && s[0] == ' ' && s[1] == '0' && s[2] == 'x'; i++) {
		uint64_t word = 0;

		for (s += 3; *s && *s != ' '; s++)
			word = word << 4 | (uint64_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
		tasks.words[tasks.word_count++] = word;
		sp = i == WORDS_PER_TASK - 1 ? word : 0;
	}
	return sp;
}

static void forget_over(uint64_t sp)
{
	for (uint32_t i = 0; i < ROOTS_RANGES_MAX; i++) {
		if (sp >= over[i].start && sp < over[i].end)
			over[i] = (struct os_range){ 0, 0 };
	}
}

static void note_stack(struct thread *t, void *data)
{
	(void)data;
	for (uint32_t i = 0; i < tasks.count && i < TASKS_MAX; i++) {
		if (tasks.tids[i] == t->tid && t->stack.start) {
			tasks.tids[i] = 0;
			tasks.known++;
		}
	}
}

/* Which stacks are out of use can only be told if all threads are accounted for. */
static void look_at_threads(uint32_t self)
{
	uint32_t unknown;

	list_tasks();
	tasks.word_count = 0;
	tasks.known = 0;
	os_lock(&stacks_lock);
	for (uint32_t i = 0; i < tasks.count && i < TASKS_MAX; i++) {
		uint64_t sp = tasks.tids[i] == self ? 1 : look_at_task(tasks.tids[i]);

		if (!sp)
			continue;
		forget_over(sp);
		tasks.tids[i] = 0;
		tasks.known++;
	}
	thread_for_each(note_stack, NULL);
	unknown = tasks.count ? tasks.count - tasks.known : 1;
	roots.dead_count = 0;
	for (uint32_t i = 0; i < ROOTS_RANGES_MAX && !unknown; i++) {
		if (over[i].start)
			roots.dead[roots.dead_count++] = over[i];
	}
	os_unlock(&stacks_lock);
	roots.words = tasks.words;
	roots.word_count = tasks.word_count;
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
	look_at_threads(os_tid());
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

static void reset_answer(enum task task)
{
	answer->done = 0;
	if (task != TASK_COMPARE)
		__builtin_memset(answer, 0, offsetof(struct answer, rows));
}

/* One snapshot, and what it answers. PAUSE_NS is raised to the time that the fork took. */
static enum mp_scan_result take_snapshot(enum task task, uint64_t *pause_ns)
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

	if (tasks.count != 1 || leak_snapshots_only)
		return false;
	count = live_count_at_most();
	heap_bytes = live_address_bytes();
	return graph_bytes_for(count, heap_bytes) < leak_room() / 2;
}

/* In the memory of the process. false: that was not possible, or something has changed meanwhile. */
static bool search_in_place(enum mp_scan_result *ret_result)
{
	uint64_t nested = drop_count(MP_LOSS_NESTED);
	char *stack = os_map(STACK_BYTES);
	long pid;

	if (!stack)
		return false;
	reset_answer(TASK_FIND);
	pid = os_borrow(borrowing_child, stack + STACK_BYTES);
	*ret_result = pid < 0 ? MP_SCAN_RESULT_NO_FORK : wait_for(pid);
	if (*ret_result == MP_SCAN_RESULT_CHILD_DIED)
		os_borrower_died();
	clean_up();
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
static enum mp_scan_result look_again(enum task task, struct mp_leak_scan *scan, uint64_t *pause_ns)
{
	enum mp_scan_result result;

	look_at_threads(os_tid());
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
	result = take_snapshot(TASK_FIND, pause_ns);
	scan->cpu_ns = answer->cpu_ns;
	before = answer->lost_count;
	while (result == MP_SCAN_RESULT_DONE && tasks.count != 1 && before && scan->snapshots < SNAPSHOTS_MAX) {
		set_candidates(answer->candidates, answer->candidate_count, true);
		os_sleep_ns(BETWEEN_NS);
		if (comparable) {
			comparable = false;
			result = look_again(TASK_COMPARE, scan, pause_ns);
			if (result != MP_SCAN_RESULT_DONE || answer->confirmed_count == before)
				break;
		}
		result = look_again(TASK_CONFIRM, scan, pause_ns);
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
	*ret_bytes = sizeof(struct answer) + candidates_max * sizeof(uint64_t);
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
		row->threads = tasks.count;
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

void leak_stack_over(uint64_t start, uint64_t end)
{
	if (!start)
		return;
	os_lock(&stacks_lock);
	over[over_next++ % ROOTS_RANGES_MAX] = (struct os_range){ start, end };
	os_unlock(&stacks_lock);
}

void leak_stack_used(uint64_t start, uint64_t end)
{
	os_lock(&stacks_lock);
	for (uint32_t i = 0; i < ROOTS_RANGES_MAX; i++) {
		if (over[i].start < end && start < over[i].end)
			over[i] = (struct os_range){ 0, 0 };
	}
	os_unlock(&stacks_lock);
}

void leak_forked(void)
{
	lock.word = 0;
	regions_lock.word = 0;
	stacks_lock.word = 0;
	scan_count = 0;
	next_row = NULL;
	rows_left = 0;
}
