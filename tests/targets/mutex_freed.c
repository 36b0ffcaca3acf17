/* SPDX-License-Identifier: MIT */
/*
 * An object that holds its own mutex goes away as soon as the second of two threads has locked and unlocked it (P16):
 * the page is unmapped, so that whoever touches the mutex after unlocking it dies.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "handoff.h"

#define ROUNDS 3000

struct object {
	pthread_mutex_t mutex;
	int users;
};

static struct object *object;
static int round_of[2];

static void leave(struct object *o)
{
	int users;

	require(pthread_mutex_lock(&o->mutex) == 0);
	users = --o->users;
	require(pthread_mutex_unlock(&o->mutex) == 0);
	if (!users)
		munmap(o, 4096);
}

static void *other(void *arg)
{
	for (int i = 1; i <= ROUNDS; i++) {
		wait_for(&round_of[0], i);
		leave(object);
		__atomic_store_n(&round_of[1], i, __ATOMIC_RELEASE);
	}
	return arg;
}

int main(void)
{
	pthread_t thread;

	require(pthread_create(&thread, NULL, other, NULL) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		struct object *o = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		require(o != MAP_FAILED);
		pthread_mutex_init(&o->mutex, NULL);
		o->users = 2;
		object = o;
		/* Half of the time the other one comes while we have it, so that it waits. */
		if (i % 2)
			require(pthread_mutex_lock(&o->mutex) == 0);
		__atomic_store_n(&round_of[0], i, __ATOMIC_RELEASE);
		if (i % 2) {
			wait_until_blocked(&o->mutex);
			require(pthread_mutex_unlock(&o->mutex) == 0);
		}
		leave(o);
		wait_for(&round_of[1], i);
	}
	pthread_join(thread, NULL);
	fact("process ended=exit");
	return 0;
}
