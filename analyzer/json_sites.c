/* SPDX-License-Identifier: MIT */
/*
 * What was allocated, in the JSON report: in all, and by site. There can be a hundred thousand sites, so that these are
 * printed and not made of jansson's objects.
 */
#include <inttypes.h>

#include "json_out.h"
#include "json_value.h"
#include "lifetimes.h"
#include "size_classes.h"

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
#define X(key, variance) json_put(object, key "_stderr", json_number(site_error(variance)));
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

		json_put(object, "from", json_number(size_class_from(sum->size_class)));
		json_put(object, "to", json_number(size_class_to(sum->size_class)));
		json_put(object, "count", json_number(sum->count));
		json_put(object, "bytes", json_number(sum->bytes));
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
	json_put(object, "observed", json_number(sum->observed));
	json_put(object, "mean_ns", json_number(lifetime_mean_ns(sum)));
	json_put(object, "freed_elsewhere_count", json_number(sum->elsewhere * MP_LIFETIME_EVERY));
	for (uint32_t k = 0; k < MP_LIFETIME_CLASSES; k++) {
		json_t *class = json_object();

		json_put(class, "from_ns", json_number(lifetime_from_ns(k)));
		json_put(class, "to_ns", json_number_unless(lifetime_to_ns(k) - 1, k == MP_LIFETIME_CLASSES - 1));
		json_put(class, "count", json_number(sum->counts[k] * MP_LIFETIME_EVERY));
		if (sum->counts[k])
			json_array_append(classes, class);
		json_decref(class);
	}
	json_put(object, "classes", classes);
	return object;
}

static json_t *make_reallocs(const struct realloc_sum *sum)
{
	json_t *object;

	if (!sum)
		return json_null();
	object = json_object();
#define X(field) json_put(object, #field, json_number(sum->field));
	REALLOC_NUMBERS(X)
#undef X
	return object;
}

void json_out_totals(const struct json_out *json)
{
	const struct report *report = json->report;
	const struct profile *profile = report->profile;
	const struct site *totals = &report->aggregate->totals;
	uint64_t start_ns = profile->process.start_ns;
	json_t *object = json_object();

	json_put(object, "alloc_count", json_number(totals->alloc_count));
	json_put(object, "alloc_bytes", json_number(totals->alloc_bytes));
	json_put(object, "free_count", json_number(totals->free_count));
	json_put(object, "free_bytes", json_number(totals->free_bytes));
	json_put(object, "live_count", json_integer(totals->live_count));
	json_put(object, "live_bytes", json_integer(totals->live_bytes));
	json_put(object, "peak_bytes", json_number(profile->peak_bytes));
	json_put(object, "peak_count", json_number(profile->peak_count));
	json_put(object, "peak_time_ns", json_number_unless(profile->peak_ns - start_ns, profile->peak_ns < start_ns));
	json_put(object, "temporary_count", json_number(totals->temporary_count));
	json_put(object, "realloc_count", json_number(totals->realloc_count));
	json_put(object, "freed_elsewhere_count", json_number(totals->freed_elsewhere_count));
	json_put(object, "freed_elsewhere_bytes", json_number(totals->freed_elsewhere_bytes));
	json_put(object, "sizes", make_sizes(report, totals));
	json_put(object, "lifetimes", make_lifetimes(totals->lifetimes));
	json_put(object, "reallocs", make_reallocs(totals->reallocs));
	json_put(object, "inherited_count", json_number(profile->inherited_count));
	json_put(object, "inherited_bytes", json_number(profile->inherited_bytes));
	json_put(object, "inherited_free_count", json_number(profile->inherited_free_count));
	json_put(object, "inherited_free_bytes", json_number(profile->inherited_free_bytes));
	if (profile_is_sampled(profile))
		put_errors(object, totals);
	json_out_member(json, "totals", object);
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
	json_out_value(json, value);
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

void json_out_sites(struct json_out *json)
{
	const struct report *report = json->report;

	fputs(",\n\"sites\":[", json->out);
	aggregate_rank_sites(report->sites, report->site_count, report->options->key);
	for (size_t i = 0; i < json_out_limit(report->options->top, report->site_count); i++) {
		json_out_element(json, i);
		write_site(json, report->sites[i]);
	}
	fputc(']', json->out);
}
