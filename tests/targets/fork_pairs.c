/* SPDX-License-Identifier: MIT */
/*
 * Pairs of threads in a parent, its child and a grandchild. What a process frees of its parent's is in none of its
 * pairs, whichever threads allocated it and free it; the numbers of its threads' shards begin anew.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "facts.h"

#define BLOCKS 60

static void *parents[BLOCKS], *childs[BLOCKS];
static pthread_barrier_t given;

SITE static void *parent_here(void)
{
	return keep(malloc(100));
}

SITE static void *child_here(void)
{
	return keep(malloc(200));
}

/* Stays until the process ends, so that its shard is nobody else's. */
static void *parent_giver(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "giver");
	for (int i = 0; i < BLOCKS; i++)
		parents[i] = parent_here();
	pthread_barrier_wait(&given);
	for (;;)
		pause();
	return NULL;
}

static void *child_giver(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "child-giver");
	for (int i = 0; i < BLOCKS; i++)
		childs[i] = child_here();
	/* Of the parent's other thread, which this one is not. */
	free(parents[10]);
	pthread_barrier_wait(&given);
	pthread_barrier_wait(&given);
	return NULL;
}

static void *child_taker(void *unused)
{
	(void)unused;
	pthread_setname_np(pthread_self(), "child-taker");
	pthread_barrier_wait(&given);
	for (int i = 0; i < 20; i++)
		free(childs[i]);
	for (int i = 11; i < 14; i++)
		free(parents[i]);
	pthread_barrier_wait(&given);
	return NULL;
}

static void wait_for(pid_t process)
{
	int status;

	require(process > 0 && waitpid(process, &status, 0) == process);
	require(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void grandchild_main(void)
{
	for (int i = 30; i < 40; i++) {
		free(parents[i]);
		free(childs[i]);
	}
	fact("pair * pairs=0");
	fact("process ended=exit exit_status=0");
	fact("total freed_elsewhere_count=0 inherited_free_count=20");
	_exit(0);
}

static void child_main(void)
{
	pthread_t giver, taker;
	pid_t grandchild;

	pthread_barrier_init(&given, NULL, 2);
	require(pthread_create(&giver, NULL, child_giver, NULL) == 0);
	require(pthread_create(&taker, NULL, child_taker, NULL) == 0);
	pthread_join(giver, NULL);
	pthread_join(taker, NULL);
	for (int i = 14; i < 20; i++)
		free(parents[i]);
	free(keep(realloc(parents[20], 1000)));
	for (int i = 20; i < 25; i++)
		free(childs[i]);
	grandchild = fork();
	if (grandchild == 0)
		grandchild_main();
	wait_for(grandchild);
	fact("pair child-giver:child-taker count=20 bytes=4000");
	fact("pair child-giver:pair-main count=5 bytes=1000");
	fact("pair * pairs=2 count=25 bytes=5000");
	fact("total freed_elsewhere_count=25 inherited_free_count=11");
	fact("site child_here freed_elsewhere_count=25");
	fact("site parent_here sites=0");
	_exit(0);
}

int main(void)
{
	pthread_t giver;
	pid_t child;

	pthread_setname_np(pthread_self(), "pair-main");
	pthread_barrier_init(&given, NULL, 2);
	require(pthread_create(&giver, NULL, parent_giver, NULL) == 0);
	pthread_barrier_wait(&given);
	for (int i = 0; i < 10; i++)
		free(parents[i]);
	child = fork();
	if (child == 0)
		child_main();
	wait_for(child);
	for (int i = 50; i < 55; i++)
		free(parents[i]);
	fact("pair giver:pair-main count=15 bytes=1500");
	fact("pair * pairs=1");
	return 0;
}
