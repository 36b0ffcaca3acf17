/* SPDX-License-Identifier: MIT */
/* daemon() of libc: the parent ends inside it, by no function that anybody could stand in front of. */
#include <fcntl.h>
#include <sys/wait.h>

#include "facts.h"

SITE static void *before_here(void)
{
	return keep(malloc(50));
}

SITE static void *daemon_here(void)
{
	return keep(malloc(51));
}

int main(void)
{
	int ends[2];
	char byte;
	pid_t child;

	require(pipe(ends) == 0);
	child = fork();
	require(child >= 0);
	if (child == 0) {
		before_here();
		fact("site before_here alloc_count=1 live_bytes=50");
		fact("process ended=exit exit_status=0");
		/* Neither the directory nor the standard streams are changed: descriptor 3 stays. */
		if (daemon(1, 1) != 0)
			_exit(1);
		daemon_here();
		daemon_here();
		fact("site daemon_here alloc_count=2 live_bytes=102");
		fact("process ended=exit exit_status=4");
		_exit(4);
	}
	require(waitpid(child, NULL, 0) == child);
	/* The daemon has ended when nobody has the pipe any more. */
	close(ends[1]);
	require(read(ends[0], &byte, 1) == 0);
	/* And its file has its last word a moment before that: the daemon's _exit() writes it. */
	puts("done");
	return 0;
}
