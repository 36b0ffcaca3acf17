/* SPDX-License-Identifier: MIT */
/* A handler on an alternate signal stack that allocates. */
#include <signal.h>

#include "facts.h"

static char *stack;
static int on_it;

SITE static void *altstack_here(void)
{
	return keep(malloc(60));
}

static void handler(int number)
{
	char here;

	(void)number;
	on_it += &here >= stack && &here < stack + 65536;
	free(altstack_here());
}

SITE static void raise_here(void)
{
	raise(SIGUSR1);
	keep(stack);
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	stack_t alternate = { .ss_size = 65536 };

	stack = malloc(65536);
	alternate.ss_sp = stack;
	require(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
	for (int i = 0; i < 500; i++)
		raise_here();
	require(on_it == 500);
	fact("site altstack_here alloc_count=500 alloc_bytes=30000 free_count=500 live_count=0");
	return 0;
}
