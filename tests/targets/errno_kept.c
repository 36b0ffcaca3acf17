/* SPDX-License-Identifier: MIT */
/* errno: unchanged by calls that succeed, ENOMEM after those that do not. */
#include <pthread.h>

#include "facts.h"

#define MARK 1234

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

SITE static void errno_here(size_t size)
{
	void *block;

	errno = MARK;
	block = keep(malloc(size));
	require(block != NULL && errno == MARK);
	block = keep(realloc(block, size * 2));
	require(block != NULL && errno == MARK);
	free(block);
	require(errno == MARK);
	free(NULL);
	require(errno == MARK);
	block = keep(calloc(size, 3));
	require(block != NULL && errno == MARK);
	free(block);
	require(errno == MARK);
	require(posix_memalign(&block, 64, size) == 0 && errno == MARK);
	free(block);
	require(errno == MARK);
	require(pthread_mutex_lock(&mutex) == 0 && errno == MARK);
	require(pthread_mutex_trylock(&mutex) == EBUSY && errno == MARK);
	require(pthread_mutex_unlock(&mutex) == 0 && errno == MARK);
}

static void *thread_main(void *unused)
{
	(void)unused;
	for (size_t size = 1; size < 10000000; size = size * 2 + 1)
		errno_here(size); /* the first call of a thread sets up memprof's part of it */
	return NULL;
}

int main(void)
{
	pthread_t thread;

	thread_main(NULL);
	require(pthread_create(&thread, NULL, thread_main, NULL) == 0);
	pthread_join(thread, NULL);
	errno = 0;
	require(keep(malloc(any_size(SIZE_MAX))) == NULL && errno == ENOMEM);
	errno = 0;
	require(keep(realloc(NULL, any_size(SIZE_MAX))) == NULL && errno == ENOMEM);
	errno = 0;
	require(keep(calloc(any_size(SIZE_MAX), 2)) == NULL && errno == ENOMEM);
	fact("site errno_here live_count=0");
	return 0;
}
