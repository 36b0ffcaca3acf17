/* SPDX-License-Identifier: MIT */
/* The text report on several processes. Only the dumps of the few stacks to be shown are loaded once more. */
#include "out_family.h"

#include <inttypes.h>
#include <stdlib.h>

#include "family_stacks.h"
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
#define LINE_FRAMES     6u

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

/* What the sections print with. */
struct page {
	struct family_stacks stacks;
	const struct options *options;
	struct term term;
	size_t top;
};

static void print_stack(struct page *page, size_t process, uint32_t stack)
{
	const struct stack_view *view = family_stacks_view(&page->stacks, process, stack);

	if (view)
		text_stack_print(&page->term, view->frames.list, view->frames.count, view->mark, STACK_INDENT,
				 page->options->full_stacks ? SIZE_MAX : INNER_FRAMES);
}

/* The innermost frames in one line. */
static void print_callers(struct page *page, size_t process, uint32_t stack)
{
	const struct stack_view *view = family_stacks_view(&page->stacks, process, stack);
	const struct term *term = &page->term;
	size_t count = view ? view->frames.count : 0;
	char name[256];

	for (size_t i = 0; i < count && i < LINE_FRAMES; i++) {
		fputs(i > 0 ? " < " : "", term->out);
		term_text(term, stack_view_name(&view->frames.list[i], name, sizeof(name)), 0, 0, false);
	}
	fputs(count > LINE_FRAMES ? " ...\n" : "\n", term->out);
}

static void print_section(struct family *family, const struct section *section, struct page *page)
{
	const struct term *term = &page->term;
	struct units (*text)(int64_t) = section->is_bytes ? units_bytes : units_count;
	size_t count = family_rank(family, section->key);
	int64_t whole = section->key == SITE_KEY_PEAK ? units_signed(family->peak_bytes)
						      : site_value(&family->totals, section->key);

	if (count == 0)
		return;
	term_print(term, TERM_TITLE, "%s", section->title);
	fprintf(term->out, "  %zu of %zu sites, %s in all\n", count < page->top ? count : page->top, count,
		text(whole).text);
	for (size_t i = 0; i < count && i < page->top; i++) {
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
		print_stack(page, site->process, site->stack);
	}
	fputc('\n', term->out);
}

/* --- waits --- */

static void print_wait(const struct family *family, size_t rank, size_t index, uint64_t whole, struct page *page)
{
	const struct term *term = &page->term;
	const struct family_place *waiter = &family->waits.waiters.list[index];
	const char *kind = profile_lock_kind_name(waiter->kind);
	struct family_waker wakers[FAMILY_WAKERS];
	uint64_t wakes;
	size_t count;

	text_rank_line(term, rank, units_duration(waiter->wait_ns).text,
		       units_share(units_signed(waiter->wait_ns), whole).text);
	fprintf(term->out, "%s, %s wait%s in %zu process%s\n", kind ? kind : "lock",
		units_count(units_signed(waiter->count)).text, waiter->count == 1 ? "" : "s", waiter->processes,
		waiter->processes == 1 ? "" : "es");
	print_stack(page, waiter->process, waiter->stack);
	count = family_waits_wakers(&family->waits, index, wakers, &wakes);
	if (count > 0)
		fprintf(term->out, "      such a semaphore was posted by other processes %s time%s:\n",
			units_count(units_signed(wakes)).text, wakes == 1 ? "" : "s");
	for (size_t i = 0; i < count; i++) {
		fprintf(term->out, "      %8s  ", units_share(units_signed(wakers[i].count), wakes).text);
		print_callers(page, wakers[i].place->process, wakers[i].place->stack);
	}
}

static void print_waits(const struct family *family, bool contention, struct page *page)
{
	const struct term *term = &page->term;
	const struct family_waits *waits = &family->waits;
	size_t *list = memory_zeroed(waits->waiters.count + 1, sizeof(*list));
	size_t count = family_waits_rank(waits, contention, list);
	uint64_t whole = contention ? waits->contention_ns : waits->coordination_ns;

	if (count > 0) {
		term_print(term, TERM_TITLE, contention ? "LOCKS" : "COORDINATION");
		fprintf(term->out, "  %zu of %zu places, %s %s\n", count < page->top ? count : page->top, count,
			units_duration(whole).text,
			contention ? "waited in all" : "waited for work or for each other, which may be meant so");
		for (size_t i = 0; i < count && i < page->top; i++)
			print_wait(family, i + 1, list[i], whole, page);
		fputc('\n', term->out);
	}
	free(list);
}

void out_family_text(struct family *family, const struct options *options, FILE *out)
{
	const struct out_options out_options = report_out_options(options);
	struct page page = { .options = options };

	page.top = out_options.top > 0 ? (size_t)out_options.top : out_options.single ? TOP_SINGLE : TOP_PER_SECTION;
	family_stacks_init(&page.stacks, family, options);
	term_init(&page.term, out, out_options.color, out_options.width);
	print_tree(family, &page.term);
	print_totals(family, &page.term);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		if (out_options.single ? sections[i].key == out_options.key : sections[i].usual)
			print_section(family, &sections[i], &page);
	}
	for (int contention = 1; contention >= 0 && !out_options.single; contention--)
		print_waits(family, contention, &page);
	print_losses(family, &page.term);
	if (!options->each)
		term_line(&page.term, TERM_DIM,
			  "\n--each adds the report of each process, with its threads and locks.");
	family_stacks_free(&page.stacks);
}
