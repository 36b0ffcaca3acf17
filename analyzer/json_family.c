/* SPDX-License-Identifier: MIT */
/*
 * The JSON report on several processes, but for the reports on each. Stacks of one process are made one after the
 * other, because its dump has to be loaded for that; elements wait as text until all before them are there.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "family_stacks.h"
#include "json_out.h"
#include "json_text.h"
#include "json_value.h"
#include "out_family.h"
#include "units.h"

#define SUMS(X)                                                     \
	X(alloc_count, sums->alloc_count_var)                       \
	X(alloc_bytes, sums->alloc_bytes_var)                       \
	X(free_count, sums->free_count_var)                         \
	X(free_bytes, sums->free_bytes_var)                         \
	X(live_count, sums->alloc_count_var - sums->free_count_var) \
	X(live_bytes, sums->alloc_bytes_var - sums->free_bytes_var)

/* With the standard error of each if it is an estimate. */
static json_t *make_sums(const struct site *sums, bool estimated)
{
	json_t *object = json_object();

#define X(field, variance) json_put(object, #field, json_integer((json_int_t)sums->field));
	SUMS(X)
#undef X
#define X(field, variance) json_put(object, #field "_stderr", json_number(site_error(variance)));
	if (estimated) {
		SUMS(X)
	}
#undef X
	return object;
}

static json_t *make_totals(const struct site *totals, uint64_t peak_bytes, uint64_t lock_wait_ns, bool estimated)
{
	json_t *object = make_sums(totals, estimated);

	json_put(object, "peak_bytes", json_number(peak_bytes));
	if (estimated)
		json_put(object, "peak_bytes_stderr", json_number(site_error(totals->peak_bytes_var)));
	/* Who samples does not record locks. */
	json_put(object, "lock_wait_ns", json_number_unless(lock_wait_ns, estimated && lock_wait_ns == 0));
	return object;
}

static json_t *make_process(const struct family_process *process)
{
	json_t *object = make_totals(&process->totals, process->peak_bytes, process->lock_wait_ns, process->sampled);

	json_put(object, "dump", json_text(process->path));
	json_put(object, "program", json_text(process->program));
	json_put(object, "pid", json_integer(process->pid));
	json_put(object, "parent_pid", json_integer(process->parent_pid));
	json_put(object, "parent",
		 process->parent == FAMILY_NONE ? json_null() : json_integer((json_int_t)process->parent));
	json_put(object, "birth", json_string(family_birth_name(process->birth)));
	json_put(object, "depth", json_integer((json_int_t)process->depth));
	json_put(object, "ended", json_string(profile_ended_name(process->ended)));
	json_put(object, "duration_ns", json_number(process->duration_ns));
	return object;
}

/* --- lists of what has stacks --- */

struct list {
	const struct family *family;
	struct family_stacks *stacks;
	json_t *(*make)(struct list *list, size_t index);
	size_t (*process_of)(const struct list *list, size_t index);
	const size_t *order; /* what is at each place, NULL = the same */
	size_t count;
};

static void put_stack(struct list *list, json_t *object, size_t process, uint32_t stack)
{
	const struct stack_view *view = family_stacks_view(list->stacks, process, stack);
	json_t *frames = view ? json_array() : json_null();
	char word[JSON_MARK_MAX];

	for (size_t i = 0; view && i < view->frames.count; i++)
		json_array_append_new(frames, json_frame(&view->frames.list[i]));
	json_put(object, "cut", view && view->mark ? json_string(json_mark_word(view->mark, word)) : json_null());
	json_put(object, "stack", frames);
}

struct element {
	size_t place; /* in the list */
	size_t index; /* of what is there */
	size_t process;
};

static int by_process(const void *a, const void *b)
{
	const struct element *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static void write_list(struct list *list, const char *key, FILE *out)
{
	struct element *elements = memory_zeroed(list->count + 1, sizeof(*elements));
	char **texts = memory_zeroed(list->count + 1, sizeof(*texts));

	for (size_t i = 0; i < list->count; i++) {
		size_t index = list->order ? list->order[i] : i;

		elements[i] = (struct element){ i, index, list->process_of(list, index) };
	}
	qsort(elements, list->count, sizeof(*elements), by_process);
	for (size_t i = 0; i < list->count; i++) {
		json_t *object = list->make(list, elements[i].index);

		texts[elements[i].place] = json_dumps(object, JSON_COMPACT);
		json_decref(object);
	}
	fprintf(out, "\"%s\":[", key);
	for (size_t i = 0; i < list->count; i++) {
		fprintf(out, "%s%s", i > 0 ? ",\n" : "\n", texts[i] ? texts[i] : "null");
		free(texts[i]);
	}
	fputs("],\n", out);
	free(texts);
	free(elements);
}

static size_t process_of_site(const struct list *list, size_t index)
{
	return list->family->sites.list[index].process;
}

static json_t *make_site(struct list *list, size_t index)
{
	const struct family_site *site = &list->family->sites.list[index];
	json_t *object = make_sums(&site->sums, list->family->sampled);

	json_put(object, "peak_bytes", json_integer(site->sums.peak_bytes));
	if (list->family->sampled)
		json_put(object, "peak_bytes_stderr", json_number(site_error(site->sums.peak_bytes_var)));
	json_put(object, "temporary_count", json_number(site->sums.temporary_count));
	if (list->family->sampled)
		json_put(object, "temporary_count_stderr", json_number(site_error(site->sums.temporary_count_var)));
	json_put(object, "processes", json_integer((json_int_t)site->processes));
	put_stack(list, object, site->process, site->stack);
	return object;
}

static size_t process_of_wait(const struct list *list, size_t index)
{
	return list->family->waits.waiters.list[index].process;
}

/* Who of other processes posted the semaphore; null if nobody did, or it is none. */
static json_t *make_posted(struct list *list, size_t index)
{
	struct family_waker wakers[FAMILY_WAKERS];
	uint64_t all;
	size_t count = family_waits_wakers(&list->family->waits, index, wakers, &all);
	json_t *object, *by;

	if (count == 0)
		return json_null();
	object = json_object();
	by = json_array();
	json_put(object, "count", json_number(all));
	for (size_t i = 0; i < count; i++) {
		json_t *waker = json_object();

		json_put(waker, "count", json_number(wakers[i].count));
		put_stack(list, waker, wakers[i].place->process, wakers[i].place->stack);
		json_array_append_new(by, waker);
	}
	json_put(object, "by", by);
	return object;
}

static json_t *make_wait(struct list *list, size_t index)
{
	const struct family_place *waiter = &list->family->waits.waiters.list[index];
	json_t *object = json_object();

	json_put(object, "category", json_text(profile_lock_category(waiter->kind)));
	json_put(object, "kind", json_text(profile_lock_kind_name(waiter->kind)));
	json_put(object, "count", json_number(waiter->count));
	json_put(object, "wait_ns", json_number(waiter->wait_ns));
	json_put(object, "processes", json_integer((json_int_t)waiter->processes));
	put_stack(list, object, waiter->process, waiter->stack);
	json_put(object, "posted", make_posted(list, index));
	return object;
}

static void write_sites(struct family *family, struct family_stacks *stacks, const struct options *options, FILE *out)
{
	struct list sites = {
		.family = family,
		.stacks = stacks,
		.make = make_site,
		.process_of = process_of_site,
	};

	family_rank(family, report_out_options(options).key);
	sites.count = json_out_limit(report_out_options(options).top, family->sites.count);
	write_list(&sites, "sites", out);
}

/* Contention first. */
static void write_waits(const struct family *family, struct family_stacks *stacks, const struct options *options,
			FILE *out)
{
	uint64_t top = report_out_options(options).top;
	size_t *order = memory_zeroed(family->waits.waiters.count + 1, sizeof(*order));
	struct list waits = {
		.family = family,
		.stacks = stacks,
		.make = make_wait,
		.process_of = process_of_wait,
		.order = order,
	};

	waits.count = json_out_limit(top, family_waits_rank(&family->waits, true, order));
	waits.count += json_out_limit(top, family_waits_rank(&family->waits, false, order + waits.count));
	write_list(&waits, "waits", out);
	free(order);
}

static void write_member(FILE *out, const char *name, json_t *value)
{
	fprintf(out, "\"%s\":", name);
	json_dumpf(value, out, JSON_COMPACT);
	json_decref(value);
	fputs(",\n", out);
}

void out_family_json(struct family *family, const struct options *options, FILE *out)
{
	json_t *processes = json_array();
	struct family_stacks stacks;

	for (size_t i = 0; i < family->processes.count; i++)
		json_array_append_new(processes, make_process(&family->processes.list[i]));
	write_member(out, "processes", processes);
	write_member(out, "totals",
		     make_totals(&family->totals, family->peak_bytes, family->lock_wait_ns, family->sampled));
	family_stacks_init(&stacks, family, options);
	write_sites(family, &stacks, options, out);
	write_waits(family, &stacks, options, out);
	family_stacks_free(&stacks);
}
