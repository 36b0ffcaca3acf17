/* SPDX-License-Identifier: MIT */
/* Chooses the scan that counts, and orders what it found. */
#include "leak_view.h"

#include <stdlib.h>
#include <string.h>

#include "vec.h"

static uint64_t weight(const struct leak *leak)
{
	return leak->bytes + leak->held_bytes;
}

/* Worst first; the rest makes the order the same for every run. */
static int compare_leaks(const void *a, const void *b)
{
	const struct leak *x = a;
	const struct leak *y = b;

	if (x->leak_class != y->leak_class)
		return x->leak_class < y->leak_class ? -1 : 1;
	if (weight(x) != weight(y))
		return weight(x) > weight(y) ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->stack != y->stack)
		return x->stack < y->stack ? -1 : 1;
	return (x->owner > y->owner) - (x->owner < y->owner);
}

/* Without a scan in the file the way in which the process ended tells why. */
static const char *why_no_scan(const struct profile *profile)
{
	for (size_t i = 0; i < profile->option_count; i++) {
		if (strcmp(profile->options[i].name, "MEMPROF_LEAKS") == 0 &&
		    strcmp(profile->options[i].value, "off") == 0)
			return "switched off (MEMPROF_LEAKS=off)";
	}
	switch (profile->process.ended) {
	case PROFILE_ENDED_RUNNING:
		return "the process is still running";
	case PROFILE_ENDED_KILLED:
		return "the process was killed, crashed, or ended by a raw system call before it could be looked at";
	case PROFILE_ENDED_SIGNAL:
		return "a signal ended the process before it could be looked at";
	case PROFILE_ENDED_EXEC:
		return "the process became another program (exec)";
	case PROFILE_ENDED_EXIT:
		break;
	}
	return "the process ended by _exit or quick_exit, at which no scan is made";
}

static struct leak_scan choose_scan(const struct profile *profile)
{
	const struct mp_leak_scan *row;
	const char *text;

	if (profile->leak_scan_count == 0)
		return (struct leak_scan){ .why_not = why_no_scan(profile) };
	row = &profile->leak_scans[profile->leak_scan_count - 1];
	if (row->result == MP_SCAN_RESULT_DONE)
		return (struct leak_scan){ .ran = true, .row = row };
	text = profile_scan_result_text(row->result);
	return (struct leak_scan){ .why_not = text ? text : "for a reason this program does not know", .row = row };
}

void leak_view_init(struct leak_view *view, const struct profile *profile, const struct aggregate *aggregate)
{
	VEC(struct leak) leaks = { 0 };

	*view = (struct leak_view){ .scan = choose_scan(profile) };
	for (size_t i = 0; view->scan.ran && i < profile->leak_count; i++) {
		const struct mp_leak *row = &profile->leaks[i];

		if (row->scan != view->scan.row->number)
			continue;
		vec_push(&leaks) = (struct leak){
			.leak_class = row->leak_class,
			.stack = row->stack,
			.owner = row->owner,
			.count = row->count,
			.bytes = row->bytes,
			.held_count = row->held_count,
			.held_bytes = row->held_bytes,
			.cycle_count = row->cycle_count,
		};
	}
	for (size_t i = 0; !view->scan.ran && i < aggregate->site_count; i++) {
		const struct site *site = &aggregate->sites[i];

		if (site->live_count <= 0)
			continue;
		vec_push(&leaks) = (struct leak){
			.leak_class = MP_LEAK_UNFREED,
			.stack = site->stack,
			.count = (uint64_t)site->live_count,
			.bytes = site->live_bytes > 0 ? (uint64_t)site->live_bytes : 0,
		};
	}
	for (size_t i = 0; i < leaks.count; i++) {
		view->sums[leaks.list[i].leak_class].count += leaks.list[i].count;
		view->sums[leaks.list[i].leak_class].bytes += leaks.list[i].bytes;
	}
	if (leaks.count > 1)
		qsort(leaks.list, leaks.count, sizeof(*leaks.list), compare_leaks);
	view->leaks = leaks.list;
	view->leak_count = leaks.count;
}

void leak_view_free(struct leak_view *view)
{
	free(view->leaks);
	*view = (struct leak_view){ 0 };
}
