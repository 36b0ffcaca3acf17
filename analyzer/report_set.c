/* SPDX-License-Identifier: MIT */
/* The dumps of one command. */
#include "report_set.h"

#include <stdlib.h>

#include "anonymise.h"

bool report_set_load(struct report_set *set, const struct dump_file_list *list, const struct options *options,
		     bool *ret_missing, struct err *err)
{
	set->profiles = memory_zeroed(list->paths.count, sizeof(*set->profiles));
	set->ready = memory_zeroed(list->paths.count, sizeof(*set->ready));
	set->reports = memory_zeroed(list->paths.count, sizeof(*set->reports));
	for (size_t i = 0; i < list->paths.count; i++) {
		struct profile *profile = &set->profiles[set->loaded++];
		struct err load_err = { 0 };

		profile_init(profile, list->paths.list[i]);
		if (!dump_file_load(list->paths.list[i], profile, &load_err)) {
			err_complain(&load_err);
			*ret_missing = true;
			continue;
		}
		*ret_missing |= profile->partial;
		if (options->anonymise)
			profile_anonymise(profile);
		set->reports[set->count] = &set->ready[set->count].report;
		if (!report_init(&set->ready[set->count++], profile, options, err))
			return false;
	}
	return set->count > 0;
}

void report_set_free(struct report_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		report_free(&set->ready[i]);
	for (size_t i = 0; i < set->loaded; i++)
		profile_free(&set->profiles[i]);
	free(set->profiles);
	free(set->ready);
	free(set->reports);
}
