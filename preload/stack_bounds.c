/* SPDX-License-Identifier: MIT */
/*
 * pthread_getattr_np is not used: it takes a lock and allocates while holding it, so calling it from the first malloc
 * of a thread can deadlock with the program's own call of it.
 */
#include "stack_bounds.h"

#include <stdbool.h>

#include "modules.h"

/*
 * A foreign stack is a readable and writable mapping. It can hold more than the stack, and the rest of it may be
 * unmapped later, so a walk never goes further than this above the stack pointer it came in with.
 */
#define FOREIGN_REACH (256ull << 10)

uint64_t stack_end_slow(struct thread *t, uint64_t sp)
{
	struct range r;

	for (unsigned i = 0; i < THREAD_STACKS; i++) {
		if (sp >= t->stacks[i].start && sp < t->stacks[i].end) {
			r = t->stacks[i];
			return r.end - sp > FOREIGN_REACH ? sp + FOREIGN_REACH : r.end;
		}
	}
	if (!modules_find_writable(sp, &r.start, &r.end))
		return 0;
	t->stacks[t->next_stack++ % THREAD_STACKS] = r;
	return r.end - sp > FOREIGN_REACH ? sp + FOREIGN_REACH : r.end;
}
