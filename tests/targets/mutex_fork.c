/* SPDX-License-Identifier: MIT */
/*
 * fork out of a program whose threads contend, while this thread has a contended mutex (P26): the child has it too, and
 * contends with a thread of its own; a vfork child only execs.
 */
#include <sys/wait.h>

#include "handoff.h"

#define ROUNDS       20
#define CHILD_ROUNDS 5

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t noise = PTHREAD_MUTEX_INITIALIZER;
static int stop;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

static void *make_noise(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		pthread_mutex_lock(&noise);
		sched_yield();
		pthread_mutex_unlock(&noise);
	}
	return arg;
}

static void child(void)
{
	pthread_mutex_unlock(&the_lock);
	handoff_run(&the_lock, CHILD_ROUNDS, wait_here);
	fact("lock the_lock contentions=%d", CHILD_ROUNDS);
	fact("waiter the_lock in=wait_here count=%d", CHILD_ROUNDS);
	fact("process ended=exit");
	exit(0);
}

int main(void)
{
	pthread_t threads[2];
	int status;
	pid_t pid;

	for (int i = 0; i < 2; i++)
		require(pthread_create(&threads[i], NULL, make_noise, NULL) == 0);
	handoff_run(&the_lock, ROUNDS, wait_here);
	require(pthread_mutex_lock(&the_lock) == 0);
	pid = fork();
	if (pid == 0)
		child();
	require(pthread_mutex_unlock(&the_lock) == 0);
	require(waitpid(pid, &status, 0) == pid && status == 0);
	pid = vfork();
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	require(waitpid(pid, &status, 0) == pid && status == 0);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	fact("lock the_lock contentions=%d acquisitions=%d", ROUNDS, 2 * ROUNDS + 1);
	fact("waiter the_lock in=wait_here count=%d", ROUNDS);
	return 0;
}
