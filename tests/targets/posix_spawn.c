/* SPDX-License-Identifier: MIT */
/* posix_spawn and system, from a thread too. */
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

#include "facts.h"
#include "sibling.h"

SITE static void *spawner_here(void)
{
	return keep(malloc(90));
}

static void *spawn(void *path)
{
	char *argv[] = { path, NULL, NULL };
	char word[] = "spawned";
	pid_t child;
	int status;

	argv[1] = word;
	spawner_here();
	require(posix_spawn(&child, path, NULL, NULL, argv, environ) == 0);
	require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
	spawner_here();
	return NULL;
}

int main(void)
{
	char path[PATH_MAX];
	pthread_t thread;
	pid_t child;
	char *none[] = { NULL };

	strcpy(path, sibling("exec_leaf"));
	spawn(path);
	require(pthread_create(&thread, NULL, spawn, path) == 0);
	pthread_join(thread, NULL);
	require(posix_spawn(&child, "/nonexistent/program", NULL, NULL, none, environ) == ENOENT);
	require(system("exit 5") == 5 << 8);
	puts("done");
	fact("site spawner_here alloc_count=4 alloc_bytes=360 live_count=4");
	fact("process ended=exit exit_status=0");
	return 0;
}
