/* SPDX-License-Identifier: MIT */
/* Starts others in every way: a child that only forks, one that forks and execs, one spawned, one by system(). */
#include <spawn.h>
#include <sys/wait.h>

#include "facts.h"
#include "sibling.h"

SITE static void *parent_here(void)
{
	return keep(malloc(30));
}

SITE static void *child_here(void)
{
	return keep(malloc(40));
}

static int ended(pid_t child)
{
	int status = 0;

	require(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

int main(void)
{
	char *arguments[] = { "exec_leaf", "spawned", NULL };
	const char *leaf = sibling("exec_leaf");
	char command[PATH_MAX + 16];
	pid_t child;

	parent_here();
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 3; i++)
			child_here();
		exit(5);
	}
	require(ended(child) == 5);
	child = fork();
	if (child == 0) {
		child_here();
		execl(leaf, "exec_leaf", "forked", (char *)NULL);
		_exit(99);
	}
	require(ended(child) == 3);
	require(posix_spawn(&child, leaf, NULL, NULL, arguments, environ) == 0);
	require(ended(child) == 3);
	snprintf(command, sizeof(command), "'%s' system", leaf);
	require(WEXITSTATUS(system(command)) == 3);
	fact("site parent_here alloc_count=1");
	fact("site child_here sites=0");
	puts("done");
	return 0;
}
