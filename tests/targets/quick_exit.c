/* SPDX-License-Identifier: MIT */
/* quick_exit: at_quick_exit handlers run, destructors do not. */
#include "facts.h"

SITE static void *quick_here(void)
{
	return keep(malloc(45));
}

static void at_quick(void)
{
	quick_here();
}

int main(void)
{
	at_quick_exit(at_quick);
	quick_here();
	fact("site quick_here alloc_count=2 alloc_bytes=90 live_count=2");
	fact("process ended=exit exit_status=11");
	quick_exit(11);
}
