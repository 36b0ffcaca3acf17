/* SPDX-License-Identifier: MIT */
/* Children that no atfork handler hears of: _Fork, and the raw system calls fork and clone. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "facts.h"

SITE static void *before_here(void)
{
	return keep(malloc(31));
}

SITE static void *child_here(void)
{
	return keep(malloc(41));
}

static pid_t start(int way)
{
	switch (way) {
	case 0:
#ifdef __NR_fork
		return (pid_t)syscall(__NR_fork);
#endif
	case 1:
		return (pid_t)syscall(__NR_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	default:
		return _Fork();
	}
}

int main(void)
{
	void *inherited[3];

	for (int i = 0; i < 3; i++)
		inherited[i] = before_here();
	for (int way = 0; way < 3; way++) {
		pid_t child = start(way);
		int status;

		require(child >= 0);
		if (child == 0) {
			int pid = (int)syscall(__NR_getpid);

			free(inherited[way]);
			for (int i = 0; i < 50; i++)
				child_here();
			fact_of(pid, "site child_here alloc_count=50 alloc_bytes=2050 live_count=50");
			fact_of(pid, "site before_here alloc_count=0");
			/* Nothing announces a raw system call: what the parent held back is counted as lost. */
			if (way == 2)
				fact_of(pid, "total inherited_count=3.. inherited_free_count=1");
			fact_of(pid, "loss unknown_free=..%d", way < 2);
			_exit(20 + way);
		}
		require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 20 + way);
	}
	fact("site before_here alloc_count=3 live_count=3");
	fact("site child_here sites=0");
	puts("done");
	return 0;
}
