/* SPDX-License-Identifier: MIT */
/* Threads with names, each with allocations of its own. */
#include <pthread.h>

#include "facts.h"

SITE static void *named_here(size_t size)
{
	return keep(malloc(size));
}

struct job {
	const char *name;
	int count;
};

static void *thread_main(void *argument)
{
	const struct job *job = argument;

	pthread_setname_np(pthread_self(), job->name);
	for (int i = 0; i < job->count; i++)
		free(named_here(10));
	return NULL;
}

int main(void)
{
	static struct job jobs[] = {
		{ "reader", 1000 }, { "writer", 3000 }, { "0123456789abcde", 500 }, { "writer", 1 }
	};

	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		pthread_t thread;

		require(pthread_create(&thread, NULL, thread_main, &jobs[i]) == 0);
		pthread_join(thread, NULL);
	}
	fact("site named_here alloc_count=4501");
	fact("thread reader alloc_count=1000 alloc_bytes=10000 free_count=1000 temporary_count=1000");
	fact("thread writer alloc_count=3001 free_count=3001");
	fact("thread 0123456789abcde alloc_count=500");
	return 0;
}
