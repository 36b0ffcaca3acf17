/* SPDX-License-Identifier: MIT */
/* All memory of the process is locked, what it will map later too: time and results are as ever, counts are exact. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "facts.h"

SITE static void *locked_here(size_t bytes)
{
	return keep(malloc(bytes));
}

static void *thread(void *arg)
{
	for (int i = 0; i < 1000; i++)
		locked_here(100);
	return arg;
}

int main(void)
{
	pthread_t other;
	struct rlimit limit;
	int status = 0;
	pid_t child;

	/* A limit that is enough now is not for the stack of another thread. */
	require(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	if ((geteuid() != 0 && limit.rlim_cur != RLIM_INFINITY) || mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
		puts("not locked");
		return 0;
	}
	for (int i = 0; i < 1000; i++)
		locked_here(100);
	require(pthread_create(&other, NULL, thread, NULL) == 0 && pthread_join(other, NULL) == 0);
	child = fork();
	require(child >= 0);
	if (child == 0) {
		locked_here(10);
		fact("site locked_here alloc_count=1 live_bytes=10");
		_exit(0);
	}
	require(waitpid(child, &status, 0) == child && status == 0);
	puts("done");
	fact("site locked_here alloc_count=2000 live_bytes=200000");
	return 0;
}
