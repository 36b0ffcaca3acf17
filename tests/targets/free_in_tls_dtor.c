/* SPDX-License-Identifier: MIT */
/* Destructors of thread-specific data that free and allocate, in several rounds. */
#include <pthread.h>

#include "facts.h"

#define KEYS    20
#define THREADS 50

static pthread_key_t keys[KEYS];
static int destroyed;

SITE static void *tls_here(void)
{
	return keep(malloc(100));
}

SITE static void *dtor_here(void)
{
	return keep(malloc(10));
}

struct value {
	int key;
	int round;
	void *block;
};

/* Comes back with a new value twice, so that destructors run in three rounds. */
static void destroy(void *argument)
{
	struct value *value = argument;

	__atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED);
	free(value->block);
	if (value->round == 2) {
		free(value);
		return;
	}
	value->round++;
	value->block = dtor_here();
	pthread_setspecific(keys[value->key], value);
}

static void *thread_main(void *unused)
{
	(void)unused;
	for (int i = 0; i < KEYS; i++) {
		struct value *value = tls_here();

		*value = (struct value){ i, 0, tls_here() };
		pthread_setspecific(keys[i], value);
	}
	return NULL;
}

int main(void)
{
	for (int i = 0; i < KEYS; i++)
		require(pthread_key_create(&keys[i], destroy) == 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		require(pthread_create(&thread, NULL, thread_main, NULL) == 0);
		pthread_join(thread, NULL);
	}
	printf("destroyed %d\n", destroyed);
	fact("site tls_here alloc_count=%d alloc_bytes=%d free_count=%d live_count=0", KEYS * THREADS * 2,
	     KEYS * THREADS * 200, KEYS * THREADS * 2);
	fact("site dtor_here alloc_count=%d free_count=%d live_count=0", KEYS * THREADS * 2, KEYS * THREADS * 2);
	fact("loss unknown_free=0 nested=0");
	return 0;
}
