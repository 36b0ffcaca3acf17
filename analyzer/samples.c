/* SPDX-License-Identifier: MIT */
/* Weights of stacks. */
#include "samples.h"

#include "hash.h"
#include "units.h"

static const struct {
	enum out_unit unit;
	unsigned verdicts;
} metrics[] = {
#define X(name, text, unit, verdicts) { OUT_UNIT_##unit, verdicts },
	OUT_METRICS(X)
#undef X
};

static int64_t site_metric(const struct site *site, enum out_metric metric)
{
	switch (metric) {
	case OUT_METRIC_LIVE:
		return site->live_bytes;
	case OUT_METRIC_PEAK:
		return site->peak_bytes;
	case OUT_METRIC_BYTES:
		return (int64_t)site->alloc_bytes;
	case OUT_METRIC_COUNT:
		return (int64_t)site->alloc_count;
	case OUT_METRIC_TEMPORARY:
		return (int64_t)site->temporary_count;
	default:
		break; /* not of sites */
	}
	return 0;
}

/* Programs that read such lists know no negative widths. */
static void add(struct samples *samples, uint32_t stack, const char *remark, int64_t value)
{
	if (value > 0)
		vec_push(&samples->all) = (struct sample){ stack, remark, value };
}

static void add_waiters(struct samples *samples, const struct lock_class *lock)
{
	for (size_t i = 0; i < lock->waiter_count; i++)
		add(samples, lock->waiters[i].stack, NULL, units_signed(lock->waiters[i].wait_ns));
}

static void add_culprits(struct samples *samples, const struct lock_class *lock)
{
	uint64_t known_ns = lock_class_known_ns(lock);

	for (size_t i = 0; i < lock->culprit_count; i++) {
		if (lock->culprits[i].culprit != 0)
			add(samples, lock->culprits[i].culprit, NULL, units_signed(lock->culprits[i].wait_ns));
	}
	add(samples, 0, "[hand-off]", units_signed(lock->handoff_ns));
	if (lock->wait_ns > known_ns)
		add(samples, 0, "[unknown]", units_signed(lock->wait_ns - known_ns));
}

void samples_add_leaks(struct samples *samples, const struct report *report, const struct leak_view *view,
		       unsigned verdicts)
{
	struct hash_map places = { 0 };

	for (size_t i = 0; view->scan.ran && i < view->leak_count; i++) {
		const struct leak *leak = &view->leaks[i];
		int64_t bytes = units_signed(leak->bytes);
		uint64_t *place;
		bool is_new;

		if (!(verdicts >> leak->leak_class & 1) || bytes == 0 ||
		    (report->filter && !filter_matches_stack(report->filter, leak->stack)))
			continue;
		place = hash_map_put(&places, leak->stack, &is_new);
		if (is_new) {
			*place = samples->all.count;
			add(samples, leak->stack, NULL, bytes);
		} else {
			samples->all.list[*place].value += bytes;
		}
	}
	hash_map_free(&places);
}

enum out_unit samples_unit(enum out_metric metric)
{
	return metrics[metric].unit;
}

bool samples_need_verdict(enum out_metric metric)
{
	return metrics[metric].verdicts != 0;
}

static void add_verdicts(struct samples *samples, const struct report *report, unsigned verdicts)
{
	struct leak_view view;

	leak_view_init(&view, report->profile, report->aggregate);
	samples_add_leaks(samples, report, &view, verdicts);
	leak_view_free(&view);
}

void samples_add(struct samples *samples, const struct report *report, enum out_metric metric)
{
	bool of_locks = metrics[metric].unit == OUT_UNIT_TIME;

	if (metrics[metric].verdicts) {
		add_verdicts(samples, report, metrics[metric].verdicts);
		return;
	}
	for (size_t i = 0; i < report->site_count && !of_locks; i++)
		add(samples, report->sites[i]->stack, NULL, site_metric(report->sites[i], metric));
	for (size_t i = 0; i < report->lock_count && of_locks; i++) {
		const struct lock_class *lock = report->locks[i];

		if (report->options->locks != OUT_LOCKS_FULL && !lock_class_is_contention(lock))
			continue;
		if (metric == OUT_METRIC_WAIT)
			add_waiters(samples, lock);
		else
			add_culprits(samples, lock);
	}
}
