/* SPDX-License-Identifier: MIT */
/* Built with a sanitizer, and says whether that one works: an overflow is what it must find. argv[1]: make it so. */
#include "facts.h"

int main(int argc, char **argv)
{
	char *block = keep(malloc(10));

	(void)argv;
	printf("%d\n", argc);
	fflush(stdout);
	if (argc > 1)
		block[any_size(10)] = 1;
	free(block);
	return 5;
}
