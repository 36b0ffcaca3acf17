/* SPDX-License-Identifier: MIT */
/*
 * Threads cancelled while they wait for a condition variable, a semaphore and another thread (P18): the clean-up
 * handlers run, with the mutex held, and the waits are over for memprof too. A cancellation that is pending acts on a
 * sem_wait() that would not have to wait.
 */
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>

#include "meet.h"

#define ROUNDS 3

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t the_cond = PTHREAD_COND_INITIALIZER;
static sem_t the_sem, free_sem;
static pthread_t sleeper;
static int cleaned_up, tid, jumped;

static void clean_up_cond(void *unused)
{
	(void)unused;
	require(pthread_mutex_trylock(&mutex) == EBUSY);
	cleaned_up++;
	pthread_mutex_unlock(&mutex);
}

static void clean_up(void *unused)
{
	(void)unused;
	cleaned_up++;
}

SITE static void cond_here(void)
{
	pthread_cond_wait(&the_cond, &mutex);
	keep(&mutex);
}

static void *wait_cond(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(clean_up_cond, NULL);
	__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	cond_here();
	pthread_cleanup_pop(0);
	return NULL;
}

SITE static void sem_here(void)
{
	sem_wait(&the_sem);
	keep(&the_sem);
}

static void *wait_sem(void *unused)
{
	(void)unused;
	pthread_cleanup_push(clean_up, NULL);
	__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	sem_here();
	pthread_cleanup_pop(0);
	return NULL;
}

SITE static void join_here(void)
{
	pthread_join(sleeper, NULL);
	keep(&sleeper);
}

static void *wait_join(void *unused)
{
	(void)unused;
	pthread_cleanup_push(clean_up, NULL);
	__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	join_here();
	pthread_cleanup_pop(0);
	return NULL;
}

static void *sleep_long(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *wait_free_sem(void *unused)
{
	(void)unused;
	pthread_cleanup_push(clean_up, NULL);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	__atomic_store_n(&tid, 1, __ATOMIC_RELEASE);
	await(&tid, 2);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	sem_wait(&free_sem);
	require(!"not cancelled");
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel(pthread_t thread)
{
	void *result;

	require(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

static void run(void *(*routine)(void *))
{
	pthread_t thread;

	tid = 0;
	require(pthread_create(&thread, NULL, routine, NULL) == 0);
	let_it_wait(&tid);
	cancel(thread);
}

static sigjmp_buf back;

static void jump(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

/* Leaves the wait by a jump out of a signal handler; a later cancellation must not find a trace of that wait. */
SITE static void jump_here(void)
{
	if (!sigsetjmp(back, 1)) {
		__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
		sem_wait(&the_sem);
		require(!"woken");
	}
	keep(&the_sem);
}

static void *jumper(void *unused)
{
	(void)unused;
	jump_here();
	__atomic_store_n(&jumped, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	for (;;)
		pause();
	return NULL;
}

int main(void)
{
	struct sigaction action = { .sa_handler = jump };
	pthread_t thread;

	require(sem_init(&the_sem, 0, 0) == 0 && sem_init(&free_sem, 0, 1) == 0);
	require(pthread_create(&sleeper, NULL, sleep_long, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		run(wait_cond);
		run(wait_sem);
		run(wait_join);
	}
	require(pthread_mutex_trylock(&mutex) == 0);
	pthread_mutex_unlock(&mutex);

	tid = 0;
	require(pthread_create(&thread, NULL, wait_free_sem, NULL) == 0);
	await(&tid, 1);
	require(pthread_cancel(thread) == 0);
	__atomic_store_n(&tid, 2, __ATOMIC_RELEASE);
	cancel(thread);
	require(sem_trywait(&free_sem) == 0);

	sigaction(SIGUSR1, &action, NULL);
	tid = 0;
	require(pthread_create(&thread, NULL, jumper, NULL) == 0);
	let_it_wait(&tid);
	require(pthread_kill(thread, SIGUSR1) == 0);
	let_it_wait(&jumped);
	cancel(thread);
	cancel(sleeper);

	fact("lock the_cond contentions=%d wait_ns=%lu..", ROUNDS, (unsigned long)ROUNDS * MEET_NS);
	fact("waiter the_cond in=cond_here count=%d wait_ns=%lu..", ROUNDS, (unsigned long)ROUNDS * MEET_NS);
	fact("waiter the_sem in=sem_here count=%d wait_ns=%lu..", ROUNDS, (unsigned long)ROUNDS * MEET_NS);
	fact("waiter the_sem in=jump_here count=1 wait_ns=%u..", MEET_NS);
	fact("waiter * in=join_here count=%d wait_ns=%lu..", ROUNDS, (unsigned long)ROUNDS * MEET_NS);
	fact("lock free_sem contentions=0");
	printf("cleaned up %d\n", cleaned_up);
	return 0;
}
