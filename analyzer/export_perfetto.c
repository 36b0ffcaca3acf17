/* SPDX-License-Identifier: MIT */
/* Chrome's trace event JSON, which Perfetto opens: counters over time, the peak, and the lives of threads. */
#include <inttypes.h>

#include "export.h"

/* X(track, unit, value, known) of a point of the timeline */
#define COUNTERS(X)                                                                            \
	X("live heap", "bytes", (uint64_t)(tick->live_bytes > 0 ? tick->live_bytes : 0), true) \
	X("resident memory", "bytes", tick->rss_bytes, tick->rss_bytes > 0)                    \
	X("allocated so far", "bytes", tick->alloc_bytes, true)                                \
	X("allocations so far", "blocks", tick->alloc_count, true)                             \
	X("frees so far", "blocks", tick->free_count, true)                                    \
	X("lock wait so far", "ns", tick->lock_wait_ns, true)

struct trace {
	FILE *out;
	const struct profile *profile;
	bool any_event;
};

/* Up to the part that depends on the kind of event; the caller closes the brace. */
static void begin_event(struct trace *trace, const char *phase, const char *name)
{
	fprintf(trace->out, "%s\n{\"ph\":\"%s\",\"name\":", trace->any_event ? "," : "", phase);
	export_json_string(trace->out, name);
	fprintf(trace->out, ",\"cat\":\"memprof\",\"pid\":%" PRIu32, trace->profile->process.pid);
	trace->any_event = true;
}

/* Microseconds, on the clock of the machine: so traces of other tools from the same run fit beside. */
static void write_time(struct trace *trace, const char *key, uint64_t time_ns)
{
	fprintf(trace->out, ",\"%s\":%" PRIu64 ".%03" PRIu64, key, time_ns / 1000, time_ns % 1000);
}

static void write_name(struct trace *trace, const char *what, uint32_t tid, const char *name)
{
	begin_event(trace, "M", what);
	fprintf(trace->out, ",\"tid\":%" PRIu32 ",\"args\":{\"name\":", tid);
	export_json_string(trace->out, name);
	fputs("}}", trace->out);
}

static void write_counters(struct trace *trace)
{
	const struct profile *profile = trace->profile;

	for (size_t i = 0; i < profile->tick_count; i++) {
		const struct mp_tick *tick = &profile->ticks[i];

#define X(track, unit, value, known)                                                             \
	if (known) {                                                                             \
		begin_event(trace, "C", track);                                                  \
		write_time(trace, "ts", tick->time_ns);                                          \
		fprintf(trace->out, ",\"args\":{\"" unit "\":%" PRIu64 "}}", (uint64_t)(value)); \
	}
		COUNTERS(X)
#undef X
	}
}

static void write_peak(struct trace *trace)
{
	if (trace->profile->peak_ns == 0)
		return;
	begin_event(trace, "i", "peak of the live heap");
	write_time(trace, "ts", trace->profile->peak_ns);
	fprintf(trace->out, ",\"s\":\"p\",\"tid\":%" PRIu32 ",\"args\":{\"bytes\":%" PRIu64 ",\"blocks\":%" PRIu64 "}}",
		trace->profile->process.pid, trace->profile->peak_bytes, trace->profile->peak_count);
}

static void write_marks(struct trace *trace)
{
	const struct profile *profile = trace->profile;

	for (size_t i = 0; i < profile->mark_count; i++) {
		const struct mp_mark *mark = &profile->marks[i];

		begin_event(trace, "i", profile->mark_names[mark->name - 1].text);
		write_time(trace, "ts", mark->time_ns);
		fprintf(trace->out,
			",\"s\":\"p\",\"tid\":%" PRIu32 ",\"args\":{\"number\":%" PRIu64 ",\"live bytes\":%" PRId64
			",\"live blocks\":%" PRId64 "}}",
			mark->tid, mark->number, mark->live_bytes, mark->live_count);
	}
}

/* A row that sums up several threads has no id of its own: theirs are numbers that no thread can have. */
static void write_threads(struct trace *trace)
{
	const struct profile *profile = trace->profile;
	uint64_t last_ns = profile->process.start_ns + profile_duration_ns(profile);

	for (size_t i = 0; i < profile->thread_count; i++) {
		const struct mp_thread *row = &profile->threads[i];
		uint32_t tid = row->tid ? row->tid : 0x7f000000u + (uint32_t)i;
		uint64_t end_ns = row->end_ns ? row->end_ns : last_ns;

		write_name(trace, "thread_name", tid, row->name);
		begin_event(trace, "X", row->threads > 1 ? "several threads" : "thread");
		write_time(trace, "ts", row->start_ns);
		write_time(trace, "dur", end_ns > row->start_ns ? end_ns - row->start_ns : 0);
		fprintf(trace->out,
			",\"tid\":%" PRIu32 ",\"args\":{\"threads\":%" PRIu32 ",\"allocations\":%" PRIu64
			",\"allocated bytes\":%" PRIu64 ",\"frees\":%" PRIu64 ",\"lock wait ns\":%" PRIu64 "}}",
			tid, row->threads, row->alloc_count, row->alloc_bytes, row->free_count, row->lock_wait_ns);
	}
}

bool export_perfetto(const struct export *export, struct err *err)
{
	struct trace trace = { .out = export->out };
	char remark[EXPORT_REMARK_BYTES];

	(void)err;
	fputs("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"remark\":", trace.out);
	export_json_string(trace.out, export_remark(export->reports[0], remark, sizeof(remark)));
	fputs("},\n\"traceEvents\":[", trace.out);
	for (size_t i = 0; i < export->count; i++) {
		trace.profile = export->reports[i]->profile;
		write_name(&trace, "process_name", trace.profile->process.pid, export_program(trace.profile));
		write_counters(&trace);
		write_peak(&trace);
		write_marks(&trace);
		write_threads(&trace);
	}
	fputs("]}\n", trace.out);
	return true;
}
