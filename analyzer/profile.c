/* SPDX-License-Identifier: MIT */
/* The model: its life, its names, and walks over its stacks. */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vec.h"

/* A corrupt file can earn a warning per row; nobody reads more than this. */
#define WARNINGS_MAX 24

void profile_init(struct profile *profile, const char *path)
{
	*profile = (struct profile){ 0 };
	profile->path = strtab_intern(&profile->strings, path ? path : "");
}

void profile_free(struct profile *profile)
{
	free(profile->warnings);
	arena_free(&profile->arena);
	strtab_free(&profile->strings);
	*profile = (struct profile){ 0 };
}

void profile_vwarn(struct profile *profile, const char *format, va_list args)
{
	char line[1024];
	const char *text;

	vsnprintf(line, sizeof(line), format, args);
	text = strtab_intern(&profile->strings, line);
	for (size_t i = 0; i < profile->warning_count; i++) {
		if (profile->warnings[i] == text)
			return;
	}
	if (profile->warning_count == WARNINGS_MAX) {
		profile->warnings_left_out++;
		return;
	}
	if (!profile->warnings)
		profile->warnings = memory_zeroed(WARNINGS_MAX, sizeof(*profile->warnings));
	profile->warnings[profile->warning_count++] = text;
}

void profile_warn(struct profile *profile, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	profile_vwarn(profile, format, args);
	va_end(args);
}

static const struct profile_node *find_node(const struct profile *profile, uint32_t number)
{
	static const struct profile_node none;

	return number <= profile->node_count && profile->nodes ? &profile->nodes[number] : &none;
}

size_t profile_stack(const struct profile *profile, uint32_t stack, uint32_t *ret_nodes)
{
	size_t count = 0;

	while (stack != 0 && count < PROFILE_STACK_MAX) {
		const struct profile_node *node = find_node(profile, stack);

		if (node->ip < MP_STACK_MARKS)
			break;
		ret_nodes[count++] = stack;
		stack = node->parent;
	}
	return count;
}

uint32_t profile_stack_mark(const struct profile *profile, uint32_t stack)
{
	const struct profile_node *node = find_node(profile, stack);

	/* Ends: parents are smaller than their children. */
	while (node->parent != 0)
		node = find_node(profile, node->parent);
	if (node->cut || node->ip == 0)
		return PROFILE_MARK_DAMAGED;
	return node->ip < MP_STACK_MARKS ? (uint32_t)node->ip : 0;
}

bool profile_module_is_memprof(const struct profile *profile, uint32_t module)
{
	const char *path;
	const char *name;

	if (module == 0 || module > profile->module_count)
		return false;
	path = profile_module_file(&profile->modules[module - 1]);
	if (!path)
		return false;
	name = strrchr(path, '/');
	return strcmp(name ? name + 1 : path, "libmemprof.so") == 0;
}

const char *profile_mark_name(uint32_t mark)
{
	switch (mark) {
#define X(name, number, text) \
	case number:          \
		return #name;
		MP_STACK_MARK_LIST(X)
#undef X
	case PROFILE_MARK_DAMAGED:
		return "DAMAGED";
	default:
		return NULL;
	}
}

const char *profile_mark_text(uint32_t mark)
{
	switch (mark) {
#define X(name, number, text) \
	case number:          \
		return text;
		MP_STACK_MARK_LIST(X)
#undef X
	case PROFILE_MARK_DAMAGED:
		return "cut: the dump is damaged there";
	default:
		return NULL;
	}
}

const char *profile_mode_name(uint32_t mode)
{
	static const char *const names[] = {
		[MP_MODE_FULL] = "full", [MP_MODE_SAMPLE] = "sample", [MP_MODE_OFF] = "off"
	};

	return mode < sizeof(names) / sizeof(*names) ? names[mode] : NULL;
}

const char *profile_ended_name(enum profile_ended ended)
{
#define X(name, text) [PROFILE_ENDED_##name] = text,
	static const char *const names[] = { PROFILE_ENDED(X) };
#undef X

	return names[ended];
}

const char *profile_lock_kind_name(uint32_t kind)
{
	switch (kind) {
#define X(name, number, text, category) \
	case number:                    \
		return text;
		MP_LOCK_KINDS(X)
#undef X
	default:
		return NULL;
	}
}

const char *profile_lock_category(uint32_t kind)
{
	switch (kind) {
#define X(name, number, text, category) \
	case number:                    \
		return category;
		MP_LOCK_KINDS(X)
#undef X
	default:
		return NULL;
	}
}

bool profile_is_contention(const char *category)
{
	return category == NULL || strcmp(category, "coordination") != 0;
}

const char *profile_loss_name(uint64_t reason)
{
	switch (reason) {
#define X(name, number, json, text) \
	case number:                \
		return json;
		MP_LOSSES(X)
#undef X
	default:
		return NULL;
	}
}

const char *profile_loss_text(uint64_t reason)
{
	switch (reason) {
#define X(name, number, json, text) \
	case number:                \
		return text;
		MP_LOSSES(X)
#undef X
	default:
		return NULL;
	}
}

const char *profile_leak_class_name(uint32_t leak_class)
{
	switch (leak_class) {
#define X(name, number, word) \
	case number:          \
		return word;
		MP_LEAK_CLASSES(X)
#undef X
	default:
		return NULL;
	}
}

const char *profile_scan_trigger_name(uint32_t trigger)
{
	switch (trigger) {
#define X(name, number, word) \
	case number:          \
		return word;
		MP_SCAN_TRIGGERS(X)
#undef X
	default:
		return NULL;
	}
}

const char *profile_scan_method_name(uint32_t method)
{
	switch (method) {
#define X(name, number, word) \
	case number:          \
		return word;
		MP_SCAN_METHODS(X)
#undef X
	default:
		return NULL;
	}
}

const char *profile_scan_result_text(uint32_t result)
{
	switch (result) {
#define X(name, number, word) \
	case number:          \
		return word;
		MP_SCAN_RESULTS(X)
#undef X
	default:
		return NULL;
	}
}

uint64_t profile_duration_ns(const struct profile *profile)
{
	const struct profile_process *process = &profile->process;
	uint64_t end_ns = process->end_ns;

	/* A process that could not say its end lived at least until the last moment that the dump names. */
	if (!end_ns)
		end_ns = process->last_ns > profile->peak_ns ? process->last_ns : profile->peak_ns;
	return end_ns > process->start_ns ? end_ns - process->start_ns : 0;
}

bool profile_is_sampled(const struct profile *profile)
{
	return profile->process.mode == MP_MODE_SAMPLE;
}

uint64_t profile_blocks(const struct profile *profile, uint64_t count)
{
	if (!profile_is_sampled(profile))
		return count;
	return count / MP_COUNT_UNITS + (count % MP_COUNT_UNITS >= MP_COUNT_UNITS / 2);
}

int64_t profile_signed_blocks(const struct profile *profile, int64_t count)
{
	if (count >= 0)
		return (int64_t)profile_blocks(profile, (uint64_t)count);
	return (int64_t)(0 - profile_blocks(profile, 0 - (uint64_t)count));
}
