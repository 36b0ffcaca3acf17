/* SPDX-License-Identifier: MIT */
/*
 * Crashes that a program knows how to deal with: a handler on an alternate stack that learns the address and goes on,
 * one that reports and dies of the same signal, and one that dies at once, with a core if the limit lets it.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>

#include "facts.h"

static char stack[65536];
static sigjmp_buf back;
static char *volatile where;

SITE static void *handler_here(void)
{
	return keep(malloc(30));
}

static void go_on(int number, siginfo_t *info, void *context)
{
	(void)context;
	require(number == SIGSEGV && info->si_code == SEGV_MAPERR && info->si_addr == where);
	free(handler_here());
	siglongjmp(back, 1);
}

static void report(int number, siginfo_t *info, void *context)
{
	(void)context;
	require(write(1, "reported\n", 9) == 9 && info->si_addr == where);
	signal(number, SIG_DFL); /* what comes back faults again */
}

static void on_segv(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	require(sigaction(SIGSEGV, &action, NULL) == 0);
}

SITE static void crash(void)
{
	*(volatile char *)where = 1;
}

static void die(int way)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	require(child >= 0);
	if (child == 0) {
		handler_here();
		if (way == 1)
			on_segv(report);
		else
			signal(SIGSEGV, SIG_DFL);
		fact("site handler_here alloc_count=1 live_count=1");
		fact("process ended=killed");
		crash();
	}
	require(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	printf("child died of signal %d, core: %d\n", WTERMSIG(status), !!WCOREDUMP(status));
}

int main(void)
{
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };

	where = (char *)16;
	require(sigaltstack(&alternate, NULL) == 0);
	on_segv(go_on);
	for (volatile int i = 0; i < 200; i++) {
		if (sigsetjmp(back, 1) == 0)
			crash();
	}
	fact("site handler_here alloc_count=200 free_count=200");
	fact("process ended=exit exit_status=0");
	die(1);
	die(2);
	puts("done");
	return 0;
}
