/* SPDX-License-Identifier: MIT */
/* About a second of steadily growing memory. */
#include "facts.h"

SITE static void *growing_here(void)
{
	return keep(malloc(10000));
}

int main(void)
{
	uint64_t start = now_ns(), step_ns = 1000000;
	int count = 0;

	while (now_ns() - start < 1000 * step_ns) {
		void *block = growing_here();

		memset(block, 1, 10000);
		count++;
		usleep(1000);
	}
	fact("site growing_here alloc_count=%d live_count=%d", count, count);
	fact("process duration_ns=1000000000..");
	return 0;
}
