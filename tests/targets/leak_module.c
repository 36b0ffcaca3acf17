/* SPDX-License-Identifier: MIT */
/* A library for leaks.c to load and unload: blocks that only its own memory leads to. */
#include <stdlib.h>

void *module_block;
__thread void *module_thread_block;

__attribute__((noinline)) void module_keep(size_t size)
{
	module_block = malloc(size);
}

__attribute__((noinline)) void module_keep_in_tls(size_t size)
{
	module_thread_block = malloc(size);
}

void module_forget(void)
{
	module_block = NULL;
}
