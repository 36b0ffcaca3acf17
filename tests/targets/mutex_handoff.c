/* SPDX-License-Identifier: MIT */
/* Contention of a known number on a static mutex. */
#include "handoff.h"

#define ROUNDS 200

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

int main(void)
{
	unsigned long waited_ns = handoff_run(&the_lock, ROUNDS, wait_here);

	fact("lock the_lock kind=mutex acquisitions=%d contentions=%d trylock_failures=0 timeouts=0 wait_ns=%lu..%lu "
	     "wait_max_ns=%u..%lu",
	     2 * ROUNDS, ROUNDS, ROUNDS * (unsigned long)HANDOFF_HOLD_NS, waited_ns, HANDOFF_HOLD_NS, waited_ns);
	fact("waiter the_lock in=wait_here count=%d wait_ns=%lu..%lu", ROUNDS, ROUNDS * (unsigned long)HANDOFF_HOLD_NS,
	     waited_ns);
	fact("waiter the_lock count=%d", ROUNDS);
	return 0;
}
