/* SPDX-License-Identifier: MIT */
/* Semaphores: waits that a post ends, time-outs, and errno, which is theirs alone (P18, P19). */
#include <semaphore.h>
#include <signal.h>

#include "meet.h"

#define ROUNDS 5

static sem_t the_sem;
static sem_t timed_sem;

SITE static void wait_here(void)
{
	errno = 77;
	require(sem_wait(&the_sem) == 0 && errno == 77);
}

SITE static void post_here(void)
{
	errno = 78;
	require(sem_post(&the_sem) == 0 && errno == 78);
}

static void on_signal(int number)
{
	(void)number;
}

static int tid;

/* Interrupts the main thread once it waits. */
static void *interrupt(void *main_thread)
{
	let_it_wait(&tid);
	require(pthread_kill(*(pthread_t *)main_thread, SIGUSR1) == 0);
	return NULL;
}

int main(void)
{
	struct timespec past = { 1, 0 }, bad = { 1, -1 };
	struct sigaction action = { .sa_handler = on_signal };
	pthread_t self = pthread_self(), thread;
	uint64_t ns;

	require(sem_init(&the_sem, 0, 0) == 0 && sem_init(&timed_sem, 0, 1) == 0);
	ns = meet_run(ROUNDS, NULL, wait_here, post_here);
	fact("lock the_sem acquisitions=%d", ROUNDS);
	meet_fact("the_sem", "semaphore", ROUNDS, ns, "category=coordination timeouts=0");
	meet_culprit("the_sem", "post_here", ROUNDS, ns);

	errno = 79;
	require(sem_wait(&timed_sem) == 0 && errno == 79);
	require(sem_trywait(&timed_sem) == -1 && errno == EAGAIN);
	require(sem_timedwait(&timed_sem, &past) == -1 && errno == ETIMEDOUT);
	require(sem_clockwait(&timed_sem, CLOCK_MONOTONIC, &past) == -1 && errno == ETIMEDOUT);
	require(sem_trywait(&timed_sem) == -1 && errno == EAGAIN);
	require(sem_timedwait(&timed_sem, &bad) == -1 && errno == EINVAL);
	require(sem_clockwait(&timed_sem, CLOCK_PROCESS_CPUTIME_ID, &past) == -1 && errno == EINVAL);
	sigaction(SIGUSR1, &action, NULL);
	require(pthread_create(&thread, NULL, interrupt, &self) == 0);
	__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	require(sem_wait(&timed_sem) == -1 && errno == EINTR);
	pthread_join(thread, NULL);
	require(sem_post(&timed_sem) == 0 && sem_wait(&timed_sem) == 0);
	fact("lock timed_sem acquisitions=2 contentions=3 timeouts=2 trylock_failures=1");
	require(sem_destroy(&timed_sem) == 0);
	puts("ok");
	return 0;
}
