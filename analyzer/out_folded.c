/* SPDX-License-Identifier: MIT */
/* Folded stacks: "outermost;...;innermost value" per line, for flame graph programs. */
#include <inttypes.h>

#include "out.h"
#include "stack_view.h"
#include "units.h"
#include "utf8.h"

/*
 * Characters that mean something in the format, and those that would break a line, become similar harmless ones; what
 * is no UTF-8 becomes U+FFFD.
 */
static void print_name(FILE *out, const char *name)
{
	while (*name) {
		unsigned char c = (unsigned char)*name;
		uint32_t code;
		size_t bytes = c < 0x80 ? 1 : utf8_decode(name, &code);

		if (c < 0x80)
			fputc(c == ';' ? ':' : c < 0x20 || c == 0x7f ? '?' : c, out);
		else if (bytes > 0)
			fwrite(name, 1, bytes, out);
		else
			fputs("\xef\xbf\xbd", out);
		name += bytes > 0 ? bytes : 1;
	}
}

static void print_frame(FILE *out, const struct frame *frame)
{
	char place[256];

	print_name(out, stack_view_name(frame, place, sizeof(place)));
}

static void print_stack(const struct report *report, struct stack_view *view, uint32_t stack, int64_t value, FILE *out)
{
	const char *separator = "";

	stack_view_fill(view, report->profile, report->symbols, stack);
	if (view->mark != 0) {
		const char *text = profile_mark_text(view->mark);

		fputc('[', out);
		print_name(out, text ? text : "cut: unknown reason");
		fputc(']', out);
		separator = ";";
	}
	for (size_t i = view->frames.count; i-- > 0; separator = ";") {
		fputs(separator, out);
		print_frame(out, &view->frames.list[i]);
	}
	/* Only frames of memprof itself: the line still needs a name. */
	if (!*separator)
		fputs("[memprof]", out);
	fprintf(out, " %" PRId64 "\n", value);
}

static int64_t metric_value(const struct site *site, enum out_metric metric)
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
	case OUT_METRIC_WAIT:
	case OUT_METRIC_CULPRIT:
		break;
	}
	return 0;
}

static void print_waiters(const struct report *report, struct stack_view *view, const struct lock_class *lock,
			  FILE *out)
{
	for (size_t i = 0; i < lock->waiter_count; i++) {
		if (lock->waiters[i].wait_ns > 0)
			print_stack(report, view, lock->waiters[i].stack, units_signed(lock->waiters[i].wait_ns), out);
	}
}

/* The lines of a lock add up to its wait: what is charged to nobody has lines of its own. */
static void print_culprits(const struct report *report, struct stack_view *view, const struct lock_class *lock,
			   FILE *out)
{
	uint64_t known_ns = lock_class_known_ns(lock);

	for (size_t i = 0; i < lock->culprit_count; i++) {
		if (lock->culprits[i].culprit != 0 && lock->culprits[i].wait_ns > 0)
			print_stack(report, view, lock->culprits[i].culprit, units_signed(lock->culprits[i].wait_ns),
				    out);
	}
	if (lock->handoff_ns > 0)
		fprintf(out, "[hand-off] %" PRId64 "\n", units_signed(lock->handoff_ns));
	if (lock->wait_ns > known_ns)
		fprintf(out, "[unknown] %" PRId64 "\n", units_signed(lock->wait_ns - known_ns));
}

/* Waiting is the purpose of coordination: it has lines only when a lock was asked for. */
static bool is_wanted(const struct report *report, const struct lock_class *lock)
{
	return report->options->locks == OUT_LOCKS_FULL || lock_class_is_contention(lock);
}

void out_folded(const struct report *report, FILE *out)
{
	enum out_metric metric = report->options->metric;
	bool of_locks = metric == OUT_METRIC_WAIT || metric == OUT_METRIC_CULPRIT;
	struct stack_view view = { 0 };

	for (size_t i = 0; i < report->site_count && !of_locks; i++) {
		int64_t value = metric_value(report->sites[i], metric);

		/* Programs that read the format know no negative widths. */
		if (value > 0)
			print_stack(report, &view, report->sites[i]->stack, value, out);
	}
	for (size_t i = 0; i < report->lock_count && of_locks; i++) {
		if (!is_wanted(report, report->locks[i]))
			continue;
		if (metric == OUT_METRIC_WAIT)
			print_waiters(report, &view, report->locks[i], out);
		else
			print_culprits(report, &view, report->locks[i], out);
	}
	stack_view_free(&view);
}
