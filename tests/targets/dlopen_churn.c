/* SPDX-License-Identifier: MIT */
/* Two plugins loaded and unloaded in turn, mostly at the same address. */
#include <dlfcn.h>

#include "facts.h"
#include "sibling.h"

#define ROUNDS 20

static void run_plugin(const char *name)
{
	void *(*run)(void);
	void *handle = dlopen(sibling(name), RTLD_NOW);

	require(handle != NULL);
	*(void **)&run = dlsym(handle, "plugin_run");
	require(run != NULL);
	for (int i = 0; i < 10; i++)
		free(run());
	run();
	require(dlclose(handle) == 0);
}

int main(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		run_plugin("plugin_a.so");
		run_plugin("plugin_b.so");
	}
	require(dlopen("/nonexistent/plugin.so", RTLD_NOW) == NULL && dlerror() != NULL);
	fact("site plugin_a_here alloc_count=%d alloc_bytes=%d free_count=%d live_count=%d outer=main", ROUNDS * 11,
	     ROUNDS * 11 * 111, ROUNDS * 10, ROUNDS);
	fact("site plugin_b_here alloc_count=%d alloc_bytes=%d free_count=%d live_count=%d outer=main", ROUNDS * 11,
	     ROUNDS * 11 * 222, ROUNDS * 10, ROUNDS);
	puts("done");
	return 0;
}
