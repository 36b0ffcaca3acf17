/* SPDX-License-Identifier: MIT */
/*
 * OpenMP (P2, P32): critical sections with and without a name, locks of both kinds, a barrier. Built with gcc, whose
 * library enters the kernel by itself, and with clang.
 */
#include <omp.h>
#include <sched.h>

#include "facts.h"

#define THREADS 2
#define ROUNDS  5
#define HOLD_NS 3000000u

static int entered, tried;
static omp_lock_t the_lock;
static omp_nest_lock_t the_nest_lock;

/* The thread that gets in first sleeps until the other one is on its way to where it must wait. */
static void hold(void)
{
	struct timespec time = { 0, HOLD_NS };

	if (__atomic_add_fetch(&entered, 1, __ATOMIC_ACQ_REL) == 1) {
		while (__atomic_load_n(&tried, __ATOMIC_ACQUIRE) < THREADS)
			sched_yield();
		nanosleep(&time, NULL);
	}
}

static void about_to(void)
{
	__atomic_add_fetch(&tried, 1, __ATOMIC_ACQ_REL);
}

SITE static void critical_here(void)
{
	about_to();
#pragma omp critical
	hold();
	keep(&entered);
}

SITE static void named_here(void)
{
	about_to();
#pragma omp critical(the_name)
	hold();
	keep(&entered);
}

SITE static void lock_here(void)
{
	about_to();
	omp_set_lock(&the_lock);
	hold();
	omp_unset_lock(&the_lock);
	keep(&entered);
}

SITE static void nest_lock_here(void)
{
	about_to();
	omp_set_nest_lock(&the_nest_lock);
	require(omp_test_nest_lock(&the_nest_lock) == 2);
	hold();
	omp_unset_nest_lock(&the_nest_lock);
	omp_unset_nest_lock(&the_nest_lock);
	keep(&entered);
}

SITE static void barrier_here(void)
{
	struct timespec time = { 0, HOLD_NS };

	if (omp_get_thread_num() == 0)
		nanosleep(&time, NULL);
#pragma omp barrier
	keep(&entered);
}

#define IN_PARALLEL(call)                                    \
	for (int i = 0; i < ROUNDS; i++) {                   \
		entered = 0;                                 \
		tried = 0;                                   \
		_Pragma("omp parallel num_threads(2)") call; \
		require(entered == 0 || entered == THREADS); \
	}

int main(int argc, char **argv)
{
	int sections = argc > 1 && strcmp(argv[1], "sections") == 0;

	omp_set_dynamic(0);
	omp_init_lock(&the_lock);
	omp_init_nest_lock(&the_nest_lock);
	IN_PARALLEL(critical_here());
	IN_PARALLEL(named_here());
	IN_PARALLEL(lock_here());
	IN_PARALLEL(nest_lock_here());
	IN_PARALLEL(barrier_here());
	require(omp_test_lock(&the_lock));
	omp_unset_lock(&the_lock);
	/* What clang calls for sections and barriers is not recorded. */
	if (sections) {
		fact("waiter * in=critical_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("waiter * in=named_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("waiter * in=barrier_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("culprit * in=critical_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("culprit * in=named_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("culprit * in=barrier_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
	}
	fact("lock the_lock acquisitions=%d contentions=%d wait_ns=%u..", THREADS * ROUNDS + 1, ROUNDS,
	     ROUNDS * HOLD_NS / 2);
	fact("waiter the_lock in=lock_here count=%d", ROUNDS);
	fact("culprit the_lock in=lock_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
	fact("culprit the_nest_lock in=nest_lock_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
	fact("waiter the_nest_lock in=nest_lock_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
	omp_destroy_lock(&the_lock);
	omp_destroy_nest_lock(&the_nest_lock);
	puts("ok");
	return 0;
}
