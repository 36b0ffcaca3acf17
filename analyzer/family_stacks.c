/* SPDX-License-Identifier: MIT */
/* The dumps of a family that are in memory right now. */
#include "family_stacks.h"

#include "dump_file.h"

void family_stacks_init(struct family_stacks *stacks, const struct family *family, const struct options *options)
{
	*stacks = (struct family_stacks){ .family = family, .options = options };
	for (size_t i = 0; i < FAMILY_LOADED; i++)
		stacks->loaded[i].process = FAMILY_NONE;
}

static void unload(struct family_loaded *loaded)
{
	if (loaded->process == FAMILY_NONE)
		return;
	report_free(&loaded->ready);
	profile_free(&loaded->profile);
	loaded->process = FAMILY_NONE;
}

static void load(const struct family_stacks *stacks, struct family_loaded *loaded, size_t process)
{
	const char *path = stacks->family->processes.list[process].path;
	struct err ignored = { 0 }; /* it was complained of before, or will be */

	loaded->ready = (struct ready_report){ 0 };
	profile_init(&loaded->profile, path);
	loaded->readable = dump_file_load(path, &loaded->profile, &ignored) &&
			   report_init(&loaded->ready, &loaded->profile, stacks->options, &ignored);
	loaded->process = process;
}

static struct family_loaded *loaded_of(struct family_stacks *stacks, size_t process)
{
	struct family_loaded *chosen = stacks->loaded;

	for (size_t i = 0; i < FAMILY_LOADED; i++) {
		struct family_loaded *loaded = &stacks->loaded[i];

		if (loaded->process == process)
			return loaded;
		if (loaded->used < chosen->used)
			chosen = loaded;
	}
	unload(chosen);
	load(stacks, chosen, process);
	return chosen;
}

const struct stack_view *family_stacks_view(struct family_stacks *stacks, size_t process, uint32_t stack)
{
	struct family_loaded *loaded = loaded_of(stacks, process);

	loaded->used = ++stacks->uses;
	if (!loaded->readable || stack > loaded->profile.node_count)
		return NULL;
	stack_view_fill(&stacks->view, &loaded->profile, loaded->ready.report.symbols, stack);
	return &stacks->view;
}

void family_stacks_free(struct family_stacks *stacks)
{
	for (size_t i = 0; i < FAMILY_LOADED; i++)
		unload(&stacks->loaded[i]);
	stack_view_free(&stacks->view);
}
