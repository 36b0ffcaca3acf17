/* SPDX-License-Identifier: MIT */
/* What stacks weigh by one metric: for flame graphs and call trees. */
#ifndef MP_SAMPLES_H
#define MP_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "out.h"
#include "vec.h"

struct sample {
	uint32_t stack;
	const char *remark; /* not NULL: what stands in place of a stack, "[hand-off]" */
	int64_t value;      /* more than 0 */
};

/* Zeroes are an empty list. */
struct samples {
	VEC(struct sample) all;
};

/*
 * Appends what REPORT selects. Waiting is the purpose of coordination: it is among the waits only if certain locks were
 * asked for. What is charged to nobody has remarks, so that culprits add up to the wait.
 */
void samples_add(struct samples *samples, const struct report *report, enum out_metric metric);

#endif
