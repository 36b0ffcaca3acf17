/* SPDX-License-Identifier: MIT */
/*
 * A library that makes any program lose memory: two functions that nearly all call lose a block per call that leads to
 * a second one, and keep a third.
 */
#include <dlfcn.h>
#include <locale.h>
#include <stdlib.h>

struct block {
	struct block *volatile next; /* or the compiler leaves out what nobody reads */
	char text[40];
};

static struct block *volatile kept;

static __attribute__((noinline)) void forget(void)
{
	struct block *volatile head = malloc(sizeof(*head));
	struct block *last = malloc(sizeof(*last));

	if (!head || !last)
		abort();
	head->next = malloc(sizeof(*head));
	last->next = kept;
	kept = last;
	head = NULL;
}

char *getenv(const char *name)
{
	static char *(*real)(const char *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getenv");
	forget();
	return real(name);
}

char *setlocale(int category, const char *locale)
{
	static char *(*real)(int, const char *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "setlocale");
	forget();
	return real(category, locale);
}
