/* SPDX-License-Identifier: MIT */
/* Locks in the JSON report. */
#include <inttypes.h>

#include "json_out.h"
#include "json_text.h"
#include "lock_advice.h"
#include "units.h"

/* ,"key":value */
static void write_number(const struct json_out *json, const char *key, uint64_t value)
{
	fprintf(json->out, ",\"%s\":%" PRId64, key, units_signed(value));
}

/* ,"key":value or null */
static void write_number_if(const struct json_out *json, const char *key, uint64_t value, bool known)
{
	if (known)
		write_number(json, key, value);
	else
		fprintf(json->out, ",\"%s\":null", key);
}

static void write_string(const struct json_out *json, const char *text)
{
	json_t *value = json_text(text);

	json_dumpf(value, json->out, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
}

static void write_text(const struct json_out *json, const char *key, const char *text)
{
	fprintf(json->out, ",\"%s\":", key);
	write_string(json, text);
}

/* A stack that is unknown because nobody saw it, not because the dump is damaged. */
static void write_stack(struct json_out *json, uint32_t stack)
{
	if (stack == 0)
		fputs(json->tree ? "\"node\":0" : "\"cut\":null,\"stack\":[]", json->out);
	else
		json_out_stack(json, stack);
}

/* ,"key":{"count":...,"p50":...} or null */
static void write_percentiles(const struct json_out *json, const char *key, const struct lock_percentiles *times)
{
	if (times->count == 0) {
		fprintf(json->out, "%s:null", key);
		return;
	}
	fprintf(json->out, "%s:{\"count\":%" PRId64 ",\"p50\":%" PRId64 ",\"p90\":%" PRId64 ",\"p99\":%" PRId64 "}",
		key, units_signed(times->count), units_signed(times->p50), units_signed(times->p90),
		units_signed(times->p99));
}

static void write_times(const struct json_out *json, const struct lock_class *lock)
{
	write_percentiles(json, ",\"percentiles\":{\"wait\"", &lock->wait);
	write_percentiles(json, ",\"hold\"", &lock->hold);
	write_percentiles(json, ",\"wait_shared\"", &lock->wait_shared);
	write_percentiles(json, ",\"hold_shared\"", &lock->hold_shared);
	write_percentiles(json, ",\"reacquire\"", &lock->reacquire);
	fputc('}', json->out);
}

static void write_holds(const struct json_out *json, const struct lock_class *lock)
{
	const struct mp_lock_hold *holds = &lock->holds;

	if (holds->count == 0) {
		fputs(",\"holds\":null", json->out);
		return;
	}
	fprintf(json->out, ",\"holds\":{\"count\":%" PRId64, units_signed(holds->count));
	write_number(json, "ns", holds->ns);
	write_number(json, "max_ns", holds->max_ns);
	write_number(json, "hot_count", holds->hot_count);
	fprintf(json->out, ",\"sampled\":%s",
		holds->hot_count < holds->count && lock->hold_period > 1 ? "true" : "false");
	write_number_if(json, "sample_period", lock->hold_period, lock->hold_period > 0);
	write_number(json, "blocked_ns", holds->blocked_ns);
	write_number(json, "alloc_count", holds->alloc_count);
	write_number(json, "alloc_bytes", holds->alloc_bytes);
	fputc('}', json->out);
}

/* What only condition variables and other things that are woken have. */
static void write_wakes(const struct json_out *json, const struct lock_class *lock)
{
	const struct mp_lock_extra *extras = &lock->extras;

	if (extras->wakes == 0) {
		fputs(",\"wakes\":null", json->out);
		return;
	}
	fprintf(json->out, ",\"wakes\":{\"count\":%" PRId64, units_signed(extras->wakes));
	write_number(json, "all_count", extras->wakes_all);
	write_number(json, "unheard_count", extras->wakes_unheard);
	write_number(json, "locked_count", extras->wakes_locked);
	fputc('}', json->out);
}

static void write_waiters(struct json_out *json, const struct lock_class *lock)
{
	fputs(",\"waiters\":[", json->out);
	for (size_t i = 0; i < lock->waiter_count; i++) {
		const struct lock_waiter *waiter = &lock->waiters[i];

		fprintf(json->out, "%s{\"count\":%" PRId64, i > 0 ? "," : "", units_signed(waiter->count));
		write_number(json, "wait_ns", waiter->wait_ns);
		write_number(json, "wait_max_ns", waiter->wait_max_ns);
		write_number_if(json, "handoff_ns", waiter->handoff_ns, lock->detailed);
		write_number_if(json, "reacquire_ns", waiter->reacquire_ns,
				lock->detailed && lock->kind == MP_LOCK_COND);
		write_number_if(json, "timeouts", waiter->timeouts, lock->detailed);
		if (lock->detailed && lock_class_is_shared(lock))
			fprintf(json->out, ",\"shared\":%s", waiter->flags & MP_LOCK_WAIT_SHARED ? "true" : "false");
		fputc(',', json->out);
		json_out_stack(json, waiter->stack);
		fputc('}', json->out);
	}
	fputc(']', json->out);
}

/* Its count, and what of the wait is charged to it. */
static void write_blame(const struct json_out *json, const struct lock_blame *blame)
{
	fprintf(json->out, "\"count\":%" PRId64, units_signed(blame->count));
	write_number(json, "wait_ns", blame->wait_ns);
	write_number(json, "running_ns", blame->running_ns);
	write_number(json, "approx_ns", blame->approx_ns);
}

/* The places in the list of waiters and culprits, so that stacks stand in the report once. */
static void write_matrix(const struct json_out *json, const struct lock_class *lock)
{
	struct hash_map waiters = { 0 }, culprits = { 0 };

	for (size_t i = 0; i < lock->waiter_count; i++)
		*hash_map_put(&waiters, lock->waiters[i].stack, NULL) = i;
	for (size_t i = 0; i < lock->culprit_count; i++)
		*hash_map_put(&culprits, lock->culprits[i].culprit, NULL) = i;
	fputs(",\"matrix\":[", json->out);
	for (size_t i = 0; i < lock->matrix_count; i++) {
		const struct lock_blame *cell = &lock->matrix[i];
		const uint64_t *waiter = hash_map_find(&waiters, cell->waiter);
		const uint64_t *culprit = hash_map_find(&culprits, cell->culprit);

		fprintf(json->out, "%s{", i > 0 ? "," : "");
		write_blame(json, cell);
		write_number_if(json, "waiter", waiter ? *waiter : 0, waiter != NULL);
		write_number_if(json, "culprit", culprit ? *culprit : 0, culprit != NULL);
		fputc('}', json->out);
	}
	fputc(']', json->out);
	hash_map_free(&waiters);
	hash_map_free(&culprits);
}

static void write_culprits(struct json_out *json, const struct lock_class *lock)
{
	if (!lock->detailed) {
		fputs(",\"culprits\":null,\"matrix\":null", json->out);
		return;
	}
	fputs(",\"culprits\":[", json->out);
	for (size_t i = 0; i < lock->culprit_count; i++) {
		fprintf(json->out, "%s{", i > 0 ? "," : "");
		write_blame(json, &lock->culprits[i]);
		fprintf(json->out, ",\"known\":%s,", lock->culprits[i].culprit ? "true" : "false");
		write_stack(json, lock->culprits[i].culprit);
		fputc('}', json->out);
	}
	fputc(']', json->out);
	write_matrix(json, lock);
}

static void write_pairs(const struct json_out *json, const struct lock_class *lock)
{
	if (!lock->detailed) {
		fputs(",\"pairs\":null", json->out);
		return;
	}
	fputs(",\"pairs\":[", json->out);
	for (size_t i = 0; i < lock->pair_count; i++) {
		const struct lock_pair *pair = &lock->pairs[i];

		fprintf(json->out, "%s{\"count\":%" PRId64, i > 0 ? "," : "", units_signed(pair->count));
		write_number_if(json, "waiter", pair->waiter_tid, pair->waiter_tid != 0);
		write_number_if(json, "culprit", pair->culprit_tid, pair->culprit_tid != 0);
		write_number(json, "wait_ns", pair->wait_ns);
		fputc('}', json->out);
	}
	fputc(']', json->out);
}

/* The locks of the class, those waited for longest first. */
static void write_rows(const struct json_out *json, const struct lock_class *lock)
{
	fputs(",\"members\":[", json->out);
	for (size_t i = 0; i < lock->row_count; i++) {
		const struct lock_sum *row = lock->rows[i];

		fprintf(json->out, "%s{\"id\":%" PRIu32 ",\"address\":\"0x%" PRIx64 "\"", i > 0 ? "," : "",
			row->lock->number, row->lock->row.address);
		write_number(json, "instances", row->lock->row.instances > 0 ? row->lock->row.instances : 1);
		write_number(json, "contentions", row->contentions);
		write_number(json, "wait_ns", row->wait_ns);
		fputc('}', json->out);
	}
	fputc(']', json->out);
}

static void write_advice(const struct json_out *json, const struct lock_class *lock)
{
	struct lock_advice list[LOCK_ADVICE_MAX];
	size_t count = lock_advice(json->report->lock_classes, lock, list);

	fputs(",\"advice\":[", json->out);
	for (size_t i = 0; i < count; i++) {
		fprintf(json->out, "%s{\"rule\":\"%s\"", i > 0 ? "," : "", list[i].rule);
		write_text(json, "text", list[i].text);
		fputc('}', json->out);
	}
	fputc(']', json->out);
}

static void write_lock(struct json_out *json, const struct lock_class *lock)
{
	fprintf(json->out, "{\"id\":%" PRIu32, lock->id);
	write_text(json, "class", lock->label.text);
	write_text(json, "bond", lock_view_bond_word(lock->label.bond));
	write_text(json, "kind", profile_lock_kind_name(lock->kind));
	write_text(json, "primitive", lock->primitive);
	write_text(json, "category", lock->category);
	write_text(json, "name", lock->name);
	fprintf(json->out, ",\"address\":\"0x%" PRIx64 "\"", lock->rows[0]->lock->row.address);
	write_number(json, "instances", lock->instances);
	write_number_if(json, "acquisitions", lock->acquisitions, lock->counted);
	fprintf(json->out, ",\"acquisitions_complete\":%s",
		lock->counted && !(lock->flags & MP_LOCK_FLAG_COUNT_FROM_FIRST) ? "true" : "false");
	write_number_if(json, "shared_acquisitions", lock->extras.shared_acquisitions,
			lock->detailed && lock_class_is_shared(lock));
	write_number(json, "contentions", lock->contentions);
	write_number(json, "trylock_failures", lock->trylock_failures);
	write_number(json, "timeouts", lock->timeouts);
	write_number(json, "wait_ns", lock->wait_ns);
	write_number(json, "wait_max_ns", lock->wait_max_ns);
	write_number_if(json, "handoff_ns", lock->handoff_ns, lock->detailed);
	write_number_if(json, "waiters_max", lock->waiters_max, lock->waiters_max > 0);
	write_times(json, lock);
	write_holds(json, lock);
	write_wakes(json, lock);
	write_advice(json, lock);
	write_waiters(json, lock);
	write_culprits(json, lock);
	write_pairs(json, lock);
	write_rows(json, lock);
	fputc('}', json->out);
}

static void write_lock_name(const struct json_out *json, const char *key, uint32_t number)
{
	char name[256];

	write_number(json, key, number);
	fprintf(json->out, ",\"%s_name\":", key);
	write_string(json, lock_classes_name(json->report->lock_classes, number, name, sizeof(name)));
}

static void write_lock_order(struct json_out *json)
{
	const struct lock_classes *classes = json->report->lock_classes;

	if (json->report->profile->lock_order_count == 0) {
		fputs("null", json->out);
		return;
	}
	fprintf(json->out, "{\"orders\":%zu,\"cycles\":[", json->report->profile->lock_order_count);
	for (size_t i = 0; i < classes->cycle_count; i++) {
		fputs(i > 0 ? ",\n[" : "\n[", json->out);
		for (size_t j = 0; j < classes->cycles[i].step_count; j++) {
			const struct mp_lock_order *step = classes->cycles[i].steps[j];

			fprintf(json->out, "%s{\"thread\":%" PRIu32, j > 0 ? "," : "", step->tid);
			write_lock_name(json, "outer", step->outer);
			write_lock_name(json, "inner", step->inner);
			write_number(json, "count", step->count);
			fputs(",\"outer_at\":{", json->out);
			write_stack(json, step->outer_stack);
			fputs("},\"inner_at\":{", json->out);
			write_stack(json, step->inner_stack);
			fputs("}}", json->out);
		}
		fputc(']', json->out);
	}
	fputs("]}", json->out);
}

void json_out_locks(struct json_out *json)
{
	const struct report *report = json->report;

	fputs(",\n\"locks\":[", json->out);
	lock_classes_rank(report->locks, report->lock_count);
	for (size_t i = 0; i < json_out_limit(report->options->top, report->lock_count); i++) {
		json_out_element(json, i);
		write_lock(json, report->locks[i]);
	}
	fputs("],\n\"lock_order\":", json->out);
	write_lock_order(json);
}
