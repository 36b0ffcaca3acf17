/* SPDX-License-Identifier: MIT */
/*
 * A signal handler that forks, whatever it interrupts: allocations and locks above all. The child returns from the
 * handler into what was interrupted, and goes on. glibc allows that while there is one thread.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "facts.h"

#define CHILDREN 24
#define BLOCKS   64

static volatile sig_atomic_t forked;
static volatile sig_atomic_t in_child;
static pid_t children[CHILDREN];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void on_alarm(int signal)
{
	int saved = errno;
	pid_t child;

	(void)signal;
	if (in_child || forked == CHILDREN)
		return;
	child = fork();
	if (child == 0)
		in_child = 1;
	else if (child > 0)
		children[forked++] = child;
	errno = saved;
}

static void timer(int microseconds)
{
	struct itimerval time = { .it_interval.tv_usec = microseconds, .it_value.tv_usec = microseconds };

	require(setitimer(ITIMER_REAL, &time, NULL) == 0);
}

SITE static void *loop_here(size_t bytes)
{
	return keep(malloc(bytes));
}

/* New stacks, so that the tables grow too. */
SITE static void *deeper(unsigned path, unsigned levels)
{
	void *block;

	if (!levels)
		return loop_here(40 + path % 200);
	block = path & 1 ? deeper(path >> 1, levels - 1) : keep(deeper(path >> 1, levels - 1));
	__asm__ volatile("");
	return block;
}

SITE static void *after_here(void)
{
	return keep(malloc(33));
}

/* The child has left the handler; what it allocates now is its own, and is recorded. */
static void child(void)
{
	for (int i = 0; i < 10; i++)
		after_here();
	fact("site after_here alloc_count=10 live_bytes=330");
	_exit(7);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	void *blocks[BLOCKS] = { NULL };
	uint64_t count = 0;

	require(sigaction(SIGALRM, &action, NULL) == 0);
	timer(700);
	while (forked < CHILDREN) {
		unsigned slot = count * 7919 % BLOCKS;
		void *old = blocks[slot];

		if (in_child)
			child();
		if (count % 3 == 0) {
			blocks[slot] = keep(realloc(old, 24 + count % 500));
		} else {
			free(old);
			blocks[slot] = deeper((unsigned)(count * 2654435761u >> 16), 9);
			count++;
			continue;
		}
		require(pthread_mutex_lock(&mutex) == 0);
		require(pthread_mutex_unlock(&mutex) == 0);
		count++;
	}
	if (in_child)
		child();
	timer(0);
	for (int i = 0; i < CHILDREN; i++) {
		int status = 0;

		require(waitpid(children[i], &status, 0) == children[i]);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 7) {
			fprintf(stderr, "child %d ended with status 0x%x\n", i, (unsigned)status);
			return 1;
		}
	}
	fact("site loop_here alloc_count=%llu", (unsigned long long)(count - (count + 2) / 3));
	fact("process ended=exit exit_status=0");
	puts("done");
	return 0;
}
