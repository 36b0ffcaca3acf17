/* SPDX-License-Identifier: MIT */
/* The environment and the arguments are what the program would see anyway. */
#include "facts.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("argument %s\n", argv[i]);
	for (char **entry = environ; *entry != NULL; entry++)
		if (strncmp(*entry, "LD_PRELOAD=", 11) != 0 && strncmp(*entry, "MEMPROF_", 8) != 0)
			puts(*entry);
	require(setenv("NEW_VARIABLE", "x", 1) == 0 && getenv("NEW_VARIABLE") != NULL);
	require(clearenv() == 0 && getenv("PATH") == NULL);
	return 0;
}
