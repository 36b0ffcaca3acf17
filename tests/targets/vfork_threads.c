/* SPDX-License-Identifier: MIT */
/*
 * vfork and exec in two threads at a time, while two more allocate and take turns with a mutex: the child runs in the
 * memory of them all, and may come in the middle of anything.
 */
#include <pthread.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "facts.h"
#include "sibling.h"

#define CHILDREN 8u /* of each thread that has any */
#define ROUNDS   4000u

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *leaf;

SITE static void *around_here(void)
{
	return keep(malloc(70));
}

SITE static void *meanwhile_here(void)
{
	return keep(malloc(90));
}

static void have_child(bool exec)
{
	int status = 0;
	pid_t child = vfork();

	if (child == 0) {
		if (exec)
			execl(leaf, leaf, "vforked", (char *)NULL);
		_exit(3);
	}
	require(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void *have_children(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < CHILDREN; i++) {
		free(around_here());
		have_child(i % 2);
	}
	return NULL;
}

static void *work(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		free(meanwhile_here());
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[4];

	leaf = sibling("exec_leaf");
	for (unsigned i = 0; i < 4; i++)
		require(pthread_create(&threads[i], NULL, i < 2 ? have_children : work, NULL) == 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	puts("done");
	fact("site around_here alloc_count=%u free_count=%u", 2 * CHILDREN, 2 * CHILDREN);
	fact("site meanwhile_here alloc_count=%u free_count=%u", 2 * ROUNDS, 2 * ROUNDS);
	fact("loss nested=0");
	fact("process ended=exit exit_status=0");
	return 0;
}
