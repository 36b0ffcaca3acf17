/* SPDX-License-Identifier: MIT */
/* One dump made ready for a writer: sums, names, and the rows that the options let through. */
#ifndef MP_REPORT_H
#define MP_REPORT_H

#include <stdbool.h>

#include "commands.h"
#include "err.h"
#include "out.h"

struct ready_report {
	struct report report; /* points into the rest */
	struct aggregate aggregate;
	struct lock_classes lock_classes;
	struct out_options out_options;
};

struct out_options report_out_options(const struct options *options);

/*
 * PROFILE and OPTIONS must outlive the result, which report_free() frees in any case. false: an option makes no sense,
 * ERR says which.
 */
bool report_init(struct ready_report *ready, const struct profile *profile, const struct options *options,
		 struct err *err);
void report_free(struct ready_report *ready);

/* The stacks of REPORT are to be weighed by a verdict that the dump does not have. Says why, on standard error. */
bool report_lacks_verdict(const struct report *report);

/* What limits the numbers or the names, on standard error: for files that have no place for it. */
void report_print_warnings(const struct report *report);

#endif
