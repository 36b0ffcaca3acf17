/* SPDX-License-Identifier: MIT */
/* What stacks weigh by one metric: for flame graphs and call trees. */
#ifndef MP_SAMPLES_H
#define MP_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "leak_view.h"
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

enum out_unit samples_unit(enum out_metric metric);

/* Where there is no verdict on leaks, there is nothing to append for METRIC. */
bool samples_need_verdict(enum out_metric metric);

/* Appends the bytes of the classes VERDICTS (bits by enum mp_leak_class): once per stack, the first in VIEW first. */
void samples_add_leaks(struct samples *samples, const struct report *report, const struct leak_view *view,
		       unsigned verdicts);

/*
 * Appends what REPORT selects. Waiting is the purpose of coordination: it is among the waits only if certain locks were
 * asked for. What is charged to nobody has remarks, so that culprits add up to the wait.
 */
void samples_add(struct samples *samples, const struct report *report, enum out_metric metric);

#endif
