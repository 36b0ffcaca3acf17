/* SPDX-License-Identifier: MIT */
/* A child killed by SIGKILL in the middle of the work, which counts in shared memory what it did. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "facts.h"
#include "sibling.h"

#define ENOUGH 300000

SITE static void *killed_here(void)
{
	return keep(malloc(48));
}

static void work(long *done)
{
	for (;;) {
		void *block = killed_here();

		__atomic_store_n(done, *done + 1, __ATOMIC_RELEASE);
		if (*done % 4)
			free(block);
	}
}

int main(int argc, char **argv)
{
	long *done;
	pid_t child;
	int status;

	(void)argv;
	if (argc > 1) { /* the child: descriptor 4 is the shared memory */
		done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 4, 0);
		require(done != MAP_FAILED);
		work(done);
	}
	require(dup2(memfd_create("counts", 0), 4) == 4 && ftruncate(4, 4096) == 0);
	done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 4, 0);
	require(done != MAP_FAILED);
	child = fork();
	require(child >= 0);
	if (child == 0) {
		execl("/proc/self/exe", "kill_mid", "child", (char *)NULL);
		_exit(99);
	}
	while (__atomic_load_n(done, __ATOMIC_ACQUIRE) < ENOUGH)
		usleep(1000);
	kill(child, SIGKILL);
	require(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* At most one allocation and one free were made and not yet counted by one side. */
	fact_of(child, "site killed_here alloc_count=%ld..%ld free_count=%ld..%ld", *done, *done + 1,
		*done - (*done + 3) / 4 - 1, *done - *done / 4 + 1);
	fact_of(child, "process ended=killed");
	puts("done");
	return 0;
}
