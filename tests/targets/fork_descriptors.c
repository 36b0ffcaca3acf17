/* SPDX-License-Identifier: MIT */
/* A child of fork() has the descriptors of the program, and no other, whatever its parent's threads were doing. */
#include <dirent.h>
#include <pthread.h>
#include <sys/wait.h>

#include "facts.h"

#define THREADS  3
#define CHILDREN 150 /* or as many as there is time for, but at least LEAST: a busy machine takes seconds for each */
#define LEAST    20
#define SECONDS  5

static volatile int over;

SITE static void *busy_here(size_t bytes)
{
	return keep(malloc(bytes));
}

/* Live memory that jumps, so that memprof looks at the process often. */
static void *busy(void *arg)
{
	while (!over) {
		void *blocks[20];

		for (size_t i = 0; i < 20; i++)
			blocks[i] = busy_here(100000 * (i + 1));
		for (size_t i = 0; i < 20; i++)
			free(blocks[i]);
	}
	return arg;
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 64; fd++)
		count += lseek(fd, 0, SEEK_CUR) != -1 || errno != EBADF;
	return count;
}

int main(void)
{
	pthread_t threads[THREADS];
	int before = open_descriptors();
	int more = 0;
	time_t start = time(NULL);

	for (int i = 0; i < THREADS; i++)
		require(pthread_create(&threads[i], NULL, busy, NULL) == 0);
	for (int i = 0; i < CHILDREN && (i < LEAST || time(NULL) - start < SECONDS); i++) {
		int status = 0;
		pid_t child = fork();

		require(child >= 0);
		if (child == 0)
			_exit(open_descriptors() != before);
		require(waitpid(child, &status, 0) == child && WIFEXITED(status));
		more += WEXITSTATUS(status);
	}
	over = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts(more == 0 ? "children have the same" : "children have others");
	fact("site busy_here live_count=0");
	return 0;
}
