/* SPDX-License-Identifier: MIT */
/* The options of the preload, for people and for the help of the launcher. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "mp_options.h"

/* Word INDEX of "a|b|c". */
static void print_choice(const char *choices, unsigned index)
{
	for (; index > 0; index--)
		choices = strchr(choices, '|') + 1;
	printf("%.*s", (int)strcspn(choices, "|"), choices);
}

int cmd_options(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	(void)options;
	(void)paths;
	(void)count;
	(void)err;
#define STR(field, env, def, help) printf("  %s\n          %s; default %s\n", env, help, def);
#define NUM(field, env, def, min, max, help)                                                                        \
	printf("  %s\n          %s; %" PRIu64 " to %" PRIu64 ", default %" PRIu64 "\n", env, help, (uint64_t)(min), \
	       (uint64_t)(max), (uint64_t)(def));
#define SEL(field, env, def, choices, help)                             \
	printf("  %s\n          %s; %s, default ", env, help, choices); \
	print_choice(choices, def);                                     \
	putchar('\n');
	MP_OPTIONS(STR, NUM, SEL)
#undef STR
#undef NUM
#undef SEL
	return STATUS_OK;
}
