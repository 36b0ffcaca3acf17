/* SPDX-License-Identifier: MIT */
/*
 * longjmp across 400 frames and out of a signal handler on an alternate stack, again and again; what is allocated at
 * once after each jump must stand in the stack that really is there.
 */
#include <setjmp.h>
#include <signal.h>

#include "facts.h"

#define ROUNDS 200
#define DEPTH  400

static sigjmp_buf back;

SITE static void *deep_here(void)
{
	return keep(malloc(20));
}

SITE static void *landed_here(void)
{
	return keep(malloc(30));
}

SITE static void *handler_here(void)
{
	return keep(malloc(40));
}

SITE static void descend(int depth)
{
	char frame[100];

	keep(frame);
	if (depth > 0)
		descend(depth - 1);
	else if (deep_here())
		siglongjmp(back, 1);
	keep(frame);
}

SITE static void catch_far(void)
{
	if (sigsetjmp(back, 1) == 0)
		descend(DEPTH);
	landed_here();
}

static void on_signal(int number)
{
	(void)number;
	handler_here();
	siglongjmp(back, 1);
}

SITE static void catch_signal(void)
{
	if (sigsetjmp(back, 1) == 0)
		raise(SIGUSR1);
	landed_here();
}

int main(void)
{
	static char space[65536];
	stack_t stack = { .ss_sp = space, .ss_size = sizeof(space) };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	require(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
	for (int i = 0; i < ROUNDS; i++) {
		catch_far();
		catch_signal();
	}
	fact("site deep_here alloc_count=%d sites=1 frames=%d.. outer=main", ROUNDS, DEPTH);
	fact("site handler_here alloc_count=%d outer=main", ROUNDS);
	fact("site landed_here alloc_count=%d frames=3..8 outer=main", 2 * ROUNDS);
	fact("site descend alloc_count=%d", ROUNDS);
	puts("done");
	return 0;
}
