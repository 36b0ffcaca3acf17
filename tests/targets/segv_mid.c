/* SPDX-License-Identifier: MIT */
/* A crash in the middle of the work. */
#include <sys/resource.h>

#include "facts.h"

SITE static void *crashed_here(void)
{
	return keep(malloc(47));
}

int main(void)
{
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	for (int i = 0; i < 100; i++)
		crashed_here();
	fact("site crashed_here alloc_count=100 alloc_bytes=4700 live_count=100");
	fact("process ended=killed");
	*(volatile int *)keep(NULL) = 1;
	return 0;
}
