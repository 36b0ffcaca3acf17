/* SPDX-License-Identifier: MIT */
/*
 * Futex calls that wait (P32, P33): on a shared word, with and without bitset, woken directly and after a requeue; on a
 * word of the waiting thread, which says nothing about the lock; and waits that go on after a signal are one.
 */
#include <linux/futex.h>
#include <signal.h>

#include "meet.h"

#define ROUNDS   5
#define GO_ON_NS 1000000u /* what memprof takes for at once */

static uint32_t the_word, bits_word, from_word, to_word, signal_word;
static uint32_t *parker; /* of the thread that waits */
static int signalled;

static long futex(uint32_t *word, int op, uint32_t value, long timeout, uint32_t *word2, uint32_t value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

SITE static void wait_here(void)
{
	require(futex(&the_word, FUTEX_WAIT_PRIVATE, 0, 0, NULL, 0) == 0);
}

SITE static void wake_here(void)
{
	errno = 12;
	require(futex(&the_word, FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0) == 1 && errno == 12);
}

SITE static void wait_bits_here(void)
{
	require(futex(&bits_word, FUTEX_WAIT_BITSET_PRIVATE, 0, 0, NULL, 6) == 0);
}

SITE static void wake_bits_here(void)
{
	require(futex(&bits_word, FUTEX_WAKE_BITSET_PRIVATE, INT32_MAX, 0, NULL, 1) == 0);
	require(futex(&bits_word, FUTEX_WAKE_BITSET_PRIVATE, INT32_MAX, 0, NULL, 2) == 1);
}

SITE static void wait_moved_here(void)
{
	require(futex(&from_word, FUTEX_WAIT_PRIVATE, 0, 0, NULL, 0) == 0);
}

SITE static void move_here(void)
{
	require(futex(&from_word, FUTEX_CMP_REQUEUE_PRIVATE, 0, 1, &to_word, 0) == 1);
	require(futex(&to_word, FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0) == 1);
}

SITE static void park_here(void)
{
	uint32_t word = 1;

	__atomic_store_n(&parker, &word, __ATOMIC_RELEASE);
	require(futex(&word, FUTEX_WAIT_PRIVATE, 1, 0, NULL, 0) == 0);
}

SITE static void unpark_here(void)
{
	require(futex(__atomic_load_n(&parker, __ATOMIC_ACQUIRE), FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0) == 1);
}

static uint64_t handled_ns; /* when the last signal was handled */

static void on_signal(int number)
{
	(void)number;
	handled_ns = now_ns();
	__atomic_add_fetch(&signalled, 1, __ATOMIC_ACQ_REL);
}

SITE static void wait_signals_here(void)
{
	while (futex(&signal_word, FUTEX_WAIT_PRIVATE, 0, 0, NULL, 0) == -1)
		require(errno == EINTR);
}

static pthread_t thread_with_signals;
static int tid_with_signals;
static int late; /* waits that may not have gone on at once */

static void interrupt_and_wake_here(void)
{
	for (int i = 1; i <= 3; i++) {
		int before = signalled;

		require(pthread_kill(thread_with_signals, SIGUSR1) == 0);
		await(&signalled, before + 1);
		while (!is_asleep(tid_with_signals))
			sched_yield();
		late += now_ns() - handled_ns >= GO_ON_NS;
		pass_time(MEET_NS);
	}
	require(futex(&signal_word, FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0) == 1);
}

SITE static void signals_entry(void)
{
	thread_with_signals = pthread_self();
	tid_with_signals = (int)syscall(SYS_gettid);
	wait_signals_here();
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	uint64_t ns;

	ns = meet_run(ROUNDS, NULL, wait_here, wake_here);
	meet_fact("the_word", "futex", ROUNDS, ns, "timeouts=0");
	meet_culprit("the_word", "wake_here", ROUNDS, ns);
	ns = meet_run(ROUNDS, NULL, wait_bits_here, wake_bits_here);
	fact("waiter bits_word in=wait_bits_here count=%d wait_ns=%lu..%lu", ROUNDS, (unsigned long)ROUNDS * MEET_NS,
	     (unsigned long)ns);
	meet_run(ROUNDS, NULL, wait_moved_here, move_here);
	fact("waiter from_word in=wait_moved_here count=%d", ROUNDS);
	fact("culprit from_word in=move_here count=%d", ROUNDS);
	ns = meet_run(ROUNDS, NULL, park_here, unpark_here);
	fact("waiter * in=park_here count=%d wait_ns=%lu..%lu", ROUNDS, (unsigned long)ROUNDS * MEET_NS,
	     (unsigned long)ns);
	meet_culprit("*", "unpark_here", ROUNDS, ns);
	sigaction(SIGUSR1, &action, NULL);
	ns = meet_run(ROUNDS, NULL, signals_entry, interrupt_and_wake_here);
	fact("lock signal_word contentions=%d..%d wait_ns=%lu..%lu", ROUNDS, ROUNDS + late, 4ul * ROUNDS * MEET_NS,
	     (unsigned long)ns);
	puts("ok");
	return 0;
}
