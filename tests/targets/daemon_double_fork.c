/* SPDX-License-Identifier: MIT */
/*
 * How daemons start: fork, setsid, fork, chdir, umask, every descriptor closed, 0 to 2 opened anew. The last process
 * works, writes files of its own, and writes its facts to the file "facts" because descriptor 3 is gone.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "spread.h"

SITE static void *daemon_here(void)
{
	return keep(malloc(12));
}

static void work(const char *directory)
{
	char text[32];

	require(chdir("/") == 0);
	umask(0);
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
	require(open("/dev/null", O_RDWR) == 0 && dup(0) == 1 && dup(0) == 2);
	require(chdir(directory) == 0);
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "own-%d", i);
		require(open(text, O_RDWR | O_CREAT | O_TRUNC, 0600) == 3 + i);
	}
	for (int path = 0; path < 32768; path++) {
		spread(15, path, daemon_here);
		if (path % 1000 == 0)
			require(write(3 + path / 1000 % 5, "0123456789", 10) == 10);
	}
	for (int i = 0; i < 5; i++) {
		struct stat status;

		require(fstat(3 + i, &status) == 0 && status.st_size % 10 == 0 && status.st_size >= 60);
		close(3 + i);
	}
	require(open("facts", O_WRONLY | O_CREAT | O_APPEND, 0600) == 3);
	fact("total alloc_count=32768.. alloc_bytes=393216..");
	fact("process ended=exit exit_status=0");
	/* Until this process is gone. */
	require(flock(3, LOCK_EX) == 0);
	require(rename("facts", "facts.done") == 0);
	_exit(0);
}

int main(void)
{
	char directory[4096];
	pid_t child;
	int done = -1;

	require(getcwd(directory, sizeof(directory)));
	child = fork();
	if (child == 0) {
		require(setsid() > 0);
		if (fork() == 0)
			work(directory);
		_exit(0);
	}
	require(waitpid(child, NULL, 0) == child);
	for (int i = 0; i < 6000 && (done = open("facts.done", O_RDONLY)) < 0; i++)
		usleep(10000);
	puts(done >= 0 && flock(done, LOCK_EX) == 0 ? "daemon done" : "daemon lost");
	return 0;
}
