/* SPDX-License-Identifier: MIT */
/*
 * Read-write locks (P15): a reader that waits for a writer, a writer that waits for a reader, time-outs, tries, and the
 * writer that asks again (EDEADLK is an answer, not a wait).
 */
#include "meet.h"

#define ROUNDS   5
#define TIMEOUTS 3

static pthread_rwlock_t read_lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t write_lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t timed_lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t kept_lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t calm_lock = PTHREAD_RWLOCK_INITIALIZER;

static void writer_takes(void)
{
	require(pthread_rwlock_wrlock(&read_lock) == 0);
}

SITE static void read_wait_here(void)
{
	require(pthread_rwlock_rdlock(&read_lock) == 0);
	require(pthread_rwlock_unlock(&read_lock) == 0);
}

SITE static void writer_gives_here(void)
{
	require(pthread_rwlock_unlock(&read_lock) == 0);
	keep(&read_lock);
}

static void reader_takes(void)
{
	require(pthread_rwlock_rdlock(&write_lock) == 0);
}

SITE static void write_wait_here(void)
{
	require(pthread_rwlock_wrlock(&write_lock) == 0);
	require(pthread_rwlock_unlock(&write_lock) == 0);
}

SITE static void reader_gives_here(void)
{
	require(pthread_rwlock_unlock(&write_lock) == 0);
	keep(&write_lock);
}

static struct timespec soon(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_nsec += MEET_NS;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

static void *time_out(void *unused)
{
	struct timespec bad = { 1, -1 };

	(void)unused;
	for (int i = 0; i < TIMEOUTS; i++) {
		struct timespec end = soon(CLOCK_REALTIME);

		require(pthread_rwlock_timedrdlock(&timed_lock, &end) == ETIMEDOUT);
		end = soon(CLOCK_REALTIME);
		require(pthread_rwlock_timedwrlock(&timed_lock, &end) == ETIMEDOUT);
		end = soon(CLOCK_MONOTONIC);
		require(pthread_rwlock_clockrdlock(&timed_lock, CLOCK_MONOTONIC, &end) == ETIMEDOUT);
		end = soon(CLOCK_MONOTONIC);
		require(pthread_rwlock_clockwrlock(&timed_lock, CLOCK_MONOTONIC, &end) == ETIMEDOUT);
	}
	require(pthread_rwlock_timedrdlock(&timed_lock, &bad) == EINVAL);
	require(pthread_rwlock_timedwrlock(&timed_lock, &bad) == EINVAL);
	require(pthread_rwlock_clockwrlock(&timed_lock, CLOCK_PROCESS_CPUTIME_ID, &bad) == EINVAL);
	require(pthread_rwlock_tryrdlock(&timed_lock) == EBUSY);
	require(pthread_rwlock_trywrlock(&timed_lock) == EBUSY);
	return NULL;
}

/* A reader keeps the lock: nobody is known, but it was not free either. */
SITE static void *want_to_write(void *unused)
{
	(void)unused;
	for (int i = 0; i < TIMEOUTS; i++) {
		struct timespec end = soon(CLOCK_MONOTONIC);

		require(pthread_rwlock_clockwrlock(&kept_lock, CLOCK_MONOTONIC, &end) == ETIMEDOUT);
	}
	return NULL;
}

int main(void)
{
	struct timespec past = { 1, 0 };
	pthread_t thread;
	uint64_t ns;

	ns = meet_run(ROUNDS, writer_takes, read_wait_here, writer_gives_here);
	fact("lock read_lock kind=rwlock acquisitions=%d contentions=%d timeouts=0 wait_ns=%lu..%lu", 2 * ROUNDS,
	     ROUNDS, (unsigned long)ROUNDS * MEET_NS, (unsigned long)ns);
	fact("waiter read_lock in=read_wait_here count=%d", ROUNDS);
	meet_culprit("read_lock", "writer_gives_here", ROUNDS, ns);
	ns = meet_run(ROUNDS, reader_takes, write_wait_here, reader_gives_here);
	fact("lock write_lock kind=rwlock acquisitions=%d contentions=%d timeouts=0 wait_ns=%lu..%lu", 2 * ROUNDS,
	     ROUNDS, (unsigned long)ROUNDS * MEET_NS, (unsigned long)ns);
	fact("waiter write_lock in=write_wait_here count=%d", ROUNDS);
	meet_culprit("write_lock", "reader_gives_here", ROUNDS, ns);

	require(pthread_rwlock_wrlock(&timed_lock) == 0);
	require(pthread_rwlock_wrlock(&timed_lock) == EDEADLK);
	require(pthread_rwlock_rdlock(&timed_lock) == EDEADLK);
	require(pthread_create(&thread, NULL, time_out, NULL) == 0);
	pthread_join(thread, NULL);
	require(pthread_rwlock_unlock(&timed_lock) == 0);
	fact("lock timed_lock acquisitions=1 contentions=%d timeouts=%d trylock_failures=2 wait_ns=%lu..", 4 * TIMEOUTS,
	     4 * TIMEOUTS, 4ul * TIMEOUTS * MEET_NS / 2);

	require(pthread_rwlock_rdlock(&kept_lock) == 0);
	require(pthread_create(&thread, NULL, want_to_write, NULL) == 0);
	pthread_join(thread, NULL);
	require(pthread_rwlock_unlock(&kept_lock) == 0);
	fact("lock kept_lock contentions=%d timeouts=%d handoff_ns=0 wait_ns=%lu..", TIMEOUTS, TIMEOUTS,
	     (unsigned long)TIMEOUTS * MEET_NS / 2);

	/* Free: the time does not matter. Readers share. */
	require(pthread_rwlock_timedrdlock(&calm_lock, &past) == 0);
	require(pthread_rwlock_tryrdlock(&calm_lock) == 0);
	require(pthread_rwlock_rdlock(&calm_lock) == 0);
	for (int i = 0; i < 3; i++)
		require(pthread_rwlock_unlock(&calm_lock) == 0);
	require(pthread_rwlock_timedwrlock(&calm_lock, &past) == 0);
	require(pthread_rwlock_unlock(&calm_lock) == 0);
	require(pthread_rwlock_trywrlock(&calm_lock) == 0);
	require(pthread_rwlock_unlock(&calm_lock) == 0);
	require(pthread_rwlock_destroy(&calm_lock) == 0);
	fact("lock calm_lock contentions=0");
	puts("ok");
	return 0;
}
