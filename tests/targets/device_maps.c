/* SPDX-License-Identifier: MIT */
/*
 * device_maps DEVICE: maps the block device DEVICE, shared and private, and searches for leaks: to look into it would
 * be to read the device, which shows in the pages that are in memory afterwards. A block that only the device leads to
 * counts as lost, with the rest of what another program finds there.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "facts.h"
#include "memprof.h"

#define PAGE  4096u
#define PAGES 256u

static char *shared;
static char *private;

SITE static void *block(size_t size)
{
	return keep(malloc(size));
}

static unsigned resident(char *memory)
{
	unsigned char in[PAGES];
	unsigned count = 0;

	require(mincore(memory, PAGES * PAGE, in) == 0);
	for (unsigned i = 0; i < PAGES; i++)
		count += in[i] & 1;
	return count;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	require(fd >= 0);
	shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	require(shared != MAP_FAILED && private != MAP_FAILED);
	/* What probing left in memory; the system may still be at it, as it is with every new device. */
	do
		require(fsync(fd) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	while (resident(shared) != 0);
	memprof_check_leaks();
	printf("%u pages read\n", resident(shared));
	*(void *volatile *)(void *)(shared + PAGE) = block(1001);
	fact("leak definite size=1001 count=1");
	return 0;
}
