/* SPDX-License-Identifier: MIT */
/* How blocks grow by realloc, at each site that resizes them. */
#ifndef MP_REALLOCS_H
#define MP_REALLOCS_H

#include "aggregate.h"

/*
 * Fills the reallocs of AGGREGATE's sites, whose other numbers are summed up, and of the totals from PROFILE. NULL
 * stays where no block was resized, and where the dump does not tell: a sampled one, or one of an earlier version.
 */
void reallocs_sum(struct aggregate *aggregate, const struct profile *profile);

/* Those of COUNT sites with reallocs, most copied bytes first, then most steps; the caller frees the list. */
const struct site **reallocs_rank(const struct site *const *sites, size_t count, size_t *ret_count);

#endif
