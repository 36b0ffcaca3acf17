/* SPDX-License-Identifier: MIT */
/* Many threads that live at the same time, as many as argv[1] says (1000), each with a block in its hand. */
#include <pthread.h>

#include "facts.h"

static pthread_barrier_t all_there;

SITE static void *live_here(void)
{
	return keep(malloc(100));
}

static void *thread_main(void *unused)
{
	void *block = live_here();

	(void)unused;
	pthread_barrier_wait(&all_there);
	free(live_here());
	pthread_barrier_wait(&all_there);
	return block;
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	require(file && fscanf(file, "%*d %ld", &pages) == 1);
	fclose(file);
	return pages * 4;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 200;
	pthread_t *threads = calloc((size_t)count, sizeof(*threads));
	pthread_attr_t attr;
	long before;

	require(threads && pthread_attr_init(&attr) == 0 && pthread_attr_setstacksize(&attr, 65536) == 0);
	require(pthread_barrier_init(&all_there, NULL, (unsigned)count + 1) == 0);
	before = resident_kib();
	for (int i = 0; i < count; i++)
		require(pthread_create(&threads[i], &attr, thread_main, NULL) == 0);
	pthread_barrier_wait(&all_there);
	/* For the file argv[2]: what a live thread takes, stack and arena of the program's own included. */
	if (argc > 2) {
		FILE *file = fopen(argv[2], "w");

		require(file && fprintf(file, "%ld\n", (resident_kib() - before) / count) > 0);
		fclose(file);
	}
	pthread_barrier_wait(&all_there);
	for (int i = 0; i < count; i++) {
		void *block;

		pthread_join(threads[i], &block);
		free(block);
	}
	free(threads);
	fact("site live_here alloc_count=%d free_count=%d live_count=0", 2 * count, 2 * count);
	fact("loss threads_full=0 unknown_free=0");
	puts("done");
	return 0;
}
