/* SPDX-License-Identifier: MIT */
/* Coverage: what the kernel gave the process, against what was counted. */
#include "coverage.h"

#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <unistd.h>

/* Less is noise: stacks, buffers of libraries, fragmentation. */
#define NOTABLE_BYTES (16ull << 20)
#define NOTABLE_SHARE 4  /* of the memory, one part in so many */
#define BLOCK_COST    16 /* bytes */

/* A function that only this allocator has, when it is linked into a program beside malloc. */
static const struct {
	const char *symbol;
	const char *name;
} allocators[] = {
	{ "_rjem_malloc", "jemalloc (Rust's)" },
	{ "_rjem_mallocx", "jemalloc (Rust's)" },
	{ "je_malloc", "jemalloc" },
	{ "je_mallocx", "jemalloc" },
	{ "mi_malloc", "mimalloc" },
	{ "tc_malloc", "tcmalloc" },
	{ "TCMallocInternalMalloc", "tcmalloc" },
	{ "rpmalloc", "rpmalloc" },
	{ "scalable_malloc", "TBB's scalable allocator" },
	{ "runtime.mallocgc", "Go's runtime" },
	{ "GC_malloc", "the Boehm collector" },
};

/* Files whose names begin so bring a language with pools of its own. The dump does not tell whether it used them. */
static const struct {
	const char *file;
	const char *name;
	const char *option;
} runtimes[] = {
	{ "python", "Python", "PYTHONMALLOC=malloc" },
	{ "libpython", "Python", "PYTHONMALLOC=malloc" },
	{ "php", "PHP", "USE_ZEND_ALLOC=0" },
	{ "libphp", "PHP", "USE_ZEND_ALLOC=0" },
};

static void runtime_of(const char *path, struct coverage *ret)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	for (size_t i = 0; slash && i < sizeof(runtimes) / sizeof(*runtimes); i++) {
		if (strncmp(slash + 1, runtimes[i].file, strlen(runtimes[i].file)) == 0) {
			ret->runtime = runtimes[i].name;
			ret->runtime_option = runtimes[i].option;
		}
	}
}

static const char *allocator_in_table(Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = header->sh_entsize > 0 ? header->sh_size / header->sh_entsize : 0;

	for (size_t i = 0; data && i < count; i++) {
		GElf_Sym symbol;
		const char *name;

		if (!gelf_getsym(data, (int)i, &symbol))
			break;
		if (symbol.st_shndx == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
			continue;
		name = elf_strptr(elf, header->sh_link, symbol.st_name);
		for (size_t k = 0; name && k < sizeof(allocators) / sizeof(*allocators); k++) {
			if (strcmp(name, allocators[k].symbol) == 0)
				return allocators[k].name;
		}
	}
	return NULL;
}

static const char *allocator_in(Elf *elf)
{
	const char *found = NULL;
	Elf_Scn *section = NULL;

	while (!found && (section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM))
			found = allocator_in_table(elf, section, &header);
	}
	return found;
}

/* The program's file may be another by now; that one would tell nothing, but a symbol is no more than a hint. */
static const char *find_allocator(const char *exe)
{
	const char *found = NULL;
	int fd = exe && exe[0] == '/' ? open(exe, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	Elf *elf;

	if (fd < 0)
		return NULL;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf) {
		found = elf_kind(elf) == ELF_K_ELF ? allocator_in(elf) : NULL;
		elf_end(elf);
	}
	close(fd);
	return found;
}

struct coverage coverage_of(const struct profile *profile, bool look_inside)
{
	const struct profile_process *process = &profile->process;
	struct coverage coverage = { .anonymous_bytes = process->anonymous_max_bytes };
	uint64_t accounted;

	for (size_t i = 0; i < profile->module_count && !coverage.runtime; i++)
		runtime_of(profile_module_file(&profile->modules[i]), &coverage);
	if (process->anonymous_max_bytes == 0 || process->mode == MP_MODE_OFF)
		return coverage;
	coverage.known = true;
	if (__builtin_add_overflow(profile->peak_bytes, process->self_bytes, &accounted))
		accounted = UINT64_MAX;
	/* Blocks that a fork child inherited are resident in it, too; and every block costs its allocator something. */
	if (__builtin_add_overflow(accounted, profile->inherited_bytes, &accounted) ||
	    profile->peak_count > UINT64_MAX / BLOCK_COST ||
	    __builtin_add_overflow(accounted, profile->peak_count * BLOCK_COST, &accounted))
		accounted = UINT64_MAX;
	if (coverage.anonymous_bytes > accounted)
		coverage.unseen_bytes = coverage.anonymous_bytes - accounted;
	coverage.notable = coverage.unseen_bytes >= NOTABLE_BYTES &&
			   coverage.unseen_bytes >= coverage.anonymous_bytes / NOTABLE_SHARE;
	if (look_inside)
		coverage.allocator = find_allocator(process->exe);
	return coverage;
}
