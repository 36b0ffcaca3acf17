/* SPDX-License-Identifier: MIT */
/*
 * A block with a mutex in it is freed without a destroy, as std::mutex is, and its address given out again for another
 * one (P20, P21): two locks, each with its own contentions.
 */
#include "handoff.h"

#define FIRST_ROUNDS  3
#define SECOND_ROUNDS 5
#define BYTES         200

static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

SITE static int wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

SITE static pthread_mutex_t *make_first(void)
{
	return keep(malloc(any_size(BYTES)));
}

SITE static pthread_mutex_t *make_second(void)
{
	return keep(malloc(any_size(BYTES)));
}

int main(void)
{
	pthread_mutex_t *first, *second;

	first = make_first();
	*first = fresh;
	handoff_run(first, FIRST_ROUNDS, wait_here);
	free(keep(first));
	second = make_second();
	require(second == first); /* what the C library does; else this tests nothing */
	*second = fresh;
	handoff_run(second, SECOND_ROUNDS, wait_here);
	fact("waiter * in=wait_here count=%d", FIRST_ROUNDS + SECOND_ROUNDS);
	printf("%d %d\n", FIRST_ROUNDS, SECOND_ROUNDS);
	return 0;
}
