/* SPDX-License-Identifier: MIT */
/* Mutexes in heap blocks (P20, P21): destroyed, freed, and new ones at the same address. */
#include "handoff.h"

#define ROUNDS 5

struct account {
	char name[40];
	pthread_mutex_t mutex;
};

SITE static struct account *account_here(void)
{
	return keep(malloc(sizeof(struct account)));
}

SITE static int heap_wait_here(pthread_mutex_t *mutex)
{
	int result = pthread_mutex_lock(mutex);

	keep(mutex);
	return result;
}

int main(void)
{
	for (int i = 0; i < 4; i++) {
		struct account *account = account_here();

		require(pthread_mutex_init(&account->mutex, NULL) == 0);
		handoff_run(&account->mutex, ROUNDS, heap_wait_here);
		require(pthread_mutex_destroy(&account->mutex) == 0);
		free(account);
	}
	fact("site account_here alloc_count=4 free_count=4");
	fact("waiter * in=heap_wait_here count=%d", 4 * ROUNDS);
	return 0;
}
