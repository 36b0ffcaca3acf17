/* SPDX-License-Identifier: MIT */
/* One dump made ready for a writer. */
#include "report.h"

#include <stdlib.h>

#include "leak_view.h"
#include "samples.h"

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
		.metric = options->metric != NOT_GIVEN      ? (enum out_metric)options->metric
			  : options->locks || options->lock ? OUT_METRIC_WAIT
							    : OUT_METRIC_PEAK,
		.locks = options->lock    ? OUT_LOCKS_FULL
			 : options->locks ? OUT_LOCKS_DETAIL
					  : OUT_LOCKS_BRIEF,
		.lock = options->lock,
		.color = (enum term_color)options->color,
		.width = options->width == NOT_GIVEN ? 0 : (size_t)options->width,
	};
}

static bool lock_passes(const struct report *report, const struct lock_class *lock)
{
	if (!report->filter || filter_matches_text(report->filter, lock->name))
		return true;
	for (size_t i = 0; i < lock->waiter_count; i++) {
		if (filter_matches_stack(report->filter, lock->waiters[i].stack))
			return true;
	}
	for (size_t i = 0; i < lock->culprit_count; i++) {
		if (filter_matches_stack(report->filter, lock->culprits[i].culprit))
			return true;
	}
	return false;
}

/* Fills the lists of REPORT with what the filter and --lock LOCK_NAME let through. */
static void select_rows(struct report *report, const char *lock_name)
{
	const struct aggregate *aggregate = report->aggregate;
	const struct lock_classes *classes = report->lock_classes;

	report->sites = memory_zeroed(aggregate->site_count, sizeof(*report->sites));
	report->locks = memory_zeroed(classes->count, sizeof(*report->locks));
	for (size_t i = 0; i < aggregate->site_count; i++) {
		if (!report->filter || filter_matches_stack(report->filter, aggregate->sites[i].stack))
			report->sites[report->site_count++] = &aggregate->sites[i];
	}
	for (size_t i = 0; i < classes->count; i++) {
		const struct lock_class *lock = &classes->list[i];

		if (lock_passes(report, lock) && (!lock_name || lock_class_matches(classes, lock, lock_name)))
			report->locks[report->lock_count++] = lock;
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
		.lock_classes = &ready->lock_classes,
	};
	lock_classes_init(&ready->lock_classes, profile, &ready->aggregate, ready->report.symbols);
	if (options->filter) {
		ready->report.filter = filter_new(options->filter, profile, ready->report.symbols, err);
		if (!ready->report.filter)
			return false;
	}
	select_rows(&ready->report, options->lock);
	return true;
}

void report_free(struct ready_report *ready)
{
	free(ready->report.sites);
	free(ready->report.locks);
	filter_free(ready->report.filter);
	lock_classes_free(&ready->lock_classes);
	symbolizer_free(ready->report.symbols);
	aggregate_free(&ready->aggregate);
	*ready = (struct ready_report){ 0 };
}

bool report_lacks_verdict(const struct report *report)
{
	struct leak_view view;
	bool lacks;

	if (!samples_need_verdict(report->options->metric))
		return false;
	leak_view_init(&view, report->profile, report->aggregate);
	lacks = !view.scan.ran;
	if (lacks)
		fprintf(stderr, "memprof-analyze: %s: no verdict on leaks: %s\n", report->profile->path,
			view.scan.why_not);
	leak_view_free(&view);
	return lacks;
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
