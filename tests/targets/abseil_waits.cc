/* SPDX-License-Identifier: MIT */
/* Locks of Abseil, whose threads sleep on words of their own (P32, P33): a mutex held while another thread waits. */
#include <absl/synchronization/mutex.h>

#include "meet.h"

#define ROUNDS 5

static absl::Mutex the_mutex;
static absl::CondVar the_cond;
static bool flag;

static void take()
{
	the_mutex.Lock();
}

extern "C" SITE void wait_here()
{
	the_mutex.Lock();
	the_mutex.Unlock();
	keep(&the_mutex);
}

extern "C" SITE void give_here()
{
	the_mutex.Unlock();
	keep(&the_mutex);
}

static void lower_flag()
{
	flag = false;
}

extern "C" SITE void cond_wait_here()
{
	the_mutex.Lock();
	while (!flag)
		the_cond.Wait(&the_mutex);
	the_mutex.Unlock();
	keep(&the_mutex);
}

extern "C" SITE void notify_here()
{
	the_mutex.Lock();
	flag = true;
	the_mutex.Unlock();
	the_cond.Signal();
	keep(&the_mutex);
}

int main()
{
	uint64_t ns = meet_run(ROUNDS, take, wait_here, give_here);

	fact("waiter * in=wait_here count=%d wait_ns=%lu..%lu", ROUNDS, (unsigned long)ROUNDS * MEET_NS,
	     (unsigned long)ns);
	meet_culprit("*", "give_here", ROUNDS, ns);
	ns = meet_run(ROUNDS, lower_flag, cond_wait_here, notify_here);
	fact("waiter * in=cond_wait_here wait_ns=%lu..%lu", (unsigned long)ROUNDS * MEET_NS, (unsigned long)ns);
	fact("culprit * in=notify_here wait_ns=%lu..%lu", (unsigned long)ROUNDS * MEET_NS, (unsigned long)ns);
	puts("ok");
	return 0;
}
