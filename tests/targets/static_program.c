/* SPDX-License-Identifier: MIT */
/* Linked statically: no preload reaches it, and the launcher has to say so. */
#include "facts.h"

int main(void)
{
	free(keep(malloc(10)));
	puts("static");
	return 6;
}
