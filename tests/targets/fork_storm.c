/* SPDX-License-Identifier: MIT */
/* Eight threads that fork at the same time, while four others allocate; each child allocates, too, from two threads. */
#include <pthread.h>
#include <sys/wait.h>

#include "facts.h"

#define FORKERS 8
#define FORKS   3
#define HAMMERS 4

static int stop;

SITE static void *hammer_here(void)
{
	return keep(malloc(64));
}

SITE static void *storm_here(void)
{
	return keep(malloc(90));
}

static void *hammer(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		free(hammer_here());
	return NULL;
}

static void *child_thread(void *unused)
{
	(void)unused;
	for (int i = 0; i < 200; i++)
		free(storm_here());
	return NULL;
}

static void *forker(void *unused)
{
	(void)unused;
	for (int i = 0; i < FORKS; i++) {
		pid_t child = fork();
		pthread_t thread;
		int status;

		require(child >= 0);
		if (child == 0) {
			require(pthread_create(&thread, NULL, child_thread, NULL) == 0);
			child_thread(NULL);
			pthread_join(thread, NULL);
			fact("site storm_here alloc_count=400 free_count=400 live_count=0");
			fact("site hammer_here alloc_count=0");
			fact("loss unknown_free=0 unseen_free=0");
			_exit(7);
		}
		require(waitpid(child, &status, 0) == child);
		require(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
	return NULL;
}

int main(void)
{
	pthread_t hammers[HAMMERS], forkers[FORKERS];

	for (int i = 0; i < HAMMERS; i++)
		require(pthread_create(&hammers[i], NULL, hammer, NULL) == 0);
	for (int i = 0; i < FORKERS; i++)
		require(pthread_create(&forkers[i], NULL, forker, NULL) == 0);
	for (int i = 0; i < FORKERS; i++)
		pthread_join(forkers[i], NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < HAMMERS; i++)
		pthread_join(hammers[i], NULL);
	fact("site hammer_here live_count=0");
	fact("site storm_here sites=0");
	puts("done");
	return 0;
}
