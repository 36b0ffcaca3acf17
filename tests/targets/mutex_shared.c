/* SPDX-License-Identifier: MIT */
/* Two processes contend for a mutex in memory that they share: both go on, and both know what they took themselves. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "handoff.h"

#define ROUNDS 2000

struct shared {
	pthread_mutex_t mutex;
	unsigned count;
	int taken[2]; /* by each process, for the other one to come and wait */
	int waited;   /* by those that did */
};

static void take(struct shared *s)
{
	require(pthread_mutex_lock(&s->mutex) == 0);
	s->count++;
}

static void give(struct shared *s)
{
	require(pthread_mutex_unlock(&s->mutex) == 0);
}

SITE static void take_here(struct shared *s, unsigned who)
{
	/* Each waits for the other one once. */
	for (unsigned i = 0; i < 2; i++) {
		if (i != who)
			wait_for(&s->taken[i], 1);
		take(s);
		if (i == who) {
			__atomic_store_n(&s->taken[i], 1, __ATOMIC_RELEASE);
			wait_until_blocked(&s->mutex);
		}
		give(s);
		if (i != who)
			__atomic_add_fetch(&s->waited, 1, __ATOMIC_RELEASE);
		wait_for(&s->waited, (int)i + 1);
	}
	/* And as it happens. */
	for (int i = 2; i < ROUNDS; i++) {
		take(s);
		give(s);
	}
}

int main(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attributes;
	int status = 0;
	pid_t child;

	require(s != MAP_FAILED && pthread_mutexattr_init(&attributes) == 0);
	require(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
	require(pthread_mutex_init(&s->mutex, &attributes) == 0);
	child = fork();
	require(child >= 0);
	take_here(s, child == 0);
	fact("thread mutex_shared lock_acquisitions=%d", ROUNDS);
	fact("waiter * in=take_here count=1..");
	fact("process ended=exit exit_status=0");
	if (child == 0)
		_exit(0);
	require(waitpid(child, &status, 0) == child && status == 0);
	require(s->count == 2 * ROUNDS);
	require(pthread_mutex_destroy(&s->mutex) == 0);
	puts("done");
	return 0;
}
