/* SPDX-License-Identifier: MIT */
/*
 * Allocates and touches until somebody ends it, and counts in the file argv[1], which it maps, how many blocks it has:
 * for the kernel to kill in a small cgroup.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "facts.h"

#define BLOCK_BYTES 100000

SITE static char *eaten_here(void)
{
	return keep(malloc(BLOCK_BYTES));
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
	long *count;

	require(fd >= 0 && ftruncate(fd, 4096) == 0);
	count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	require(count != MAP_FAILED);
	count[0] = getpid();
	for (;;) {
		char *block = eaten_here();

		require(block);
		__atomic_store_n(&count[1], count[1] + 1, __ATOMIC_SEQ_CST);
		memset(block, 1, BLOCK_BYTES);
	}
}
