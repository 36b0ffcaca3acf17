/* SPDX-License-Identifier: MIT */
/* libdwfl looks through the whole symbol table for every address, so the tables are sorted here once per object. */
#include "elf_symbols.h"

#include <gelf.h>
#include <stdbool.h>
#include <string.h>

/* Of several names of one address the one that people know is best: malloc, not __libc_malloc. */
static uint32_t name_rank(const char *name, const GElf_Sym *symbol)
{
	static const uint8_t bindings[] = { [STB_LOCAL] = 2, [STB_GLOBAL] = 0, [STB_WEAK] = 1 };
	unsigned binding = GELF_ST_BIND(symbol->st_info);
	size_t underscores = strspn(name, "_"), length = strnlen(name, 0xffff);

	/* The prefix of mangled names is no sign of an internal one. */
	if (underscores == 1 && (name[1] == 'Z' || name[1] == 'R' || name[1] == 'D'))
		underscores = 0;
	return (uint32_t)((underscores < 3 ? underscores : 3) << 24 |
			  (size_t)(binding < sizeof(bindings) ? bindings[binding] : 3) << 16 | length);
}

static bool has_table(Elf *elf, GElf_Word type)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)) != NULL) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == type)
			return true;
	}
	return false;
}

struct symbol {
	GElf_Sym elf;
	const char *name;
	uint64_t start; /* file address */
	bool in_code;   /* section; unknown sections count as data */
	uint64_t section_end;
	bool is_complete; /* the table lists all functions, not only exported ones */
};

static void add_symbol(struct elf_symbols *symbols, const struct symbol *symbol)
{
	unsigned type = GELF_ST_TYPE(symbol->elf.st_info);
	bool is_function = type == STT_FUNC || type == STT_GNU_IFUNC;
	bool is_code = is_function || (type == STT_NOTYPE && symbol->in_code);
	struct span span = { .start = symbol->start,
			     .end = symbol->start + symbol->elf.st_size,
			     .name = symbol->name,
			     .rank = name_rank(symbol->name, &symbol->elf) };

	if (symbol->elf.st_size > 0 && is_code) {
		spans_add(&symbols->code, span);
	} else if (symbol->elf.st_size > 0 && (type == STT_OBJECT || type == STT_NOTYPE)) {
		spans_add(&symbols->data, span);
	} else if (symbol->elf.st_size == 0 && is_code && symbol->is_complete && symbol->in_code) {
		span.end = symbol->section_end;
		spans_add(&symbols->labels, span);
	}
}

/* "$x", "$d.1": marks of the assembler on ARM; ".L5": its local labels. */
static bool is_artificial(const char *name)
{
	return name[0] == '\0' || name[0] == '$' || (name[0] == '.' && name[1] == 'L');
}

void elf_symbols_read(struct elf_symbols *symbols, Dwfl_Module *module, uint64_t bias)
{
	int count = dwfl_module_getsymtab(module);
	Elf *last_elf = NULL;
	bool is_complete = false;

	for (int i = 1; i < count; i++) {
		struct symbol symbol = { 0 };
		GElf_Addr address;
		GElf_Word index;
		GElf_Shdr section;
		Elf *elf = NULL;
		Dwarf_Addr elf_bias;

		symbol.name = dwfl_module_getsym_info(module, i, &symbol.elf, &address, &index, &elf, &elf_bias);
		if (symbol.name == NULL || is_artificial(symbol.name) || index == SHN_UNDEF || index == SHN_ABS ||
		    index == SHN_COMMON)
			continue;
		if (elf && elf != last_elf)
			is_complete = has_table(elf, SHT_SYMTAB);
		last_elf = elf;
		symbol.is_complete = is_complete;
		symbol.start = address - bias;
		if (elf && gelf_getshdr(elf_getscn(elf, index), &section)) {
			symbol.in_code = (section.sh_flags & SHF_EXECINSTR) != 0;
			symbol.section_end = section.sh_addr + section.sh_size + elf_bias - bias;
		}
		add_symbol(symbols, &symbol);
	}
	spans_sort(&symbols->code);
	spans_sort(&symbols->labels);
	spans_sort(&symbols->data);
}

const char *elf_symbols_code(const struct elf_symbols *symbols, uint64_t address)
{
	const struct span *span = spans_find(&symbols->code, address, NULL);
	const struct span *sized;

	if (span)
		return span->name;
	span = spans_before(&symbols->labels, address);
	sized = spans_before(&symbols->code, address);
	if (span == NULL || address >= span->end || (sized && sized->start > span->start))
		return NULL;
	return span->name;
}

void elf_symbols_free(struct elf_symbols *symbols)
{
	spans_free(&symbols->code);
	spans_free(&symbols->labels);
	spans_free(&symbols->data);
}
