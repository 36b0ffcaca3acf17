/* SPDX-License-Identifier: MIT */
/* Which leaks of a run are those of its baseline. */
#ifndef MP_GATE_MATCH_H
#define MP_GATE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "gate.h"

/*
 * For each of LEAKS, finds its like in BASELINE: *ret_olds[i], made in ARENA where several are one now, or NULL. Sets
 * ret_used[] for the rows of the baseline that are taken.
 */
void gate_match(const struct summary *baseline, const struct gate_leak *leaks, size_t count,
		const struct summary_leak **ret_olds, bool *ret_used, struct arena *arena);

#endif
