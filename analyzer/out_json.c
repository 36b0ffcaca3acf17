/* SPDX-License-Identifier: MIT */
/*
 * The JSON report: the order of its parts, and those that are small, which are made with jansson. Lists are written
 * element by element: with a hundred thousand stacks a tree of the whole report would need gigabytes.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "coverage.h"
#include "json_out.h"
#include "json_text.h"
#include "json_value.h"
#include "leak_view.h"

#define SCHEMA "memprof-report/1"

void json_out_value(const struct json_out *json, json_t *value)
{
	json_dumpf(value, json->out, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
}

void json_out_member(const struct json_out *json, const char *key, json_t *value)
{
	fprintf(json->out, ",\n\"%s\":", key);
	json_out_value(json, value);
}

static json_t *start_time(uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	struct tm date;
	char day[64];
	char text[96];

	if (realtime_ns == 0 || !gmtime_r(&seconds, &date) ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &date) == 0)
		return json_null();
	snprintf(text, sizeof(text), "%s.%03" PRIu64 "Z", day, realtime_ns / 1000000 % 1000);
	return json_string(text);
}

static json_t *make_process(const struct profile *profile)
{
	const struct profile_process *process = &profile->process;
	json_t *object = json_object();
	json_t *argv = process->argc > 0 ? json_array() : json_null();

	for (size_t i = 0; i < process->argc; i++)
		json_array_append_new(argv, json_text(process->argv[i]));
	json_put(object, "pid", json_number(process->pid));
	json_put(object, "parent_pid", json_number(process->parent_pid));
	json_put(object, "exe", json_text(process->exe));
	json_put(object, "argv", argv);
	json_put(object, "cwd", json_text(process->cwd));
	json_put(object, "start_time", start_time(process->start_realtime_ns));
	json_put(object, "duration_ns", json_number(profile_duration_ns(profile)));
	json_put(object, "ended", json_string(profile_ended_name(process->ended)));
	json_put(object, "exit_status",
		 process->ended == PROFILE_ENDED_EXIT ? json_integer(process->end_status) : json_null());
	json_put(object, "signal",
		 process->ended == PROFILE_ENDED_SIGNAL ? json_integer(process->end_status) : json_null());
	json_put(object, "mode", json_text(profile_mode_name(process->mode)));
	json_put(object, "sample_bytes", json_number_unless(process->sample_bytes, process->mode != MP_MODE_SAMPLE));
	json_put(object, "hostname", json_text(process->hostname));
	json_put(object, "producer", json_text(process->producer));
	json_put(object, "forked", json_boolean(process->features & MP_FEATURE_FORKED));
	json_put(object, "paused_count", json_number(process->paused_count));
	json_put(object, "paused_ns", json_number(process->paused_ns));
	json_put(object, "paused", json_boolean(process->paused));
	json_put(object, "self_bytes", json_number_unless(process->self_bytes, process->self_bytes == 0));
	return object;
}

static json_t *make_coverage(const struct report *report)
{
	struct coverage coverage = coverage_of(report->profile, !report->options->no_files);
	json_t *object = json_object();

	json_put(object, "anonymous_bytes", json_number_unless(coverage.anonymous_bytes, !coverage.known));
	json_put(object, "unseen_bytes", json_number_unless(coverage.unseen_bytes, !coverage.known));
	json_put(object, "notable", json_boolean(coverage.notable));
	json_put(object, "allocator", json_text(coverage.allocator));
	json_put(object, "runtime", json_text(coverage.runtime));
	json_put(object, "runtime_option", json_text(coverage.runtime_option));
	return object;
}

static json_t *make_losses(const struct profile *profile)
{
	json_t *object = json_object();

	for (size_t i = 0; i < profile->loss_count; i++) {
		const char *name = profile_loss_name(profile->losses[i].reason);
		char unknown[40];

		snprintf(unknown, sizeof(unknown), "reason_%" PRIu64, profile->losses[i].reason);
		json_put(object, name ? name : unknown, json_number(profile->losses[i].count));
	}
	return object;
}

static json_t *make_options(const struct profile *profile)
{
	json_t *object = json_object();

	for (size_t i = 0; i < profile->option_count; i++) {
		char *name = json_repair(profile->options[i].name);

		json_put(object, name, json_text(profile->options[i].value));
		free(name);
	}
	return object;
}

void json_out_element(const struct json_out *json, size_t i)
{
	fputs(i > 0 ? ",\n" : "\n", json->out);
}

size_t json_out_limit(uint64_t top, size_t count)
{
	return top > 0 && top < count ? (size_t)top : count;
}

static json_t *make_warnings(const struct report *report)
{
	json_t *list = json_array();
	const char *const *texts;
	size_t count = symbolizer_warnings(report->symbols, &texts);

	for (size_t i = 0; i < report->profile->warning_count; i++)
		json_array_append_new(list, json_text(report->profile->warnings[i]));
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_text(texts[i]));
	return list;
}

void json_out_warnings(const struct json_out *json)
{
	json_out_member(json, "warnings", make_warnings(json->report));
}

void json_out_head(struct json_out *json, const struct leak_view *view)
{
	const struct report *report = json->report;
	const struct profile *profile = report->profile;

	fputs("{\"schema\":\"" SCHEMA "\"", json->out);
	json_out_member(json, "dump", json_text(profile->path));
	json_out_member(json, "partial", json_boolean(profile->partial));
	json_out_member(json, "filter", json_text(report->filter ? filter_expression(report->filter) : NULL));
	json_out_member(json, "process", make_process(profile));
	json_out_totals(json);
	json_out_member(json, "losses", make_losses(profile));
	json_out_member(json, "coverage", make_coverage(report));
	json_out_stack_marks(json);
	json_out_member(json, "options", make_options(profile));
	json_out_leak_scan(json, view);
	json_out_growth(json);
}

void out_json(const struct report *report, FILE *out)
{
	struct json_out json = { .report = report, .out = out };
	struct leak_view view;

	leak_view_init(&view, report->profile, report->aggregate);
	json.nodes = memory_zeroed(report->profile->node_count + 1, sizeof(*json.nodes));
	json_out_head(&json, &view);
	json_out_times(&json);
	json_out_sites(&json);
	json_out_leaks(&json, &view);
	json_out_locks(&json);
	json_out_warnings(&json);
	fputs("\n}\n", out);
	leak_view_free(&view);
	hash_map_free(&json.texts);
	arena_free(&json.arena);
	free(json.nodes);
}
