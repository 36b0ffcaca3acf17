/* SPDX-License-Identifier: MIT */
/* Hashes instead of names. */
#include "anonymise.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "stack_view.h"

char *anonymous_name(char kind, const char *name, char buf[static ANONYMOUS_NAME_BYTES])
{
	snprintf(buf, ANONYMOUS_NAME_BYTES, "%c_%016" PRIx64, kind, hash_bytes(name, strlen(name)));
	return buf;
}

/* By the last component: where a file was installed is nobody's business, and differs between machines. */
static const char *anonymous_path(struct profile *profile, const char *path)
{
	char name[ANONYMOUS_NAME_BYTES];

	return path ? strtab_intern(&profile->strings, anonymous_name('m', stack_view_base_name(path), name)) : NULL;
}

void profile_anonymise(struct profile *profile)
{
	struct profile_process *process = &profile->process;
	struct profile_module *modules =
		arena_copy(&profile->arena, profile->modules, profile->module_count * sizeof(*modules));
	struct mp_thread *threads =
		arena_copy(&profile->arena, profile->threads, profile->thread_count * sizeof(*threads));
	const char **lock_names =
		arena_copy(&profile->arena, profile->lock_names, profile->lock_name_count * sizeof(*lock_names));
	struct profile_lock *locks =
		arena_copy(&profile->arena, profile->locks, profile->lock_count * sizeof(*locks));
	struct profile_mark_name *marks =
		arena_copy(&profile->arena, profile->mark_names, profile->mark_name_count * sizeof(*marks));

	for (size_t i = 0; i < profile->module_count; i++) {
		modules[i].real_path = modules[i].path;
		modules[i].path = anonymous_path(profile, modules[i].path);
	}
	for (size_t i = 0; i < profile->thread_count; i++) {
		char name[ANONYMOUS_NAME_BYTES];

		/* The field is shorter than the word: so much of it. */
		if (threads[i].name[0])
			memcpy(threads[i].name, anonymous_name('t', threads[i].name, name),
			       sizeof(threads[i].name) - 1);
	}
	for (size_t i = 0; i < profile->mark_name_count; i++) {
		char name[ANONYMOUS_NAME_BYTES];

		if (marks[i].text)
			marks[i].text = strtab_intern(&profile->strings, anonymous_name('p', marks[i].text, name));
	}
	for (size_t i = 0; i < profile->lock_name_count; i++) {
		char name[ANONYMOUS_NAME_BYTES];

		if (lock_names[i])
			lock_names[i] = strtab_intern(&profile->strings, anonymous_name('l', lock_names[i], name));
	}
	for (size_t i = 0; i < profile->lock_count; i++) {
		if (locks[i].name)
			locks[i].name = lock_names[locks[i].row.name - 1];
	}
	process->exe = anonymous_path(profile, process->exe);
	process->cwd = NULL;
	process->hostname = NULL;
	process->argv = NULL;
	process->argc = 0;
	profile->modules = modules;
	profile->threads = threads;
	profile->mark_names = marks;
	profile->lock_names = lock_names;
	profile->locks = locks;
	profile->option_count = 0;
	profile->path = "dump";
	profile->anonymous = true;
}
