/* SPDX-License-Identifier: MIT */
/*
 * OpenMP (P2, P32): critical and ordered sections, locks of both kinds, barriers, waits for tasks. Built with gcc,
 * whose library enters the kernel by itself, and with clang.
 */
#include <omp.h>

#include "meet.h"

#define THREADS 2
#define ROUNDS  5
#define HOLD_NS 3000000u

static int entered;
static struct wait_ahead second; /* the thread that has to wait */
static omp_lock_t the_lock;
static omp_nest_lock_t the_nest_lock;

static void hold(void)
{
	let_it_get_there(&second);
	pass_time(HOLD_NS);
}

/* The other thread wants to come in when this one is inside. */
static void come_second(void)
{
	if (omp_get_thread_num() == 0)
		return;
	await(&entered, 1);
	about_to_wait(&second);
}

static void come_in(void)
{
	if (__atomic_add_fetch(&entered, 1, __ATOMIC_ACQ_REL) == 1)
		hold();
}

SITE static void critical_here(void)
{
	come_second();
#pragma omp critical
	come_in();
	keep(&entered);
}

SITE static void named_here(void)
{
	come_second();
#pragma omp critical(the_name)
	come_in();
	keep(&entered);
}

SITE static void lock_here(void)
{
	come_second();
	omp_set_lock(&the_lock);
	come_in();
	omp_unset_lock(&the_lock);
	keep(&entered);
}

SITE static void nest_lock_here(void)
{
	come_second();
	omp_set_nest_lock(&the_nest_lock);
	require(omp_test_nest_lock(&the_nest_lock) == 2);
	come_in();
	omp_unset_nest_lock(&the_nest_lock);
	omp_unset_nest_lock(&the_nest_lock);
	keep(&entered);
}

SITE static void barrier_here(void)
{
	if (omp_get_thread_num() == 0)
		hold();
	else
		about_to_wait(&second);
#pragma omp barrier
	keep(&entered);
}

/* The task is the other thread's, which is at the barrier. */
static int task_runs;

static void task(void)
{
	__atomic_store_n(&task_runs, 1, __ATOMIC_RELEASE);
	hold();
}

static void until_task_runs(void)
{
	await(&task_runs, 1);
	__atomic_store_n(&task_runs, 0, __ATOMIC_RELEASE);
	about_to_wait(&second);
}

SITE static void taskwait_here(void)
{
#pragma omp task
	task();
	until_task_runs();
#pragma omp taskwait
	keep(&task_runs);
}

SITE static void taskgroup_here(void)
{
#pragma omp taskgroup
	{
#pragma omp task
		task();
		until_task_runs();
	}
	keep(&task_runs);
}

static void tasks(void)
{
	if (omp_get_thread_num() == 0) {
		taskwait_here();
		second.tid = 0;
		taskgroup_here();
	}
#pragma omp barrier
}

static void iterate(int i)
{
	if (i == 0)
		hold();
	else
		about_to_wait(&second);
}

SITE static void ordered_here(void)
{
#pragma omp for ordered schedule(static, 1)
	for (int i = 0; i < THREADS; i++) {
		iterate(i);
#pragma omp ordered
		keep(&entered);
	}
	keep(&entered);
}

SITE static void loop_here(void)
{
#pragma omp for schedule(dynamic, 1)
	for (int i = 0; i < THREADS; i++)
		iterate(i);
	keep(&entered);
}

#define IN_PARALLEL(call)                                    \
	for (int i = 0; i < ROUNDS; i++) {                   \
		entered = 0;                                 \
		second.tid = 0;                              \
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
	IN_PARALLEL(tasks());
	IN_PARALLEL(ordered_here());
	IN_PARALLEL(loop_here());
	require(omp_test_lock(&the_lock));
	omp_unset_lock(&the_lock);
	/* What clang calls for sections and barriers is not recorded. */
	if (sections) {
		fact("waiter * in=critical_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("waiter * in=named_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("waiter * in=barrier_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("waiter * in=taskwait_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("waiter * in=taskgroup_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
		fact("waiter * in=ordered_here wait_ns=%u..", ROUNDS * HOLD_NS / 2);
		fact("culprit * in=ordered_here wait_ns=%u..", ROUNDS * HOLD_NS / 2);
		fact("waiter * in=loop_here count=%d wait_ns=%u..", ROUNDS, ROUNDS * HOLD_NS / 2);
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
