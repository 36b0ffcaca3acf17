/* SPDX-License-Identifier: MIT */
/* Commands from outside, by memprof-analyze control. */
#ifndef MP_CONTROL_H
#define MP_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "dump_map.h"
#include "leak_scan.h"
#include "thread.h"

/*
 * The dump is the letter box: it is there anyway, mapped by this process, and nobody but its owner can write to it. So
 * there is no socket, no further file, no thread that would count as one of the program's, and nothing to clean up. A
 * command is noticed by a load where threads pass a slow path: about every 256 allocations of a thread, before each
 * wait for a lock, at each sample, and at every call while recording is off. A process that does none of this answers
 * only to a signal, which must have been asked for.
 */

extern uint32_t control_seen; /* number of the last command that was taken */

/* Is there a command? Context: hook, signal; there is a dump. */
static inline bool control_pending(void)
{
	return unlikely(load_relaxed(&dump_header()->control.request) != load_relaxed(&control_seen));
}

/*
 * Does what it says, and answers, unless another thread is at it. T: the state of the calling thread, its gate closed
 * if it has one. WHERE: where the program was interrupted; NULL: the caller is called by it. Context: hook (slow path),
 * signal.
 */
void control_answer(struct thread *t, const struct leak_context *where);

/* Opens the letter box of a new dump; recording is on, or off with MEMPROF_MODE=dormant. Context: setup. */
void control_init(void);
/* Installs the handler of MEMPROF_CONTROL_SIGNAL. Context: setup, in the constructor. */
void control_init_signal(void);

#endif
