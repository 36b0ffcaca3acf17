/* SPDX-License-Identifier: MIT */
/* The start of the hooks of locks and waits: which functions they lead to, before and after set-up. */
#include "sync.h"

#include "arrivals.h"
#include "capture.h"
#include "init.h"

/*
 * The real function, also before the table of them is complete: when this call comes from inside the look-up, from
 * another thread meanwhile, or from an allocator that is starting. That one is looked up for itself then: to look up
 * all, some of which may be missing, makes the loader allocate memory for its error messages, and an allocator that
 * stands in front of us may hold its own lock while it starts (tcmalloc does). The loader guards itself with its own
 * lock, not with one that comes through here.
 */
#define X(name, result, parameters, arguments)                                  \
	static MP_COLD result start_##name parameters                           \
	{                                                                       \
		__typeof__(real.name) f = REAL_SO_FAR(name);                    \
                                                                                \
		return (f ? f : (__typeof__(f))real_find_sync(#name))arguments; \
	}
REAL_SYNC_FUNCTIONS(X)
#undef X

#define X(name, result, parameters, arguments) .name = start_##name,
struct sync_next sync_next = { REAL_SYNC_FUNCTIONS(X) };
#undef X

bool sync_started;

MP_COLD bool sync_start(void)
{
	if (real_is_ready())
		process_ready();
	return lock_recording;
}

void sync_init(bool recording)
{
#define X(name, result, parameters, arguments) sync_next.name = real.name;
	REAL_SYNC_FUNCTIONS(X)
#undef X
	if (recording) {
		rwlock_init();
		barrier_init();
		sem_learn();
	}
	/* Once: a fork child without a dump comes here again, where its allocator may not be called yet. */
	if (!load_acquire(&sync_started))
		omp_init();
	futex_init(recording);
	store_release(&sync_started, true);
}

void sync_forked(void)
{
	arrivals_forked();
	join_forked();
	once_forked();
	omp_forked();
}

uint64_t sync_address_of_stack(struct thread *t, const struct regs *regs)
{
	return capture(t, regs) >> 1 << 1 | 1ull << 63;
}
