/* SPDX-License-Identifier: MIT */
/*
 * A thread comes into a critical section that is free while another one is still asleep on its way in: it has not
 * waited. That this one does not wake up in time is made sure by a signal handler that keeps it.
 */
#include <omp.h>
#include <signal.h>

#include "meet.h"

#define ROUNDS   20
#define PAUSE_NS 12000000u /* so that memprof has a point of the timeline to make, which takes a while, at each call */

static int go, kept, let_go, done, waiter_tid;

static void keep_here(int signal)
{
	int round = __atomic_load_n(&go, __ATOMIC_ACQUIRE);

	(void)signal;
	__atomic_store_n(&kept, round, __ATOMIC_RELEASE);
	await(&let_go, round);
}

SITE static void wait_here(int round)
{
	await(&go, round);
#pragma omp critical
	keep(&go);
	__atomic_store_n(&done, round, __ATOMIC_RELEASE);
}

SITE static void hold_here(int round)
{
#pragma omp critical
	{
		__atomic_store_n(&go, round, __ATOMIC_RELEASE);
		while (!is_asleep(__atomic_load_n(&waiter_tid, __ATOMIC_ACQUIRE)))
			sched_yield();
		require(syscall(SYS_tgkill, getpid(), waiter_tid, SIGUSR1) == 0);
		await(&kept, round);
	}
	keep(&go);
}

SITE static void barge_here(int round)
{
	pass_time(PAUSE_NS);
#pragma omp critical
	keep(&done);
	__atomic_store_n(&let_go, round, __ATOMIC_RELEASE);
	await(&done, round);
}

int main(void)
{
	const struct sigaction action = { .sa_handler = keep_here, .sa_flags = SA_RESTART };

	omp_set_dynamic(0);
	require(sigaction(SIGUSR1, &action, NULL) == 0);
#pragma omp parallel num_threads(2)
	{
		require(omp_get_num_threads() == 2);
		if (omp_get_thread_num() == 1)
			__atomic_store_n(&waiter_tid, gettid(), __ATOMIC_RELEASE);
#pragma omp barrier
		for (int round = 1; round <= ROUNDS; round++) {
			if (omp_get_thread_num() == 1) {
				wait_here(round);
			} else {
				hold_here(round);
				barge_here(round);
			}
		}
	}
	fact("waiter * in=wait_here count=%d", ROUNDS);
	/* Without any look into the section, time is what tells it: a thread that is delayed right there counts. */
	fact("waiter * in=barge_here count=..%d", ROUNDS / 2);
	puts("ok");
	return 0;
}
