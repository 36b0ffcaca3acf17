/* SPDX-License-Identifier: MIT */
/* A spinlock: the time that a thread burns is a wait. */
#include "meet.h"

#define ROUNDS  5
#define HOLD_NS 2000000u

static pthread_spinlock_t the_spin;
static int round_begun, done;
static struct wait_ahead waits[ROUNDS + 1];
static uint64_t waited_ns;

SITE static void wait_here(void)
{
	require(pthread_spin_lock(&the_spin) == 0);
	keep((void *)&the_spin);
}

SITE static void give_here(void)
{
	pthread_spin_unlock(&the_spin);
	keep((void *)&the_spin);
}

static void *waiter(void *unused)
{
	(void)unused;
	for (int i = 1; i <= ROUNDS; i++) {
		uint64_t start;

		await(&round_begun, i);
		start = now_ns();
		about_to_wait(&waits[i]);
		wait_here();
		waited_ns += now_ns() - start;
		pthread_spin_unlock(&the_spin);
		__atomic_store_n(&done, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	require(pthread_spin_init(&the_spin, PTHREAD_PROCESS_PRIVATE) == 0);
	require(pthread_create(&thread, NULL, waiter, NULL) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		pthread_spin_lock(&the_spin);
		__atomic_store_n(&round_begun, i, __ATOMIC_RELEASE);
		let_it_get_there(&waits[i]);
		pass_time(HOLD_NS);
		give_here();
		await(&done, i);
	}
	pthread_join(thread, NULL);
	require(pthread_spin_trylock(&the_spin) == 0);
	require(pthread_spin_trylock(&the_spin) == EBUSY);
	pthread_spin_unlock(&the_spin);
	fact("lock the_spin kind=spinlock category=contention acquisitions=%d contentions=%d trylock_failures=1 "
	     "wait_ns=%lu..%lu",
	     2 * ROUNDS + 1, ROUNDS, (unsigned long)ROUNDS * HOLD_NS, (unsigned long)waited_ns);
	fact("waiter the_spin in=wait_here count=%d", ROUNDS);
	fact("culprit the_spin in=give_here count=%d wait_ns=%lu..", ROUNDS, (unsigned long)ROUNDS * HOLD_NS);
	puts("ok");
	return 0;
}
