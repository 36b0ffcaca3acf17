/* SPDX-License-Identifier: MIT */
/*
 * A semaphore that two processes share: the child waits for it, the parent posts, and tells so of each post that
 * somebody of another process waited for. Of posts to its own threads, and of those that nobody waits for, it does not.
 */
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "meet.h"

#define ROUNDS 5
#define EARLY  3 /* posts before anybody waits */

struct shared {
	sem_t sem;
	sem_t own; /* shared, too, but all who use it are of one process */
	int tid;
	int done;
};

SITE static void wait_here(struct shared *s)
{
	require(sem_wait(&s->sem) == 0);
	keep(s);
}

SITE static void post_here(struct shared *s)
{
	require(sem_post(&s->sem) == 0);
	keep(s);
}

SITE static void post_early_here(struct shared *s)
{
	for (int i = 0; i < EARLY; i++)
		require(sem_post(&s->sem) == 0);
	keep(s);
}

static struct shared *shared;

SITE static void wait_own_here(void)
{
	require(sem_wait(&shared->own) == 0);
}

SITE static void post_own_here(void)
{
	require(sem_post(&shared->own) == 0);
}

static void child(struct shared *s)
{
	for (int i = 0; i < EARLY; i++)
		require(sem_wait(&s->sem) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		__atomic_store_n(&s->tid, getpid(), __ATOMIC_RELEASE);
		wait_here(s);
		__atomic_store_n(&s->tid, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&s->done, i, __ATOMIC_RELEASE);
	}
	fact("waiter * in=wait_here count=%d wait_ns=%lu..", ROUNDS, (unsigned long)ROUNDS * MEET_NS / 2);
	_exit(0);
}

int main(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	require(s != MAP_FAILED && sem_init(&s->sem, 1, 0) == 0 && sem_init(&s->own, 1, 0) == 0);
	post_early_here(s);
	pid = fork();
	require(pid >= 0);
	if (pid == 0)
		child(s);
	for (int i = 1; i <= ROUNDS; i++) {
		while (__atomic_load_n(&s->tid, __ATOMIC_ACQUIRE) != pid || !is_process_asleep(pid))
			sched_yield();
		pass_time(MEET_NS);
		post_here(s);
		await(&s->done, i);
	}
	require(waitpid(pid, NULL, 0) == pid);
	shared = s;
	meet_run(ROUNDS, NULL, wait_own_here, post_own_here);
	puts("ok");
	return 0;
}
