/* SPDX-License-Identifier: MIT */
/* Which cell of the histograms of mp_dump.h a time belongs to. */
#ifndef MP_LOCK_HIST_H
#define MP_LOCK_HIST_H

#include <stdint.h>

#include "mp_dump.h"

struct lock_cell {
	uint32_t octave;
	uint32_t cell;
};

static inline struct lock_cell lock_cell_of(uint64_t ns)
{
	uint32_t octave = 63 - (uint32_t)__builtin_clzll(ns | 1);
	uint64_t above = ns ? ns - (1ull << octave) : 0;

	/* Above some 40 years the product would not fit; there the cell's number is a little too small. */
	if (octave >= 60)
		return (struct lock_cell){ octave, (uint32_t)((above >> 8) * MP_LOCK_CELLS >> (octave - 8)) };
	return (struct lock_cell){ octave, (uint32_t)(above * MP_LOCK_CELLS >> octave) };
}

#endif
