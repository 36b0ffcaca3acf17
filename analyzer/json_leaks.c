/* SPDX-License-Identifier: MIT */
/* Leaks in the JSON report: what was searched, what was found, and what keeps growing. */
#include <inttypes.h>

#include "growth_view.h"
#include "json_out.h"
#include "json_text.h"
#include "json_value.h"
#include "leak_view.h"

static json_t *make_heuristics(const struct mp_leak_scan *row)
{
	json_t *object = json_object();

#define X(name, index, word) json_put(object, word, json_number(row->heuristic_count[index]));
	MP_SCAN_HEURISTICS(X)
#undef X
	return object;
}

static json_t *make_leak_scan(const struct profile *profile, const struct leak_view *view)
{
	const struct mp_leak_scan *row = view->scan.row;
	bool ran = view->scan.ran;
	json_t *object = json_object();

	json_put(object, "ran", json_boolean(ran));
	json_put(object, "why_not", json_text(view->scan.why_not));
	json_put(object, "method", json_text(ran ? profile_scan_method_name(row->method) : NULL));
	json_put(object, "trigger", json_text(row ? profile_scan_trigger_name(row->trigger) : NULL));
	json_put(object, "time_ns", row ? json_since_start(profile, row->start_ns) : json_null());
	json_put(object, "duration_ns", ran ? json_number(row->duration_ns) : json_null());
	json_put(object, "cpu_ns", ran && row->cpu_ns ? json_number(row->cpu_ns) : json_null());
	json_put(object, "pause_ns", ran ? json_number(row->pause_ns) : json_null());
	json_put(object, "snapshots", ran ? json_number(row->snapshots) : json_null());
	json_put(object, "threads", ran ? json_number(row->threads) : json_null());
	json_put(object, "block_count", ran ? json_number(row->block_count) : json_null());
	json_put(object, "block_bytes", ran ? json_number(row->block_bytes) : json_null());
	json_put(object, "root_bytes", ran ? json_number(row->root_bytes) : json_null());
	json_put(object, "heap_bytes", ran ? json_number(row->heap_bytes) : json_null());
	json_put(object, "skipped_bytes", ran ? json_number(row->skipped_bytes) : json_null());
	json_put(object, "unconfirmed_count", ran ? json_number(row->unconfirmed_count) : json_null());
	json_put(object, "ignored_count", ran ? json_number(row->ignored_count) : json_null());
	json_put(object, "heuristics", ran ? make_heuristics(row) : json_null());
	return object;
}

static json_t *make_leak_totals(const struct leak_view *view)
{
	json_t *object = json_object();

	for (uint32_t class = MP_LEAK_DEFINITE; class <= MP_LEAK_UNFREED; class ++) {
		json_t *sum = json_object();

		/* Known to be none, or not known. */
		bool known = view->scan.ran || class == MP_LEAK_UNFREED;

		json_put(sum, "count", known ? json_number(view->sums[class].count) : json_null());
		json_put(sum, "bytes", known ? json_number(view->sums[class].bytes) : json_null());
		json_put(object, profile_leak_class_name(class), sum);
	}
	return object;
}

void json_out_leak_scan(const struct json_out *json, const struct leak_view *view)
{
	json_out_member(json, "leak_scan", make_leak_scan(json->report->profile, view));
	json_out_member(json, "leak_totals", make_leak_totals(view));
}

static void write_leak(struct json_out *json, const struct leak *leak)
{
	FILE *out = json->out;

	fprintf(out, "{\"class\":\"%s\",\"count\":%" PRIu64 ",\"bytes\":%" PRIu64,
		profile_leak_class_name(leak->leak_class), leak->count, leak->bytes);
	fprintf(out, ",\"site\":%" PRIu32, leak->stack);
	if (leak->owner)
		fprintf(out, ",\"owner\":%" PRIu32, leak->owner);
	else
		fputs(",\"owner\":null", out);
	fprintf(out, ",\"indirect_count\":%" PRIu64 ",\"indirect_bytes\":%" PRIu64 ",\"cycle_count\":%" PRIu64 ",",
		leak->held_count, leak->held_bytes, leak->cycle_count);
	json_out_stack(json, leak->stack);
	fputc('}', out);
}

/* Those that the filter lets through. */
void json_out_leaks(struct json_out *json, const struct leak_view *view)
{
	const struct report *report = json->report;
	size_t written = 0;

	fputs(",\n\"leaks\":[", json->out);
	for (size_t i = 0; i < view->leak_count && written < json_out_limit(report->options->top, view->leak_count);
	     i++) {
		if (report->filter && !filter_matches_stack(report->filter, view->leaks[i].stack))
			continue;
		json_out_element(json, written++);
		write_leak(json, &view->leaks[i]);
	}
	fputc(']', json->out);
}

void json_out_growth(struct json_out *json)
{
	const struct report *report = json->report;
	struct growth_view view;
	FILE *out = json->out;
	size_t written = 0;

	growth_view_init(&view, report->profile);
	fprintf(out, ",\n\"growth\":{\"judged\":%s,\"points\":%zu", view.judged ? "true" : "false", view.points);
	json_out_member(json, "estimated", json_boolean(profile_is_sampled(report->profile)));
	json_out_member(json, "from_ns", view.judged ? json_since_start(report->profile, view.from_ns) : json_null());
	json_out_member(json, "to_ns", view.judged ? json_since_start(report->profile, view.to_ns) : json_null());
	fputs(",\"sites\":[", out);
	for (size_t i = 0; i < view.count && written < json_out_limit(report->options->top, view.count); i++) {
		const struct growth *growth = &view.list[i];

		if (report->filter && !filter_matches_stack(report->filter, growth->stack))
			continue;
		json_out_element(json, written++);
		fprintf(out, "{\"site\":%" PRIu32 ",\"bytes_per_s\":%.0f,\"bytes_per_s_low\":%.0f", growth->stack,
			growth->bytes_per_s, growth->bytes_per_s_low);
		fprintf(out, ",\"blocks_per_s\":%.3f,\"score\":%.3f,\"grown_bytes\":%" PRIu64, growth->blocks_per_s,
			growth->score, growth->grown_bytes);
		fprintf(out, ",\"live_bytes\":%" PRIu64 ",\"live_count\":%" PRIu64 ",", growth->live_bytes,
			growth->live_count);
		json_out_stack(json, growth->stack);
		fputc('}', out);
	}
	fputs("]}", out);
	growth_view_free(&view);
}
