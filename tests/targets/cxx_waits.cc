/* SPDX-License-Identifier: MIT */
/*
 * C++ (P3, P20): condition_variable::wait_for, which is clockwait in libc, timed_mutex::try_lock_for, which is
 * clocklock, shared_mutex, shared_timed_mutex and call_once with an exception.
 */
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <thread>

#include "facts.h"

#define TIMEOUTS 4

using namespace std::chrono_literals;

static std::mutex mutex;
static std::condition_variable the_cond;
static std::timed_mutex the_mutex;
static std::shared_timed_mutex the_shared;
static std::once_flag once;

extern "C" SITE bool wait_here(std::unique_lock<std::mutex> &lock)
{
	bool timed_out = the_cond.wait_for(lock, 2ms) == std::cv_status::timeout;

	keep(&lock);
	return timed_out;
}

extern "C" SITE bool try_here()
{
	bool got = the_mutex.try_lock_for(2ms);

	keep(&the_mutex);
	return got;
}

extern "C" SITE bool share_here()
{
	bool got = the_shared.try_lock_shared_for(2ms);

	keep(&the_shared);
	return got;
}

static void throws_once()
{
	int calls = 0;

	for (int i = 0; i < 3; i++) {
		try {
			std::call_once(once, [&] {
				if (++calls < 3)
					throw std::runtime_error("again");
			});
		} catch (const std::runtime_error &) {
		}
	}
	require(calls == 3);
}

int main()
{
	{
		std::unique_lock<std::mutex> lock(mutex);

		for (int i = 0; i < TIMEOUTS; i++)
			require(wait_here(lock)); /* nobody signals; a wake-up without one would fail here */
	}
	the_mutex.lock();
	the_shared.lock();
	std::thread([] {
		for (int i = 0; i < TIMEOUTS; i++)
			require(!try_here() && !share_here());
	}).join();
	the_mutex.unlock();
	the_shared.unlock();
	throws_once();
	fact("waiter the_cond in=wait_here count=%d wait_ns=%d..", TIMEOUTS, TIMEOUTS * 1000000);
	fact("lock the_cond kind=condvar contentions=%d timeouts=%d", TIMEOUTS, TIMEOUTS);
	fact("waiter the_mutex in=try_here count=%d wait_ns=%d..", TIMEOUTS, TIMEOUTS * 1000000);
	fact("lock the_mutex kind=mutex contentions=%d timeouts=%d", TIMEOUTS, TIMEOUTS);
	fact("waiter the_shared in=share_here count=%d wait_ns=%d..", TIMEOUTS, TIMEOUTS * 1000000);
	puts("ok");
	return 0;
}
