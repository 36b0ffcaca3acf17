/* SPDX-License-Identifier: MIT */
/* A timer signal at 1 kHz and more whose handler allocates, in the middle of anything. */
#include <signal.h>
#include <sys/time.h>

#include "facts.h"

/* Linked to an allocator that handlers may enter: what is tried is that memprof may be entered too. */

#define HANDLERS 500

static volatile int handled;

SITE static void *handler_here(void)
{
	return keep(malloc(24));
}

SITE static void *interrupted_here(void)
{
	return keep(malloc(16));
}

static void handler(int number)
{
	int saved = errno;

	(void)number;
	if (handled < HANDLERS) {
		handler_here();
		handled++;
	}
	errno = saved;
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	long loops = 0;

	require(sigaction(SIGALRM, &action, NULL) == 0);
	setitimer(ITIMER_REAL, &often, NULL);
	while (handled < HANDLERS) {
		free(interrupted_here());
		loops++;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	/* A call from a handler that interrupted memprof itself is not recorded, but counted as such. */
	fact("site handler_here alloc_count+nested=%d alloc_bytes=..%d", HANDLERS, HANDLERS * 24);
	fact("site interrupted_here not=handler_here alloc_count=%ld free_count=%ld", loops, loops);
	puts("done");
	return 0;
}
