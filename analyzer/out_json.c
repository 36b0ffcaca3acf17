/* SPDX-License-Identifier: MIT */
/*
 * The JSON report. Small objects are made with jansson. Lists are written element by element, and the frames of an
 * address are turned into text once: with a hundred thousand stacks a tree of the whole report would need gigabytes.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coverage.h"
#include "free_pairs.h"
#include "json_out.h"
#include "json_text.h"
#include "growth_view.h"
#include "leak_view.h"
#include "lifetimes.h"
#include "reallocs.h"
#include "size_classes.h"
#include "stack_view.h"
#include "units.h"

#define SCHEMA "memprof-report/1"

static json_t *number(uint64_t value)
{
	return json_integer(units_signed(value));
}

static json_t *number_unless(uint64_t value, bool unknown)
{
	return unknown ? json_null() : number(value);
}

static json_t *address_text(uint64_t address)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	return json_string(text);
}

/* Takes VALUE over. */
static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

/* Writes VALUE, and takes it over. */
static void write_value(const struct json_out *json, json_t *value)
{
	json_dumpf(value, json->out, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
}

static void write_member(const struct json_out *json, const char *key, json_t *value)
{
	fprintf(json->out, ",\n\"%s\":", key);
	write_value(json, value);
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
	put(object, "pid", number(process->pid));
	put(object, "parent_pid", number(process->parent_pid));
	put(object, "exe", json_text(process->exe));
	put(object, "argv", argv);
	put(object, "cwd", json_text(process->cwd));
	put(object, "start_time", start_time(process->start_realtime_ns));
	put(object, "duration_ns", number(profile_duration_ns(profile)));
	put(object, "ended", json_string(profile_ended_name(process->ended)));
	put(object, "exit_status",
	    process->ended == PROFILE_ENDED_EXIT ? json_integer(process->end_status) : json_null());
	put(object, "signal", process->ended == PROFILE_ENDED_SIGNAL ? json_integer(process->end_status) : json_null());
	put(object, "mode", json_text(profile_mode_name(process->mode)));
	put(object, "sample_bytes", number_unless(process->sample_bytes, process->mode != MP_MODE_SAMPLE));
	put(object, "hostname", json_text(process->hostname));
	put(object, "producer", json_text(process->producer));
	put(object, "forked", json_boolean(process->features & MP_FEATURE_FORKED));
	put(object, "paused_count", number(process->paused_count));
	put(object, "paused_ns", number(process->paused_ns));
	put(object, "paused", json_boolean(process->paused));
	put(object, "self_bytes", number_unless(process->self_bytes, process->self_bytes == 0));
	return object;
}

/* X(key of the number, variance): what a sampled report says of it, as KEY_stderr. */
#define ERRORS(X)                                                     \
	X("alloc_count", site->alloc_count_var)                       \
	X("alloc_bytes", site->alloc_bytes_var)                       \
	X("free_count", site->free_count_var)                         \
	X("free_bytes", site->free_bytes_var)                         \
	X("live_count", site->alloc_count_var - site->free_count_var) \
	X("live_bytes", site->alloc_bytes_var - site->free_bytes_var) \
	X("peak_count", site->peak_count_var)                         \
	X("peak_bytes", site->peak_bytes_var)                         \
	X("temporary_count", site->temporary_count_var)               \
	X("realloc_count", site->realloc_count_var)                   \
	X("freed_elsewhere_count", site->freed_elsewhere_count_var)   \
	X("freed_elsewhere_bytes", site->freed_elsewhere_bytes_var)

static void put_errors(json_t *object, const struct site *site)
{
#define X(key, variance) put(object, key "_stderr", number(site_error(variance)));
	ERRORS(X)
#undef X
}

static void write_errors(FILE *out, const struct site *site)
{
#define X(key, variance) fprintf(out, "\"" key "_stderr\":%" PRIu64 ",", site_error(variance));
	ERRORS(X)
#undef X
}

/* What is not known is null. */
static bool sizes_are_known(const struct report *report)
{
	return report->profile->process.features & MP_FEATURE_SIZES;
}

static json_t *make_sizes(const struct report *report, const struct site *site)
{
	json_t *array = json_array();

	if (!sizes_are_known(report)) {
		json_decref(array);
		return json_null();
	}
	for (size_t i = 0; i < site->size_count; i++) {
		const struct size_sum *sum = &site->sizes[i];
		json_t *object = json_object();

		put(object, "from", number(size_class_from(sum->size_class)));
		put(object, "to", number(size_class_to(sum->size_class)));
		put(object, "count", number(sum->count));
		put(object, "bytes", number(sum->bytes));
		json_array_append_new(array, object);
	}
	return array;
}

/* Of the blocks that were observed; their numbers as estimates for all. */
static json_t *make_lifetimes(const struct lifetime_sum *sum)
{
	json_t *object;
	json_t *classes;

	if (!sum)
		return json_null();
	object = json_object();
	classes = json_array();
	put(object, "observed", number(sum->observed));
	put(object, "mean_ns", number(lifetime_mean_ns(sum)));
	put(object, "freed_elsewhere_count", number(sum->elsewhere * MP_LIFETIME_EVERY));
	for (uint32_t k = 0; k < MP_LIFETIME_CLASSES; k++) {
		json_t *class = json_object();

		put(class, "from_ns", number(lifetime_from_ns(k)));
		put(class, "to_ns", number_unless(lifetime_to_ns(k) - 1, k == MP_LIFETIME_CLASSES - 1));
		put(class, "count", number(sum->counts[k] * MP_LIFETIME_EVERY));
		if (sum->counts[k])
			json_array_append(classes, class);
		json_decref(class);
	}
	put(object, "classes", classes);
	return object;
}

/* X(member of struct realloc_sum): JSON names are the same. */
#define REALLOC_NUMBERS(X) \
	X(steps) X(blocks) X(first_bytes) X(moves) X(copied_bytes) X(grown_bytes) X(shrinks) X(shrunk_bytes) X(unknown)

static json_t *make_reallocs(const struct realloc_sum *sum)
{
	json_t *object;

	if (!sum)
		return json_null();
	object = json_object();
#define X(field) put(object, #field, number(sum->field));
	REALLOC_NUMBERS(X)
#undef X
	return object;
}

static json_t *make_totals(const struct report *report)
{
	const struct profile *profile = report->profile;
	const struct site *totals = &report->aggregate->totals;
	uint64_t start_ns = profile->process.start_ns;
	json_t *object = json_object();

	put(object, "alloc_count", number(totals->alloc_count));
	put(object, "alloc_bytes", number(totals->alloc_bytes));
	put(object, "free_count", number(totals->free_count));
	put(object, "free_bytes", number(totals->free_bytes));
	put(object, "live_count", json_integer(totals->live_count));
	put(object, "live_bytes", json_integer(totals->live_bytes));
	put(object, "peak_bytes", number(profile->peak_bytes));
	put(object, "peak_count", number(profile->peak_count));
	put(object, "peak_time_ns", number_unless(profile->peak_ns - start_ns, profile->peak_ns < start_ns));
	put(object, "temporary_count", number(totals->temporary_count));
	put(object, "realloc_count", number(totals->realloc_count));
	put(object, "freed_elsewhere_count", number(totals->freed_elsewhere_count));
	put(object, "freed_elsewhere_bytes", number(totals->freed_elsewhere_bytes));
	put(object, "sizes", make_sizes(report, totals));
	put(object, "lifetimes", make_lifetimes(totals->lifetimes));
	put(object, "reallocs", make_reallocs(totals->reallocs));
	put(object, "inherited_count", number(profile->inherited_count));
	put(object, "inherited_bytes", number(profile->inherited_bytes));
	put(object, "inherited_free_count", number(profile->inherited_free_count));
	put(object, "inherited_free_bytes", number(profile->inherited_free_bytes));
	if (profile_is_sampled(profile))
		put_errors(object, totals);
	return object;
}

static json_t *make_coverage(const struct report *report)
{
	struct coverage coverage = coverage_of(report->profile, !report->options->no_files);
	json_t *object = json_object();

	put(object, "anonymous_bytes", number_unless(coverage.anonymous_bytes, !coverage.known));
	put(object, "unseen_bytes", number_unless(coverage.unseen_bytes, !coverage.known));
	put(object, "notable", json_boolean(coverage.notable));
	put(object, "allocator", json_text(coverage.allocator));
	return object;
}

static json_t *make_losses(const struct profile *profile)
{
	json_t *object = json_object();

	for (size_t i = 0; i < profile->loss_count; i++) {
		const char *name = profile_loss_name(profile->losses[i].reason);
		char unknown[40];

		snprintf(unknown, sizeof(unknown), "reason_%" PRIu64, profile->losses[i].reason);
		put(object, name ? name : unknown, number(profile->losses[i].count));
	}
	return object;
}

/* JSON word of a mark: "no_unwind_info". */
static const char *mark_word(uint32_t mark, char *buffer, size_t size)
{
	const char *name = profile_mark_name(mark);

	if (name)
		snprintf(buffer, size, "%s", name);
	else
		snprintf(buffer, size, "mark_%" PRIu32, mark);
	for (char *at = buffer; *at; at++)
		*at = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
	return buffer;
}

static json_t *make_stacks(const struct aggregate *aggregate)
{
	json_t *object = json_object();
	char word[40];

	for (size_t i = 0; i < aggregate->mark_count; i++)
		put(object, mark_word(aggregate->marks[i].mark, word, sizeof(word)),
		    number(aggregate->marks[i].alloc_count));
	return object;
}

static json_t *make_options(const struct profile *profile)
{
	json_t *object = json_object();

	for (size_t i = 0; i < profile->option_count; i++) {
		char *name = json_repair(profile->options[i].name);

		put(object, name, json_text(profile->options[i].value));
		free(name);
	}
	return object;
}

/* Nanoseconds since the start of the process; null if unknown. */
static json_t *since_start(const struct profile *profile, uint64_t time_ns)
{
	uint64_t start_ns = profile->process.start_ns;

	return number_unless(time_ns - start_ns, time_ns < start_ns || time_ns == 0);
}

static json_t *make_thread(const struct profile *profile, const struct mp_thread *row)
{
	json_t *object = json_object();

	put(object, "tid", number_unless(row->tid, row->tid == 0));
	put(object, "name", json_text(row->name));
	put(object, "threads", number(row->threads));
	put(object, "start_ns", since_start(profile, row->start_ns));
	put(object, "end_ns", since_start(profile, row->end_ns));
	put(object, "alloc_count", number(row->alloc_count));
	put(object, "alloc_bytes", number(row->alloc_bytes));
	put(object, "free_count", number(row->free_count));
	put(object, "free_bytes", number(row->free_bytes));
	put(object, "temporary_count", number(row->temporary_count));
	put(object, "realloc_count", number(row->realloc_count));
	put(object, "lock_acquisitions", number(row->lock_acquisitions));
	put(object, "lock_contentions", number(row->lock_contentions));
	put(object, "lock_wait_ns", number(row->lock_wait_ns));
	return object;
}

static json_t *make_tick(const struct profile *profile, const struct mp_tick *row)
{
	json_t *object = json_object();

	put(object, "time_ns", since_start(profile, row->time_ns));
	put(object, "live_bytes", json_integer(row->live_bytes));
	put(object, "rss_bytes", number_unless(row->rss_bytes, row->rss_bytes == 0));
	put(object, "alloc_count", number(row->alloc_count));
	put(object, "alloc_bytes", number(row->alloc_bytes));
	put(object, "free_count", number(row->free_count));
	put(object, "lock_wait_ns", number(row->lock_wait_ns));
	return object;
}

static json_t *make_mark(const struct profile *profile, const struct mp_mark *row)
{
	json_t *object = json_object();

	put(object, "time_ns", since_start(profile, row->time_ns));
	put(object, "number", number(row->number));
	put(object, "by", json_string(row->flags & MP_MARK_CONTROL ? "control" : "program"));
	put(object, "tid", number(row->tid));
	put(object, "live_bytes", json_integer(row->live_bytes));
	put(object, "live_count", json_integer(row->live_count));
	put(object, "alloc_count", number(row->alloc_count));
	put(object, "alloc_bytes", number(row->alloc_bytes));
	put(object, "free_count", number(row->free_count));
	put(object, "lock_wait_ns", number(row->lock_wait_ns));
	return object;
}

static json_t *make_mark_stacks(const struct profile *profile, uint32_t name)
{
	struct growth_view view;
	json_t *stacks;

	growth_stacks_of_marks(profile, name, &view);
	stacks = view.judged ? json_array() : json_null();
	for (size_t i = 0; i < view.count; i++) {
		json_t *stack = json_object();

		put(stack, "site", number(view.list[i].stack));
		put(stack, "bytes", json_real(view.list[i].bytes_per_s));
		put(stack, "bytes_low", json_real(view.list[i].bytes_per_s_low));
		put(stack, "blocks", json_real(view.list[i].blocks_per_s));
		put(stack, "score", json_real(view.list[i].score));
		json_array_append_new(stacks, stack);
	}
	growth_view_free(&view);
	return stacks;
}

static json_t *make_mark_growth(const struct profile *profile, uint32_t name)
{
	json_t *object = json_object();
	struct growth_marks growth;

	growth_of_marks(profile, name, &growth);
	put(object, "judged", json_boolean(growth.judged));
	put(object, "grows", growth.judged ? json_boolean(growth.grows) : json_null());
	put(object, "bytes", growth.judged ? json_real(growth.bytes) : json_null());
	put(object, "bytes_low", growth.judged ? json_real(growth.bytes_low) : json_null());
	put(object, "blocks", growth.judged ? json_real(growth.blocks) : json_null());
	put(object, "score", growth.judged ? json_real(growth.score) : json_null());
	put(object, "stacks", make_mark_stacks(profile, name));
	return object;
}

/* Marks of one text, with those of them that have a row. */
static json_t *make_marks(const struct profile *profile, uint32_t name)
{
	const struct profile_mark_name *info = &profile->mark_names[name - 1];
	json_t *object = json_object();
	json_t *points = json_array();

	for (size_t i = 0, at = info->first; i < info->rows; i++, at = profile->mark_next[at])
		json_array_append_new(points, make_mark(profile, &profile->marks[at]));
	put(object, "text", json_text(info->text));
	put(object, "count", number(info->count));
	put(object, "stride", number(info->stride));
	put(object, "growth", make_mark_growth(profile, name));
	put(object, "points", points);
	return object;
}

static json_t *make_frame(const struct frame *frame)
{
	json_t *object = json_object();

	put(object, "function", json_text(frame->function));
	put(object, "file", json_text(frame->file));
	put(object, "line", number_unless(frame->line, frame->line == 0));
	put(object, "module", json_text(frame->module));
	put(object, "address", address_text(frame->address));
	if (frame->module)
		put(object, "offset", address_text(frame->offset));
	else
		put(object, "offset", json_null());
	put(object, "inlined", json_boolean(frame->inlined));
	return object;
}

/* The frames as elements of a list, without the brackets. */
static const char *frames_text(struct json_out *json, const struct frame *frames, size_t count)
{
	json_t *list = json_array();
	const char *kept;
	char *text;

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, make_frame(&frames[i]));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	kept = text ? arena_string(&json->arena, text + 1, strlen(text) - 2) : "";
	free(text);
	return kept;
}

/* The same array of frames stands for many nodes: of equal addresses with different callers. */
static const char *node_text(struct json_out *json, uint32_t node)
{
	const struct frame *frames;
	uint64_t *text;
	size_t count;
	bool is_new;

	if (json->nodes[node])
		return json->nodes[node];
	frames = stack_view_node_frames(json->report->profile, json->report->symbols, node, &count);
	if (count == 0)
		return json->nodes[node] = "";
	text = hash_map_put(&json->texts, (uint64_t)(uintptr_t)frames, &is_new);
	if (is_new)
		*text = (uint64_t)(uintptr_t)frames_text(json, frames, count);
	return json->nodes[node] = (const char *)(uintptr_t)*text;
}

void json_out_stack(struct json_out *json, uint32_t stack)
{
	const struct profile *profile = json->report->profile;
	uint32_t nodes[PROFILE_STACK_MAX];
	size_t count = profile_stack(profile, stack, nodes);
	uint32_t mark = profile_stack_mark(profile, stack);
	const char *separator = "";
	char word[40];

	if (json->tree) {
		fprintf(json->out, "\"node\":%" PRIu32, export_tree_node(json->tree, stack));
		return;
	}
	if (mark)
		fprintf(json->out, "\"cut\":\"%s\",\"stack\":[", mark_word(mark, word, sizeof(word)));
	else
		fputs("\"cut\":null,\"stack\":[", json->out);
	for (size_t i = 0; i < count; i++) {
		const char *text = node_text(json, nodes[i]);

		if (!*text)
			continue;
		fputs(separator, json->out);
		fputs(text, json->out);
		separator = ",";
	}
	fputc(']', json->out);
}

static void write_sizes(struct json_out *json, const struct site *site)
{
	const char *separator = "";

	if (!sizes_are_known(json->report)) {
		fputs("\"sizes\":null,", json->out);
		return;
	}
	fputs("\"sizes\":[", json->out);
	for (size_t i = 0; i < site->size_count; i++) {
		const struct size_sum *sum = &site->sizes[i];

		fprintf(json->out,
			"%s{\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"count\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
			separator, size_class_from(sum->size_class), size_class_to(sum->size_class), sum->count,
			sum->bytes);
		separator = ",";
	}
	fputs("],", json->out);
}

/* "KEY":VALUE, and a comma; takes VALUE over. */
static void write_object(struct json_out *json, const char *key, json_t *value)
{
	fprintf(json->out, "\"%s\":", key);
	write_value(json, value);
	fputc(',', json->out);
}

static void write_site(struct json_out *json, const struct site *site)
{
	FILE *out = json->out;

	fprintf(out, "{\"id\":%" PRIu32, site->stack);
	fprintf(out, ",\"alloc_count\":%" PRIu64 ",\"alloc_bytes\":%" PRIu64, site->alloc_count, site->alloc_bytes);
	fprintf(out, ",\"free_count\":%" PRIu64 ",\"free_bytes\":%" PRIu64, site->free_count, site->free_bytes);
	fprintf(out, ",\"live_count\":%" PRId64 ",\"live_bytes\":%" PRId64, site->live_count, site->live_bytes);
	fprintf(out, ",\"peak_count\":%" PRId64 ",\"peak_bytes\":%" PRId64, site->peak_count, site->peak_bytes);
	fprintf(out, ",\"temporary_count\":%" PRIu64 ",\"realloc_count\":%" PRIu64 ",", site->temporary_count,
		site->realloc_count);
	fprintf(out, "\"freed_elsewhere_count\":%" PRIu64 ",\"freed_elsewhere_bytes\":%" PRIu64 ",",
		site->freed_elsewhere_count, site->freed_elsewhere_bytes);
	write_sizes(json, site);
	write_object(json, "lifetimes", make_lifetimes(site->lifetimes));
	write_object(json, "reallocs", make_reallocs(site->reallocs));
	if (profile_is_sampled(json->report->profile))
		write_errors(out, site);
	json_out_stack(json, site->stack);
	fputc('}', out);
}

static json_t *make_heuristics(const struct mp_leak_scan *row)
{
	json_t *object = json_object();

#define X(name, index, word) put(object, word, number(row->heuristic_count[index]));
	MP_SCAN_HEURISTICS(X)
#undef X
	return object;
}

static json_t *make_leak_scan(const struct profile *profile, const struct leak_view *view)
{
	const struct mp_leak_scan *row = view->scan.row;
	bool ran = view->scan.ran;
	json_t *object = json_object();

	put(object, "ran", json_boolean(ran));
	put(object, "why_not", json_text(view->scan.why_not));
	put(object, "method", json_text(ran ? profile_scan_method_name(row->method) : NULL));
	put(object, "trigger", json_text(row ? profile_scan_trigger_name(row->trigger) : NULL));
	put(object, "time_ns", row ? since_start(profile, row->start_ns) : json_null());
	put(object, "duration_ns", ran ? number(row->duration_ns) : json_null());
	put(object, "cpu_ns", ran && row->cpu_ns ? number(row->cpu_ns) : json_null());
	put(object, "pause_ns", ran ? number(row->pause_ns) : json_null());
	put(object, "snapshots", ran ? number(row->snapshots) : json_null());
	put(object, "threads", ran ? number(row->threads) : json_null());
	put(object, "block_count", ran ? number(row->block_count) : json_null());
	put(object, "block_bytes", ran ? number(row->block_bytes) : json_null());
	put(object, "root_bytes", ran ? number(row->root_bytes) : json_null());
	put(object, "heap_bytes", ran ? number(row->heap_bytes) : json_null());
	put(object, "skipped_bytes", ran ? number(row->skipped_bytes) : json_null());
	put(object, "unconfirmed_count", ran ? number(row->unconfirmed_count) : json_null());
	put(object, "ignored_count", ran ? number(row->ignored_count) : json_null());
	put(object, "heuristics", ran ? make_heuristics(row) : json_null());
	return object;
}

static json_t *make_leak_totals(const struct leak_view *view)
{
	json_t *object = json_object();

	for (uint32_t class = MP_LEAK_DEFINITE; class <= MP_LEAK_UNFREED; class ++) {
		json_t *sum = json_object();

		/* Known to be none, or not known. */
		bool known = view->scan.ran || class == MP_LEAK_UNFREED;

		put(sum, "count", known ? number(view->sums[class].count) : json_null());
		put(sum, "bytes", known ? number(view->sums[class].bytes) : json_null());
		put(object, profile_leak_class_name(class), sum);
	}
	return object;
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

/* Starts element I of a list: each on a line of its own, so that line tools can work with large reports. */
static void next_element(const struct json_out *json, size_t i)
{
	fputs(i > 0 ? ",\n" : "\n", json->out);
}

static size_t limit(const struct report *report, size_t count)
{
	return report->options->top > 0 && report->options->top < count ? (size_t)report->options->top : count;
}

/* Those that the filter lets through. */
static void write_leaks(struct json_out *json, const struct leak_view *view)
{
	const struct report *report = json->report;
	size_t written = 0;

	for (size_t i = 0; i < view->leak_count && written < limit(report, view->leak_count); i++) {
		if (report->filter && !filter_matches_stack(report->filter, view->leaks[i].stack))
			continue;
		next_element(json, written++);
		write_leak(json, &view->leaks[i]);
	}
}

static void write_growth(struct json_out *json)
{
	const struct report *report = json->report;
	struct growth_view view;
	FILE *out = json->out;
	size_t written = 0;

	growth_view_init(&view, report->profile);
	fprintf(out, ",\n\"growth\":{\"judged\":%s,\"points\":%zu", view.judged ? "true" : "false", view.points);
	write_member(json, "estimated", json_boolean(profile_is_sampled(report->profile)));
	write_member(json, "from_ns", view.judged ? since_start(report->profile, view.from_ns) : json_null());
	write_member(json, "to_ns", view.judged ? since_start(report->profile, view.to_ns) : json_null());
	fputs(",\"sites\":[", out);
	for (size_t i = 0; i < view.count && written < limit(report, view.count); i++) {
		const struct growth *growth = &view.list[i];

		if (report->filter && !filter_matches_stack(report->filter, growth->stack))
			continue;
		next_element(json, written++);
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

/* The thread is the element of "threads" with the same start_ns. */
static json_t *make_party(const struct profile *profile, const struct free_party *party)
{
	bool one = party->row && party->threads == 1 && party->row->tid;
	json_t *object;

	if (!party->shard)
		return json_null();
	object = json_object();
	put(object, "tid", one ? number(party->row->tid) : json_null());
	put(object, "name", json_text(party->row ? party->row->name : NULL));
	put(object, "threads", number_unless(party->threads, party->threads == 0));
	put(object, "start_ns", one ? since_start(profile, party->row->start_ns) : json_null());
	return object;
}

static json_t *make_free_pair(const struct profile *profile, const struct free_pair *pair)
{
	json_t *object = json_object();

	put(object, "allocated_by", make_party(profile, &pair->allocated_by));
	put(object, "freed_by", make_party(profile, &pair->freed_by));
	put(object, "count", number(pair->count));
	put(object, "bytes", number(pair->bytes));
	if (profile_is_sampled(profile)) {
		put(object, "count_stderr", number(site_error(pair->count_var)));
		put(object, "bytes_stderr", number(site_error(pair->bytes_var)));
	}
	return object;
}

static void write_free_pairs(const struct json_out *json)
{
	const struct profile *profile = json->report->profile;
	struct free_pairs pairs;

	free_pairs_init(&pairs, profile);
	fprintf(json->out, "%s", pairs.known ? ",\n\"free_pairs\":[" : ",\n\"free_pairs\":null");
	for (size_t i = 0; pairs.known && i < pairs.count; i++) {
		next_element(json, i);
		write_value(json, make_free_pair(profile, &pairs.list[i]));
	}
	if (pairs.known)
		fputc(']', json->out);
	free_pairs_free(&pairs);
}

void json_out_times(const struct json_out *json)
{
	const struct profile *profile = json->report->profile;

	fputs(",\n\"threads\":[", json->out);
	for (size_t i = 0; i < profile->thread_count; i++) {
		next_element(json, i);
		write_value(json, make_thread(profile, &profile->threads[i]));
	}
	fputc(']', json->out);
	write_free_pairs(json);
	fputs(",\n\"timeline\":[", json->out);
	for (size_t i = 0; i < profile->tick_count; i++) {
		next_element(json, i);
		write_value(json, make_tick(profile, &profile->ticks[i]));
	}
	fputs("],\n\"marks\":[", json->out);
	for (size_t i = 0, written = 0; i < profile->mark_name_count; i++) {
		if (!profile->mark_names[i].text)
			continue;
		next_element(json, written++);
		write_value(json, make_marks(profile, (uint32_t)i + 1));
	}
	fputc(']', json->out);
}

void json_out_locks(struct json_out *json)
{
	const struct report *report = json->report;

	fputs(",\n\"locks\":[", json->out);
	lock_classes_rank(report->locks, report->lock_count);
	for (size_t i = 0; i < limit(report, report->lock_count); i++) {
		next_element(json, i);
		json_out_lock(json, report->locks[i]);
	}
	fputs("],\n\"lock_order\":", json->out);
	json_out_lock_order(json);
}

static void write_lists(struct json_out *json, const struct leak_view *view)
{
	const struct report *report = json->report;

	json_out_times(json);
	fputs(",\n\"sites\":[", json->out);
	aggregate_rank_sites(report->sites, report->site_count, report->options->key);
	for (size_t i = 0; i < limit(report, report->site_count); i++) {
		next_element(json, i);
		write_site(json, report->sites[i]);
	}
	fputs("],\n\"leaks\":[", json->out);
	write_leaks(json, view);
	fputc(']', json->out);
	json_out_locks(json);
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
	write_member(json, "warnings", make_warnings(json->report));
}

void json_out_head(struct json_out *json, const struct leak_view *view)
{
	const struct report *report = json->report;
	const struct profile *profile = report->profile;

	fputs("{\"schema\":\"" SCHEMA "\"", json->out);
	write_member(json, "dump", json_text(profile->path));
	write_member(json, "partial", json_boolean(profile->partial));
	write_member(json, "filter", json_text(report->filter ? filter_expression(report->filter) : NULL));
	write_member(json, "process", make_process(profile));
	write_member(json, "totals", make_totals(report));
	write_member(json, "losses", make_losses(profile));
	write_member(json, "coverage", make_coverage(report));
	write_member(json, "stacks", make_stacks(report->aggregate));
	write_member(json, "options", make_options(profile));
	write_member(json, "leak_scan", make_leak_scan(profile, view));
	write_member(json, "leak_totals", make_leak_totals(view));
	write_growth(json);
}

void out_json(const struct report *report, FILE *out)
{
	struct json_out json = { .report = report, .out = out };
	struct leak_view view;

	leak_view_init(&view, report->profile, report->aggregate);
	json.nodes = memory_zeroed(report->profile->node_count + 1, sizeof(*json.nodes));
	json_out_head(&json, &view);
	write_lists(&json, &view);
	json_out_warnings(&json);
	fputs("\n}\n", out);
	leak_view_free(&view);
	hash_map_free(&json.texts);
	arena_free(&json.arena);
	free(json.nodes);
}
