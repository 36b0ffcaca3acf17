/* SPDX-License-Identifier: MIT */
/*
 * Hash tables of dynamic symbols: DT_HASH as in the ELF specification (gABI, "Hash Table"), DT_GNU_HASH as binutils
 * writes it: four words, a Bloom filter, buckets, then one word for each symbol from the first on that is in the table,
 * with the lowest bit set where a chain ends. The objects are those of the list that the loader keeps for debuggers:
 * dl_iterate_phdr() may be interposed, by ThreadSanitizer for one.
 */
#include "elf_defined.h"

#include <link.h>
#include <stddef.h>
#include <stdint.h>

#include "fmt.h"

struct search {
	const char *name;
	uint32_t hash;
	uint32_t gnu_hash;
};

struct tables {
	const char *strings;
	const ElfW(Sym) * symbols;
	const uint32_t *hash;
	const uint32_t *gnu_hash;
};

static bool is_it(const struct tables *t, uint32_t symbol, const char *name)
{
	return t->symbols[symbol].st_shndx != SHN_UNDEF && fmt_equal(t->strings + t->symbols[symbol].st_name, name);
}

static bool in_gnu_hash(const struct tables *t, const struct search *s)
{
	uint32_t buckets = t->gnu_hash[0], first = t->gnu_hash[1], filter_words = t->gnu_hash[2];
	const uint32_t *bucket = t->gnu_hash + 4 + filter_words * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *chain = bucket + buckets;
	uint32_t symbol = buckets ? bucket[s->gnu_hash % buckets] : 0;

	if (symbol < first)
		return false;
	for (;; symbol++) {
		uint32_t hash = chain[symbol - first];

		if ((hash | 1) == (s->gnu_hash | 1) && is_it(t, symbol, s->name))
			return true;
		if (hash & 1)
			return false;
	}
}

static bool in_hash(const struct tables *t, const struct search *s)
{
	uint32_t buckets = t->hash[0], symbols = t->hash[1];
	const uint32_t *bucket = t->hash + 2;
	const uint32_t *chain = bucket + buckets;

	for (uint32_t symbol = buckets ? bucket[s->hash % buckets] : 0; symbol && symbol < symbols;
	     symbol = chain[symbol]) {
		if (is_it(t, symbol, s->name))
			return true;
	}
	return false;
}

/*
 * The loader adds the base, but not where it cannot write, as in the kernel's own object. All of an object lies within
 * 2 GiB. (The base tells nothing: it is "negative" if the object was linked for a higher address than it has got, as
 * old kernels' own are.)
 */
static bool is_added(uint64_t address, const ElfW(Dyn) * dynamic)
{
	return address - (uint64_t)dynamic + (1ull << 31) < 1ull << 32;
}

static void read_dynamic(const ElfW(Dyn) * dynamic, uint64_t base, struct tables *ret)
{
	*ret = (struct tables){ 0 };
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		uint64_t address = dynamic->d_un.d_ptr;

		address += is_added(address, dynamic) ? 0 : base;

		switch (dynamic->d_tag) {
		case DT_STRTAB:
			ret->strings = (const char *)address;
			break;
		case DT_SYMTAB:
			ret->symbols = (const ElfW(Sym) *)address;
			break;
		case DT_HASH:
			ret->hash = (const uint32_t *)address;
			break;
		case DT_GNU_HASH:
			ret->gnu_hash = (const uint32_t *)address;
			break;
		default:
			break;
		}
	}
}

static bool in_object(const struct link_map *map, const struct search *s)
{
	struct tables tables;

	read_dynamic(map->l_ld, map->l_addr, &tables);
	if (!tables.strings || !tables.symbols)
		return false;
	return tables.gnu_hash ? in_gnu_hash(&tables, s) : tables.hash && in_hash(&tables, s);
}

bool elf_defined(const char *name, enum elf_objects objects)
{
	const struct link_map *map = _r_debug.r_map;
	struct search s = { .name = name, .gnu_hash = 5381 };

	for (const char *c = name; *c; c++) {
		uint32_t high;

		s.gnu_hash = s.gnu_hash * 33 + (uint8_t)*c;
		s.hash = (s.hash << 4) + (uint8_t)*c;
		high = s.hash & 0xf0000000;
		s.hash = (s.hash ^ high >> 24) & ~high;
	}
	/* The first is the program. */
	for (map = map && objects == ELF_LIBRARIES ? map->l_next : map; map; map = map->l_next) {
		if (map->l_ld && map->l_ld != _DYNAMIC && in_object(map, &s))
			return true;
	}
	return false;
}
