/* SPDX-License-Identifier: MIT */
/* Adding dumps up. */
#include "summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump_file.h"
#include "growth_view.h"
#include "leak_view.h"
#include "lock_class.h"
#include "name_key.h"
#include "stack_view.h"

#define Z_95 1.96 /* standard errors to both sides of an estimate that make an interval of 95 % */

/* A dump with what is needed to name its stacks. */
struct summary_source {
	struct profile profile;
	struct aggregate aggregate;
	struct symbolizer *symbols;
	struct stack_keys *keys;
};

double amount_low(const struct amount *amount)
{
	double low = amount->variance > 0 ? amount->value - Z_95 * sqrt(amount->variance) : amount->value;

	return low > 0 ? low : 0;
}

double amount_high(const struct amount *amount)
{
	return amount->variance > 0 ? amount->value + Z_95 * sqrt(amount->variance) : amount->value;
}

void amount_add(struct amount *sum, const struct amount *part)
{
	sum->value += part->value;
	sum->variance += part->variance;
}

static void add_amount(struct amount *sum, struct amount part)
{
	amount_add(sum, &part);
}

static struct amount amount(double value, double variance)
{
	return (struct amount){ value > 0 ? value : 0, variance > 0 ? variance : 0 };
}

void summary_init(struct summary *summary, struct strtab *names)
{
	*summary = (struct summary){ .names = names, .named_classes = UINT32_MAX };
}

static void free_source(struct summary_source *source)
{
	stack_keys_free(source->keys);
	symbolizer_free(source->symbols);
	aggregate_free(&source->aggregate);
	profile_free(&source->profile);
	free(source);
}

void summary_free(struct summary *summary)
{
	for (size_t i = 0; i < summary->sources.count; i++)
		free_source(summary->sources.list[i]);
	vec_free(&summary->sources);
	vec_free(&summary->marks);
	vec_free(&summary->leaks);
	vec_free(&summary->locks);
	vec_free(&summary->sites);
	vec_free(&summary->notes);
	hash_map_free(&summary->leak_places);
	hash_map_free(&summary->lock_places);
	hash_map_free(&summary->site_places);
	arena_free(&summary->arena);
}

/* Stacks. */

static const char *keep_text(struct summary *summary, const char *text)
{
	return text ? strtab_intern(summary->names, text) : NULL;
}

static struct summary_stack copy_stack(struct summary *summary, struct summary_source *source, uint32_t stack)
{
	struct stack_view view = { 0 };
	struct summary_stack copy = { 0 };
	struct frame *frames;

	stack_view_fill(&view, &source->profile, source->symbols, stack);
	frames = arena_copy(&summary->arena, view.frames.list, view.frames.count * sizeof(*frames));
	for (size_t i = 0; i < view.frames.count; i++) {
		frames[i].function = keep_text(summary, frames[i].function);
		frames[i].symbol = keep_text(summary, frames[i].symbol);
		frames[i].file = keep_text(summary, frames[i].file);
		frames[i].module = keep_text(summary, frames[i].module);
	}
	copy.frames = frames;
	copy.count = view.frames.count;
	copy.mark = view.mark;
	/* What calls main() and the first function of a thread tells nothing. */
	while (copy.count > 1 && frames[copy.count - 1].function && name_key_is_start(frames[copy.count - 1].function))
		copy.count--;
	stack_view_free(&view);
	return copy;
}

/* The key with a list that outlives its source. */
static struct stack_key copy_key(struct summary *summary, struct summary_source *source, uint32_t stack)
{
	struct stack_key key = stack_keys_get(source->keys, stack);

	key.names = arena_copy(&summary->arena, key.names, key.count * sizeof(*key.names));
	return key;
}

const struct frame *summary_main_frame(const struct summary_stack *stack)
{
	static const char *const system[] = { "libc.so",  "libstdc++.so",  "libc++.so",
					      "ld-linux", "libmemprof.so", "libpthread" };

	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];
		const char *module = frame->module ? stack_view_base_name(frame->module) : "";
		bool is_system = false;

		for (size_t j = 0; j < sizeof(system) / sizeof(*system); j++)
			is_system |= strncmp(module, system[j], strlen(system[j])) == 0;
		if (!is_system && (frame->function || frame->module))
			return frame;
	}
	return stack->count > 0 ? &stack->frames[0] : NULL;
}

/* Leaks. */

static uint64_t leak_hash(const struct summary_leak *leak)
{
	return hash_u64(leak->key.hash ^ hash_u64(leak->leak_class) ^ hash_u64(leak->owner + 1));
}

void summary_add_leak(struct summary *summary, const struct summary_leak *leak)
{
	bool is_new;
	uint64_t *place = hash_map_put(&summary->leak_places, leak_hash(leak), &is_new);
	struct summary_leak *sum;

	if (is_new) {
		*place = summary->leaks.count;
		vec_push(&summary->leaks) = *leak;
		return;
	}
	sum = &summary->leaks.list[*place];
	add_amount(&sum->blocks, leak->blocks);
	add_amount(&sum->bytes, leak->bytes);
	sum->held_blocks += leak->held_blocks;
	sum->held_bytes += leak->held_bytes;
	if (sum->last_dump != leak->last_dump)
		sum->dumps += leak->dumps;
	sum->last_dump = leak->last_dump;
}

/*
 * An estimated number of blocks of a known mean size: the variance that a Poisson sample by bytes gives it, as
 * mp_site_sample derives it for sites.
 */
static double sampling_variance(const struct profile *profile, double blocks, double mean_bytes)
{
	double distance = (double)profile->process.sample_bytes;
	double p;

	if (!profile_is_sampled(profile) || distance <= 0)
		return 0;
	p = 1 - exp(-(mean_bytes > 1 ? mean_bytes : 1) / distance);
	return p > 0 ? blocks * (1 - p) / p : 0;
}

static void add_leak_row(struct summary *summary, struct summary_source *source, const struct leak *row)
{
	bool named = summary->named_classes & 1u << row->leak_class;
	uint64_t hash = named ? stack_keys_hash(source->keys, row->stack) : 0;
	double mean = row->count > 0 ? (double)row->bytes / (double)row->count : 0;
	double variance = sampling_variance(&source->profile, (double)row->count, mean);
	struct summary_leak leak = {
		.leak_class = row->leak_class,
		.key = { .hash = hash },
		.owner = named && row->owner ? stack_keys_hash(source->keys, row->owner) : 0,
		.blocks = amount((double)row->count, variance),
		.bytes = amount((double)row->bytes, variance * mean * mean),
		.held_blocks = row->held_count,
		.held_bytes = row->held_bytes,
		.dumps = 1,
		.last_dump = summary->dumps,
	};

	/* What is known already needs no copy of its frames. */
	if (named && !hash_map_find(&summary->leak_places, leak_hash(&leak))) {
		leak.key = copy_key(summary, source, row->stack);
		leak.stack = copy_stack(summary, source, row->stack);
	}
	summary_add_leak(summary, &leak);
}

void summary_sum_leaks(const struct summary *summary, enum mp_leak_class leak_class, struct amount *ret_blocks,
		       struct amount *ret_bytes)
{
	*ret_blocks = (struct amount){ 0 };
	*ret_bytes = (struct amount){ 0 };
	for (size_t i = 0; i < summary->leaks.count; i++) {
		const struct summary_leak *leak = &summary->leaks.list[i];

		if (leak->leak_class != leak_class && leak_class != MP_LEAK_UNFREED)
			continue;
		add_amount(ret_blocks, leak->blocks);
		add_amount(ret_bytes, leak->bytes);
	}
}

/* Locks. */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t summary_lock_hash(const char *kind, const char *name)
{
	return hash_u64(hash_u64(hash_bytes(kind, strlen(kind))) ^ hash_bytes(name, strlen(name)));
}

void summary_add_lock(struct summary *summary, const struct summary_lock *lock)
{
	bool is_new;
	uint64_t *place = hash_map_put(&summary->lock_places, lock->hash, &is_new);
	struct summary_lock *sum;

	if (is_new) {
		*place = summary->locks.count;
		vec_push(&summary->locks) = *lock;
		return;
	}
	sum = &summary->locks.list[*place];
	sum->acquisitions += lock->acquisitions;
	sum->contentions += lock->contentions;
	sum->wait_ns += lock->wait_ns;
	sum->wait_max_ns = larger(sum->wait_max_ns, lock->wait_max_ns);
}

static void add_lock_row(struct summary *summary, struct summary_source *source, const struct lock_class *row)
{
	const char *kind = profile_lock_kind_name(row->kind);
	uint32_t stack = row->waiter_count > 0 ? row->waiters[0].stack : row->rows[0]->lock->row.first_stack;
	struct summary_lock lock = {
		.name = keep_text(summary, row->name),
		.kind = keep_text(summary, kind ? kind : "lock"),
		.acquisitions = row->acquisitions,
		.contentions = row->contentions,
		.wait_ns = row->wait_ns,
		.wait_max_ns = row->wait_max_ns,
	};

	lock.hash = row->name ? summary_lock_hash(lock.kind, row->name)
			      : summary_lock_hash(lock.kind, "") ^ stack_keys_hash(source->keys, stack);
	if (!hash_map_find(&summary->lock_places, lock.hash) && stack != 0)
		lock.stack = copy_stack(summary, source, stack);
	summary_add_lock(summary, &lock);
}

/* Only contention: threads that wait for work, as pools do, are no reason to worry. */
static void add_locks(struct summary *summary, struct summary_source *source)
{
	struct lock_classes classes;

	lock_classes_init(&classes, &source->profile, &source->aggregate, source->symbols);
	summary->totals.wait_ns += classes.contention_ns;
	for (size_t i = 0; i < classes.count; i++) {
		if (lock_class_is_contention(&classes.list[i]))
			add_lock_row(summary, source, &classes.list[i]);
	}
	lock_classes_free(&classes);
}

/* Sites. */

static void add_site_row(struct summary *summary, struct summary_source *source, const struct site *row)
{
	bool is_new;
	uint64_t hash = stack_keys_hash(source->keys, row->stack);
	uint64_t *place = hash_map_put(&summary->site_places, hash, &is_new);
	struct summary_site *sum;

	if (is_new) {
		*place = summary->sites.count;
		vec_push(&summary->sites) = (struct summary_site){ .hash = hash,
								   .source = (uint32_t)summary->sources.count,
								   .stack = row->stack };
	}
	sum = &summary->sites.list[*place];
	add_amount(&sum->alloc_count, amount((double)row->alloc_count, row->alloc_count_var));
	add_amount(&sum->alloc_bytes, amount((double)row->alloc_bytes, row->alloc_bytes_var));
	add_amount(&sum->peak_bytes, amount((double)row->peak_bytes, row->peak_bytes_var));
	add_amount(&sum->live_bytes, amount((double)row->live_bytes, row->alloc_bytes_var - row->free_bytes_var));
	add_amount(&sum->temporary_count, amount((double)row->temporary_count, row->temporary_count_var));
}

void summary_site_stack(struct summary *summary, const struct summary_site *site, struct summary_stack *ret_stack)
{
	*ret_stack = copy_stack(summary, summary->sources.list[site->source], site->stack);
}

struct stack_key summary_site_key(struct summary *summary, const struct summary_site *site)
{
	return stack_keys_get(summary->sources.list[site->source]->keys, site->stack);
}

/* Dumps. */

static void note(struct summary *summary, const struct profile *profile, enum summary_defect defect, const char *text)
{
	const char *exe = profile->process.exe;

	summary->defects[defect]++;
	vec_push(&summary->notes) = (struct summary_note){
		.defect = defect,
		.dump = keep_text(summary, profile->path),
		.program = keep_text(summary, exe ? stack_view_base_name(exe) : NULL),
		.text = keep_text(summary, text),
	};
}

static void note_defects(struct summary *summary, const struct profile *profile, const struct leak_view *leaks,
			 const struct site *totals)
{
	if (profile->partial)
		note(summary, profile, SUMMARY_PARTIAL,
		     profile->warning_count > 0 ? profile->warnings[0] : "the dump is damaged or cut short");
	else if (profile->process.ended == PROFILE_ENDED_RUNNING)
		note(summary, profile, SUMMARY_PARTIAL, "the process is still running");
	if (profile->process.mode == MP_MODE_OFF)
		note(summary, profile, SUMMARY_UNSCANNED, "memprof was switched off, nothing was recorded");
	else if (leaks->scan.ran || (totals->live_count == 0 && totals->live_bytes == 0 && !profile->partial))
		return; /* where nothing is left nothing can have leaked */
	else if (profile->process.ended == PROFILE_ENDED_EXEC)
		note(summary, profile, SUMMARY_REPLACED, leaks->scan.why_not);
	else
		note(summary, profile, SUMMARY_UNSCANNED, leaks->scan.why_not);
}

static void add_totals(struct summary *summary, const struct profile *profile, const struct site *totals)
{
	struct summary_totals *sum = &summary->totals;
	struct amount peak = amount((double)profile->peak_bytes, totals->peak_bytes_var);

	if (!sum->peak_dump || peak.value > sum->peak_bytes.value) {
		sum->peak_bytes = peak;
		sum->peak_dump = keep_text(summary, profile->path);
	}
	add_amount(&sum->alloc_count, amount((double)totals->alloc_count, totals->alloc_count_var));
	add_amount(&sum->alloc_bytes, amount((double)totals->alloc_bytes, totals->alloc_bytes_var));
	add_amount(&sum->live_count,
		   amount((double)totals->live_count, totals->alloc_count_var - totals->free_count_var));
	add_amount(&sum->live_bytes,
		   amount((double)totals->live_bytes, totals->alloc_bytes_var - totals->free_bytes_var));
	add_amount(&sum->temporary_count, amount((double)totals->temporary_count, totals->temporary_count_var));
}

static void add_process(struct summary *summary, const struct profile *profile)
{
	const char *exe = profile->process.exe;
	const char *program = keep_text(summary, exe ? stack_view_base_name(exe) : "?");

	summary->several_programs |= summary->dumps > 0 && program != summary->program;
	if (summary->dumps++ == 0) {
		summary->program = program;
		summary->pid = profile->process.pid;
		summary->hostname = keep_text(summary, profile->process.hostname);
		summary->start_realtime_ns = profile->process.start_realtime_ns;
	}
	summary->duration_ns += profile_duration_ns(profile);
	summary->sampled |= profile_is_sampled(profile);
	summary->without_locks += !(profile->process.features & MP_FEATURE_LOCKS);
}

static void add_growth(struct summary *summary, struct summary_source *source)
{
	struct summary_growth *worst = &summary->growth;
	struct growth_view view;

	growth_view_init(&view, &source->profile);
	worst->unjudged += !view.judged;
	for (size_t i = 0; i < view.count; i++) {
		double low = view.list[i].bytes_per_s_low * 3600;
		const struct frame *frame;
		struct summary_stack stack;

		if (worst->function && low <= worst->bytes_per_hour_low)
			continue;
		stack = copy_stack(summary, source, view.list[i].stack);
		frame = summary_main_frame(&stack);
		worst->function = frame && frame->function ? frame->function : "?";
		worst->bytes_per_hour = view.list[i].bytes_per_s * 3600;
		worst->bytes_per_hour_low = low;
	}
	growth_view_free(&view);
}

static void add_marked_stacks(struct summary *summary, struct summary_source *source, uint32_t name,
			      struct summary_marks *marks)
{
	struct growth_leaked leaked;
	struct growth_view view;
	struct summary_marked *stacks;

	growth_stacks_of_marks(&source->profile, name, &view);
	marks->stacks_judged = view.judged;
	marks->stack_count = view.count < SUMMARY_MARKED_MAX ? view.count : SUMMARY_MARKED_MAX;
	stacks = arena_array(&summary->arena, struct summary_marked, marks->stack_count);
	for (size_t i = 0; i < marks->stack_count; i++)
		stacks[i] = (struct summary_marked){ .stack = copy_stack(summary, source, view.list[i].stack),
						     .bytes = view.list[i].bytes_per_s,
						     .bytes_low = view.list[i].bytes_per_s_low,
						     .blocks = view.list[i].blocks_per_s };
	marks->stacks = stacks;
	growth_view_free(&view);
	growth_leaked_of_marks(&source->profile, name, &leaked);
	marks->leaks_judged = leaked.judged;
	for (uint32_t c = MP_LEAK_DEFINITE; c <= MP_LEAK_REACHABLE; c++)
		marks->leaked[c] = leaked.bytes[c] > 0 ? leaked.bytes[c] : 0;
}

static void add_marks(struct summary *summary, struct summary_source *source)
{
	const struct profile *profile = &source->profile;

	for (size_t i = 0; i < profile->mark_name_count; i++) {
		struct growth_marks growth;
		struct summary_marks *marks;

		if (!profile->mark_names[i].text)
			continue;
		growth_of_marks(profile, (uint32_t)i + 1, &growth);
		marks = &vec_push(&summary->marks);
		*marks = (struct summary_marks){
			.text = strtab_intern(summary->names, profile->mark_names[i].text),
			.judged = growth.judged,
			.bytes = growth.grows ? growth.bytes : 0,
			.bytes_low = growth.grows ? growth.bytes_low : 0,
		};
		add_marked_stacks(summary, source, (uint32_t)i + 1, marks);
	}
}

static void add_source(struct summary *summary, struct summary_source *source)
{
	const struct aggregate *aggregate = &source->aggregate;
	struct leak_view leaks;

	leak_view_init(&leaks, &source->profile, aggregate);
	add_process(summary, &source->profile);
	add_totals(summary, &source->profile, &aggregate->totals);
	note_defects(summary, &source->profile, &leaks, &aggregate->totals);
	add_growth(summary, source);
	add_marks(summary, source);
	for (size_t i = 0; i < leaks.leak_count; i++)
		add_leak_row(summary, source, &leaks.leaks[i]);
	add_locks(summary, source);
	for (size_t i = 0; summary->with_sites && i < aggregate->site_count; i++)
		add_site_row(summary, source, &aggregate->sites[i]);
	leak_view_free(&leaks);
}

bool summary_add_dump(struct summary *summary, const char *path, struct err *err)
{
	static const struct symbolizer_options options = { .inlines = true, .enabled = true };
	struct summary_source *source = memory_zeroed(1, sizeof(*source));

	path = keep_text(summary, path);
	profile_init(&source->profile, path);
	if (!dump_file_load(path, &source->profile, err)) {
		profile_free(&source->profile);
		free(source);
		return false;
	}
	aggregate_init(&source->aggregate, &source->profile);
	source->symbols = symbolizer_new(&source->profile, &options);
	source->keys = stack_keys_new(&source->profile, source->symbols, summary->names);
	add_source(summary, source);
	if (summary->with_sites)
		vec_push(&summary->sources) = source;
	else
		free_source(source);
	return true;
}
