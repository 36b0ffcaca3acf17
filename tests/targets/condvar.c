/* SPDX-License-Identifier: MIT */
/*
 * Condition variables (P1, P14, P17): waits that a signal ends, time-outs by all three calls, errors; the size of the
 * object is that of the version GLIBC_2.3.2, and what lies behind it is not touched.
 */
#include "meet.h"

#define ROUNDS   5
#define TIMEOUTS 3

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	pthread_cond_t cond;
	uint64_t behind;
} guarded = { PTHREAD_COND_INITIALIZER, 0x5eed5eed5eed5eed };
#define the_cond guarded.cond
static pthread_cond_t timed_cond = PTHREAD_COND_INITIALIZER;
static pthread_cond_t missed_cond = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t strict_mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static int flag;

static void lower_flag(void)
{
	flag = 0;
}

SITE static void wait_here(void)
{
	pthread_mutex_lock(&mutex);
	while (!flag)
		require(pthread_cond_wait(&the_cond, &mutex) == 0);
	pthread_mutex_unlock(&mutex);
}

SITE static void signal_here(void)
{
	pthread_mutex_lock(&mutex);
	flag = 1;
	pthread_mutex_unlock(&mutex);
	require(pthread_cond_signal(&the_cond) == 0);
}

static int first_tid, second_tid, signalled, misses;

static void *first_waiter(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&mutex);
	__atomic_store_n(&first_tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	require(pthread_cond_wait(&missed_cond, &mutex) == 0);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

SITE static void miss_here(const struct timespec *until)
{
	require(pthread_cond_clockwait(&missed_cond, &mutex, CLOCK_MONOTONIC, until) == ETIMEDOUT);
}

static void *second_waiter(void *unused)
{
	struct timespec until;

	(void)unused;
	pthread_mutex_lock(&mutex);
	__atomic_store_n(&second_tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	/* Once, but where the other thread has no time to signal for as long as that. */
	do {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += 1;
		miss_here(&until);
		misses++;
	} while (!__atomic_load_n(&signalled, __ATOMIC_ACQUIRE));
	pthread_mutex_unlock(&mutex);
	return NULL;
}

/* The signal wakes the thread that came first, and has nothing to do with the end of the other one's wait. */
SITE static void signal_another(void)
{
	pthread_t threads[2];

	require(pthread_create(&threads[0], NULL, first_waiter, NULL) == 0);
	let_it_wait(&first_tid);
	require(pthread_create(&threads[1], NULL, second_waiter, NULL) == 0);
	let_it_wait(&second_tid);
	pthread_cond_signal(&missed_cond);
	__atomic_store_n(&signalled, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	fact("waiter missed_cond in=miss_here count=%d timeouts=%d reacquire_ns=0 handoff_ns=0 wait_ns=%u..", misses,
	     misses, MEET_NS);
	fact("culprit missed_cond in=signal_another count=1");
}

int main(void)
{
	uint64_t ns = meet_run(ROUNDS, lower_flag, wait_here, signal_here);
	struct timespec past = { 1, 0 }, bad = { 1, 1000000000 };

	require(sizeof(pthread_cond_t) == 48 && guarded.behind == 0x5eed5eed5eed5eed);
	meet_fact("guarded.cond", "condvar", ROUNDS, ns, "timeouts=0");
	meet_culprit("guarded.cond", "signal_here", ROUNDS, ns);
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < TIMEOUTS; i++) {
		require(pthread_cond_timedwait(&timed_cond, &mutex, &past) == ETIMEDOUT);
		require(pthread_cond_clockwait(&timed_cond, &mutex, CLOCK_MONOTONIC, &past) == ETIMEDOUT);
		require(pthread_mutex_trylock(&mutex) == EBUSY);
	}
	require(pthread_cond_timedwait(&timed_cond, &mutex, &bad) == EINVAL);
	require(pthread_cond_clockwait(&timed_cond, &mutex, CLOCK_MONOTONIC, &bad) == EINVAL);
	require(pthread_cond_clockwait(&timed_cond, &mutex, CLOCK_PROCESS_CPUTIME_ID, &past) == EINVAL);
	pthread_mutex_unlock(&mutex);
	require(pthread_cond_wait(&timed_cond, &strict_mutex) == EPERM);
	/* Nobody is there to hear it. */
	pthread_cond_broadcast(&timed_cond);
	fact("lock timed_cond kind=condvar category=coordination contentions=%d timeouts=%d", 2 * TIMEOUTS + 1,
	     2 * TIMEOUTS);
	require(pthread_cond_destroy(&timed_cond) == 0);
	signal_another();
	puts("ok");
	return 0;
}
