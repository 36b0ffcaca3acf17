/* SPDX-License-Identifier: MIT */
/* fork from several threads that allocate meanwhile; children allocate, free what they inherited, and end or exec. */
#include <pthread.h>
#include <sys/wait.h>

#include "facts.h"
#include "sibling.h"

#define THREADS 3
#define FORKS   8

static int stop;

SITE static void *hammer_here(void)
{
	return keep(malloc(48));
}

SITE static void *child_here(void)
{
	return keep(malloc(500));
}

SITE static void *inherited_here(void)
{
	return keep(malloc(700));
}

static void *hammer(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		free(hammer_here());
	return NULL;
}

static void child_main(int number, void *inherited)
{
	free(inherited);
	for (int i = 0; i < 100; i++)
		free(child_here());
	child_here();
	if (number % 4 == 1)
		execl(sibling("exec_leaf"), "exec_leaf", "forked", (char *)NULL);
	fact("site child_here alloc_count=101 alloc_bytes=50500 free_count=100 live_count=1");
	fact("site inherited_here alloc_count=0");
	fact("loss unknown_free=0");
	fact("process ended=exit exit_status=%d", number);
	if (number % 2)
		exit(number);
	_exit(number);
}

static void *forker(void *unused)
{
	(void)unused;
	for (int i = 0; i < FORKS; i++) {
		void *inherited = inherited_here();
		pid_t child = fork();
		int status;

		require(child >= 0);
		if (child == 0)
			child_main(i, inherited);
		require(waitpid(child, &status, 0) == child);
		require(WIFEXITED(status) && WEXITSTATUS(status) == (i % 4 == 1 ? 3 : i));
		free(inherited);
	}
	return NULL;
}

int main(void)
{
	pthread_t hammers[THREADS], forkers[2];

	for (int i = 0; i < THREADS; i++)
		require(pthread_create(&hammers[i], NULL, hammer, NULL) == 0);
	for (int i = 0; i < 2; i++)
		require(pthread_create(&forkers[i], NULL, forker, NULL) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(forkers[i], NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		pthread_join(hammers[i], NULL);
	fact("site child_here sites=0");
	fact("site inherited_here alloc_count=%d free_count=%d live_count=0", 2 * FORKS, 2 * FORKS);
	fact("site hammer_here live_count=0");
	fact("process ended=exit exit_status=0");
	return 0;
}
