/* SPDX-License-Identifier: MIT */
/*
 * A child of four threads, killed by SIGKILL in the middle of the work. Each thread counts in shared memory, before and
 * after each call, how many it began and how many it has finished: what was finished must be in the dump, and no more
 * than was begun. argv[1]: how many allocations to wait for.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "facts.h"

#define THREADS 4

struct counts {
	long begun;
	long finished;
	long frees_begun;
	long frees_finished;
	char room[96]; /* a cache line, and its neighbour, for each thread */
};

static struct counts *counts;

SITE static void *killed_here(void)
{
	return keep(malloc(48));
}

static void add(long *count)
{
	__atomic_store_n(count, *count + 1, __ATOMIC_SEQ_CST);
}

static void *work(void *argument)
{
	struct counts *mine = argument;
	char name[16];

	snprintf(name, sizeof(name), "worker-%d", (int)(mine - counts));
	if (mine > counts)
		prctl(PR_SET_NAME, name);
	for (long i = 0;; i++) {
		void *block;

		add(&mine->begun);
		block = killed_here();
		add(&mine->finished);
		if (i % 4 == 0)
			continue;
		add(&mine->frees_begun);
		free(block);
		add(&mine->frees_finished);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long enough = argc > 1 ? atol(argv[1]) : 100000;
	struct counts sum = { 0 };
	pid_t child;
	int status;

	counts = mmap(NULL, THREADS * sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	require(counts != MAP_FAILED);
	child = fork();
	require(child >= 0);
	if (child == 0) {
		pthread_t thread;

		for (int i = 1; i < THREADS; i++)
			require(pthread_create(&thread, NULL, work, &counts[i]) == 0);
		work(&counts[0]);
	}
	for (int i = 0; i < THREADS; i++)
		while (__atomic_load_n(&counts[i].finished, __ATOMIC_ACQUIRE) < enough / THREADS)
			usleep(200);
	kill(child, SIGKILL);
	require(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (int i = 0; i < THREADS; i++)
		/* The first one is the main thread, which has allocated for libc, too. */
		if (i > 0)
			fact_of(child, "thread worker-%d alloc_count=%ld..%ld free_count=%ld..%ld", i,
				counts[i].finished, counts[i].begun, counts[i].frees_finished, counts[i].frees_begun);
	for (int i = 0; i < THREADS; i++) {
		sum.finished += counts[i].finished;
		sum.begun += counts[i].begun;
		sum.frees_finished += counts[i].frees_finished;
		sum.frees_begun += counts[i].frees_begun;
	}
	fact_of(child, "site killed_here alloc_count=%ld..%ld free_count=%ld..%ld", sum.finished, sum.begun,
		sum.frees_finished, sum.frees_begun);
	fact_of(child, "process ended=killed");
	puts("done");
	return 0;
}
