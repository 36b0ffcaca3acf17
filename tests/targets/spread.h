/* SPDX-License-Identifier: MIT */
/* As many different stacks as wanted: each bit of a number chooses one of two callers. */
#ifndef MP_SPREAD_H
#define MP_SPREAD_H

#include "facts.h"

static void spread(int depth, int path, void *(*leaf)(void));

SITE static void spread_odd(int depth, int path, void *(*leaf)(void))
{
	spread(depth - 1, path >> 1, leaf);
	keep(&path);
}

SITE static void spread_even(int depth, int path, void *(*leaf)(void))
{
	spread(depth - 1, path >> 1, leaf);
	keep(&path);
}

SITE static void spread(int depth, int path, void *(*leaf)(void))
{
	if (depth == 0)
		leaf();
	else if (path & 1)
		spread_odd(depth, path, leaf);
	else
		spread_even(depth, path, leaf);
	keep(&path);
}

#endif
