/* SPDX-License-Identifier: MIT */
/* A program that replaces itself several times, and at last by another one. */
#include "facts.h"
#include "sibling.h"

SITE static void *link_here(void)
{
	return keep(malloc(55));
}

int main(int argc, char **argv)
{
	int left = argc > 1 ? atoi(argv[1]) : 3;
	char word[16];

	for (int i = 0; i < 1000; i++)
		link_here();
	printf("%d left\n", left);
	fflush(stdout);
	if (left == 0) {
		execl("/nonexistent/program", "program", (char *)NULL);
		link_here(); /* a failed exec changes nothing */
		fact("site link_here alloc_count=1001 alloc_bytes=55055 live_count=1001");
		fact("process ended=exec");
		execl(sibling("exec_leaf"), "exec_leaf", "chained", (char *)NULL);
	}
	usleep(2000); /* reports tell the order of starts by the millisecond */
	snprintf(word, sizeof(word), "%d", left - 1);
	execl("/proc/self/exe", argv[0], word, (char *)NULL);
	return 98;
}
