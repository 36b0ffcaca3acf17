/* SPDX-License-Identifier: MIT */
/* Stands in for the parts of the preload that interpose functions and set up processes, which a test cannot have. */
#include "preload_doubles.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drop.h"
#include "dump_map.h"
#include "frame_fallback.h"
#include "heap.h"
#include "init.h"
#include "leak_scan.h"
#include "modules.h"
#include "options.h"
#include "rules.h"
#include "thread.h"
#include "timeline.h"
#include "unit_util.h"
#include "verify.h"

bool process_ready(void)
{
	return dump_base != NULL;
}

bool process_is_setting_up(void)
{
	return false;
}

struct range process_stack(void)
{
	struct range r = { 0, 0 };

	if (!modules_find_writable((uint64_t)__builtin_frame_address(0), &r.start, &r.end))
		ck_abort_msg("the stack is not in /proc/self/maps");
	return r;
}

/* --- for mark.c and control.c --- */

struct mp_thread preload_sum;
struct preload_calls preload_calls;
int64_t preload_verdict;
void (*preload_while_searching)(void);
static bool all_paused;

void thread_sum(struct mp_thread *ret_sum)
{
	*ret_sum = preload_sum;
}

bool thread_pause_all(bool pause)
{
	bool was = all_paused;

	all_paused = pause;
	return was != pause;
}

bool thread_all_paused(void)
{
	return all_paused;
}

void thread_refresh_all_names(void)
{
	preload_calls.name_refreshes++;
}

void heap_flush(struct thread *t)
{
	(void)t;
	preload_calls.flushes++;
}

void timeline_final(uint64_t now_ns)
{
	(void)now_ns;
	preload_calls.last_ticks++;
}

int64_t leak_scan(enum mp_scan_trigger trigger, const struct leak_context *context)
{
	ck_assert_ptr_nonnull(context);
	preload_calls.searches++;
	preload_calls.trigger = trigger;
	if (preload_while_searching)
		preload_while_searching();
	return preload_verdict;
}

void process_interrupted(const struct leak_context *where, const void *registers, size_t bytes)
{
	ck_assert_uint_ne(where->sp, 0);
	ck_assert_ptr_nonnull(registers);
	ck_assert_uint_gt(bytes, 0);
	preload_calls.interruptions++;
}

void preload_new_dump(uint64_t max_bytes)
{
	char directory[512];
	char pattern[600];

	unit_make_directory(directory, sizeof(directory));
	snprintf(pattern, sizeof(pattern), "%s/dump", directory);
	opt.max_dump = max_bytes;
	dump_base = NULL;
	ck_assert(dump_create(pattern, "unit"));
	unit_remove_directory(directory);
}

void preload_start_walking(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	preload_new_dump(256ull << 20);
	ck_assert(rules_init(0));
	ck_assert(frame_fallback_init());
	verify_init();
}

const struct mp_chunk *preload_chunk(enum mp_chunk_kind kind, unsigned n)
{
	uint64_t at = MP_HEADER_BYTES;

	while (at < dump_header()->used_bytes) {
		const struct mp_chunk *chunk = (const void *)(dump_base + at);

		ck_assert_uint_ge(chunk->bytes, sizeof(*chunk));
		if (chunk->kind == kind && n-- == 0)
			return chunk;
		at += chunk->bytes;
	}
	ck_assert_uint_eq(at, dump_header()->used_bytes);
	return NULL;
}

const void *preload_row(enum mp_chunk_kind kind, uint64_t number, size_t row_bytes)
{
	const struct mp_chunk *chunk;

	for (unsigned n = 0; (chunk = preload_chunk(kind, n)); n++) {
		ck_assert_uint_eq(chunk->row_bytes, row_bytes);
		if (number >= chunk->first && number < chunk->first + chunk->rows)
			return (const char *)(chunk + 1) + (number - chunk->first) * row_bytes;
	}
	ck_abort_msg("no row %llu of kind %d", (unsigned long long)number, (int)kind);
	return NULL;
}

uint64_t preload_losses(enum mp_loss_reason reason)
{
	static struct mp_loss rows[MP_LOSS_COUNT - 1];
	static bool attached;

	if (!attached)
		drop_attach(rows);
	attached = true;
	return rows[reason - 1].count;
}

const char *preload_stderr(void (*run)(const void *data), const void *data)
{
	static char text[16384];
	size_t used = 0;
	int pipe_ends[2];
	int status;
	ssize_t n;
	pid_t child;

	ck_assert_int_eq(pipe(pipe_ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(pipe_ends[1], 2);
		close(pipe_ends[0]);
		close(pipe_ends[1]);
		run(data);
		_exit(0);
	}
	close(pipe_ends[1]);
	while ((n = read(pipe_ends[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	close(pipe_ends[0]);
	text[used] = '\0';
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x: %s", (unsigned)status, text);
	return text;
}
