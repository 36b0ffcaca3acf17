/* SPDX-License-Identifier: MIT */
/*
 * The functions of memprof.h, and those of LeakSanitizer's interface by their own names, so that code annotated for it
 * works unchanged.
 */
#include "compiler.h"
#include "heap.h"
#include "init.h"
#include "leak_scan.h"
#include "lock_table.h"
#include "mark.h"
#include "options.h"
#include "thread.h"

/* The header declares them weak, for programs; here they are defined. */
int mp_active(void);
long mp_check_leaks(void);
void mp_mark(const char *text);
void mp_pause(void);
void mp_resume(void);
void mp_name_lock(const void *lock, const char *name);
void mp_ignore_block(const void *block);
void mp_ignore_begin(void);
void mp_ignore_end(void);
void mp_add_root_region(const void *start, size_t bytes);
void mp_remove_root_region(const void *start, size_t bytes);
void __lsan_do_leak_check(void);
int __lsan_do_recoverable_leak_check(void);
void __lsan_ignore_object(const void *block);
void __lsan_disable(void);
void __lsan_enable(void);
void __lsan_register_root_region(const void *start, size_t bytes);
void __lsan_unregister_root_region(const void *start, size_t bytes);

MP_EXPORT int mp_active(void)
{
	return process_ready();
}

/* The thread with its gate closed, registered if it was not; NULL: nothing is recorded here. leave() ends it. */
static struct thread *enter(void)
{
	struct thread *t = thread_self;

	if (!process_ready())
		return NULL;
	if (process_sampling)
		t = thread_enter_sample();
	else if (!gate_enter(t))
		t = thread_enter_slow_quiet();
	return t ? t : thread_enter_paused();
}

static void leave(struct thread *t)
{
	if (process_sampling) {
		thread_leave_sample(t);
		return;
	}
	gate_leave(t);
	if (t != thread_self)
		thread_leave_slow(t);
}

MP_EXPORT MP_NOINLINE long mp_check_leaks(void)
{
	struct leak_context context;
	struct thread *t;
	int64_t definite;

	LEAK_CONTEXT(&context);
	t = enter();
	if (!t)
		return -1;
	definite = leak_scan(MP_SCAN_API, &context);
	leave(t);
	return definite;
}

MP_EXPORT void mp_mark(const char *text)
{
	struct thread *t = text ? enter() : NULL;

	if (!t)
		return;
	mark_add(t, text, 0);
	leave(t);
}

MP_EXPORT void mp_ignore_block(const void *block)
{
	struct thread *t = block ? enter() : NULL;

	if (!t)
		return;
	heap_ignore(t, (uint64_t)block);
	leave(t);
}

MP_EXPORT void mp_name_lock(const void *lock, const char *name)
{
	struct thread *t = lock && name && lock_recording ? enter() : NULL;

	if (!t)
		return;
	/* The lock may lie in one of the newest blocks. */
	heap_flush_young(t);
	lock_name((uint64_t)lock, name);
	leave(t);
}

MP_EXPORT void mp_pause(void)
{
	if (process_ready())
		thread_pause();
}

MP_EXPORT void mp_resume(void)
{
	if (process_ready())
		thread_resume();
}

/* An end without a beginning is forgiven. */
static void change_ignoring(bool begin)
{
	struct thread *t = enter();

	if (!t)
		return;
	if (begin)
		t->ignoring++;
	else if (t->ignoring)
		t->ignoring--;
	t->careful = opt.verify || t->ignoring;
	leave(t);
}

MP_EXPORT void mp_ignore_begin(void)
{
	change_ignoring(true);
}

MP_EXPORT void mp_ignore_end(void)
{
	change_ignoring(false);
}

/* With the gate shut: a signal that asks for commands may come meanwhile, and its handler wants the same lock. */
static void change_regions(bool (*change)(uint64_t start, uint64_t bytes), const void *start, size_t bytes)
{
	struct thread *t = enter();

	change((uint64_t)start, bytes);
	if (t)
		leave(t);
}

MP_EXPORT void mp_add_root_region(const void *start, size_t bytes)
{
	change_regions(leak_add_region, start, bytes);
}

MP_EXPORT void mp_remove_root_region(const void *start, size_t bytes)
{
	change_regions(leak_remove_region, start, bytes);
}

/* LeakSanitizer's own one ends the program when it finds something; a profiler does not. */
MP_EXPORT void __lsan_do_leak_check(void)
{
	mp_check_leaks();
}

MP_EXPORT int __lsan_do_recoverable_leak_check(void)
{
	return mp_check_leaks() > 0;
}

MP_EXPORT void __lsan_ignore_object(const void *block)
{
	mp_ignore_block(block);
}

MP_EXPORT void __lsan_disable(void)
{
	mp_ignore_begin();
}

MP_EXPORT void __lsan_enable(void)
{
	mp_ignore_end();
}

MP_EXPORT void __lsan_register_root_region(const void *start, size_t bytes)
{
	mp_add_root_region(start, bytes);
}

MP_EXPORT void __lsan_unregister_root_region(const void *start, size_t bytes)
{
	mp_remove_root_region(start, bytes);
}
