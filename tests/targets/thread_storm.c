/* SPDX-License-Identifier: MIT */
/* Two thousand short threads, or as many as argv[1] says. */
#include <pthread.h>

#include "facts.h"

#define AT_ONCE 20

SITE static void *storm_here(void)
{
	return keep(malloc(100));
}

static void *thread_main(void *unused)
{
	(void)unused;
	free(storm_here());
	storm_here();
	return NULL;
}

int main(int argc, char **argv)
{
	int total = argc > 1 ? atoi(argv[1]) : 2000;
	pthread_t threads[AT_ONCE];

	for (int i = 0; i < total / AT_ONCE; i++) {
		for (int k = 0; k < AT_ONCE; k++)
			require(pthread_create(&threads[k], NULL, thread_main, NULL) == 0);
		for (int k = 0; k < AT_ONCE; k++)
			pthread_join(threads[k], NULL);
	}
	fact("site storm_here alloc_count=%d alloc_bytes=%d free_count=%d live_count=%d temporary_count=%d",
	     2 * total, 200 * total, total, total, total);
	fact("loss threads_full=0 unknown_free=0");
	return 0;
}
