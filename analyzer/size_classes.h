/* SPDX-License-Identifier: MIT */
/* How large the allocations of each site were. */
#ifndef MP_SIZE_CLASSES_H
#define MP_SIZE_CLASSES_H

#include "aggregate.h"

/* Smallest and largest block of a class, in bytes. */
uint64_t size_class_from(uint32_t size_class);
uint64_t size_class_to(uint32_t size_class);

/*
 * Fills the sizes of AGGREGATE's sites and of the totals from the rows of PROFILE, each of which counts blocks of one
 * class. A dump without such rows has none: size_count stays 0 where allocations are not.
 */
void size_classes_sum(struct aggregate *aggregate, const struct profile *profile);

#endif
