/* SPDX-License-Identifier: MIT */
/* The dumps of one command, all loaded and made ready at the same time, for files that hold several. */
#ifndef MP_REPORT_SET_H
#define MP_REPORT_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "dump_file.h"
#include "report.h"

struct report_set {
	struct profile *profiles;
	struct ready_report *ready;
	const struct report **reports;
	size_t loaded; /* profiles */
	size_t count;  /* reports */
};

/*
 * LIST and OPTIONS must outlive the result, which report_set_free() frees in any case. Dumps that cannot be read are
 * complained of and left out. *RET_MISSING is set if there is one, or if part of one is missing. false: nothing is
 * left, or ERR says which option makes no sense.
 */
bool report_set_load(struct report_set *set, const struct dump_file_list *list, const struct options *options,
		     bool *ret_missing, struct err *err);
void report_set_free(struct report_set *set);

#endif
