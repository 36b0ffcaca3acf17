/* SPDX-License-Identifier: MIT */
/* The one report on several processes. Only the dumps of the few stacks to be shown are loaded once more. */
#include "out_family.h"

#include <inttypes.h>
#include <jansson.h>

#include "dump_file.h"
#include "json_text.h"
#include "report.h"
#include "stack_view.h"
#include "table.h"
#include "text_stack.h"
#include "units.h"

#define TOP_PER_SECTION 5u
#define TOP_SINGLE      20u
#define DEPTH_SHOWN     20u
#define LABEL_COLUMNS   12
#define STACK_INDENT    6u
#define INNER_FRAMES    8u

struct section {
	enum site_key key;
	const char *title;
	bool is_bytes;
	bool usual;
};

static const struct section sections[] = {
	{ SITE_KEY_PEAK, "MOST MEMORY AT THE PEAKS, each process at its own", true, true },
	{ SITE_KEY_LIVE, "NOT FREED", true, true },
	{ SITE_KEY_BYTES, "MOST BYTES ALLOCATED", true, true },
	{ SITE_KEY_COUNT, "MOST ALLOCATIONS", false, true },
	{ SITE_KEY_TEMPORARY, "MOST TEMPORARY ALLOCATIONS", false, false },
	{ SITE_KEY_REALLOC, "MOST REALLOCATIONS", false, false },
};

/* --- the tree --- */

static const char *end_text(const struct family_process *process, char *buf, size_t bytes)
{
	switch (process->ended) {
	case PROFILE_ENDED_EXIT:
		snprintf(buf, bytes, "exit %" PRId32, process->end_status);
		return buf;
	case PROFILE_ENDED_SIGNAL:
		snprintf(buf, bytes, "signal %" PRId32, process->end_status);
		return buf;
	default:
		return profile_ended_name(process->ended);
	}
}

static void print_tree(const struct family *family, const struct term *term)
{
	static const struct table_column columns[] = {
		{ .title = "process" },
		{ .title = "by" },
		{ .title = "ended" },
		{ .title = "ran", .right = true },
		{ .title = "allocations", .right = true },
		{ .title = "peak", .right = true },
		{ .title = "not freed", .right = true },
		{ .title = "dump", .flexible = true },
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < family->processes.count; i++) {
		const struct family_process *process = &family->processes.list[i];
		size_t depth = process->depth < DEPTH_SHOWN ? process->depth : DEPTH_SHOWN;
		char text[512];

		snprintf(text, sizeof(text), "%*s%.*s %" PRIu32, (int)(2 * depth), "", 200, process->program,
			 process->pid);
		table_cell(&table, text);
		table_cell(&table, family_birth_name(process->birth));
		table_cell(&table, end_text(process, text, sizeof(text)));
		table_cell(&table, units_duration(process->duration_ns).text);
		table_cell(&table, units_count(units_signed(process->totals.alloc_count)).text);
		table_cell(&table, units_bytes(units_signed(process->peak_bytes)).text);
		table_cell(&table, units_bytes(process->totals.live_bytes).text);
		table_cell(&table, process->path);
	}
	term_print(term, TERM_TITLE, "PROCESSES");
	fprintf(term->out, "  %zu in all\n", family->processes.count);
	table_print(&table, term, 0);
	table_free(&table);
	fputc('\n', term->out);
}

/* --- sums --- */

static void print_amount(const struct term *term, const char *label, const char *bytes, const char *rest)
{
	fprintf(term->out, "  %-*s", LABEL_COLUMNS, label);
	term_print(term, TERM_VALUE, "%10s", bytes);
	fprintf(term->out, "  %s\n", rest);
}

static void print_counted(const struct term *term, const char *label, int64_t bytes, int64_t count, const char *noun)
{
	char rest[96];

	snprintf(rest, sizeof(rest), "%14s %s", units_count(count).text, noun);
	print_amount(term, label, units_bytes(bytes).text, rest);
}

static void print_totals(const struct family *family, const struct term *term)
{
	const struct site *totals = &family->totals;

	term_line(term, TERM_TITLE, "ALL TOGETHER");
	if (family->sampled)
		fprintf(term->out, "  Sampled, some or all: figures are estimates.\n");
	print_counted(term, "allocated", units_signed(totals->alloc_bytes), units_signed(totals->alloc_count),
		      "allocations");
	print_counted(term, "freed", units_signed(totals->free_bytes), units_signed(totals->free_count), "frees");
	print_counted(term, "not freed", totals->live_bytes, totals->live_count, "blocks");
	print_amount(term, "peaks", units_bytes(units_signed(family->peak_bytes)).text,
		     "the sum of what each process had at its own peak, which may have been at different times");
	if (family->lock_wait_ns > 0)
		print_amount(term, "waited", units_duration(family->lock_wait_ns).text, "for locks, in all threads");
	fputc('\n', term->out);
}

static void print_losses(const struct family *family, const struct term *term)
{
	bool any = family->partial_count > 0;

	term_print(term, TERM_TITLE, "NOT RECORDED");
	for (size_t i = 0; i < sizeof(family->losses) / sizeof(*family->losses); i++)
		any |= family->losses[i].count > 0;
	fputs(any ? "\n" : "  nothing is known to be missing\n", term->out);
	if (family->partial_count > 0)
		term_line(term, TERM_ALARM, "  %zu of the dumps are damaged or cut short: see their own reports",
			  family->partial_count);
	for (size_t i = 0; i < sizeof(family->losses) / sizeof(*family->losses); i++) {
		const char *text = profile_loss_text(i);

		if (family->losses[i].count > 0)
			fprintf(term->out, "  %14s  %s\n", units_count(units_signed(family->losses[i].count)).text,
				text ? text : "losses for a reason this program does not know");
	}
}

/* --- sites --- */

static void print_stack_of(const struct family *family, const struct family_site *site, const struct options *options,
			   const struct term *term)
{
	const char *path = family->processes.list[site->process].path;
	struct err ignored = { 0 };
	struct ready_report ready = { 0 };
	struct stack_view view = { 0 };
	struct profile profile;

	profile_init(&profile, path);
	if (dump_file_load(path, &profile, &ignored) && site->stack <= profile.node_count &&
	    report_init(&ready, &profile, options, &ignored)) {
		stack_view_fill(&view, &profile, ready.report.symbols, site->stack);
		text_stack_print(term, view.frames.list, view.frames.count, view.mark, STACK_INDENT,
				 options->full_stacks ? SIZE_MAX : INNER_FRAMES);
		stack_view_free(&view);
	}
	report_free(&ready);
	profile_free(&profile);
}

static void print_section(struct family *family, const struct section *section, size_t top,
			  const struct options *options, const struct term *term)
{
	struct units (*text)(int64_t) = section->is_bytes ? units_bytes : units_count;
	size_t count = family_rank(family, section->key);
	int64_t whole = section->key == SITE_KEY_PEAK ? units_signed(family->peak_bytes)
						      : site_value(&family->totals, section->key);

	if (count == 0)
		return;
	term_print(term, TERM_TITLE, "%s", section->title);
	fprintf(term->out, "  %zu of %zu sites, %s in all\n", count < top ? count : top, count, text(whole).text);
	for (size_t i = 0; i < count && i < top; i++) {
		const struct family_site *site = &family->sites.list[i];
		int64_t value = site_value(&site->sums, section->key);
		char rank[24];

		snprintf(rank, sizeof(rank), "#%zu", i + 1);
		fprintf(term->out, "%-4s", rank);
		term_print(term, TERM_VALUE, "%11s", text(value).text);
		fprintf(term->out, " %8s  in %zu process%s; ", units_share(value, whole > 0 ? (uint64_t)whole : 0).text,
			site->processes, site->processes == 1 ? "" : "es");
		term_line(term, TERM_DIM, "%s allocated in %s calls",
			  units_bytes(units_signed(site->sums.alloc_bytes)).text,
			  units_count(units_signed(site->sums.alloc_count)).text);
		print_stack_of(family, site, options, term);
	}
	fputc('\n', term->out);
}

void out_family_text(struct family *family, const struct options *options, FILE *out)
{
	const struct out_options out_options = report_out_options(options);
	size_t top = out_options.top > 0 ? (size_t)out_options.top : out_options.single ? TOP_SINGLE : TOP_PER_SECTION;
	struct term term;

	term_init(&term, out, out_options.color, out_options.width);
	print_tree(family, &term);
	print_totals(family, &term);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		if (out_options.single ? sections[i].key == out_options.key : sections[i].usual)
			print_section(family, &sections[i], top, options, &term);
	}
	print_losses(family, &term);
	if (!options->each)
		term_line(&term, TERM_DIM, "\n--each adds the report of each process, with its threads and locks.");
}

/* --- JSON --- */

static json_t *make_sums(const struct site *totals, uint64_t peak_bytes, uint64_t lock_wait_ns)
{
	json_t *object = json_object();

	json_object_set_new(object, "alloc_count", json_integer(units_signed(totals->alloc_count)));
	json_object_set_new(object, "alloc_bytes", json_integer(units_signed(totals->alloc_bytes)));
	json_object_set_new(object, "free_count", json_integer(units_signed(totals->free_count)));
	json_object_set_new(object, "free_bytes", json_integer(units_signed(totals->free_bytes)));
	json_object_set_new(object, "live_count", json_integer(totals->live_count));
	json_object_set_new(object, "live_bytes", json_integer(totals->live_bytes));
	json_object_set_new(object, "peak_bytes", json_integer(units_signed(peak_bytes)));
	json_object_set_new(object, "lock_wait_ns", json_integer(units_signed(lock_wait_ns)));
	return object;
}

static json_t *make_process(const struct family_process *process)
{
	json_t *object = make_sums(&process->totals, process->peak_bytes, process->lock_wait_ns);

	json_object_set_new(object, "dump", json_text(process->path));
	json_object_set_new(object, "program", json_text(process->program));
	json_object_set_new(object, "pid", json_integer(process->pid));
	json_object_set_new(object, "parent_pid", json_integer(process->parent_pid));
	json_object_set_new(object, "parent",
			    process->parent == FAMILY_NONE ? json_null() : json_integer((json_int_t)process->parent));
	json_object_set_new(object, "birth", json_string(family_birth_name(process->birth)));
	json_object_set_new(object, "depth", json_integer((json_int_t)process->depth));
	json_object_set_new(object, "ended", json_string(profile_ended_name(process->ended)));
	json_object_set_new(object, "duration_ns", json_integer(units_signed(process->duration_ns)));
	return object;
}

static void write_member(FILE *out, const char *name, json_t *value)
{
	fprintf(out, "\"%s\":", name);
	json_dumpf(value, out, JSON_COMPACT);
	json_decref(value);
	fputs(",\n", out);
}

void out_family_json(const struct family *family, FILE *out)
{
	json_t *processes = json_array();

	for (size_t i = 0; i < family->processes.count; i++)
		json_array_append_new(processes, make_process(&family->processes.list[i]));
	write_member(out, "processes", processes);
	write_member(out, "totals", make_sums(&family->totals, family->peak_bytes, family->lock_wait_ns));
}
