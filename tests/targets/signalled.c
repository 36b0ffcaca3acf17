/* SPDX-License-Identifier: MIT */
/* Waits for a signal, and says which one came; for the tests of the launcher. */
#include <signal.h>

#include "facts.h"

int main(int argc, char **argv)
{
	sigset_t set;
	int number;

	if (argc > 1) { /* without a handler */
		raise(atoi(argv[1]));
		return 1;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	require(sigwait(&set, &number) == 0);
	printf("signal %d\n", number);
	return number + 20;
}
