/* SPDX-License-Identifier: MIT */
/*
 * Fills the disk with the file argv[2] until there is no space, allocating on ever new stacks meanwhile: an error is
 * what it must get, and never a signal.
 */
#include <fcntl.h>
#include <stdbool.h>

#include "spread.h"

SITE static void *filling_here(void)
{
	return keep(malloc(11));
}

int main(int argc, char **argv)
{
	static char block[4096];
	int depth = argc > 1 ? atoi(argv[1]) : 12;
	int fd = argc > 2 ? open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
	bool full = false;

	require(fd >= 0);
	for (int path = 0; path < 1 << depth; path++) {
		spread(depth, path, filling_here);
		full = full || write(fd, block, sizeof(block)) != (ssize_t)sizeof(block);
	}
	require(full);
	puts("full");
	return 0;
}
