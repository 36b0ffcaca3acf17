/* SPDX-License-Identifier: MIT */
/*
 * Five threads hold one mutex in turn, for 1 to 5 units, while all others wait: each is charged with its own part of
 * every wait. What is true lies between two bounds that the program measures with its own clock, however busy the
 * machine is: what certainly was a hold during a wait, and what can have been one. It prints, for each thread, its
 * number and the two.
 */
#include "meet.h"

#define HOLDERS 5
#define UNIT_NS 40000000u

struct interval {
	uint64_t from;
	uint64_t to;
};

static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	int tid;
	uint64_t asked;  /* before the call that locks */
	uint64_t got;    /* after it */
	uint64_t ending; /* before the call that unlocks */
	uint64_t ended;  /* after it */
} turns[HOLDERS];
static uint64_t all_wait; /* from here on, everybody but the first certainly waits */

static void sleep_units(unsigned units)
{
	const struct timespec time = { .tv_nsec = (long)(units * UNIT_NS) };

	nanosleep(&time, NULL);
}

/* One function each, so that the culprits have names. */
#define HOLDER(n)                                \
	SITE static void hold_##n(void)          \
	{                                        \
		turns[n - 1].asked = now_ns();   \
		pthread_mutex_lock(&the_lock);   \
		turns[n - 1].got = now_ns();     \
		if (n == 1)                      \
			wait_until_all_wait();   \
		sleep_units(n);                  \
		turns[n - 1].ending = now_ns();  \
		pthread_mutex_unlock(&the_lock); \
		turns[n - 1].ended = now_ns();   \
	}

/* The holders sleep in no other call before they have the mutex. */
static void wait_until_all_wait(void)
{
	for (int i = 1; i < HOLDERS; i++) {
		while (!__atomic_load_n(&turns[i].asked, __ATOMIC_ACQUIRE) || !is_asleep(turns[i].tid))
			usleep(1000);
	}
	all_wait = now_ns();
}

HOLDER(1)
HOLDER(2)
HOLDER(3)
HOLDER(4)
HOLDER(5)

static void *run(void *arg)
{
	static void (*const holders[])(void) = { hold_1, hold_2, hold_3, hold_4, hold_5 };
	int n = (int)(intptr_t)arg;

	turns[n].tid = gettid();
	if (n)
		while (!__atomic_load_n(&turns[0].got, __ATOMIC_ACQUIRE))
			usleep(1000);
	holders[n]();
	return NULL;
}

static uint64_t overlap(struct interval a, struct interval b)
{
	uint64_t from = a.from > b.from ? a.from : b.from, to = a.to < b.to ? a.to : b.to;

	return to > from ? to - from : 0;
}

int main(void)
{
	pthread_t threads[HOLDERS];

	for (int i = 0; i < HOLDERS; i++)
		require(pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i) == 0);
	for (int i = 0; i < HOLDERS; i++)
		pthread_join(threads[i], NULL);
	for (int h = 0; h < HOLDERS; h++) {
		uint64_t least = 0, most = 0;
		struct interval inner = { turns[h].got, turns[h].ending }, outer = { turns[h].asked, turns[h].ended };

		/* It cannot have had the mutex before the one before it was about to give it up. */
		for (int i = 0; i < HOLDERS; i++)
			if (turns[i].ending < turns[h].ending && turns[i].ending > outer.from)
				outer.from = turns[i].ending;
		for (int w = 1; w < HOLDERS; w++) {
			if (w == h)
				continue;
			least += overlap(inner, (struct interval){ all_wait, turns[w].got });
			most += overlap(outer, (struct interval){ turns[w].asked, turns[w].got });
		}
		printf("%d %lu %lu\n", turns[h].tid, (unsigned long)least, (unsigned long)most);
	}
	fact("lock the_lock contentions=%d acquisitions=%d", HOLDERS - 1, HOLDERS);
	return 0;
}
