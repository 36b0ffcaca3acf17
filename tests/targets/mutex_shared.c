/* SPDX-License-Identifier: MIT */
/* Two processes contend for a mutex in memory that they share: both go on, and both know what they took themselves. */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "facts.h"

#define ROUNDS 2000

struct shared {
	pthread_mutex_t mutex;
	unsigned count;
	unsigned here; /* processes */
};

SITE static void take_here(struct shared *s, unsigned who)
{
	__atomic_add_fetch(&s->here, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&s->here, __ATOMIC_SEQ_CST) < 2)
		sched_yield();
	for (int i = 0; i < ROUNDS; i++) {
		require(pthread_mutex_lock(&s->mutex) == 0);
		s->count++;
		if (i % 100 == (int)who)
			usleep(1000); /* the other one comes meanwhile */
		require(pthread_mutex_unlock(&s->mutex) == 0);
		if (i % 50 == 0) /* and gets it */
			usleep(300);
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
