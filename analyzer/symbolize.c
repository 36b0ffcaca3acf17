/* SPDX-License-Identifier: MIT */
/*
 * From addresses to names, through libdwfl.
 *
 * Words: a *row* is a row of profile.modules, one executable segment at one time; an *object* is the file behind one or
 * more rows. Every object has a Dwfl of its own and is reported at base 0, so objects that shared an address one after
 * the other cannot be confused; addresses are translated to addresses as in the file ("file addresses") first.
 */
#include "symbolize.h"

#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anonymise.h"
#include "arena.h"
#include "demangle.h"
#include "dwarf_frames.h"
#include "dwarf_types.h"
#include "elf_symbols.h"
#include "hash.h"
#include "known_symbols.h"
#include "perf_map.h"
#include "profile.h"
#include "spans.h"
#include "strtab.h"
#include "vec.h"

#define BUILD_ID_BYTES_MAX 64
#define DEBUG_ROOT         "/usr/lib/debug"

/* Objects named in the one warning about missing debug information. */
#define WARNING_NAMES_MAX 6

struct object {
	const struct profile_module *row; /* the first; path and identity of the file are the same in all */
	bool opened;
	Dwfl *dwfl; /* NULL after opening: no usable file */
	Dwfl_Module *module;
	uint64_t bias; /* libdwfl's address - file address */

	bool symbols_read;
	struct elf_symbols symbols;

	bool debug_read;
	uint64_t debug_shift;        /* address in the debug data - file address */
	struct dwarf_frames *frames; /* NULL = no debug information */
	struct dwarf_types *types;   /* likewise */
};

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
	struct object *objects;
	size_t object_count;
	size_t *object_of_row;      /* index: row */
	struct hash_map cache;      /* hash of the arguments to the first struct cache_entry */
	struct hash_map names;      /* address of a symbol's text to its readable form, 0 = not mangled */
	struct known_symbols known; /* what the dump says itself */
	struct perf_map jit;
	bool jit_read;
	char *sysroot;    /* absolute */
	char *debug_path; /* for libdwfl; NULL: its default */

	bool segments_read;
	struct spans segments; /* writable ones in memory; index: row */

	VEC(const char *) warnings;
	VEC(const char *) no_debug; /* file names of objects without debug information */
	size_t no_debug_warning;    /* index + 1 of the warning that names them, 0 = none yet */
};

static void warn(struct symbolizer *s, const char *path, const char *text)
{
	char line[PATH_MAX + 256];

	snprintf(line, sizeof(line), "%.*s: %s", PATH_MAX, path, text);
	vec_push(&s->warnings) = strtab_intern(&s->strings, line);
}

/* One line for all: on most machines hardly any object has debug information. */
static void warn_no_debug(struct symbolizer *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	char line[4096];
	size_t used;

	vec_push(&s->no_debug) = slash ? slash + 1 : path;
	used = (size_t)snprintf(line, sizeof(line), "no debug information, so no lines and no inlined calls: ");
	for (size_t i = 0; i < s->no_debug.count && i < WARNING_NAMES_MAX; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%.*s", i ? ", " : "", NAME_MAX,
					 s->no_debug.list[i]);
	if (s->no_debug.count > WARNING_NAMES_MAX)
		snprintf(line + used, sizeof(line) - used, " and %zu more", s->no_debug.count - WARNING_NAMES_MAX);
	if (s->no_debug_warning == 0) {
		vec_push(&s->warnings) = NULL;
		s->no_debug_warning = s->warnings.count;
	}
	s->warnings.list[s->no_debug_warning - 1] = strtab_intern(&s->strings, line);
}

/* Who reads addresses in place of names wants to know how to get names. */
static void warn_no_symbols(struct symbolizer *s, const struct profile_module *row)
{
	char text[256 + 2 * BUILD_ID_BYTES_MAX];
	size_t used =
		(size_t)snprintf(text, sizeof(text), "has no symbols, so there are no names; its -dbgsym package%s",
				 row->build_id_bytes ? " or a debuginfod server has them, build id " : " has them");

	for (size_t i = 0; i < row->build_id_bytes && i < BUILD_ID_BYTES_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%02x", row->build_id[i]);
	warn(s, row->path, text);
}

/* Equal: the same file is behind two rows, as far as the dump tells. */
static int compare_files(const void *a, const void *b)
{
	const struct profile_module *x = *(const struct profile_module *const *)a;
	const struct profile_module *y = *(const struct profile_module *const *)b;
	const char *x_file = profile_module_file(x), *y_file = profile_module_file(y);
	int order = strcmp(x_file ? x_file : "", y_file ? y_file : "");

	if (order == 0 && x->build_id_bytes != y->build_id_bytes)
		order = x->build_id_bytes < y->build_id_bytes ? -1 : 1;
	if (order == 0 && x->build_id_bytes > 0)
		order = memcmp(x->build_id, y->build_id, x->build_id_bytes);
	if (order == 0 && x->file_bytes != y->file_bytes)
		order = x->file_bytes < y->file_bytes ? -1 : 1;
	if (order == 0 && x->file_mtime_ns != y->file_mtime_ns)
		order = x->file_mtime_ns < y->file_mtime_ns ? -1 : 1;
	return order;
}

static void find_objects(struct symbolizer *s)
{
	const struct profile_module *rows = s->profile->modules;
	size_t count = s->profile->module_count;
	const struct profile_module **sorted = arena_array(&s->arena, const struct profile_module *, count);

	s->objects = arena_array(&s->arena, struct object, count);
	s->object_of_row = arena_array(&s->arena, size_t, count);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, count, sizeof(*sorted), compare_files);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || compare_files(&sorted[i - 1], &sorted[i]) != 0)
			s->objects[s->object_count++].row = sorted[i];
		s->object_of_row[sorted[i] - rows] = s->object_count - 1;
	}
}

/* libdwfl keeps files open: two per object, and the usual limit is 1024. The hard limit is far higher. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* libdwfl looks for debug files in directories with an absolute path only. */
static void use_sysroot(struct symbolizer *s)
{
	s->sysroot = realpath(s->options.sysroot, NULL);
	if (s->sysroot)
		s->options.sysroot = s->sysroot;
	if (asprintf(&s->debug_path, ":.debug:%s" DEBUG_ROOT, s->options.sysroot) < 0)
		s->debug_path = NULL;
}

struct symbolizer *symbolizer_new(const struct profile *profile, const struct symbolizer_options *options)
{
	struct symbolizer *s = memory_zeroed(1, sizeof(*s));

	s->profile = profile;
	s->options = *options;
	if (options->enabled)
		known_symbols_init(&s->known, profile);
	if (options->enabled)
		allow_many_files();
	if (options->sysroot)
		use_sysroot(s);
	find_objects(s);
	return s;
}

void symbolizer_free(struct symbolizer *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->object_count; i++) {
		struct object *object = &s->objects[i];

		elf_symbols_free(&object->symbols);
		dwarf_types_free(object->types);
		dwarf_frames_free(object->frames);
		if (object->dwfl)
			dwfl_end(object->dwfl);
	}
	spans_free(&s->segments);
	hash_map_free(&s->cache);
	hash_map_free(&s->names);
	known_symbols_free(&s->known);
	perf_map_free(&s->jit);
	free(s->sysroot);
	free(s->debug_path);
	vec_free(&s->warnings);
	vec_free(&s->no_debug);
	strtab_free(&s->strings);
	arena_free(&s->arena);
	free(s);
}

size_t symbolizer_warnings(const struct symbolizer *s, const char *const **ret_list)
{
	*ret_list = s->warnings.list;
	return s->warnings.count;
}

/*
 * The standard search for separate debug files: by build id below /usr/lib/debug, by .gnu_debuglink, and with
 * debuginfod only when the user has set DEBUGINFOD_URLS. libdwfl checks that what it finds belongs to the object.
 */
static const Dwfl_Callbacks *callbacks(struct symbolizer *s)
{
	static char *debug_path; /* libdwfl wants the address of something that stays */
	static const Dwfl_Callbacks list = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &debug_path,
	};

	debug_path = s->debug_path;
	return &list;
}

static bool is_same_build(Dwfl_Module *module, const struct profile_module *row)
{
	const unsigned char *id;
	GElf_Addr address;
	int bytes = dwfl_module_build_id(module, &id, &address);

	return bytes > 0 && (uint32_t)bytes == row->build_id_bytes && memcmp(id, row->build_id, (size_t)bytes) == 0;
}

/* For files without a build id; what the dump does not know is taken as equal. */
static bool is_same_file(const struct stat *file, const struct profile_module *row, bool is_copy)
{
	uint64_t mtime_ns = (uint64_t)file->st_mtim.tv_sec * 1000000000u + (uint64_t)file->st_mtim.tv_nsec;

	return (row->file_bytes == 0 || row->file_bytes == (uint64_t)file->st_size) &&
	       (is_copy || row->file_mtime_ns == 0 || row->file_mtime_ns == mtime_ns);
}

/* The path of a file of the machine that the program ran on. */
static const char *below_root(const struct symbolizer *s, const char *path, char *buffer, size_t bytes)
{
	if (!s->options.sysroot)
		return path;
	snprintf(buffer, bytes, "%s%s", s->options.sysroot, path);
	return buffer;
}

/* Opens what PATH names for OBJECT. NULL: worked; else what is wrong, a text for a warning. */
static const char *open_file(struct symbolizer *s, struct object *object, const char *path)
{
	const struct profile_module *row = object->row;
	const char *defect = NULL;
	struct stat file;
	GElf_Ehdr header;
	Elf *elf;
	/* A path in a damaged dump may name anything: no waiting for a FIFO, no terminal, no device. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? "no such file, so no names"
							   : "cannot be opened, so no names";
	object->dwfl = dwfl_begin(callbacks(s));
	if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || object->dwfl == NULL)
		defect = "not a regular file, so no names";
	else if ((object->module = dwfl_report_elf(object->dwfl, path, path, fd, 0, /*add_p_vaddr=*/true)) == NULL)
		defect = "not a usable ELF file, so no names";
	else
		fd = -1; /* belongs to libdwfl now */
	if (fd >= 0)
		close(fd);
	if (!defect) {
		dwfl_report_end(object->dwfl, NULL, NULL);
		elf = dwfl_module_getelf(object->module, &object->bias);
		if (elf == NULL || gelf_getehdr(elf, &header) == NULL ||
		    (header.e_type != ET_EXEC && header.e_type != ET_DYN))
			defect = "not an executable or shared object, so no names";
		else if (row->build_id_bytes > 0 && !is_same_build(object->module, row))
			defect = "has changed since the program ran (the build ids differ), so no names";
		else if (row->build_id_bytes == 0 && !is_same_file(&file, row, s->options.sysroot != NULL))
			defect = "has changed since the program ran, so no names";
	}
	if (defect && object->dwfl) {
		dwfl_end(object->dwfl);
		object->dwfl = NULL;
		object->module = NULL;
	}
	return defect;
}

/* The debug file of a build id has the symbols and segments of the object too. */
static void debug_path(const struct profile_module *row, char *ret_path, size_t bytes)
{
	size_t used = (size_t)snprintf(ret_path, bytes, DEBUG_ROOT "/.build-id/%02x/", row->build_id[0]);

	for (uint32_t i = 1; i < row->build_id_bytes && i < BUILD_ID_BYTES_MAX; i++)
		used += (size_t)snprintf(ret_path + used, bytes - used, "%02x", row->build_id[i]);
	snprintf(ret_path + used, bytes - used, ".debug");
}

/* false: OBJECT has no usable file. */
static bool open_object(struct symbolizer *s, struct object *object)
{
	const struct profile_module *row = object->row;
	const char *file = profile_module_file(row);
	char path[2 * PATH_MAX];
	const char *defect;

	if (object->opened)
		return object->dwfl != NULL;
	object->opened = true;
	/* No warning for what never is a file, such as [vdso]. */
	if (file == NULL || file[0] != '/')
		return false;
	defect = open_file(s, object, below_root(s, file, path, sizeof(path)));
	if (defect && row->build_id_bytes > 1) {
		char debug[sizeof(DEBUG_ROOT) + 32 + 2 * BUILD_ID_BYTES_MAX];

		debug_path(row, debug, sizeof(debug));
		if (open_file(s, object, below_root(s, debug, path, sizeof(path))) == NULL)
			return true;
	}
	if (defect)
		warn(s, row->path, defect);
	return defect == NULL;
}

static void read_symbols(struct object *object)
{
	if (!object->symbols_read)
		elf_symbols_read(&object->symbols, object->module, object->bias);
	object->symbols_read = true;
}

static void read_debug(struct symbolizer *s, struct object *object)
{
	Dwarf_Addr bias;
	Dwarf *dwarf;

	if (object->debug_read)
		return;
	object->debug_read = true;
	dwarf = dwfl_module_getdwarf(object->module, &bias);
	if (dwarf) {
		object->debug_shift = object->bias - bias;
		object->frames = dwarf_frames_new(dwarf, &s->strings);
		object->types = dwarf_types_new(dwarf, object->frames, &s->strings);
	} else {
		read_symbols(object);
		if (object->symbols.code.spans.count > 0)
			warn_no_debug(s, object->row->path);
		else
			warn_no_symbols(s, object->row);
	}
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
static void frames_of_object(struct symbolizer *s, struct object *object, uint64_t address, struct cache_entry *entry)
{
	struct frame model = entry->frames[0];
	struct dwarf_frame found[DWARF_FRAMES_MAX];
	size_t count = 0, first;
	const char *symbol;

	read_symbols(object);
	read_debug(s, object);
	symbol = elf_symbols_code(&object->symbols, address);
	if (object->frames)
		count = dwarf_frames_at(object->frames, address + object->debug_shift, found);
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
		const char *defect = perf_map_read(&s->jit, s->profile, s->options.sysroot ? s->options.sysroot : "",
						   path, sizeof(path), &s->strings);

		s->jit_read = true;
		if (defect)
			warn(s, path, defect);
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
	struct object *object;
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
	object = &s->objects[s->object_of_row[entry->module - 1]];
	if (open_object(s, object))
		frames_of_object(s, object, pc - row->bias, entry);
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

uint64_t symbolizer_file_offset(const struct symbolizer *s, uint32_t module)
{
	const struct profile_module *row = &s->profile->modules[module - 1];
	const struct object *object = &s->objects[s->object_of_row[module - 1]];
	uint64_t address = row->start - row->bias;
	GElf_Addr unused;
	size_t count;
	Elf *elf;

	if (!object->dwfl || !(elf = dwfl_module_getelf(object->module, &unused)) || elf_getphdrnum(elf, &count) != 0)
		return address;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		/* Segments are mapped from the page before their first byte. */
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD && segment.p_flags & PF_X &&
		    address < segment.p_vaddr + segment.p_memsz && address + (row->end - row->start) > segment.p_vaddr)
			return segment.p_offset - (segment.p_vaddr - address);
	}
	return address;
}

/* Writable segments, where locks are, of one object as loaded by the row of number INDEX + 1. */
static void add_segments(struct symbolizer *s, struct object *object, size_t index)
{
	uint64_t bias = s->profile->modules[index].bias;
	GElf_Addr unused;
	Elf *elf = dwfl_module_getelf(object->module, &unused);
	size_t count;

	if (elf == NULL || elf_getphdrnum(elf, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD ||
		    !(segment.p_flags & PF_W))
			continue;
		spans_add(&s->segments, (struct span){ .start = segment.p_vaddr + bias,
						       .end = segment.p_vaddr + bias + segment.p_memsz,
						       .index = index });
	}
}

static void read_segments(struct symbolizer *s)
{
	if (s->segments_read)
		return;
	s->segments_read = true;
	for (size_t i = 0; i < s->profile->module_count; i++) {
		const struct profile_module *row = &s->profile->modules[i];
		struct object *object = &s->objects[s->object_of_row[i]];

		if (row->start < row->end && !profile_module_is_memprof(s->profile, row->number) &&
		    open_object(s, object))
			add_segments(s, object, i);
	}
	spans_sort(&s->segments);
}

/* Which of two rows is more likely meant: one that is still loaded, else the later. */
static bool is_better_row(const struct profile_module *row, const struct profile_module *than)
{
	if ((row->unload_ns == 0) != (than->unload_ns == 0))
		return row->unload_ns == 0;
	return row->load_ns > than->load_ns;
}

/* The row in whose writable segments ADDRESS lies, NULL if in none. */
static const struct profile_module *find_data_row(struct symbolizer *s, uint64_t address)
{
	const struct profile_module *rows = s->profile->modules, *row = NULL;
	const struct span *segment = NULL;

	read_segments(s);
	while ((segment = spans_find(&s->segments, address, segment)) != NULL) {
		if (row == NULL || is_better_row(&rows[segment->index], row))
			row = &rows[segment->index];
	}
	return row;
}

bool symbolizer_find_object(struct symbolizer *s, uint64_t address, struct symbolizer_object *ret_object)
{
	const struct profile_module *row;
	const struct span *symbol;
	struct object *object;

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
	if ((row = find_data_row(s, address)) == NULL)
		return false;
	object = &s->objects[s->object_of_row[row - s->profile->modules]];
	read_symbols(object);
	symbol = spans_find(&object->symbols.data, address - row->bias, NULL);
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
	read_debug(s, object);
	if (object->types)
		ret_object->member =
			dwarf_types_of_variable(object->types, symbol->start + object->debug_shift, ret_object->offset);
	return true;
}

void symbolizer_guess_member(struct symbolizer *s, uint32_t module, uint64_t ip, bool exact, uint64_t bytes,
			     uint64_t offset, struct dwarf_guess *guess)
{
	uint64_t pc = exact || ip == 0 ? ip : ip - 1;
	const struct profile_module *row;
	struct object *object;

	if (!s->options.enabled || s->options.anonymous || module == 0 || module > s->profile->module_count)
		return;
	row = &s->profile->modules[module - 1];
	object = &s->objects[s->object_of_row[module - 1]];
	if (pc < row->start || pc >= row->end || !open_object(s, object))
		return;
	read_debug(s, object);
	if (object->types)
		dwarf_types_guess(object->types, pc - row->bias + object->debug_shift, bytes, offset, guess);
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
