/* SPDX-License-Identifier: MIT */
/*
 * A program with threads that wait forks (P26): the child uses locks of every kind, those that its parent's threads
 * wait for among them, and ends.
 */
#include <semaphore.h>
#include <sys/wait.h>

#include "meet.h"

#define CHILDREN 4

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_barrier_t barrier;
static sem_t sem;
static int stop, tid, waiting;

static void *cond_waiter(void *unused)
{
	(void)unused;
	__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	pthread_mutex_lock(&mutex);
	waiting = 1;
	while (!stop)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

/* Once the flag is seen by who has the mutex, the waiter has given it up: a child finds it free. */
static void let_it_give_the_mutex_up(void)
{
	int seen;

	do {
		pthread_mutex_lock(&mutex);
		seen = waiting;
		pthread_mutex_unlock(&mutex);
	} while (!seen);
}

static void *sem_waiter(void *unused)
{
	(void)unused;
	sem_wait(&sem);
	return NULL;
}

static void *reader(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		pthread_rwlock_rdlock(&rwlock);
		pthread_rwlock_unlock(&rwlock);
		pthread_spin_lock(&spin);
		pthread_spin_unlock(&spin);
	}
	return NULL;
}

static void child_wait(void)
{
	pthread_barrier_wait(&barrier);
	sem_wait(&sem);
}

static void child_wake(void)
{
	sem_post(&sem);
}

static void child_before(void)
{
	/* Locks of the program that its other threads may have held are not touched: that is its own affair. */
	require(pthread_rwlock_init(&rwlock, NULL) == 0 && pthread_spin_init(&spin, 0) == 0);
	require(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
	require(pthread_spin_lock(&spin) == 0 && pthread_spin_unlock(&spin) == 0);
	require(pthread_cond_signal(&cond) == 0);
}

static void child(void)
{
	struct timespec past = { 1, 0 };

	require(sem_init(&sem, 0, 0) == 0 && pthread_barrier_init(&barrier, NULL, 1) == 0);
	child_before();
	require(pthread_mutex_trylock(&mutex) == 0);
	require(pthread_cond_timedwait(&cond, &mutex, &past) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
	meet_run(2, NULL, child_wait, child_wake);
	fact("lock sem kind=semaphore contentions=2");
	fact("lock cond contentions=1 timeouts=1");
	_exit(3);
}

int main(void)
{
	pthread_t threads[4];

	require(sem_init(&sem, 0, 0) == 0 && pthread_spin_init(&spin, 0) == 0);
	require(pthread_create(&threads[0], NULL, cond_waiter, NULL) == 0);
	require(pthread_create(&threads[1], NULL, sem_waiter, NULL) == 0);
	require(pthread_create(&threads[2], NULL, reader, NULL) == 0);
	require(pthread_create(&threads[3], NULL, reader, NULL) == 0);
	let_it_wait(&tid);
	let_it_give_the_mutex_up();
	for (int i = 0; i < CHILDREN; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			child();
		require(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 3);
	}
	pthread_mutex_lock(&mutex);
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	sem_post(&sem);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	fact("lock cond contentions=1..");
	puts("ok");
	return 0;
}
