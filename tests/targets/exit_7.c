/* SPDX-License-Identifier: MIT */
/* exit with a status, from a function, with an atexit handler that allocates. */
#include "facts.h"

SITE static void *at_exit_here(void)
{
	return keep(malloc(33));
}

static void at_exit(void)
{
	at_exit_here();
	puts("at exit");
}

int main(void)
{
	atexit(at_exit);
	fact("site at_exit_here alloc_count=1 alloc_bytes=33");
	fact("process ended=exit exit_status=7");
	exit(7);
}
