/* SPDX-License-Identifier: MIT */
/* What came when, for people: curves of memory and waits, and the marks that the program set. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "growth_view.h"
#include "out.h"
#include "table.h"
#include "units.h"

#define GRAPH_COLUMNS 60u
#define MARKS_SHOWN   20u
#define MARK_BYTES    48u

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
	fprintf(term->out, "  %-*s", OUT_LABEL_COLUMNS, label);
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
	fprintf(term->out, "  %-*s%s\n", OUT_LABEL_COLUMNS, "marks", columns);
}

void out_text_timeline(const struct report *report, const struct term *term)
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
	term_line(term, TERM_DIM, "  %-*s%-*s%s", OUT_LABEL_COLUMNS, "",
		  (int)(GRAPH_COLUMNS - strlen(span.text)), "0 s", span.text);
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
void out_text_marks(const struct report *report, const struct term *term)
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
