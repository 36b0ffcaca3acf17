/* SPDX-License-Identifier: MIT */
/* exit called by a thread while others allocate. */
#include <pthread.h>

#include "facts.h"

SITE static void *busy_here(void)
{
	return keep(malloc(49));
}

SITE static void *last_here(void)
{
	return keep(malloc(50));
}

static void *busy(void *unused)
{
	while (unused == NULL)
		free(busy_here());
	return NULL;
}

static void *leave(void *unused)
{
	(void)unused;
	for (int i = 0; i < 1000; i++)
		last_here();
	fact("site last_here alloc_count=1000 alloc_bytes=50000");
	fact("site busy_here live_count=..3");
	fact("process ended=exit exit_status=5");
	puts("leaving");
	exit(5);
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		require(pthread_create(&thread, NULL, busy, NULL) == 0);
	require(pthread_create(&thread, NULL, leave, NULL) == 0);
	pthread_exit(NULL); /* the main thread ends before the program does */
}
