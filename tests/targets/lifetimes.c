/* SPDX-License-Identifier: MIT */
/* Blocks that live for less than a millisecond, for 30 milliseconds, and until another thread frees them. */
#include <pthread.h>

#include "facts.h"

#define SHORT 100000
#define LONG  40000

static void *blocks[LONG];

SITE static void *short_here(int i)
{
	return keep(malloc(10 + (size_t)(i % 50)));
}

SITE static void *long_here(void)
{
	return keep(malloc(100));
}

SITE static void *given_here(void)
{
	return keep(malloc(200));
}

static void pass_time(void)
{
	const struct timespec pause = { .tv_nsec = 30000000 };

	nanosleep(&pause, NULL);
}

static void *free_all(void *unused)
{
	(void)unused;
	for (int i = 0; i < LONG; i++)
		free(blocks[i]);
	return NULL;
}

int main(void)
{
	pthread_t other;

	for (int i = 0; i < SHORT; i++)
		free(short_here(i));
	for (int i = 0; i < LONG; i++)
		blocks[i] = long_here();
	pass_time();
	free_all(NULL);
	for (int i = 0; i < LONG; i++)
		blocks[i] = given_here();
	pass_time();
	require(pthread_create(&other, NULL, free_all, NULL) == 0);
	pthread_join(other, NULL);
	fact("site short_here alloc_count=%d free_count=%d", SHORT, SHORT);
	fact("site long_here alloc_count=%d free_count=%d", LONG, LONG);
	fact("site given_here alloc_count=%d free_count=%d", LONG, LONG);
	fact("loss unknown_free=0 unseen_free=0");
	return 0;
}
