/* SPDX-License-Identifier: MIT */
/* A daemon's start: closes every descriptor, opens files of its own and writes to them while it allocates. */
#include <fcntl.h>
#include <sys/stat.h>

#include "spread.h"

SITE static void *daemon_here(void)
{
	return keep(malloc(10));
}

int main(void)
{
	char text[32], back[32];
	int fds[40];

	fact("total alloc_count=131072..131200 alloc_bytes=1310720..");
	fact("process ended=exit exit_status=0");
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	for (int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "own-%d", i);
		fds[i] = open(text, O_RDWR | O_CREAT | O_TRUNC, 0600);
		require(fds[i] == 3 + i); /* nobody else took one */
	}
	/* Different stacks, so that memprof's tables have to grow while the descriptors are the program's. */
	for (int path = 0; path < 131072; path++) {
		spread(17, path, daemon_here);
		if (path % 1000 == 0)
			require(write(fds[path / 1000 % 40], "0123456789", 10) == 10);
	}
	for (int i = 0; i < 40; i++) {
		struct stat status;

		require(fstat(fds[i], &status) == 0 && status.st_size >= 30 && status.st_size <= 40);
		for (off_t offset = 0; offset < status.st_size; offset += 10) {
			require(pread(fds[i], back, 10, offset) == 10);
			require(memcmp(back, "0123456789", 10) == 0);
		}
		close(fds[i]);
		snprintf(text, sizeof(text), "own-%d", i);
		require(unlink(text) == 0);
	}
	puts("intact");
	return 0;
}
