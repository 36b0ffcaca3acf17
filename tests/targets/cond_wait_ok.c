/* SPDX-License-Identifier: MIT */
/* A bounded queue with condition variables still works, time-outs and cancellation included. */
#include "handoff.h"

#define ITEMS 20000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t not_empty = PTHREAD_COND_INITIALIZER;
static pthread_cond_t not_full = PTHREAD_COND_INITIALIZER;
static int queue[8];
static unsigned head, tail;
static int cleaned_up;
static int waiting;

static void *producer(void *unused)
{
	(void)unused;
	for (int i = 1; i <= ITEMS; i++) {
		pthread_mutex_lock(&mutex);
		while (head - tail == 8)
			pthread_cond_wait(&not_full, &mutex);
		queue[head++ % 8] = i;
		pthread_cond_signal(&not_empty);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void clean_up(void *unused)
{
	(void)unused;
	cleaned_up++;
	pthread_mutex_unlock(&mutex);
}

static void *wait_forever(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(clean_up, NULL);
	__atomic_store_n(&waiting, 1, __ATOMIC_RELEASE);
	for (;;)
		pthread_cond_wait(&not_empty, &mutex);
	pthread_cleanup_pop(0);
	return NULL;
}

int main(void)
{
	struct timespec past = { 1, 0 };
	pthread_t thread;
	long sum = 0;

	require(pthread_create(&thread, NULL, producer, NULL) == 0);
	for (int i = 0; i < ITEMS; i++) {
		pthread_mutex_lock(&mutex);
		while (head == tail)
			pthread_cond_wait(&not_empty, &mutex);
		sum += queue[tail++ % 8];
		pthread_cond_signal(&not_full);
		pthread_mutex_unlock(&mutex);
	}
	pthread_join(thread, NULL);

	pthread_mutex_lock(&mutex);
	require(pthread_cond_timedwait(&not_empty, &mutex, &past) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);

	require(pthread_create(&thread, NULL, wait_forever, NULL) == 0);
	wait_for(&waiting, 1);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	require(pthread_mutex_trylock(&mutex) == 0);
	printf("sum %ld, cleaned up %d\n", sum, cleaned_up);
	return 0;
}
