/* SPDX-License-Identifier: MIT */
/*
 * From addresses to names: what the dump says itself, then the debug data of the object file, then its symbols. What
 * was found for an address is kept.
 */
#include "symbolize.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anonymise.h"
#include "arena.h"
#include "demangle.h"
#include "dwarf_frames.h"
#include "dwarf_types.h"
#include "elf_symbols.h"
#include "hash.h"
#include "known_symbols.h"
#include "name_warnings.h"
#include "object_file.h"
#include "perf_map.h"
#include "profile.h"
#include "spans.h"
#include "strtab.h"

struct cache_entry {
	uint64_t ip;
	uint32_t module;
	bool exact;
	struct frame *frames;
	size_t count;
	struct cache_entry *next; /* same hash */
};

struct symbolizer {
	const struct profile *profile;
	struct symbolizer_options options;
	struct arena arena;
	struct strtab strings;
	struct object_files files;
	struct hash_map cache;      /* hash of the arguments to the first struct cache_entry */
	struct hash_map names;      /* address of a symbol's text to its readable form, 0 = not mangled */
	struct known_symbols known; /* what the dump says itself */
	struct perf_map jit;
	bool jit_read;
	struct name_warnings warnings;
};

struct symbolizer *symbolizer_new(const struct profile *profile, const struct symbolizer_options *options)
{
	struct symbolizer *s = memory_zeroed(1, sizeof(*s));

	s->profile = profile;
	s->options = *options;
	s->warnings.strings = &s->strings;
	if (options->enabled)
		known_symbols_init(&s->known, profile);
	object_files_init(&s->files, profile, options->sysroot, &s->arena, &s->strings, &s->warnings);
	return s;
}

void symbolizer_free(struct symbolizer *s)
{
	if (s == NULL)
		return;
	object_files_free(&s->files);
	hash_map_free(&s->cache);
	hash_map_free(&s->names);
	known_symbols_free(&s->known);
	perf_map_free(&s->jit);
	name_warnings_free(&s->warnings);
	strtab_free(&s->strings);
	arena_free(&s->arena);
	free(s);
}

size_t symbolizer_warnings(const struct symbolizer *s, const char *const **ret_list)
{
	*ret_list = s->warnings.texts.list;
	return s->warnings.texts.count;
}
/* The readable form of SYMBOL, NULL if it is not mangled. SYMBOL is text in a file that stays mapped. */
static const char *demangled(struct symbolizer *s, const char *symbol)
{
	bool is_new;
	uint64_t *value = hash_map_put(&s->names, (uintptr_t)symbol, &is_new);

	if (is_new) {
		char *name = demangle(symbol);

		if (name)
			*value = (uintptr_t)strtab_intern(&s->strings, name);
		free(name);
	}
	return (const char *)(uintptr_t)*value;
}

/* SYMBOL demangled, or without the version that symbol tables add: "memcpy@@GLIBC_2.14". */
static const char *readable(struct symbolizer *s, const char *symbol)
{
	const char *name = demangled(s, symbol);
	const char *version = strchr(symbol, '@');

	if (name)
		return name;
	if (version && version != symbol)
		return strtab_intern_bytes(&s->strings, symbol, (size_t)(version - symbol));
	return symbol;
}

/*
 * Libraries define many functions under an internal name and export them by an alias, often with a version: people know
 * "malloc" and "__libc_start_main", the debug data says "__libc_malloc" and "__libc_start_main_impl". Names with a dot
 * are those of compilers for parts of functions.
 */
static bool is_better_known(const char *symbol, const char *name)
{
	char end = symbol[strcspn(symbol, ".@")];

	return name[0] == '_' && end != '.' && (symbol[0] != '_' || end == '@');
}

/* SYMBOL is the best one that covers the code, NULL = none. It cannot name inlined functions. */
static const char *function_name(struct symbolizer *s, const struct dwarf_frame *frame, const char *symbol)
{
	const char *name = NULL;

	if (frame->inlined)
		symbol = NULL;
	if (frame->linkage_name)
		name = demangled(s, frame->linkage_name);
	else if (symbol)
		name = demangled(s, symbol);
	if (name)
		return name;
	name = frame->name ? frame->name : frame->linkage_name;
	if (symbol && (name == NULL || is_better_known(symbol, name)))
		name = readable(s, symbol);
	return name;
}

/* The mangled name behind function_name(), NULL = there is none. */
static const char *mangled_name(struct symbolizer *s, const struct dwarf_frame *frame, const char *symbol)
{
	const char *name = frame->linkage_name ? frame->linkage_name : frame->inlined ? NULL : symbol;

	return name && demangled(s, name) ? name : NULL;
}

/* Frames of a file address into the entry, whose frames already hold module and address. */
static void frames_of_object(struct symbolizer *s, struct object_file *file, uint64_t address,
			     struct cache_entry *entry)
{
	struct frame model = entry->frames[0];
	struct dwarf_frame found[DWARF_FRAMES_MAX];
	size_t count = 0, first;
	const char *symbol;

	object_file_need_symbols(file);
	object_file_need_debug(&s->files, file);
	symbol = elf_symbols_code(&file->symbols, address);
	if (file->frames)
		count = dwarf_frames_at(file->frames, address + file->debug_shift, found);
	if (count == 0) {
		entry->frames[0].function = symbol ? readable(s, symbol) : NULL;
		entry->frames[0].symbol = symbol && demangled(s, symbol) ? symbol : NULL;
		return;
	}
	first = s->options.inlines ? 0 : count - 1;
	entry->count = count - first;
	entry->frames = arena_array(&s->arena, struct frame, entry->count);
	for (size_t i = first; i < count; i++) {
		struct frame *frame = &entry->frames[i - first];

		*frame = model;
		frame->function = function_name(s, &found[i], symbol);
		frame->symbol = mangled_name(s, &found[i], symbol);
		frame->file = found[i].file;
		frame->line = found[i].line;
		frame->inlined = found[i].inlined;
	}
}

/* Names that the dump brings along. false: it does not know this address. */
static bool frames_of_dump(struct symbolizer *s, struct cache_entry *entry)
{
	struct frame model = entry->frames[0];
	size_t count, first;
	const struct profile_symbol *rows =
		known_symbols_find(&s->known, entry->module, entry->ip, entry->exact, &count);

	if (count == 0)
		return false;
	first = s->options.inlines ? 0 : count - 1;
	entry->count = count - first;
	entry->frames = arena_array(&s->arena, struct frame, entry->count);
	for (size_t i = first; i < count; i++) {
		struct frame *frame = &entry->frames[i - first];

		*frame = model;
		frame->function = rows[i].function;
		frame->file = rows[i].file;
		frame->line = rows[i].line;
		frame->inlined = rows[i].inlined;
	}
	return true;
}

/* Code outside of all objects: what the program itself has told of it. */
static void frame_of_jit(struct symbolizer *s, uint64_t pc, struct frame *frame)
{
	if (!s->jit_read) {
		char path[PATH_MAX];
		const char *defect = perf_map_read(&s->jit, s->profile, s->files.sysroot ? s->files.sysroot : "", path,
						   sizeof(path), &s->strings);

		s->jit_read = true;
		if (defect)
			name_warnings_add(&s->warnings, path, defect);
	}
	frame->function = perf_map_find(&s->jit, pc);
}

static const char *hidden_name(struct symbolizer *s, char kind, const char *name)
{
	char text[ANONYMOUS_NAME_BYTES];

	return strtab_intern(&s->strings, anonymous_name(kind, name, text));
}

static void make_anonymous(struct symbolizer *s, struct cache_entry *entry)
{
	for (size_t i = 0; i < entry->count; i++) {
		struct frame *frame = &entry->frames[i];

		if (frame->function)
			frame->function = hidden_name(s, 'f', frame->function);
		frame->file = NULL;
		frame->line = 0;
	}
}

static void fill_entry(struct symbolizer *s, struct cache_entry *entry)
{
	const struct profile_module *row;
	struct object_file *file;
	uint64_t pc = entry->exact || entry->ip == 0 ? entry->ip : entry->ip - 1;

	entry->count = 1;
	entry->frames = arena_array(&s->arena, struct frame, 1);
	entry->frames[0].address = entry->ip;
	row = entry->module > 0 && entry->module <= s->profile->module_count ? &s->profile->modules[entry->module - 1]
									     : NULL;
	if (row) {
		entry->frames[0].module = row->path;
		entry->frames[0].offset = entry->ip - row->bias;
	}
	if (frames_of_dump(s, entry))
		return;
	if (entry->module == 0 && s->options.enabled)
		frame_of_jit(s, pc, &entry->frames[0]);
	if (!row)
		return;
	if (!s->options.enabled || pc < row->start || pc >= row->end)
		return;
	file = object_files_open(&s->files, entry->module);
	if (file)
		frames_of_object(s, file, pc - row->bias, entry);
}

const struct frame *symbolizer_frames(struct symbolizer *s, uint32_t module, uint64_t ip, bool exact, size_t *ret_count)
{
	uint64_t key = hash_u64(ip ^ hash_u64((uint64_t)module << 1 | exact));
	uint64_t *first = hash_map_put(&s->cache, key, NULL);
	struct cache_entry *entry = (struct cache_entry *)(uintptr_t)*first;

	while (entry && (entry->ip != ip || entry->module != module || entry->exact != exact))
		entry = entry->next;
	if (entry == NULL) {
		entry = arena_array(&s->arena, struct cache_entry, 1);
		entry->ip = ip;
		entry->module = module;
		entry->exact = exact;
		entry->next = (struct cache_entry *)(uintptr_t)*first;
		*first = (uintptr_t)entry;
		fill_entry(s, entry);
		if (s->options.anonymous)
			make_anonymous(s, entry);
	}
	*ret_count = entry->count;
	return entry->frames;
}

bool symbolizer_find_object(struct symbolizer *s, uint64_t address, struct symbolizer_object *ret_object)
{
	const struct profile_module *row;
	const struct span *symbol;
	struct object_file *file;

	*ret_object = (struct symbolizer_object){ 0 };
	if (!s->options.enabled)
		return false;
	/* A dump that brings names has those of all its locks that have one. */
	ret_object->name = known_symbols_object(&s->known, address);
	if (ret_object->name || s->profile->symbol_count > 0) {
		if (ret_object->name && s->options.anonymous)
			ret_object->name = hidden_name(s, 'o', ret_object->name);
		return ret_object->name != NULL;
	}
	if ((row = object_files_data_row(&s->files, address)) == NULL)
		return false;
	file = object_files_open(&s->files, (uint32_t)(row - s->profile->modules) + 1);
	object_file_need_symbols(file);
	symbol = spans_find(&file->symbols.data, address - row->bias, NULL);
	ret_object->module = row->path;
	ret_object->offset = address - row->bias;
	if (symbol == NULL)
		return true;
	ret_object->name = readable(s, symbol->name);
	ret_object->offset -= symbol->start;
	if (s->options.anonymous) {
		ret_object->name = hidden_name(s, 'o', ret_object->name);
		return true;
	}
	object_file_need_debug(&s->files, file);
	if (file->types)
		ret_object->member =
			dwarf_types_of_variable(file->types, symbol->start + file->debug_shift, ret_object->offset);
	return true;
}

void symbolizer_guess_member(struct symbolizer *s, uint32_t module, uint64_t ip, bool exact, uint64_t bytes,
			     uint64_t offset, struct dwarf_guess *guess)
{
	uint64_t pc = exact || ip == 0 ? ip : ip - 1;
	const struct profile_module *row;
	struct object_file *file;

	if (!s->options.enabled || s->options.anonymous || module == 0 || module > s->profile->module_count)
		return;
	row = &s->profile->modules[module - 1];
	if (pc < row->start || pc >= row->end || !(file = object_files_open(&s->files, module)))
		return;
	object_file_need_debug(&s->files, file);
	if (file->types)
		dwarf_types_guess(file->types, pc - row->bias + file->debug_shift, bytes, offset, guess);
}

uint64_t symbolizer_file_offset(const struct symbolizer *s, uint32_t module)
{
	return object_files_offset(&s->files, module);
}

bool symbolizer_has_names(const struct symbolizer *s)
{
	return s->options.enabled;
}

const char *symbolizer_object(struct symbolizer *s, uint64_t address)
{
	struct symbolizer_object object;
	char text[4096];
	int length;

	if (!symbolizer_find_object(s, address, &object) || object.name == NULL)
		return NULL;
	if (object.offset == 0)
		return object.name;
	length = snprintf(text, sizeof(text), "%s+0x%" PRIx64, object.name, object.offset);
	return length > 0 && (size_t)length < sizeof(text) ? strtab_intern(&s->strings, text) : object.name;
}
