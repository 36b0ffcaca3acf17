/* SPDX-License-Identifier: MIT */
/* Goes into an empty chroot and gives root away, then needs the dump to grow. argv[1]: the empty directory. */
#include <grp.h>

#include "spread.h"

SITE static void *jailed_here(void)
{
	return keep(malloc(9));
}

int main(int argc, char **argv)
{
	require(argc > 1 && chroot(argv[1]) == 0 && chdir("/") == 0);
	require(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
	for (int path = 0; path < 65536; path++)
		spread(16, path, jailed_here);
	puts("done");
	return 0;
}
