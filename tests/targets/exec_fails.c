/* SPDX-License-Identifier: MIT */
/* A fork child that has only taken a lock so far, cannot become another program, and goes on. */
#include <pthread.h>
#include <sys/wait.h>

#include "facts.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

SITE static void *on_here(void)
{
	return keep(malloc(60));
}

int main(void)
{
	char *arguments[] = { (char *)"none", NULL };

	for (int with_lock = 0; with_lock < 2; with_lock++) {
		int status = 0;
		pid_t child = fork();

		require(child >= 0);
		if (child == 0) {
			if (with_lock) {
				require(pthread_mutex_lock(&mutex) == 0);
				require(pthread_mutex_unlock(&mutex) == 0);
			}
			require(execv("/nonexistent/program", arguments) == -1 && errno == ENOENT);
			for (int i = 0; i < 10; i++)
				on_here();
			require(execv("/nonexistent/program", arguments) == -1 && errno == ENOENT);
			on_here();
			fact("site on_here alloc_count=11 live_bytes=660");
			fact("process ended=exit exit_status=3");
			_exit(3);
		}
		require(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
	}
	puts("done");
	fact("process ended=exit exit_status=0");
	return 0;
}
