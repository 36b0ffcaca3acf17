/* SPDX-License-Identifier: MIT */
/* Recursion 100,000 frames deep, with allocations on the way down, at the bottom and on the way up. */
#include <pthread.h>

#include "facts.h"

#define DEPTH       100000
#define STACK_BYTES (64ul << 20)

SITE static void *bottom_here(void)
{
	return keep(malloc(60));
}

SITE static void *step_here(void)
{
	return keep(malloc(61));
}

SITE static int descend(int left)
{
	char frame[64];
	int result = 0;

	keep(frame);
	if (left % 1000 == 0)
		free(step_here());
	if (left == 0)
		for (int i = 0; i < 100; i++)
			free(bottom_here());
	else
		result = descend(left - 1) + 1;
	if (left % 1000 == 0)
		free(step_here());
	keep(frame);
	return result;
}

static void *thread_main(void *unused)
{
	(void)unused;
	require(descend(DEPTH) == DEPTH);
	return NULL;
}

int main(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	require(pthread_attr_init(&attr) == 0 && pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
	require(pthread_create(&thread, &attr, thread_main, NULL) == 0);
	pthread_join(thread, NULL);
	fact("site bottom_here alloc_count=100 free_count=100 frames=512..513 cut=depth");
	fact("site step_here alloc_count=%d free_count=%d", 2 * (DEPTH / 1000 + 1), 2 * (DEPTH / 1000 + 1));
	puts("done");
	return 0;
}
