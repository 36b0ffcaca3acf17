/* SPDX-License-Identifier: MIT */
/* The life of the process as seen by memprof: initialisation at the first event, fork children, the end. */
#ifndef MP_INIT_H
#define MP_INIT_H

#include <stdbool.h>

#include "thread.h"

/*
 * true: events are recorded. Initialises at the first call, and again in a fork child. false: pass through: recording
 * is off, failed, or being set up by this very call. Context: hook.
 */
bool process_ready(void);

/* Recording is off for good, and the real functions are known: hooks need do nothing but call them. */
extern bool process_passive;

/*
 * The program's free when its allocator stands in front of us: what only we define, as free_sized, must lead there, and
 * not to the next one. NULL as a rule. Set once, in the constructor.
 */
extern void (*process_free_in_front)(void *p);

/* Sampling mode: gates stay shut for good, and hooks take the path of sample.h. Set once, when recording begins. */
extern bool process_sampling;

/* Is the calling thread inside our own set-up? */
bool process_is_setting_up(void);

/* Extent of the main thread's stack. */
struct range process_stack(void);

/*
 * Writes down how the process ends: enum mp_ended and the status. Does nothing in a child that shares or inherited the
 * dump of its parent. Context: setup.
 */
void process_ending(uint32_t ended, int status);
/* The exec that was announced failed. */
void process_not_ending(void);

/* Hands over what a child of fork must find and this thread alone knows. Context: setup, signal. */
void process_before_fork(void);
/* In both processes behind it. Context: setup, signal. */
void process_after_fork(bool child);

/*
 * The program is about to shut itself into a sandbox (enum os_restriction): takes ahead what is needed later, then does
 * without the kernel as far as that goes. Context: setup.
 */
void process_restrict(uint32_t restriction);

/*
 * A signal that asks for commands came to the calling thread, at WHERE, with REGISTERS of BYTES. Does nothing in the
 * middle of a hook. Context: signal, all signals blocked.
 */
struct leak_context;
void process_interrupted(const struct leak_context *where, const void *registers, size_t bytes);

/* Called when a thread is over: hands its lock counts over. Context: setup. */
void lock_thread_end(struct thread *t);

/* Memory I, 0 .. , that holds the arguments of threads about to start. false: there is no more. Context: setup. */
bool thread_starts_part(uint32_t i, uint64_t *ret_start, uint64_t *ret_end);

/* In a fork child: no thread of the parent is starting another one here. Context: setup. */
void thread_starts_forked(void);

#endif
