/* SPDX-License-Identifier: MIT */
/* _exit: no destructor runs. */
#include "facts.h"

SITE static void *no_destructor_here(void)
{
	return keep(malloc(44));
}

int main(void)
{
	no_destructor_here();
	fact("site no_destructor_here alloc_count=1 alloc_bytes=44 live_count=1");
	fact("process ended=exit exit_status=9");
	_exit(9);
}
