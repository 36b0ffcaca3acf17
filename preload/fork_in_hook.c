/* SPDX-License-Identifier: MIT */
/* The hook goes on with copies: of the state of its thread, and of the dump. */
#include "fork_in_hook.h"

#include "atomic.h"
#include "compiler.h"
#include "dump_map.h"
#include "os.h"

/*
 * The state of a thread is wiped in the child, so that no hook records there what is not set up; but this one goes on.
 * With several threads libc gives no such promise, so there is room for one at a time.
 */
static struct thread *owner; /* whose state is in the copy; NULL = none */
static struct thread *copy;
static struct thread *interrupted; /* the state that the hook under way has, in the child; NULL as a rule */

void fork_in_hook_before(void)
{
	struct thread *t = thread_own();
	struct thread *nobody = NULL;

	if (t->state != THREAD_LIVE || !cas_acquire(&owner, &nobody, t))
		return;
	copy = os_map(sizeof(*copy));
	if (copy)
		__builtin_memcpy(copy, t, sizeof(*t));
	else
		store_release(&owner, NULL);
}

static void drop_copy(void)
{
	os_unmap(copy, sizeof(*copy));
	store_release(&owner, NULL);
}

void fork_in_hook_parent(void)
{
	if (load_relaxed(&owner) == thread_own())
		drop_copy();
}

bool fork_in_hook_child(void)
{
	struct thread *t = thread_own();

	if (owner != t) {
		owner = NULL; /* nor is any other thread here */
		return false;
	}
	os_forked();
	dump_make_private();
	__builtin_memcpy(t, copy, sizeof(*t));
	drop_copy();
	interrupted = t;
	thread_set_aside();
	return true;
}

bool fork_in_hook_pending(void)
{
	struct thread *t = load_relaxed(&interrupted);

	if (likely(!t))
		return false;
	/* A handler may also leave by longjmp: then nobody ends the hook. */
	if (thread_gate_abandoned(t))
		fork_in_hook_over(t);
	return interrupted != NULL;
}

void fork_in_hook_over(const struct thread *t)
{
	if (t == interrupted)
		interrupted = NULL;
}
