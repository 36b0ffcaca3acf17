/* SPDX-License-Identifier: MIT */
/* How much is live of each site, at a few points in time: what tells a program that grows from one that is large. */
#ifndef MP_GROWTH_H
#define MP_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Adds a point if one is due: the sites with most live bytes. At most MP_GROWTH_POINTS, thinned as the run gets longer,
 * so that every doubling of its time takes 12 of them. Reads all counters of sites, though not so often that it costs
 * more than a hundredth of the time. Context: hook (slow path), one thread at a time.
 */
void growth_tick(uint64_t now_ns);
/* The first point is due after INTERVAL_NS. Its rows are only taken from the dump then. Context: setup. */
void growth_init(uint64_t start_ns, uint64_t interval_ns);

/*
 * Tells EACH of the MP_GROWTH_SITES sites with most live bytes now, in no order; CUT: there are more. Reads all
 * counters of sites. Context: setup, or hook (slow path), gate closed.
 */
typedef void growth_each(void *data, uint32_t stack, int64_t bytes, int64_t count, bool cut);
void growth_largest(growth_each *each, void *data);

#endif
