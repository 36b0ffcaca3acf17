/* SPDX-License-Identifier: MIT */
/* Holds blocks and threads, and says how much memory the process then has. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "bench.h"

#define USAGE        "bench_live BLOCKS BLOCK_BYTES THREADS"
#define THREAD_SITES 16

/* At the start of each block, so that they need no array. */
struct link {
	struct link *next;
};

static pthread_barrier_t ready;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* One of THREAD_SITES stacks: as many frames as SITE. */
BENCH_FRAME static void *alloc_at(unsigned site)
{
	void *block = site == 0 ? malloc(100) : alloc_at(site - 1);

	BENCH_FRAME_END();
	return block;
}

static void *hold_thread(void *arg)
{
	void *blocks[THREAD_SITES];

	(void)arg;
	for (unsigned i = 0; i < THREAD_SITES; i++)
		blocks[i] = alloc_at(i);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	pthread_barrier_wait(&ready);
	/* Here the process is measured. */
	pthread_barrier_wait(&ready);
	for (unsigned i = 0; i < THREAD_SITES; i++)
		free(blocks[i]);
	return NULL;
}

/* The number behind KEY in FILE of the proc file system, without stdio: that allocates. */
static double proc_number(const char *file, const char *key)
{
	static char text[8192];
	size_t length = 0;
	ssize_t got;
	const char *at;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	while ((got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	close(fd);
	text[length] = '\0';
	at = strstr(text, key);
	return at == NULL ? 0 : strtod(at + strlen(key), NULL);
}

int main(int argc, char **argv)
{
	uint64_t blocks = bench_number(argc, argv, 1, USAGE), bytes = bench_number(argc, argv, 2, USAGE);
	uint64_t threads = bench_number(argc, argv, 3, USAGE);
	pthread_t *handles = calloc(threads + 1, sizeof(*handles));
	struct link *chain = NULL;

	if (handles == NULL || bytes < sizeof(*chain))
		return 1;
	for (uint64_t i = 0; i < blocks; i++) {
		struct link *block = malloc(bytes);

		if (block == NULL)
			return 1;
		block->next = chain;
		chain = block;
	}
	pthread_barrier_init(&ready, NULL, (unsigned)threads + 1);
	for (uint64_t i = 0; i < threads; i++)
		if (pthread_create(&handles[i], NULL, hold_thread, NULL) != 0)
			return 1;
	pthread_barrier_wait(&ready);
	bench_print("rss_kib", proc_number("/proc/self/smaps_rollup", "Rss:"));
	bench_print("peak_kib", proc_number("/proc/self/status", "VmHWM:"));
	fflush(stdout);
	pthread_barrier_wait(&ready);
	for (uint64_t i = 0; i < threads; i++)
		pthread_join(handles[i], NULL);
	return 0;
}
