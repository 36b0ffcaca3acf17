/* SPDX-License-Identifier: MIT */
/* Allocations on stacks of the program's own: ucontext coroutines on static, heap and mapped memory. */
#include <sys/mman.h>
#include <ucontext.h>

#include "facts.h"

#define STACK_BYTES 65536
#define ROUNDS      1000

static ucontext_t main_context, contexts[3];
static char static_stack[STACK_BYTES] __attribute__((aligned(16)));

SITE static void *coroutine_here(void)
{
	return keep(malloc(40));
}

SITE static void body(int depth)
{
	char frame[100];

	keep(frame);
	if (depth == 0)
		free(coroutine_here());
	else
		body(depth - 1);
	keep(frame);
}

static void coroutine(int number)
{
	for (int i = 0; i < ROUNDS; i++) {
		body(i % 10);
		swapcontext(&contexts[number], &main_context);
	}
}

int main(void)
{
	void *stacks[3] = { static_stack, malloc(STACK_BYTES),
			    mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) };

	for (int i = 0; i < 3; i++) {
		require(getcontext(&contexts[i]) == 0);
		contexts[i].uc_stack.ss_sp = stacks[i];
		contexts[i].uc_stack.ss_size = STACK_BYTES;
		contexts[i].uc_link = &main_context;
		makecontext(&contexts[i], (void (*)(void))coroutine, 1, i);
	}
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < 3; i++)
			swapcontext(&main_context, &contexts[i]);
	fact("site coroutine_here alloc_count=%d alloc_bytes=%d free_count=%d live_count=0", 3 * ROUNDS, 120 * ROUNDS,
	     3 * ROUNDS);
	fact("site body alloc_count=%d", 3 * ROUNDS);
	puts("done");
	return 0;
}
