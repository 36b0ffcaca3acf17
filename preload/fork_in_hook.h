/* SPDX-License-Identifier: MIT */
/*
 * A fork in the middle of a hook: by a signal handler, out of which the child returns into that hook. libc allows this
 * while there is one thread.
 */
#ifndef MP_FORK_IN_HOOK_H
#define MP_FORK_IN_HOOK_H

#include <stdbool.h>

#include "thread.h"

/* Before a fork: keeps what a hook under way on this thread needs to end in the child. Context: setup, signal. */
void fork_in_hook_before(void);
/* After it, in the parent; also if there is no child. */
void fork_in_hook_parent(void);
/*
 * In the child: true: a hook is under way. It will end with a private copy of all it uses, and what it counts is lost,
 * as it is the parent's. Until then nothing is recorded, and the child must not be set up.
 */
bool fork_in_hook_child(void);
bool fork_in_hook_pending(void);
/* The hook that had T is over. Context: hook. */
void fork_in_hook_over(const struct thread *t);

#endif
