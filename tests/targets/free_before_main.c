/* SPDX-License-Identifier: MIT */
/*
 * A program whose own free must not be called before main, as that of GNU Common Lisp. And nothing that was looked up
 * in vain before may be told by dlerror, whose text would be freed.
 */
#include <dlfcn.h>
#include <unistd.h>

#include "facts.h"
#include "own_malloc.h"

static char heap[8u << 20] __attribute__((aligned(16)));
static size_t used;
static int is_ready;

void *take(size_t bytes)
{
	size_t at = __atomic_fetch_add(&used, (bytes + 31) & ~(size_t)15, __ATOMIC_RELAXED);

	require(at + bytes < sizeof(heap) - 32);
	memcpy(heap + at, &bytes, sizeof(bytes));
	return heap + at + 16;
}

void free(void *block)
{
	static const char early[] = "free is called before main\n";

	(void)block;
	if (is_ready)
		return;
	(void)!write(2, early, sizeof(early) - 1);
	_exit(1);
}

int main(void)
{
	const char *error = dlerror();

	is_ready = 1;
	printf("%s\n", error ? error : "no error");
	fact("process ended=exit exit_status=0");
	return 0;
}
