/* SPDX-License-Identifier: MIT */
/* Steadily growing memory: for a second, and in enough steps where the machine is busy. */
#include "facts.h"

#define LEAST 400

SITE static void *growing_here(void)
{
	return keep(malloc(10000));
}

int main(void)
{
	uint64_t start = now_ns(), step_ns = 1000000;
	int count = 0;

	while (now_ns() - start < 1000 * step_ns || count < LEAST) {
		void *block = growing_here();

		memset(block, 1, 10000);
		count++;
		usleep(1000);
	}
	fact("site growing_here alloc_count=%d live_count=%d", count, count);
	fact("process duration_ns=1000000000..");
	return 0;
}
