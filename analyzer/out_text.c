/* SPDX-License-Identifier: MIT */
/* The report for people: what ran, how much memory, where it went, what waited, what is not known. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "coverage.h"
#include "free_pairs.h"
#include "growth_view.h"
#include "lifetimes.h"
#include "out.h"
#include "reallocs.h"
#include "size_classes.h"
#include "stack_view.h"
#include "table.h"
#include "units.h"

#define LABEL_COLUMNS    12
#define GRAPH_COLUMNS    60u
#define THREADS_SHOWN    10u
#define PAIRS_SHOWN      10u
#define GROWN_SHOWN      5u
#define MARKS_SHOWN      20u
#define MARK_BYTES       48u
#define PLAIN_ARGV_WIDTH 200u /* where no terminal sets a limit */

/* What ran. */

static bool needs_quotes(const char *argument)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./=+:,@%^";

	return argument[0] == 0 || argument[strspn(argument, plain)] != 0;
}

/* The command line, quoted where its words would be hard to tell apart, at most about WIDTH columns. */
static void print_argv(const struct term *term, const struct profile_process *process, size_t width)
{
	size_t used = 0;

	for (size_t i = 0; i < process->argc; i++) {
		const char *quote = needs_quotes(process->argv[i]) ? "'" : "";
		size_t columns = term_columns(term, process->argv[i]) + 2 * strlen(quote) + (i > 0);

		if (i > 0 && used + columns > width) {
			fprintf(term->out, " %s", term_ellipsis(term));
			break;
		}
		fprintf(term->out, "%s%s", i > 0 ? " " : "", quote);
		term_text(term, process->argv[i], width, 0, false);
		fputs(quote, term->out);
		used += columns;
	}
}

static void print_end(const struct term *term, const struct profile_process *process)
{
	switch (process->ended) {
	case PROFILE_ENDED_EXIT:
		fprintf(term->out, "exit status %" PRId32, process->end_status);
		break;
	case PROFILE_ENDED_SIGNAL:
		fprintf(term->out, "ended by signal %" PRId32 " (%s)", process->end_status,
			strsignal(process->end_status));
		break;
	case PROFILE_ENDED_EXEC:
		fputs("became another program (exec)", term->out);
		break;
	case PROFILE_ENDED_RUNNING:
		fputs("still running", term->out);
		break;
	case PROFILE_ENDED_KILLED:
		fputs("gone without telling: killed, crashed, or ended by a raw system call", term->out);
		break;
	}
}

static void print_start(const struct term *term, uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	struct tm date;
	char text[64];

	if (realtime_ns > 0 && localtime_r(&seconds, &date) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &date) > 0)
		fprintf(term->out, ", started %s", text);
}

static void print_process(const struct report *report, const struct term *term)
{
	const struct profile *profile = report->profile;
	const struct profile_process *process = &profile->process;

	term_style(term, TERM_TITLE);
	if (process->argc > 0)
		print_argv(term, process, term->width > 0 ? term->width : PLAIN_ARGV_WIDTH);
	else
		term_text(term, process->exe ? process->exe : "unknown program", 0, 0, false);
	term_style(term, TERM_PLAIN);
	fputs("\n  ", term->out);
	if (process->exe && (process->argc == 0 || strcmp(process->exe, process->argv[0]) != 0)) {
		term_text(term, process->exe, 0, 0, false);
		fputs(", ", term->out);
	}
	fprintf(term->out, "pid %" PRIu32, process->pid);
	if (process->hostname) {
		fputs(" on ", term->out);
		term_text(term, process->hostname, 64, 0, false);
	}
	print_start(term, process->start_realtime_ns);
	fprintf(term->out, "\n  ran %s, ", units_duration(profile_duration_ns(profile)).text);
	print_end(term, process);
	if (process->features & MP_FEATURE_FORKED)
		fprintf(term->out, ", forked by pid %" PRIu32, process->parent_pid);
	fputs("\n\n", term->out);
	if (process->paused_count > 0)
		fprintf(term->out, "  Recording was off for %s of that time%s; what came then is not in here.\n\n",
			units_duration(process->paused_ns).text, process->paused ? ", and is so now" : "");
	if (process->mode == MP_MODE_OFF)
		fputs("  memprof was loaded but switched off: nothing was recorded.\n\n", term->out);
	else if (process->mode == MP_MODE_SAMPLE)
		fprintf(term->out,
			"  Sampled: one in %s on average, figures are estimates %s their standard error.\n\n",
			units_bytes(units_signed(process->sample_bytes)).text, term_plus_minus(term));
}

/* The warnings that the dump has earned, behind the banner or at the foot. */
static void print_dump_warnings(const struct profile *profile, const struct term *term)
{
	for (size_t i = 0; i < profile->warning_count; i++) {
		fputs("  ", term->out);
		term_text(term, profile->warnings[i], 0, 0, false);
		fputc('\n', term->out);
	}
	if (profile->warnings_left_out > 0)
		fprintf(term->out, "  and %zu further defects\n", profile->warnings_left_out);
}

static void print_banner(const struct report *report, const struct term *term)
{
	if (!report->profile->partial)
		return;
	term_line(term, TERM_ALARM, "PARTIAL REPORT: this dump is damaged or cut short. What could be read follows.");
	print_dump_warnings(report->profile, term);
	fputc('\n', term->out);
}

/* Totals. */

/* What stands beside an estimate; nothing beside an exact number. */
struct errors {
	bool sampled;
	double bytes_var;
	double count_var;
};

/* A line of the totals: BYTES and COUNT in columns. */
static void print_amount(const struct term *term, const char *label, const char *bytes, int64_t count,
			 const struct errors *errors, const char *rest)
{
	fprintf(term->out, "  %-*s", LABEL_COLUMNS, label);
	term_print(term, TERM_VALUE, "%10s", bytes);
	if (errors && errors->sampled && *bytes)
		fprintf(term->out, " %s %-10s", term_plus_minus(term),
			units_bytes((int64_t)site_error(errors->bytes_var)).text);
	else if (errors && errors->sampled)
		fprintf(term->out, "%13s", "");
	fprintf(term->out, "  %14s ", units_count(count).text);
	if (errors && errors->sampled)
		fprintf(term->out, "%s %s ", term_plus_minus(term),
			units_count((int64_t)site_error(errors->count_var)).text);
	fputs(rest, term->out);
}

static void print_bar(const struct term *term, uint64_t value, uint64_t largest)
{
	double share = (double)value / (double)largest;

	fputs(term_bar(term, value > 0 ? 1 + (unsigned)(share * (TERM_LEVELS - 2)) : 0), term->out);
}

/* How many allocations each class of sizes has, the largest as a full bar. */
static void print_sizes(const struct site *totals, const struct term *term)
{
	const struct size_sum *sizes = totals->sizes;
	size_t last = totals->size_count - 1;
	uint64_t largest = 0;
	uint64_t below = 0;
	size_t median = 0;

	if (totals->size_count == 0)
		return;
	for (size_t i = 0; i <= last; i++)
		largest = sizes[i].count > largest ? sizes[i].count : largest;
	while (median < last && (below += sizes[median].count) < totals->alloc_count - totals->alloc_count / 2)
		median++;
	fprintf(term->out, "  %-*s", LABEL_COLUMNS, "sizes");
	term_style(term, TERM_GRAPH);
	for (size_t i = 0, k = sizes[0].size_class; k <= sizes[last].size_class; k++) {
		print_bar(term, sizes[i].size_class == k ? sizes[i].count : 0, largest);
		i += sizes[i].size_class == k;
	}
	term_style(term, TERM_PLAIN);
	fprintf(term->out, "  %s to ", units_bytes(units_signed(size_class_from(sizes[0].size_class))).text);
	fprintf(term->out, "%s, half of the allocations up to ",
		units_bytes(units_signed(size_class_to(sizes[last].size_class))).text);
	fprintf(term->out, "%s\n", units_bytes(units_signed(size_class_to(sizes[median].size_class))).text);
}

/* The same for lifetimes, in powers of ten. */
static void print_lifetimes(const struct site *totals, const struct term *term)
{
	const struct lifetime_sum *sum = totals->lifetimes;
	uint64_t largest = 0;
	uint64_t all = 0;
	uint64_t below = 0;
	uint32_t median = 0;

	for (uint32_t k = 0; sum && k < MP_LIFETIME_CLASSES; k++) {
		all += sum->counts[k];
		largest = sum->counts[k] > largest ? sum->counts[k] : largest;
	}
	if (all == 0)
		return;
	while ((below += sum->counts[median]) < all - all / 2)
		median++;
	fprintf(term->out, "  %-*s", LABEL_COLUMNS, "lifetimes");
	term_style(term, TERM_GRAPH);
	for (uint32_t k = 0; k < MP_LIFETIME_CLASSES; k++)
		print_bar(term, sum->counts[k], largest);
	term_style(term, TERM_PLAIN);
	if (median < MP_LIFETIME_CLASSES - 1)
		fprintf(term->out, "  1 us to 100 s, half of the freed blocks less than %s",
			units_duration(lifetime_to_ns(median)).text);
	else
		fputs("  1 us to 100 s, half of the freed blocks more", term->out);
	fprintf(term->out, "; one in %u observed\n", MP_LIFETIME_EVERY);
}

static void print_totals(const struct report *report, const struct term *term)
{
	const struct profile *profile = report->profile;
	const struct site *totals = &report->aggregate->totals;
	uint64_t start_ns = profile->process.start_ns;
	bool running = profile->process.ended == PROFILE_ENDED_RUNNING;
	FILE *out = term->out;
	bool sampled = profile_is_sampled(profile);
	const struct errors allocated = { sampled, totals->alloc_bytes_var, totals->alloc_count_var };
	const struct errors freed = { sampled, totals->free_bytes_var, totals->free_count_var };
	const struct errors peak = { sampled, totals->peak_bytes_var, totals->peak_count_var };
	const struct errors temporary = { sampled, 0, totals->temporary_count_var };
	const struct errors live = { sampled, totals->alloc_bytes_var - totals->free_bytes_var,
				     totals->alloc_count_var - totals->free_count_var };

	print_amount(term, "allocated", units_bytes(units_signed(totals->alloc_bytes)).text,
		     units_signed(totals->alloc_count), &allocated, "allocations");
	if (totals->realloc_count > 0)
		fprintf(out, ", %s by realloc", units_count(units_signed(totals->realloc_count)).text);
	fputc('\n', out);
	print_amount(term, "freed", units_bytes(units_signed(totals->free_bytes)).text,
		     units_signed(totals->free_count), &freed, "frees\n");
	print_amount(term, "peak", units_bytes(units_signed(profile->peak_bytes)).text,
		     units_signed(profile->peak_count), &peak, "blocks");
	if (profile->peak_ns >= start_ns && profile->peak_bytes > 0)
		fprintf(out, ", %s after the start", units_duration(profile->peak_ns - start_ns).text);
	fputc('\n', out);
	print_amount(term, running ? "live now" : "not freed", units_bytes(totals->live_bytes).text, totals->live_count,
		     &live, "blocks\n");
	print_amount(term, "temporary", "", units_signed(totals->temporary_count), &temporary, "allocations");
	if (totals->alloc_count > 0)
		fprintf(out, ", %s of all: freed before their thread allocated again",
			units_share(units_signed(totals->temporary_count), totals->alloc_count).text);
	fputc('\n', out);
	print_sizes(totals, term);
	print_lifetimes(totals, term);
	if (profile->inherited_count > 0) {
		print_amount(term, "inherited", units_bytes(units_signed(profile->inherited_bytes)).text,
			     units_signed(profile->inherited_count), NULL, "blocks at fork");
		fprintf(out, ", %s of them freed since\n",
			units_count(units_signed(profile->inherited_free_count)).text);
	}
	fputc('\n', out);
}

/* Timeline. */

struct graph {
	double values[GRAPH_COLUMNS];
	double largest;
};

static double live_of(const struct mp_tick *tick)
{
	return (double)tick->live_bytes;
}

/* Not every point has it. */
static double rss_of(const struct mp_tick *tick)
{
	return tick->rss_bytes ? (double)tick->rss_bytes : NAN;
}

static double count_of(const struct mp_tick *tick)
{
	return (double)tick->alloc_count;
}

static double wait_of(const struct mp_tick *tick)
{
	return (double)tick->lock_wait_ns;
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static void find_largest(struct graph *graph)
{
	graph->largest = 0;
	for (size_t i = 0; i < GRAPH_COLUMNS; i++)
		graph->largest = larger(graph->largest, graph->values[i]);
}

/* Column of a time; what lies behind the last point is in the last column. */
static size_t column_of(const struct profile *profile, uint64_t time_ns)
{
	uint64_t first_ns = profile->process.start_ns;
	uint64_t span_ns = profile->ticks[profile->tick_count - 1].time_ns - first_ns;
	double share = (double)(time_ns - first_ns) / ((double)span_ns + 1);

	return share < 1 ? (size_t)(share * GRAPH_COLUMNS) : GRAPH_COLUMNS - 1;
}

/* The largest value of each column; a column without a value holds the last one before it. */
static void plot_level(const struct profile *profile, double (*value_of)(const struct mp_tick *),
		       struct graph *ret_graph)
{
	double last = 0;
	size_t tick = 0;

	for (size_t column = 0; column < GRAPH_COLUMNS; column++) {
		double largest = last;
		bool seen = false;

		for (; tick < profile->tick_count && column_of(profile, profile->ticks[tick].time_ns) <= column;
		     tick++) {
			double value = value_of(&profile->ticks[tick]);

			if (isnan(value))
				continue;
			last = value;
			largest = seen ? larger(largest, last) : last;
			seen = true;
		}
		ret_graph->values[column] = largest;
	}
	find_largest(ret_graph);
}

/* Growth per second of a counter in each column, the counter drawn as straight lines between the points. */
static void plot_rate(const struct profile *profile, double (*value_of)(const struct mp_tick *),
		      struct graph *ret_graph)
{
	double start_ns = (double)profile->process.start_ns;
	double span_ns = (double)(profile->ticks[profile->tick_count - 1].time_ns - profile->process.start_ns) + 1;
	double left_ns = start_ns;
	double left = 0;
	double before = 0;
	size_t tick = 0;

	for (size_t column = 0; column < GRAPH_COLUMNS; column++) {
		double edge_ns = start_ns + span_ns * (double)(column + 1) / GRAPH_COLUMNS;
		double at_edge = left;

		while (tick < profile->tick_count && (double)profile->ticks[tick].time_ns <= edge_ns) {
			left_ns = (double)profile->ticks[tick].time_ns;
			left = value_of(&profile->ticks[tick++]);
			at_edge = left;
		}
		if (tick < profile->tick_count)
			at_edge = left + (value_of(&profile->ticks[tick]) - left) * (edge_ns - left_ns) /
						 ((double)profile->ticks[tick].time_ns - left_ns);
		ret_graph->values[column] = (at_edge - before) / (span_ns / GRAPH_COLUMNS) * 1e9;
		before = at_edge;
	}
	find_largest(ret_graph);
}

static void print_graph(const struct term *term, const char *label, const struct graph *graph, const char *largest)
{
	fprintf(term->out, "  %-*s", LABEL_COLUMNS, label);
	term_style(term, TERM_GRAPH);
	for (size_t i = 0; i < GRAPH_COLUMNS; i++) {
		double share = graph->largest > 0 ? graph->values[i] / graph->largest : 0;

		/* Whatever is not nothing shows; only the largest is full. */
		fputs(term_bar(term, share > 0 ? 1 + (unsigned)(share * (TERM_LEVELS - 2)) : 0), term->out);
	}
	term_style(term, TERM_PLAIN);
	fprintf(term->out, "  up to %s\n", largest);
}

static struct units graph_bytes(const struct graph *graph)
{
	return units_bytes(graph->largest < 9e18 ? (int64_t)graph->largest : INT64_MAX);
}

/* Where on the graphs marks lie. */
static void print_mark_columns(const struct profile *profile, const struct term *term)
{
	char columns[GRAPH_COLUMNS + 1];

	if (profile->mark_count == 0)
		return;
	memset(columns, ' ', GRAPH_COLUMNS);
	columns[GRAPH_COLUMNS] = 0;
	for (size_t i = 0; i < profile->mark_count; i++)
		columns[column_of(profile, profile->marks[i].time_ns)] = '^';
	fprintf(term->out, "  %-*s%s\n", LABEL_COLUMNS, "marks", columns);
}

static void print_timeline(const struct report *report, const struct term *term)
{
	const struct profile *profile = report->profile;
	struct graph graph;
	struct units span;

	/* A line of two points is no curve. */
	if (profile->tick_count < 3)
		return;
	plot_level(profile, live_of, &graph);
	print_graph(term, "live", &graph, graph_bytes(&graph).text);
	plot_level(profile, rss_of, &graph);
	if (graph.largest > 0)
		print_graph(term, "resident", &graph, graph_bytes(&graph).text);
	plot_rate(profile, count_of, &graph);
	print_graph(term, "allocations", &graph, units_rate(graph.largest).text);
	plot_rate(profile, wait_of, &graph);
	if (graph.largest > 0) {
		char threads[64];

		/* Nanoseconds waited per second are threads that wait. */
		snprintf(threads, sizeof(threads), "%.2f threads waiting for locks", graph.largest / 1e9);
		print_graph(term, "waiting", &graph, threads);
	}
	print_mark_columns(profile, term);
	span = units_duration(profile->ticks[profile->tick_count - 1].time_ns - profile->process.start_ns);
	term_line(term, TERM_DIM, "  %-*s%-*s%s", LABEL_COLUMNS, "", (int)(GRAPH_COLUMNS - strlen(span.text)), "0 s",
		  span.text);
	fputc('\n', term->out);
}

/* Marks. */

/* TEXT, but not so long that the numbers behind it are out of sight. */
static void add_mark_text(struct table *table, const char *text)
{
	char start[MARK_BYTES + sizeof("...")];
	size_t length = strlen(text);

	if (length > MARK_BYTES) {
		for (length = MARK_BYTES; length > 0 && (text[length] & 0xc0) == 0x80; length--)
			; /* not within a character */
		snprintf(start, sizeof(start), "%.*s...", (int)length, text);
		text = start;
	}
	table_cell(table, text);
}

static void add_mark_cells(const struct profile *profile, struct table *table, const struct mp_mark *mark)
{
	table_cell(table, units_duration(mark->time_ns - profile->process.start_ns).text);
	table_cell(table, units_bytes(mark->live_bytes).text);
	table_cell(table, units_count(mark->live_count).text);
	table_cell(table, units_count(units_signed(mark->alloc_count)).text);
}

static void print_mark_growth(const struct profile *profile, const struct term *term)
{
	for (size_t i = 0; i < profile->mark_name_count; i++) {
		struct growth_marks growth;

		growth_of_marks(profile, (uint32_t)i + 1, &growth);
		if (!growth.grows)
			continue;
		fputs("  From one ", term->out);
		term_text(term, profile->mark_names[i].text, MARK_BYTES, 0, false);
		fprintf(term->out, " to the next live memory grows by %s (at least %s), %.3g blocks.\n",
			units_bytes((int64_t)growth.bytes).text, units_bytes((int64_t)growth.bytes_low).text,
			growth.blocks);
	}
}

/* One row per text: its first mark, and the last one that was kept. */
static void print_marks(const struct report *report, const struct term *term)
{
	static const struct table_column columns[] = {
		{ .title = "mark", .flexible = true },
		{ .title = "times", .right = true },
		{ .title = "first at", .right = true },
		{ .title = "live", .right = true },
		{ .title = "blocks", .right = true },
		{ .title = "allocations", .right = true },
		{ .title = "last at", .right = true },
		{ .title = "live", .right = true },
		{ .title = "blocks", .right = true },
		{ .title = "allocations", .right = true },
	};
	const struct profile *profile = report->profile;
	struct table table;
	size_t shown = 0;

	if (profile->mark_count == 0)
		return;
	term_line(term, TERM_TITLE, "MARKS");
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < profile->mark_count && shown < MARKS_SHOWN; i++) {
		const struct mp_mark *mark = &profile->marks[i];
		const struct profile_mark_name *name = &profile->mark_names[mark->name - 1];
		const struct mp_mark *last = &profile->marks[name->last];

		if (name->first != i)
			continue;
		add_mark_text(&table, name->text);
		table_cell(&table, units_count(units_signed(name->count)).text);
		add_mark_cells(profile, &table, mark);
		if (last != mark)
			add_mark_cells(profile, &table, last);
		for (unsigned cell = 0; cell < 4 && last == mark; cell++)
			table_cell(&table, "");
		shown++;
	}
	table_print(&table, term, 2);
	table_free(&table);
	if (shown < profile->mark_name_count)
		term_line(term, TERM_DIM, "  %s %zu more", term_ellipsis(term), profile->mark_name_count - shown);
	print_mark_growth(profile, term);
	fputc('\n', term->out);
}

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

static void print_threads(const struct report *report, const struct term *term)
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
static void print_reallocs(const struct report *report, const struct term *term)
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
static void print_free_pairs(const struct report *report, const struct term *term)
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

/* What is not known. */

static void print_losses(const struct report *report, const struct term *term)
{
	const struct profile *profile = report->profile;
	const struct aggregate *aggregate = report->aggregate;
	uint64_t dropped_bytes = profile->process.dropped_bytes;

	term_print(term, TERM_TITLE, "NOT RECORDED");
	if (profile->loss_count == 0 && aggregate->mark_count == 0 && dropped_bytes == 0)
		fputs("  nothing is known to be missing", term->out);
	fputc('\n', term->out);
	for (size_t i = 0; i < profile->loss_count; i++) {
		const char *text = profile_loss_text(profile->losses[i].reason);

		fprintf(term->out, "  %14s  ", units_count(units_signed(profile->losses[i].count)).text);
		if (text)
			fprintf(term->out, "%s\n", text);
		else
			fprintf(term->out, "losses for reason %" PRIu64 "\n", profile->losses[i].reason);
	}
	if (dropped_bytes > 0)
		fprintf(term->out, "  %14s  of the dump file asked for and not got\n",
			units_bytes(units_signed(dropped_bytes)).text);
	for (size_t i = 0; i < aggregate->mark_count; i++) {
		const struct mark_sum *sum = &aggregate->marks[i];
		const char *text = profile_mark_text(sum->mark);

		fprintf(term->out, "  %14s  allocations (%s) with a stack %s\n",
			units_count(units_signed(sum->alloc_count)).text,
			units_share(units_signed(sum->alloc_count), aggregate->totals.alloc_count).text,
			text ? text : "cut for a reason this program does not know");
	}
}

/* Memory that came to the process past what is recorded: no loss of ours, but what a reader must know. */
static void print_coverage(const struct report *report, const struct term *term)
{
	struct coverage coverage = coverage_of(report->profile, !report->options->no_files);

	if (coverage.allocator)
		fprintf(term->out,
			"  The program has an allocator inside, %s: of what that hands out itself, nothing is seen.\n",
			coverage.allocator);
	if (coverage.notable)
		fprintf(term->out,
			"  NOT SEEN: at least %s (%s) of the %s of memory in use at most came past what is recorded:\n"
			"  from mmap or brk, as stacks, or as what an allocator takes beyond what it hands out.\n",
			units_bytes(units_signed(coverage.unseen_bytes)).text,
			units_share(units_signed(coverage.unseen_bytes), coverage.anonymous_bytes).text,
			units_bytes(units_signed(coverage.anonymous_bytes)).text);
}

static void print_warnings(const struct report *report, const struct term *term)
{
	const char *const *texts;
	size_t count = symbolizer_warnings(report->symbols, &texts);

	if (!report->profile->partial)
		print_dump_warnings(report->profile, term);
	for (size_t i = 0; i < count; i++) {
		term_style(term, TERM_DIM);
		fputs("  ", term->out);
		term_text(term, texts[i], 0, 0, false);
		term_style(term, TERM_PLAIN);
		fputc('\n', term->out);
	}
}

static void print_filter(const struct report *report, const struct term *term)
{
	const struct filter *filter = report->filter;
	struct site sum = { 0 };

	if (!filter)
		return;
	for (size_t i = 0; i < report->site_count; i++) {
		sum.alloc_count += report->sites[i]->alloc_count;
		sum.alloc_bytes += report->sites[i]->alloc_bytes;
	}
	fputs("  Only stacks that match ", term->out);
	term_text(term, filter_expression(filter), 0, 0, false);
	fprintf(term->out, ": %zu of %zu sites, %s in %s allocations\n\n", report->site_count,
		report->aggregate->site_count, units_bytes(units_signed(sum.alloc_bytes)).text,
		units_count(units_signed(sum.alloc_count)).text);
}

void out_text(const struct report *report, FILE *out)
{
	struct term term;

	term_init(&term, out, report->options->color, report->options->width);
	print_banner(report, &term);
	print_process(report, &term);
	if (report->options->locks != OUT_LOCKS_BRIEF) {
		out_text_locks(report, &term);
		print_warnings(report, &term);
		return;
	}
	if (!report->options->single) {
		print_totals(report, &term);
		print_timeline(report, &term);
		print_marks(report, &term);
	}
	print_filter(report, &term);
	if (!report->options->single) {
		out_text_leaks(report, &term);
		out_text_growth(report, &term);
	}
	out_text_sites(report, &term);
	if (!report->options->single) {
		print_reallocs(report, &term);
		out_text_locks(report, &term);
		print_threads(report, &term);
		print_free_pairs(report, &term);
		print_losses(report, &term);
		print_coverage(report, &term);
	}
	print_warnings(report, &term);
}
