/* SPDX-License-Identifier: MIT */
/* Threads register at their first event, whoever created them, and are noticed at their end by a pthread key. */
#include "thread.h"

#include <pthread.h>

#include "control.h"
#include "drop.h"
#include "dump_map.h"
#include "fmt.h"
#include "fork_in_hook.h"
#include "heap.h"
#include "init.h"
#include "options.h"
#include "leak_stacks.h"
#include "os.h"
#include "shard.h"
#include "stack_memo.h"

#define SLAB_THREADS 8
/* Ended threads keep a row of their own up to this many rows; then those of one name are added up. */
#define ROWS_KEPT      256
#define ROW_CHUNKS_MAX 64
/* glibc runs key destructors four times over; ours asks to be last. */
#define DESTRUCTOR_ROUNDS 3

static struct thread new_thread; /* what a thread is before its first event: gate shut, THREAD_NEW */
static struct thread dead_thread = { .state = THREAD_DEAD };
struct thread paused_thread = { .state = THREAD_PAUSED };

MP_TLS struct thread *thread_self = &new_thread;
static MP_TLS struct range own_stack; /* set by thread_set_stack() */
/*
 * This thread is registering, ending, or counting after its end, and may hold a lock of ours, while its gate cannot
 * say so: what a signal handler does now passes through.
 */
static MP_TLS bool between;
static MP_TLS struct thread *own; /* of a paused thread, what was in thread_self */
static MP_TLS uint16_t pauses;    /* that the program asked for on this thread, one in the other */
static bool all_paused;
static bool all_were_paused;

static struct os_lock lock; /* registry, unused structures, rows */
static struct thread *registry;
static struct thread *unused;
static uint32_t live_threads;
static pthread_key_t key;
static bool have_key;

static struct mp_chunk *row_chunks[ROW_CHUNKS_MAX];
static uint32_t row_chunk_count;
static uint32_t rows_used;

static struct thread *late; /* counts for threads that are over */
static struct os_lock late_lock;

uint32_t thread_count(void)
{
	uint32_t n = load_relaxed(&live_threads);

	return n ? n : 1;
}

void thread_set_stack(uint64_t start, uint64_t end)
{
	own_stack = (struct range){ start, end };
}

/* --- rows in the dump; called with the lock held --- */

static struct mp_thread *rows_of(const struct mp_chunk *chunk)
{
	return (struct mp_thread *)(void *)((char *)(uintptr_t)chunk + sizeof(*chunk));
}

static struct mp_thread *new_row(void)
{
	struct mp_chunk *chunk;

	for (uint32_t c = 0; c < row_chunk_count; c++) {
		struct mp_thread *rows = rows_of(row_chunks[c]);

		for (uint64_t i = 0; i < row_chunks[c]->rows; i++) {
			if (!rows[i].start_ns)
				return &rows[i];
		}
	}
	if (row_chunk_count == ROW_CHUNKS_MAX)
		return NULL;
	chunk = dump_chunk(MP_CHUNK_THREAD, sizeof(struct mp_thread), DUMP_PAGE,
			   row_chunk_count * dump_rows(DUMP_PAGE, sizeof(struct mp_thread)) + 1, 0);
	if (!chunk)
		return NULL;
	row_chunks[row_chunk_count++] = chunk;
	return rows_of(chunk);
}

static void add_rows(struct mp_thread *sum, const struct mp_thread *row)
{
	bump(&sum->alloc_count, load_relaxed(&row->alloc_count));
	bump(&sum->alloc_bytes, load_relaxed(&row->alloc_bytes));
	bump(&sum->free_count, load_relaxed(&row->free_count));
	bump(&sum->free_bytes, load_relaxed(&row->free_bytes));
	bump(&sum->temporary_count, load_relaxed(&row->temporary_count));
	bump(&sum->realloc_count, load_relaxed(&row->realloc_count));
	bump(&sum->lock_acquisitions, load_relaxed(&row->lock_acquisitions));
	bump(&sum->lock_contentions, load_relaxed(&row->lock_contentions));
	bump(&sum->lock_wait_ns, load_relaxed(&row->lock_wait_ns));
	bump(&sum->coordination_ns, load_relaxed(&row->coordination_ns));
}

/* Makes room when many threads have come and gone: ended threads of one name share a row. */
static void fold_row(struct mp_thread *row)
{
	for (uint32_t c = 0; c < row_chunk_count; c++) {
		struct mp_thread *rows = rows_of(row_chunks[c]);

		for (uint64_t i = 0; i < row_chunks[c]->rows; i++) {
			if (rows[i].start_ns && !rows[i].tid && !__builtin_memcmp(rows[i].name, row->name, 16)) {
				add_rows(&rows[i], row);
				rows[i].threads += row->threads;
				if (rows[i].shard != row->shard)
					store_relaxed(&rows[i].shard, 0);
				rows[i].end_ns = row->end_ns;
				store_release(&row->start_ns, 0);
				__builtin_memset(row, 0, sizeof(*row));
				rows_used--;
				return;
			}
		}
	}
	row->tid = 0;
}

void thread_sum(struct mp_thread *ret_sum)
{
	__builtin_memset(ret_sum, 0, sizeof(*ret_sum));
	os_lock(&lock);
	for (uint32_t c = 0; c < row_chunk_count; c++) {
		const struct mp_thread *rows = rows_of(row_chunks[c]);

		for (uint64_t i = 0; i < row_chunks[c]->rows; i++) {
			if (rows[i].start_ns)
				add_rows(ret_sum, &rows[i]);
		}
	}
	os_unlock(&lock);
}

void thread_for_each(void (*each)(struct thread *t, void *data), void *data)
{
	os_lock(&lock);
	for (struct thread *t = registry; t; t = t->next)
		each(t, data);
	os_unlock(&lock);
}

void thread_refresh_name(struct thread *t)
{
	/* At the first new sites, then ever more rarely: programs name their threads early. */
	if (!(t->name_checks & (t->name_checks + 1)))
		os_thread_name(t->row->name);
	t->name_checks++;
}

void thread_refresh_all_names(void)
{
	os_lock(&lock);
	for (struct thread *t = registry; t; t = t->next) {
		char path[64];
		char name[17];
		struct fmt f;
		long n;

		if (!t->row || !t->tid)
			continue;
		fmt_init(&f, path, sizeof(path));
		fmt_str(&f, "/proc/self/task/");
		fmt_u64(&f, t->tid);
		fmt_str(&f, "/comm");
		n = os_read_file(path, name, sizeof(name));
		if (n <= 0)
			continue;
		__builtin_memset(name + n - 1, 0, sizeof(name) - (size_t)n + 1); /* the newline, and the rest */
		name[15] = '\0';
		__builtin_memcpy(t->row->name, name, 16);
	}
	os_unlock(&lock);
}

/* --- life of a thread --- */

/* With the lock held. */
static void add_structures(uint32_t count)
{
	struct thread *slab = os_map_wiped_on_fork(count * sizeof(*slab));

	for (uint32_t i = 0; slab && i < count; i++) {
		slab[i].next = unused;
		unused = &slab[i];
	}
}

void thread_reserve(uint32_t count)
{
	os_lock(&lock);
	add_structures(count);
	os_unlock(&lock);
}

/* With the lock held. A structure's memory reads as zero, whether new or used before. */
static struct thread *take_structure(void)
{
	struct thread *t = unused;

	if (!t) {
		add_structures(SLAB_THREADS);
		t = unused;
	}
	if (t) {
		unused = t->next;
		t->next = NULL;
	}
	return t;
}

static void give_structure(struct thread *t)
{
	/* The frames are rewritten by every capture; only what a new owner could mistake for its own is cleared. */
	memo_release(t);
	t->next_observed = 0;
	__builtin_memset(t, 0, offsetof(struct thread, memo_sets));
	__builtin_memset(t->locks, 0, sizeof(t->locks));
	t->next = unused;
	unused = t;
}

static struct thread *make_thread(void)
{
	struct thread *t;

	os_lock(&lock);
	t = take_structure();
	if (t) {
		t->shard = shard_get();
		t->row = t->shard ? new_row() : NULL;
		if (!t->row) {
			if (t->shard)
				shard_put(t->shard);
			give_structure(t);
			t = NULL;
		} else {
			t->row->threads = 1;
			t->row->shard = shard_number(t->shard);
			store_release(&t->row->start_ns, os_now_ns());
			rows_used++;
		}
	}
	os_unlock(&lock);
	return t;
}

static struct thread *register_thread(void)
{
	struct thread *t = make_thread();

	if (!t) {
		drop(MP_LOSS_THREADS_FULL);
		return NULL;
	}
	t->tid = os_tid();
	t->row->tid = t->tid;
	t->stack = own_stack;
	if (t->tid == os_pid())
		t->stack = process_stack();
	t->careful = opt.verify;
	t->last_lock = t->locks;
	t->state = THREAD_LIVE;
	os_lock(&lock);
	t->next = registry;
	if (registry)
		registry->previous = t;
	registry = t;
	store_relaxed(&live_threads, live_threads + 1);
	os_unlock(&lock);
	thread_self = t;
	thread_refresh_name(t);
	t->gate_sp = (uint64_t)__builtin_frame_address(0);
	/* May call calloc, through our hook: the gate is shut, so that it passes. */
	if (have_key)
		pthread_setspecific(key, t);
	return t;
}

static void count_left_out(struct thread *t)
{
	if (t->left_out)
		drop_many(MP_LOSS_PAUSED, t->left_out);
	t->left_out = 0;
}

/* Key destructor: asks for more rounds, so that the destructors of the program come first. Context: setup. */
static void thread_end(void *arg)
{
	struct thread *t = arg;

	if (t != thread_own() || t->state != THREAD_LIVE)
		return;
	if (t->destructor_rounds++ < DESTRUCTOR_ROUNDS && pthread_setspecific(key, t) == 0)
		return;
	t->open = false;
	signal_fence();
	thread_self = t;
	count_left_out(t);
	heap_flush(t);
	os_thread_name(t->row->name);
	lock_thread_end(t);
	between = true;
	signal_fence();
	store_relaxed(&t->row->end_ns, os_now_ns());
	thread_self = &dead_thread;
	if (t->tid != os_pid())
		stacks_over(t->stack.start, t->stack.end);
	os_lock(&lock);
	if (t->previous)
		t->previous->next = t->next;
	else
		registry = t->next;
	if (t->next)
		t->next->previous = t->previous;
	store_relaxed(&live_threads, live_threads - 1);
	if (rows_used > ROWS_KEPT)
		fold_row(t->row);
	shard_put(t->shard);
	give_structure(t);
	os_unlock(&lock);
	signal_fence();
	between = false;
}

/* What a thread does after its end is counted by one shared structure, under a lock. */
static struct thread *enter_late(void)
{
	os_lock(&late_lock);
	if (!late) {
		late = make_thread();
		if (late)
			__builtin_memcpy(late->row->name, "(after end)", 12);
	}
	if (late) {
		late->stack = (struct range){ 0, 0 };
		__builtin_memset(late->stacks, 0, sizeof(late->stacks));
		drop(MP_LOSS_LATE_THREAD);
		return late;
	}
	os_unlock(&late_lock);
	drop(MP_LOSS_THREADS_FULL);
	return NULL;
}

/* Was the gate shut by a frame that is gone (longjmp out of a hook's real call, or an exception)? */
bool thread_gate_abandoned(const struct thread *t)
{
	uint64_t sp = (uint64_t)__builtin_frame_address(0);

	return sp > t->gate_sp && t->gate_sp >= t->stack.start && sp < t->stack.end;
}

/* For a thread that has no structure of its own. */
static struct thread *enter_first_or_late(void)
{
	bool dead = thread_self->state == THREAD_DEAD;
	struct thread *t;

	between = true;
	signal_fence();
	t = dead ? enter_late() : register_thread();
	signal_fence();
	between = dead && t; /* then thread_leave_slow() ends it */
	return t;
}

/* --- pauses --- */

struct thread *thread_own(void)
{
	return thread_is_paused() ? own : thread_self;
}

static void put_aside(struct thread *t)
{
	if (t->state == THREAD_LIVE) {
		t->last_block = 0;
		t->locks_held = 0; /* nobody will see these locks being released */
	}
	own = t;
	signal_fence();
	thread_self = &paused_thread;
}

/* Is the calling thread, which is paused or not known yet, to be left out still? If not, it is itself again. */
static bool is_left_out(void)
{
	if (!thread_is_paused())
		return unlikely(load_relaxed(&all_paused)) && thread_self->state == THREAD_NEW;
	if (pauses || load_relaxed(&all_paused))
		return true;
	if (own->state == THREAD_LIVE)
		own->locks_held = 0; /* of the last call that was recorded */
	thread_self = own;
	return false;
}

void thread_pause(void)
{
	struct thread *t = thread_self;

	if (t->state == THREAD_DEAD)
		return;
	if (!thread_is_paused())
		put_aside(t);
	pauses += pauses < UINT16_MAX;
}

void thread_resume(void)
{
	if (!pauses || --pauses || !thread_is_paused())
		return;
	if (own->state == THREAD_LIVE)
		count_left_out(own);
	is_left_out();
}

#define LEFT_OUT_STEP 64u /* an ended process may lack so many of each paused thread */

bool thread_leave_out(void)
{
	struct thread *t = own;

	if (!thread_is_paused() || !pauses)
		return false;
	if (t->state != THREAD_LIVE)
		drop(MP_LOSS_PAUSED);
	else if (++t->left_out == LEFT_OUT_STEP)
		count_left_out(t);
	return true;
}

static void see_pause(struct thread *t, void *data)
{
	(void)data;
	store_relaxed(&t->next_observed, 0);
}

bool thread_pause_all(bool pause)
{
	if (load_relaxed(&all_paused) == pause)
		return false;
	if (pause)
		store_relaxed(&all_were_paused, true);
	__atomic_store_n(&all_paused, pause, __ATOMIC_SEQ_CST);
	if (pause)
		thread_for_each(see_pause, NULL);
	return true;
}

bool thread_all_paused(void)
{
	return load_relaxed(&all_paused);
}

bool thread_were_paused(void)
{
	return load_relaxed(&all_were_paused);
}

/* Pairs with thread_pause_all(): who writes another next_observed over the 0 of that sees the pause behind it. */
void thread_notice_pause(struct thread *t)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (load_relaxed(&all_paused) && t == thread_self)
		put_aside(t);
}

/* Nothing is recorded, but commands are obeyed: one may be to go on. */
static MP_COLD void answer_left_out(void)
{
	struct thread *t = thread_enter_paused();

	if (!t)
		return;
	control_answer(t, NULL);
	if (process_sampling)
		thread_leave_sample(t);
	else
		gate_leave(t);
	if (t != thread_self)
		thread_leave_slow(t);
}

static bool leave_out(void)
{
	if (likely(!is_left_out()))
		return false;
	if (control_pending())
		answer_left_out();
	return true;
}

/* First of all, so that a process costs little while recording is off. */
static inline bool is_dormant(void)
{
	return load_relaxed(&all_paused) && (thread_self->state == THREAD_NEW || thread_is_paused()) && dump_base &&
	       !control_pending();
}

static struct thread *enter_slow(bool nested_is_loss)
{
	struct thread *t;

	if (is_dormant())
		return NULL;
	if (!process_ready() || process_sampling || unlikely(leave_out()))
		return NULL;
	t = thread_self;
	if (t->state == THREAD_LIVE) {
		if (gate_enter(t)) /* a pause is over */
			return t;
		if (thread_gate_abandoned(t)) {
			t->gate_sp = (uint64_t)__builtin_frame_address(0);
			return t;
		}
	} else if (!between) {
		return enter_first_or_late();
	}
	if (nested_is_loss)
		drop(MP_LOSS_NESTED);
	return NULL;
}

static struct thread *enter_sample(void)
{
	struct thread *t = thread_self;

	if (t->state == THREAD_LIVE ? t->sampling && !thread_gate_abandoned(t) : between) {
		drop(MP_LOSS_NESTED);
		return NULL;
	}
	if (t->state != THREAD_LIVE) {
		t = enter_first_or_late();
		if (!t)
			return NULL;
	}
	t->gate_sp = (uint64_t)__builtin_frame_address(0);
	t->sampling = true;
	signal_fence();
	return t;
}

MP_NOINLINE struct thread *thread_enter_sample(void)
{
	struct thread *t;

	if (!process_ready() || unlikely(leave_out()))
		return NULL;
	t = thread_self;
	if (unlikely(load_relaxed(&all_paused)) && t->state == THREAD_LIVE && !t->sampling) {
		t->countdown = 0; /* it was about to end: the next one is drawn when recording goes on */
		put_aside(t);
		return NULL;
	}
	return enter_sample();
}

MP_NOINLINE struct thread *thread_enter_paused(void)
{
	bool aside = thread_is_paused();
	struct thread *t = NULL;

	if (!process_ready() || (!aside && !(load_relaxed(&all_paused) && thread_self->state == THREAD_NEW)))
		return NULL;
	/* For a moment the thread is itself: a signal handler that comes now is recorded, or finds the gate shut. */
	if (aside)
		thread_self = own;
	signal_fence();
	if (process_sampling)
		t = enter_sample();
	else if (gate_enter(thread_self))
		t = thread_self;
	else if (thread_self->state != THREAD_LIVE && !between)
		t = enter_first_or_late();
	else
		drop(MP_LOSS_NESTED);
	signal_fence();
	if (aside) {
		own = thread_self;
		thread_self = &paused_thread;
	} else if (t) {
		put_aside(t); /* one that was new, and is as paused as the others */
	}
	return t;
}

void thread_leave_sample(struct thread *t)
{
	signal_fence();
	t->sampling = false;
	if (t != thread_self)
		thread_leave_slow(t);
}

MP_NOINLINE struct thread *thread_enter_slow(void)
{
	return enter_slow(true);
}

MP_NOINLINE struct thread *thread_enter_slow_quiet(void)
{
	return enter_slow(false);
}

void thread_leave_slow(struct thread *t)
{
	fork_in_hook_over(t);
	if (t != late)
		return;
	t->open = false;
	os_unlock(&late_lock);
	signal_fence();
	between = false;
}

/* --- process --- */

bool thread_is_between(void)
{
	return between;
}

/* What is in thread_self, or would be but for a pause. */
static void set_own(struct thread *t)
{
	if (thread_is_paused())
		own = t;
	else
		thread_self = t;
}

void thread_set_aside(void)
{
	set_own(&new_thread);
}

bool thread_init(void)
{
	have_key = have_key || pthread_key_create(&key, thread_end) == 0;
	return have_key;
}

void thread_forked(void)
{
	lock.word = 0;
	late_lock.word = 0;
	late = NULL;
	between = false;
	registry = NULL;
	unused = NULL;
	live_threads = 0;
	row_chunk_count = 0;
	rows_used = 0;
	if (thread_self->state != THREAD_DEAD)
		set_own(&new_thread);
}
