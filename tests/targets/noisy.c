/* SPDX-License-Identifier: MIT */
/* Writes to standard output and standard error by every way, without a newline at the end. */
#include <sys/uio.h>

#include "facts.h"

int main(void)
{
	char bytes[256];
	struct iovec part = { bytes, sizeof(bytes) };

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	for (int i = 0; i < 1000; i++) {
		printf("line %d %s\n", i, "text");
		fprintf(stderr, "error %d\n", i);
		if (i % 100 == 0)
			fflush(stdout);
	}
	fflush(stdout);
	require(write(1, bytes, sizeof(bytes)) == sizeof(bytes));
	require(writev(2, &part, 1) == sizeof(bytes));
	printf("no newline at the end");
	return 42;
}
