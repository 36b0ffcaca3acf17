/* SPDX-License-Identifier: MIT */
/* How long the blocks of each site lived, by those that were observed. */
#ifndef MP_LIFETIMES_H
#define MP_LIFETIMES_H

#include "aggregate.h"

/* Shortest lifetime of a class, and the first that is too long for it; UINT64_MAX for the last class. */
uint64_t lifetime_from_ns(uint32_t k);
uint64_t lifetime_to_ns(uint32_t k);

/* Of the observed blocks; 0 if there are none. */
uint64_t lifetime_mean_ns(const struct lifetime_sum *sum);

/* Fills the lifetimes of AGGREGATE's sites and of the totals from PROFILE. NULL stays where no block was observed. */
void lifetimes_sum(struct aggregate *aggregate, const struct profile *profile);

#endif
