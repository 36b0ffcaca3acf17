/* SPDX-License-Identifier: MIT */
/* The report for people: what ran, how much memory, where it went, what waited, what is not known. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "coverage.h"
#include "lifetimes.h"
#include "out.h"
#include "size_classes.h"
#include "units.h"

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
	fprintf(term->out, "  %-*s", OUT_LABEL_COLUMNS, label);
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
	fprintf(term->out, "  %-*s", OUT_LABEL_COLUMNS, "sizes");
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
	fprintf(term->out, "  %-*s", OUT_LABEL_COLUMNS, "lifetimes");
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
	if (coverage.runtime)
		fprintf(term->out,
			"  %s keeps small blocks in pools, which appear as what they take: to see each, set %s.\n",
			coverage.runtime, coverage.runtime_option);
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
		out_text_timeline(report, &term);
		out_text_marks(report, &term);
	}
	print_filter(report, &term);
	if (!report->options->single) {
		out_text_leaks(report, &term);
		out_text_growth(report, &term);
	}
	out_text_sites(report, &term);
	if (!report->options->single) {
		out_text_reallocs(report, &term);
		out_text_locks(report, &term);
		out_text_threads(report, &term);
		out_text_free_pairs(report, &term);
		print_losses(report, &term);
		print_coverage(report, &term);
	}
	print_warnings(report, &term);
}
