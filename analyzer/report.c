/* SPDX-License-Identifier: MIT */
/* One dump made ready for a writer. */
#include "report.h"

#include <stdlib.h>

#include "lock_view.h"

struct out_options report_out_options(const struct options *options)
{
	bool sorted = options->sort != NOT_GIVEN;

	return (struct out_options){
		.top = options->top == NOT_GIVEN ? 0
		       : options->top == 0       ? UINT64_MAX
						 : options->top,
		.single = sorted,
		.full_stacks = options->full_stacks,
		.no_files = options->no_symbols,
		.key = sorted ? (enum site_key)options->sort : SITE_KEY_PEAK,
		.metric = (enum out_metric)options->metric,
		.color = (enum term_color)options->color,
		.width = options->width == NOT_GIVEN ? 0 : (size_t)options->width,
	};
}

static bool lock_passes(const struct report *report, const struct lock_sum *lock)
{
	char buffer[512];

	if (!report->filter || filter_matches_text(report->filter, lock_view_name(report->profile, report->symbols,
										  lock->lock, buffer, sizeof(buffer))))
		return true;
	for (size_t i = 0; i < lock->waiter_count; i++) {
		if (filter_matches_stack(report->filter, lock->waiters[i].stack))
			return true;
	}
	return false;
}

/* Fills the lists of REPORT with what the filter lets through. */
static void select_rows(struct report *report)
{
	const struct aggregate *aggregate = report->aggregate;

	report->sites = memory_zeroed(aggregate->site_count, sizeof(*report->sites));
	report->locks = memory_zeroed(aggregate->lock_count, sizeof(*report->locks));
	for (size_t i = 0; i < aggregate->site_count; i++) {
		if (!report->filter || filter_matches_stack(report->filter, aggregate->sites[i].stack))
			report->sites[report->site_count++] = &aggregate->sites[i];
	}
	for (size_t i = 0; i < aggregate->lock_count; i++) {
		if (lock_passes(report, &aggregate->locks[i]))
			report->locks[report->lock_count++] = &aggregate->locks[i];
	}
}

bool report_init(struct ready_report *ready, const struct profile *profile, const struct options *options,
		 struct err *err)
{
	const struct symbolizer_options symbol_options = {
		.inlines = !options->no_inline,
		.enabled = !options->no_symbols,
		.anonymous = profile->anonymous,
		.sysroot = options->sysroot,
	};

	*ready = (struct ready_report){ 0 };
	ready->out_options = report_out_options(options);
	aggregate_init(&ready->aggregate, profile);
	ready->report = (struct report){
		.profile = profile,
		.aggregate = &ready->aggregate,
		.symbols = symbolizer_new(profile, &symbol_options),
		.options = &ready->out_options,
	};
	if (options->filter) {
		ready->report.filter = filter_new(options->filter, profile, ready->report.symbols, err);
		if (!ready->report.filter)
			return false;
	}
	select_rows(&ready->report);
	return true;
}

void report_free(struct ready_report *ready)
{
	free(ready->report.sites);
	free(ready->report.locks);
	filter_free(ready->report.filter);
	symbolizer_free(ready->report.symbols);
	aggregate_free(&ready->aggregate);
	*ready = (struct ready_report){ 0 };
}

void report_print_warnings(const struct report *report)
{
	const struct profile *profile = report->profile;
	const char *const *texts;
	size_t count = symbolizer_warnings(report->symbols, &texts);

	for (size_t i = 0; i < profile->warning_count + count; i++)
		fprintf(stderr, "memprof-analyze: %s: %s\n", profile->path,
			i < profile->warning_count ? profile->warnings[i] : texts[i - profile->warning_count]);
}
