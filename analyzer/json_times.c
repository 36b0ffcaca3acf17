/* SPDX-License-Identifier: MIT */
/* The course of things in the JSON report: threads, who freed whose blocks, the timeline, marks. */
#include "free_pairs.h"
#include "growth_view.h"
#include "json_out.h"
#include "json_text.h"
#include "json_value.h"

static json_t *make_thread(const struct profile *profile, const struct mp_thread *row)
{
	json_t *object = json_object();

	json_put(object, "tid", json_number_unless(row->tid, row->tid == 0));
	json_put(object, "name", json_text(row->name));
	json_put(object, "threads", json_number(row->threads));
	json_put(object, "start_ns", json_since_start(profile, row->start_ns));
	json_put(object, "end_ns", json_since_start(profile, row->end_ns));
	json_put(object, "alloc_count", json_number(row->alloc_count));
	json_put(object, "alloc_bytes", json_number(row->alloc_bytes));
	json_put(object, "free_count", json_number(row->free_count));
	json_put(object, "free_bytes", json_number(row->free_bytes));
	json_put(object, "temporary_count", json_number(row->temporary_count));
	json_put(object, "realloc_count", json_number(row->realloc_count));
	json_put(object, "lock_acquisitions", json_number(row->lock_acquisitions));
	json_put(object, "lock_contentions", json_number(row->lock_contentions));
	json_put(object, "lock_wait_ns", json_number(row->lock_wait_ns));
	return object;
}

static json_t *make_tick(const struct profile *profile, const struct mp_tick *row)
{
	json_t *object = json_object();

	json_put(object, "time_ns", json_since_start(profile, row->time_ns));
	json_put(object, "live_bytes", json_integer(row->live_bytes));
	json_put(object, "rss_bytes", json_number_unless(row->rss_bytes, row->rss_bytes == 0));
	json_put(object, "alloc_count", json_number(row->alloc_count));
	json_put(object, "alloc_bytes", json_number(row->alloc_bytes));
	json_put(object, "free_count", json_number(row->free_count));
	json_put(object, "lock_wait_ns", json_number(row->lock_wait_ns));
	return object;
}

static json_t *make_mark(const struct profile *profile, const struct mp_mark *row)
{
	json_t *object = json_object();

	json_put(object, "time_ns", json_since_start(profile, row->time_ns));
	json_put(object, "number", json_number(row->number));
	json_put(object, "by", json_string(row->flags & MP_MARK_CONTROL ? "control" : "program"));
	json_put(object, "tid", json_number(row->tid));
	json_put(object, "live_bytes", json_integer(row->live_bytes));
	json_put(object, "live_count", json_integer(row->live_count));
	json_put(object, "alloc_count", json_number(row->alloc_count));
	json_put(object, "alloc_bytes", json_number(row->alloc_bytes));
	json_put(object, "free_count", json_number(row->free_count));
	json_put(object, "lock_wait_ns", json_number(row->lock_wait_ns));
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

		json_put(stack, "site", json_number(view.list[i].stack));
		json_put(stack, "bytes", json_real(view.list[i].bytes_per_s));
		json_put(stack, "bytes_low", json_real(view.list[i].bytes_per_s_low));
		json_put(stack, "blocks", json_real(view.list[i].blocks_per_s));
		json_put(stack, "score", json_real(view.list[i].score));
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
	json_put(object, "judged", json_boolean(growth.judged));
	json_put(object, "grows", growth.judged ? json_boolean(growth.grows) : json_null());
	json_put(object, "bytes", growth.judged ? json_real(growth.bytes) : json_null());
	json_put(object, "bytes_low", growth.judged ? json_real(growth.bytes_low) : json_null());
	json_put(object, "blocks", growth.judged ? json_real(growth.blocks) : json_null());
	json_put(object, "score", growth.judged ? json_real(growth.score) : json_null());
	json_put(object, "stacks", make_mark_stacks(profile, name));
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
	json_put(object, "text", json_text(info->text));
	json_put(object, "count", json_number(info->count));
	json_put(object, "stride", json_number(info->stride));
	json_put(object, "growth", make_mark_growth(profile, name));
	json_put(object, "points", points);
	return object;
}

/* The thread is the element of "threads" with the same start_ns. */
static json_t *make_party(const struct profile *profile, const struct free_party *party)
{
	bool one = party->row && party->threads == 1 && party->row->tid;
	json_t *object;

	if (!party->shard)
		return json_null();
	object = json_object();
	json_put(object, "tid", one ? json_number(party->row->tid) : json_null());
	json_put(object, "name", json_text(party->row ? party->row->name : NULL));
	json_put(object, "threads", json_number_unless(party->threads, party->threads == 0));
	json_put(object, "start_ns", one ? json_since_start(profile, party->row->start_ns) : json_null());
	return object;
}

static json_t *make_free_pair(const struct profile *profile, const struct free_pair *pair)
{
	json_t *object = json_object();

	json_put(object, "allocated_by", make_party(profile, &pair->allocated_by));
	json_put(object, "freed_by", make_party(profile, &pair->freed_by));
	json_put(object, "count", json_number(pair->count));
	json_put(object, "bytes", json_number(pair->bytes));
	if (profile_is_sampled(profile)) {
		json_put(object, "count_stderr", json_number(site_error(pair->count_var)));
		json_put(object, "bytes_stderr", json_number(site_error(pair->bytes_var)));
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
		json_out_element(json, i);
		json_out_value(json, make_free_pair(profile, &pairs.list[i]));
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
		json_out_element(json, i);
		json_out_value(json, make_thread(profile, &profile->threads[i]));
	}
	fputc(']', json->out);
	write_free_pairs(json);
	fputs(",\n\"timeline\":[", json->out);
	for (size_t i = 0; i < profile->tick_count; i++) {
		json_out_element(json, i);
		json_out_value(json, make_tick(profile, &profile->ticks[i]));
	}
	fputs("],\n\"marks\":[", json->out);
	for (size_t i = 0, written = 0; i < profile->mark_name_count; i++) {
		if (!profile->mark_names[i].text)
			continue;
		json_out_element(json, written++);
		json_out_value(json, make_marks(profile, (uint32_t)i + 1));
	}
	fputc(']', json->out);
}
