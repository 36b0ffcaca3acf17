/* SPDX-License-Identifier: MIT */
/*
 * Through libdwfl. Every object file has a Dwfl of its own and is reported at base 0, so files that shared an address
 * one after the other cannot be confused; addresses are translated to those in the file first.
 */
#include "object_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUILD_ID_BYTES_MAX 64
#define DEBUG_ROOT         "/usr/lib/debug"

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

static void find_files(struct object_files *files, struct arena *arena)
{
	const struct profile_module *rows = files->profile->modules;
	size_t count = files->profile->module_count;
	const struct profile_module **sorted = arena_array(arena, const struct profile_module *, count);

	files->list = arena_array(arena, struct object_file, count);
	files->of_row = arena_array(arena, size_t, count);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, count, sizeof(*sorted), compare_files);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || compare_files(&sorted[i - 1], &sorted[i]) != 0)
			files->list[files->count++].row = sorted[i];
		files->of_row[sorted[i] - rows] = files->count - 1;
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
static void use_sysroot(struct object_files *files, const char *sysroot)
{
	files->real_sysroot = realpath(sysroot, NULL);
	files->sysroot = files->real_sysroot ? files->real_sysroot : sysroot;
	if (asprintf(&files->debug_path, ":.debug:%s" DEBUG_ROOT, files->sysroot) < 0)
		files->debug_path = NULL;
}

void object_files_init(struct object_files *files, const struct profile *profile, const char *sysroot,
		       struct arena *arena, struct strtab *strings, struct name_warnings *warnings)
{
	*files = (struct object_files){ .profile = profile, .strings = strings, .warnings = warnings };
	if (sysroot)
		use_sysroot(files, sysroot);
	find_files(files, arena);
}

void object_files_free(struct object_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		struct object_file *file = &files->list[i];

		elf_symbols_free(&file->symbols);
		dwarf_types_free(file->types);
		dwarf_frames_free(file->frames);
		if (file->dwfl)
			dwfl_end(file->dwfl);
	}
	spans_free(&files->segments);
	free(files->real_sysroot);
	free(files->debug_path);
}

/*
 * The standard search for separate debug files: by build id below /usr/lib/debug, by .gnu_debuglink, and with
 * debuginfod only when the user has set DEBUGINFOD_URLS. libdwfl checks that what it finds belongs to the object.
 */
static const Dwfl_Callbacks *callbacks(struct object_files *files)
{
	static char *debug_path; /* libdwfl wants the address of something that stays */
	static const Dwfl_Callbacks list = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &debug_path,
	};

	debug_path = files->debug_path;
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
static bool is_same_file(const struct stat *status, const struct profile_module *row, bool is_copy)
{
	uint64_t mtime_ns = (uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec;

	return (row->file_bytes == 0 || row->file_bytes == (uint64_t)status->st_size) &&
	       (is_copy || row->file_mtime_ns == 0 || row->file_mtime_ns == mtime_ns);
}

/* The path of a file of the machine that the program ran on. */
static const char *below_root(const struct object_files *files, const char *path, char *buffer, size_t bytes)
{
	if (!files->sysroot)
		return path;
	snprintf(buffer, bytes, "%s%s", files->sysroot, path);
	return buffer;
}

/* Opens what PATH names for FILE. NULL: worked; else what is wrong, a text for a warning. */
static const char *open_file(struct object_files *files, struct object_file *file, const char *path)
{
	const struct profile_module *row = file->row;
	const char *defect = NULL;
	struct stat status;
	GElf_Ehdr header;
	Elf *elf;
	/* A path in a damaged dump may name anything: no waiting for a FIFO, no terminal, no device. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? "no such file, so no names"
							   : "cannot be opened, so no names";
	file->dwfl = dwfl_begin(callbacks(files));
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || file->dwfl == NULL)
		defect = "not a regular file, so no names";
	else if ((file->module = dwfl_report_elf(file->dwfl, path, path, fd, 0, /*add_p_vaddr=*/true)) == NULL)
		defect = "not a usable ELF file, so no names";
	else
		fd = -1; /* belongs to libdwfl now */
	if (fd >= 0)
		close(fd);
	if (!defect) {
		dwfl_report_end(file->dwfl, NULL, NULL);
		elf = dwfl_module_getelf(file->module, &file->bias);
		if (elf == NULL || gelf_getehdr(elf, &header) == NULL ||
		    (header.e_type != ET_EXEC && header.e_type != ET_DYN))
			defect = "not an executable or shared object, so no names";
		else if (row->build_id_bytes > 0 && !is_same_build(file->module, row))
			defect = "has changed since the program ran (the build ids differ), so no names";
		else if (row->build_id_bytes == 0 && !is_same_file(&status, row, files->sysroot != NULL))
			defect = "has changed since the program ran, so no names";
	}
	if (defect && file->dwfl) {
		dwfl_end(file->dwfl);
		file->dwfl = NULL;
		file->module = NULL;
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

/* false: FILE cannot be used. */
static bool open_object_file(struct object_files *files, struct object_file *file)
{
	const struct profile_module *row = file->row;
	const char *name = profile_module_file(row);
	char path[2 * PATH_MAX];
	const char *defect;

	if (file->opened)
		return file->dwfl != NULL;
	file->opened = true;
	/* No warning for what never is a file, such as [vdso]. */
	if (name == NULL || name[0] != '/')
		return false;
	allow_many_files();
	defect = open_file(files, file, below_root(files, name, path, sizeof(path)));
	if (defect && row->build_id_bytes > 1) {
		char debug[sizeof(DEBUG_ROOT) + 32 + 2 * BUILD_ID_BYTES_MAX];

		debug_path(row, debug, sizeof(debug));
		if (open_file(files, file, below_root(files, debug, path, sizeof(path))) == NULL)
			return true;
	}
	if (defect)
		name_warnings_add(files->warnings, row->path, defect);
	return defect == NULL;
}

struct object_file *object_files_open(struct object_files *files, uint32_t module)
{
	struct object_file *file = &files->list[files->of_row[module - 1]];

	return open_object_file(files, file) ? file : NULL;
}

void object_file_need_symbols(struct object_file *file)
{
	if (!file->symbols_read)
		elf_symbols_read(&file->symbols, file->module, file->bias);
	file->symbols_read = true;
}

/* Who reads addresses in place of names wants to know how to get names. */
static void warn_no_symbols(struct object_files *files, const struct profile_module *row)
{
	char text[256 + 2 * BUILD_ID_BYTES_MAX];
	size_t used =
		(size_t)snprintf(text, sizeof(text), "has no symbols, so there are no names; its -dbgsym package%s",
				 row->build_id_bytes ? " or a debuginfod server has them, build id " : " has them");

	for (size_t i = 0; i < row->build_id_bytes && i < BUILD_ID_BYTES_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%02x", row->build_id[i]);
	name_warnings_add(files->warnings, row->path, text);
}

void object_file_need_debug(struct object_files *files, struct object_file *file)
{
	Dwarf_Addr bias;
	Dwarf *dwarf;

	if (file->debug_read)
		return;
	file->debug_read = true;
	dwarf = dwfl_module_getdwarf(file->module, &bias);
	if (dwarf) {
		file->debug_shift = file->bias - bias;
		file->frames = dwarf_frames_new(dwarf, files->strings);
		file->types = dwarf_types_new(dwarf, file->frames, files->strings);
	} else {
		object_file_need_symbols(file);
		if (file->symbols.code.spans.count > 0)
			name_warnings_add_no_debug(files->warnings, file->row->path);
		else
			warn_no_symbols(files, file->row);
	}
}

uint64_t object_files_offset(const struct object_files *files, uint32_t module)
{
	const struct profile_module *row = &files->profile->modules[module - 1];
	const struct object_file *file = &files->list[files->of_row[module - 1]];
	uint64_t address = row->start - row->bias;
	GElf_Addr unused;
	size_t count;
	Elf *elf;

	if (!file->dwfl || !(elf = dwfl_module_getelf(file->module, &unused)) || elf_getphdrnum(elf, &count) != 0)
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

/* Writable segments, where locks are, of one file as loaded by the row of number INDEX + 1. */
static void add_segments(struct object_files *files, struct object_file *file, size_t index)
{
	uint64_t bias = files->profile->modules[index].bias;
	GElf_Addr unused;
	Elf *elf = dwfl_module_getelf(file->module, &unused);
	size_t count;

	if (elf == NULL || elf_getphdrnum(elf, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;

		if (gelf_getphdr(elf, (int)i, &segment) == NULL || segment.p_type != PT_LOAD ||
		    !(segment.p_flags & PF_W))
			continue;
		spans_add(&files->segments, (struct span){ .start = segment.p_vaddr + bias,
							   .end = segment.p_vaddr + bias + segment.p_memsz,
							   .index = index });
	}
}

static void read_segments(struct object_files *files)
{
	if (files->segments_read)
		return;
	files->segments_read = true;
	for (size_t i = 0; i < files->profile->module_count; i++) {
		const struct profile_module *row = &files->profile->modules[i];
		struct object_file *file = &files->list[files->of_row[i]];

		if (row->start < row->end && !profile_module_is_memprof(files->profile, row->number) &&
		    open_object_file(files, file))
			add_segments(files, file, i);
	}
	spans_sort(&files->segments);
}

/* Which of two rows is more likely meant: one that is still loaded, else the later. */
static bool is_better_row(const struct profile_module *row, const struct profile_module *than)
{
	if ((row->unload_ns == 0) != (than->unload_ns == 0))
		return row->unload_ns == 0;
	return row->load_ns > than->load_ns;
}

const struct profile_module *object_files_data_row(struct object_files *files, uint64_t address)
{
	const struct profile_module *rows = files->profile->modules, *row = NULL;
	const struct span *segment = NULL;

	read_segments(files);
	while ((segment = spans_find(&files->segments, address, segment)) != NULL) {
		if (row == NULL || is_better_row(&rows[segment->index], row))
			row = &rows[segment->index];
	}
	return row;
}
