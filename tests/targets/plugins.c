/* SPDX-License-Identifier: MIT */
/*
 * Plugins that go while their objects live, that bind to libc past everybody (RTLD_DEEPBIND), and that live in a
 * namespace with a libc of its own (dlmopen). argv[1]: which.
 */
#include <dlfcn.h>

#include "facts.h"
#include "sibling.h"

static void *(*run_of(void *handle))(void)
{
	void *(*run)(void);

	require(handle);
	*(void **)&run = dlsym(handle, "plugin_run");
	require(run);
	return run;
}

static void unloaded(void)
{
	void *blocks[20];
	void *handle = dlopen(sibling("plugin_a.so"), RTLD_NOW);

	for (int i = 0; i < 20; i++)
		blocks[i] = run_of(handle)();
	require(dlclose(handle) == 0 && !dlopen(sibling("plugin_a.so"), RTLD_NOW | RTLD_NOLOAD));
	for (int i = 0; i < 10; i++)
		free(blocks[i]);
	for (int i = 10; i < 20; i++)
		blocks[i] = keep(realloc(blocks[i], 333));
	fact("site plugin_a_here alloc_count=20 alloc_bytes=2220 free_count=20 live_count=0");
	fact("loss unknown_free=0");
}

static void deepbind(void)
{
	void *handle = dlopen(sibling("plugin_a.so"), RTLD_NOW | RTLD_DEEPBIND);

	for (int i = 0; i < 20; i++)
		free(run_of(handle)());
	/* Allocated past us, freed through us: seen for what it is. */
	fact("site plugin_a_here alloc_count=0");
	fact("loss unknown_free=20");
}

static void other_namespace(void)
{
	void *handle = dlmopen(LM_ID_NEWLM, sibling("plugin_a.so"), RTLD_NOW);

	for (int i = 0; i < 20; i++)
		run_of(handle)();
	dlclose(handle);
	fact("site plugin_a_here alloc_count=0");
}

int main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "unloaded";

	if (!strcmp(which, "deepbind"))
		deepbind();
	else if (!strcmp(which, "namespace"))
		other_namespace();
	else
		unloaded();
	puts("done");
	return 0;
}
