/* SPDX-License-Identifier: MIT */
/*
 * OpenMetrics text. Readers of the older Prometheus text format (node_exporter's textfile collector) take it as well:
 * the "# EOF" is a comment to them, and counters, whose TYPE stands at the name without "_total" here, are untyped. Few
 * label values only: the locks waited for longest.
 */
#include <inttypes.h>
#include <string.h>

#include "export.h"
#include "json_text.h"
#include "leak_class.h"
#include "leak_view.h"

#define LOCKS_MAX 20

/* X(name, type, value, digits behind the point, help); of a process. */
#define METRICS(X)                                                                                                \
	X("memprof_allocations_total", "counter", totals->alloc_count, 0, "Blocks allocated.")                    \
	X("memprof_allocated_bytes_total", "counter", totals->alloc_bytes, 0, "Bytes allocated.")                 \
	X("memprof_frees_total", "counter", totals->free_count, 0, "Blocks freed.")                               \
	X("memprof_freed_bytes_total", "counter", totals->free_bytes, 0, "Bytes freed.")                          \
	X("memprof_temporary_allocations_total", "counter", totals->temporary_count, 0,                           \
	  "Blocks freed before their thread allocated another.")                                                  \
	X("memprof_live_bytes", "gauge", totals->live_bytes, 0, "Bytes not freed at the end, or now.")            \
	X("memprof_live_blocks", "gauge", totals->live_count, 0, "Blocks not freed at the end, or now.")          \
	X("memprof_peak_bytes", "gauge", profile->peak_bytes, 0, "Most bytes that were live at one time.")        \
	X("memprof_duration_seconds", "gauge", profile_duration_ns(profile), 9, "How long the process has run.")  \
	X("memprof_sample_bytes", "gauge", profile->process.sample_bytes, 0,                                      \
	  "Mean distance of samples; 0: everything was counted. Else numbers of blocks and bytes are estimates.") \
	X("memprof_lost_events_total", "counter", lost(profile), 0, "Events that were not recorded.")

/* Of a lock. X(name, type, value, digits behind the point, known, help) */
#define LOCK_METRICS(X)                                                                                               \
	X("memprof_lock_wait_seconds_total", "counter", lock->wait_ns, 9, true,                                       \
	  "Time that threads waited for a lock.")                                                                     \
	X("memprof_lock_contentions_total", "counter", lock->contentions, 0, true, "How often a thread had to wait.") \
	X("memprof_lock_acquisitions_total", "counter", lock->acquisitions, 0, lock->counted, "How often it was taken.")

/* Of a class of blocks, where there is a verdict. X(name, value, help) */
#define LEAK_METRICS(X)                                                                                  \
	X("memprof_leak_bytes", sum->bytes, "Bytes not freed, by what became of them: definite is lost.") \
	X("memprof_leak_blocks", sum->count, "Blocks not freed, by what became of them.")

static uint64_t lost(const struct profile *profile)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < profile->loss_count; i++)
		sum += profile->losses[i].count;
	return sum;
}

/* A label value: backslash, quote and line feed are escaped. */
static void write_label(FILE *out, const char *name, const char *text)
{
	char *repaired = json_repair(text);

	fprintf(out, "%s=\"", name);
	for (const char *at = repaired; *at; at++) {
		if (*at == '\\' || *at == '"')
			fputc('\\', out);
		if (*at == '\n')
			fputs("\\n", out);
		else
			fputc(*at, out);
	}
	fputc('"', out);
	free(repaired);
}

static void begin_sample(FILE *out, const char *name, const struct profile *profile)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%" PRIu32, profile->process.pid);
	fprintf(out, "%s{", name);
	write_label(out, "program", export_program(profile));
	fputc(',', out);
	write_label(out, "pid", pid);
}

/* VALUE / 10^DIGITS, exactly. */
static void write_value(FILE *out, int64_t value, int digits)
{
	if (digits == 0)
		fprintf(out, "} %" PRId64 "\n", value);
	else
		fprintf(out, "} %" PRId64 ".%09" PRId64 "\n", value / 1000000000, value % 1000000000);
}

/* The family of a counter is its name without "_total". */
static void write_family(FILE *out, const char *name, const char *type, const char *help)
{
	int length = (int)(strlen(name) - (strcmp(type, "counter") == 0 ? strlen("_total") : 0));

	fprintf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, name, help, length, name, type);
}

static void write_leak(FILE *out, const char *metric, const struct profile *profile, enum mp_leak_class leak_class,
		       uint64_t value)
{
	begin_sample(out, metric, profile);
	fputc(',', out);
	write_label(out, "class", leak_class_word(leak_class));
	write_value(out, (int64_t)value, 0);
}

static void write_leaks(const struct export *export)
{
	struct leak_view *views = memory_zeroed(export->count, sizeof(*views));

	for (size_t i = 0; i < export->count; i++)
		leak_view_init(&views[i], export->reports[i]->profile, export->reports[i]->aggregate);
#define X(name, value, help)                                                                        \
	write_family(export->out, name, "gauge", help);                                             \
	for (size_t i = 0; i < export->count; i++) {                                                \
		for (int c = MP_LEAK_DEFINITE; views[i].scan.ran && c < MP_LEAK_UNFREED; c++) {     \
			const struct leak_sum *sum = &views[i].sums[c];                             \
                                                                                                    \
			write_leak(export->out, name, export->reports[i]->profile, (enum mp_leak_class)c, value); \
		}                                                                                   \
	}
	LEAK_METRICS(X)
#undef X
	for (size_t i = 0; i < export->count; i++)
		leak_view_free(&views[i]);
	free(views);
}

static void begin_lock_sample(FILE *out, const char *metric, const struct report *report, const struct lock_class *lock)
{
	const char *kind = profile_lock_kind_name(lock->kind);
	char address[32];

	snprintf(address, sizeof(address), "%" PRIu32, lock->id);
	begin_sample(out, metric, report->profile);
	fputc(',', out);
	write_label(out, "id", address);
	fputc(',', out);
	write_label(out, "lock", lock->name ? lock->name : "");
	fputc(',', out);
	write_label(out, "kind", kind ? kind : "");
}

bool export_openmetrics(const struct export *export, struct err *err)
{
	FILE *out = export->out;

	(void)err;
#define X(name, type, value, digits, help)                                          \
	write_family(out, name, type, help);                                        \
	for (size_t i = 0; i < export->count; i++) {                                \
		const struct profile *profile = export->reports[i]->profile;        \
		const struct site *totals = &export->reports[i]->aggregate->totals; \
                                                                                    \
		(void)totals;                                                       \
		begin_sample(out, name, profile);                                   \
		write_value(out, (int64_t)(value), digits);                         \
	}
	METRICS(X)
#undef X
	write_leaks(export);
	for (size_t i = 0; i < export->count; i++)
		lock_classes_rank(export->reports[i]->locks, export->reports[i]->lock_count);
#define X(name, type, value, digits, known, help)                                              \
	write_family(out, name, type, help);                                                   \
	for (size_t i = 0; i < export->count; i++) {                                           \
		for (size_t j = 0; j < export->reports[i]->lock_count && j < LOCKS_MAX; j++) { \
			const struct lock_class *lock = export->reports[i]->locks[j];          \
                                                                                               \
			if (!(known))                                                          \
				continue;                                                      \
			begin_lock_sample(out, name, export->reports[i], lock);                \
			write_value(out, (int64_t)(value), digits);                            \
		}                                                                              \
	}
	LOCK_METRICS(X)
#undef X
	fputs("# EOF\n", out);
	return true;
}
