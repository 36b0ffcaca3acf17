/* SPDX-License-Identifier: MIT */
/* A vfork child gives up privileges before it becomes another program: a matter of that program, not of its parent. */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "facts.h"
#include "sibling.h"

SITE static void *around_here(void)
{
	return keep(malloc(70));
}

SITE static void *forked_here(void)
{
	return keep(malloc(71));
}

int main(void)
{
	const char *leaf = sibling("exec_leaf");
	int status = 0;
	pid_t child;

	around_here();
	child = vfork();
	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
			execl(leaf, leaf, "vforked", (char *)NULL);
		_exit(44);
	}
	require(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
	/* The parent is not in a sandbox: its children are recorded as ever. */
	child = fork();
	require(child >= 0);
	if (child == 0) {
		forked_here();
		fact("site forked_here alloc_count=1 live_bytes=71");
		fact("process ended=exit exit_status=5");
		_exit(5);
	}
	require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
	around_here();
	puts("done");
	fact("site around_here alloc_count=2 alloc_bytes=140");
	fact("process ended=exit exit_status=0");
	return 0;
}
