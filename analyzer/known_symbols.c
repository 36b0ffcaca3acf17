/* SPDX-License-Identifier: MIT */
/* The names that a dump brings along. */
#include "known_symbols.h"

/* Collisions of 64 bits are left to chance no more than a look at the row costs: see matches(). */
static uint64_t key_of(uint32_t module, uint64_t ip, bool exact, bool is_object)
{
	return hash_u64(ip ^ hash_u64((uint64_t)module << 2 | (uint64_t)exact << 1 | is_object));
}

void known_symbols_init(struct known_symbols *known, const struct profile *profile)
{
	*known = (struct known_symbols){ .profile = profile };
	for (size_t i = 0; i < profile->symbol_count; i++) {
		const struct profile_symbol *row = &profile->symbols[i];
		uint64_t *first;
		bool is_new;

		if (row->depth > 0)
			continue;
		first = hash_map_put(&known->first, key_of(row->module, row->ip, row->exact, row->is_object), &is_new);
		if (is_new)
			*first = i + 1;
	}
}

void known_symbols_free(struct known_symbols *known)
{
	hash_map_free(&known->first);
}

static const struct profile_symbol *find(const struct known_symbols *known, uint32_t module, uint64_t ip, bool exact,
					 bool is_object)
{
	uint64_t *first = hash_map_find(&known->first, key_of(module, ip, exact, is_object));
	const struct profile_symbol *row = first ? &known->profile->symbols[*first - 1] : NULL;

	return row && row->module == module && row->ip == ip && row->exact == exact && row->is_object == is_object
		       ? row
		       : NULL;
}

const struct profile_symbol *known_symbols_find(const struct known_symbols *known, uint32_t module, uint64_t ip,
						bool exact, size_t *ret_count)
{
	const struct profile_symbol *row = find(known, module, ip, exact, false);
	const struct profile_symbol *end =
		known->profile ? known->profile->symbols + known->profile->symbol_count : NULL;
	size_t count = 0;

	while (row && row + count < end && row[count].depth == count && row[count].ip == ip &&
	       row[count].module == module && !row[count].is_object)
		count++;
	*ret_count = count;
	return row;
}

const char *known_symbols_object(const struct known_symbols *known, uint64_t address)
{
	const struct profile_symbol *row = find(known, 0, address, false, true);

	return row ? row->function : NULL;
}
