/* SPDX-License-Identifier: MIT */
/* What blocks go through, for people: the threads that allocate, the sites that resize, the threads that free. */
#include <inttypes.h>
#include <stdlib.h>

#include "free_pairs.h"
#include "out.h"
#include "reallocs.h"
#include "stack_view.h"
#include "table.h"
#include "units.h"

#define THREADS_SHOWN 10u
#define PAIRS_SHOWN   10u
#define GROWN_SHOWN   5u

/* Threads. */

static const struct mp_thread *largest_thread_below(const struct profile *profile, const struct mp_thread *limit)
{
	const struct mp_thread *best = NULL;

	for (size_t i = 0; i < profile->thread_count; i++) {
		const struct mp_thread *row = &profile->threads[i];

		if (limit &&
		    (row->alloc_bytes > limit->alloc_bytes || (row->alloc_bytes == limit->alloc_bytes && row <= limit)))
			continue;
		if (!best || row->alloc_bytes > best->alloc_bytes)
			best = row;
	}
	return best;
}

static void add_thread(struct table *table, const struct mp_thread *row, bool locks)
{
	char tid[32];

	if (row->tid != 0 && row->threads == 1)
		snprintf(tid, sizeof(tid), "%" PRIu32, row->tid);
	else
		snprintf(tid, sizeof(tid), "%" PRIu32 " ended", row->threads);
	table_cell(table, row->name[0] ? row->name : "?");
	table_cell(table, tid);
	table_cell(table, units_count(units_signed(row->alloc_count)).text);
	table_cell(table, units_bytes(units_signed(row->alloc_bytes)).text);
	table_cell(table, units_count(units_signed(row->free_count)).text);
	table_cell(table, units_count(units_signed(row->temporary_count)).text);
	if (locks) {
		table_cell(table, units_count(units_signed(row->lock_acquisitions)).text);
		table_cell(table, units_duration(row->lock_wait_ns).text);
	}
}

void out_text_threads(const struct report *report, const struct term *term)
{
	static const struct table_column columns[] = {
		{ .title = "thread" },
		{ .title = "tid", .right = true },
		{ .title = "allocations", .right = true },
		{ .title = "bytes", .right = true },
		{ .title = "frees", .right = true },
		{ .title = "temporary", .right = true },
		{ .title = "locks taken", .right = true },
		{ .title = "waited", .right = true },
	};
	const struct profile *profile = report->profile;
	bool locks = profile->process.features & MP_FEATURE_LOCKS;
	const struct mp_thread *row = NULL;
	struct table table;
	size_t shown;
	uint64_t all = 0;

	if (profile->thread_count == 0)
		return;
	for (size_t i = 0; i < profile->thread_count; i++)
		all += profile->threads[i].threads;
	term_print(term, TERM_TITLE, "THREADS");
	fprintf(term->out, "  %s in all\n", units_count(units_signed(all)).text);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns) - (locks ? 0 : 2));
	for (shown = 0; shown < THREADS_SHOWN && (row = largest_thread_below(profile, row)); shown++)
		add_thread(&table, row, locks);
	table_print(&table, term, 2);
	if (shown < profile->thread_count)
		term_line(term, TERM_DIM, "  %s %zu more", term_ellipsis(term), profile->thread_count - shown);
	table_free(&table);
	fputc('\n', term->out);
}

/* "f < its caller < its caller" */
static const char *inner_names(const struct stack_view *view, char *buffer, size_t bytes)
{
	size_t used = 0;

	buffer[0] = 0;
	for (size_t i = 0; i < view->frames.count && i < 3 && used < bytes; i++) {
		char name[256];

		used += (size_t)snprintf(buffer + used, bytes - used, "%s%.32s", i > 0 ? " < " : "",
					 stack_view_name(&view->frames.list[i], name, sizeof(name)));
	}
	return buffer;
}

/* Where realloc copies: programs that ask for the final size at once, or for larger steps, need not. */
void out_text_reallocs(const struct report *report, const struct term *term)
{
	static const struct table_column columns[] = {
		{ .title = "copied", .right = true }, { .title = "reallocs", .right = true },
		{ .title = "moved", .right = true },  { .title = "first time", .right = true },
		{ .title = "step", .right = true },   { .title = "resized in", .flexible = true },
	};
	const struct realloc_sum *all = report->aggregate->totals.reallocs;
	const struct site **sites;
	struct stack_view view = { 0 };
	struct table table;
	size_t count;

	if (!all || !all->copied_bytes)
		return;
	sites = reallocs_rank(report->sites, report->site_count, &count);
	term_print(term, TERM_TITLE, "GROWN BY REALLOC");
	fprintf(term->out, "  %s of %s, %s of them moved; %s copied",
		units_plural(units_signed(all->steps), "realloc").text,
		units_plural(units_signed(all->blocks), "block").text, units_count(units_signed(all->moves)).text,
		units_bytes(units_signed(all->copied_bytes)).text);
	if (all->unknown)
		fprintf(term->out, "; %s of unknown blocks left out", units_count(units_signed(all->unknown)).text);
	fputc('\n', term->out);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < count && i < GROWN_SHOWN; i++) {
		const struct realloc_sum *sum = sites[i]->reallocs;
		uint64_t grew = sum->steps - sum->shrinks - sum->unknown;
		char names[128];

		stack_view_fill(&view, report->profile, report->symbols, sites[i]->stack);
		table_cell(&table, units_bytes(units_signed(sum->copied_bytes)).text);
		table_cell(&table, units_count(units_signed(sum->steps)).text);
		table_cell(&table, units_count(units_signed(sum->moves)).text);
		table_cell(&table, units_count(units_signed(sum->blocks)).text);
		table_cell(&table, grew ? units_bytes(units_signed(sum->grown_bytes / grew)).text : "");
		table_cell(&table, inner_names(&view, names, sizeof(names)));
	}
	table_print(&table, term, 2);
	table_free(&table);
	if (count > GROWN_SHOWN)
		term_line(term, TERM_DIM, "  %s %zu more", term_ellipsis(term), count - GROWN_SHOWN);
	fputc('\n', term->out);
	stack_view_free(&view);
	free(sites);
}

/* Blocks that change hands: work for the allocator, which must give memory back to where it came from. */
void out_text_free_pairs(const struct report *report, const struct term *term)
{
	static const struct table_column columns[] = {
		{ .title = "bytes", .right = true },
		{ .title = "blocks", .right = true },
		{ .title = "allocated by" },
		{ .title = "freed by" },
	};
	const struct site *totals = &report->aggregate->totals;
	bool sampled = profile_is_sampled(report->profile);
	struct free_pairs pairs;
	struct table table;

	free_pairs_init(&pairs, report->profile);
	if (pairs.known && pairs.count > 0) {
		term_print(term, TERM_TITLE, "FREED BY ANOTHER THREAD");
		fprintf(term->out, "  %s%s, %s of all that was freed%s\n", sampled ? "about " : "",
			units_bytes(units_signed(pairs.bytes)).text,
			units_share(units_signed(pairs.bytes), totals->free_bytes).text, sampled ? " (estimates)" : "");
		table_init(&table, columns, sizeof(columns) / sizeof(*columns));
		for (size_t i = 0; i < pairs.count && i < PAIRS_SHOWN; i++) {
			char name[FREE_PARTY_BYTES];

			table_cell(&table, units_bytes(units_signed(pairs.list[i].bytes)).text);
			table_cell(&table, units_count(units_signed(pairs.list[i].count)).text);
			table_cell(&table, free_party_name(&pairs.list[i].allocated_by, name));
			table_cell(&table, free_party_name(&pairs.list[i].freed_by, name));
		}
		table_print(&table, term, 2);
		table_free(&table);
		if (pairs.count > PAIRS_SHOWN)
			term_line(term, TERM_DIM, "  %s %zu more", term_ellipsis(term), pairs.count - PAIRS_SHOWN);
		if (pairs.shared)
			term_line(term, TERM_DIM,
				  "  Where several share a line, what they freed of each other is not counted.");
		fputc('\n', term->out);
	}
	free_pairs_free(&pairs);
}
