/* SPDX-License-Identifier: MIT */
/* The names that a dump brings along, by address. */
#ifndef MP_KNOWN_SYMBOLS_H
#define MP_KNOWN_SYMBOLS_H

#include "hash.h"
#include "profile.h"

/* Zeroes know nothing. */
struct known_symbols {
	const struct profile *profile;
	struct hash_map first; /* hash of the address -> index + 1 of its first row */
};

/* PROFILE must outlive the result. */
void known_symbols_init(struct known_symbols *known, const struct profile *profile);
void known_symbols_free(struct known_symbols *known);

/* The rows of an address, innermost function first, and how many; NULL: not known. */
const struct profile_symbol *known_symbols_find(const struct known_symbols *known, uint32_t module, uint64_t ip,
						bool exact, size_t *ret_count);

/* The name of the data object at ADDRESS; NULL: not known. */
const char *known_symbols_object(const struct known_symbols *known, uint64_t address);

#endif
