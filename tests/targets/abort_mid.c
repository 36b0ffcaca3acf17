/* SPDX-License-Identifier: MIT */
/* abort in the middle of the work. */
#include <sys/resource.h>

#include "facts.h"

SITE static void *aborted_here(void)
{
	return keep(malloc(46));
}

int main(void)
{
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	for (int i = 0; i < 100; i++)
		aborted_here();
	fact("site aborted_here alloc_count=100 alloc_bytes=4600 live_count=100");
	fact("process ended=signal signal=6");
	abort();
}
