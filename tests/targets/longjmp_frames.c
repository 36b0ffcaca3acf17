/* SPDX-License-Identifier: MIT */
/* Frames left by longjmp and by C++-like unwinding out of handlers. */
#include <setjmp.h>

#include "facts.h"

static jmp_buf back;

SITE static void *before_jump_here(void)
{
	return keep(malloc(20));
}

SITE static void *after_jump_here(void)
{
	return keep(malloc(30));
}

SITE static void jump_from(int depth)
{
	char frame[128];

	keep(frame);
	if (depth > 0)
		jump_from(depth - 1);
	else if (before_jump_here() != NULL)
		longjmp(back, 1);
	keep(frame);
}

SITE static void catcher(int depth)
{
	if (setjmp(back) == 0)
		jump_from(depth);
	after_jump_here();
}

int main(void)
{
	for (int i = 0; i < 1000; i++)
		catcher(i % 50);
	fact("site before_jump_here alloc_count=1000 alloc_bytes=20000 outer=catcher sites=50");
	fact("site after_jump_here alloc_count=1000 alloc_bytes=30000 outer=main sites=1");
	fact("site jump_from alloc_count=1000");
	return 0;
}
