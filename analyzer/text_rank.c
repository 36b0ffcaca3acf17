/* SPDX-License-Identifier: MIT */
/* The ranked parts of the text report: sites and locks with their stacks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "lock_view.h"
#include "out.h"
#include "stack_view.h"
#include "text_stack.h"
#include "units.h"

#define INNER_FRAMES           8u
#define REFERENCE_FRAMES       3u
#define REFERENCE_FUNCTION_MAX 28u
#define LOCK_INNER_FRAMES      5u
#define WAITERS_SHOWN          2u

#define STACK_INDENT    6u
#define TOP_PER_SECTION 5u
#define TOP_SINGLE      20u

struct ranking {
	const struct report *report;
	const struct term *term;
	struct stack_view view;
	struct hash_map shown; /* stack -> where it was printed: section and rank */
};

/* One ranking: what it is called, what a site must have to be in it, and its place in the report. */
struct section {
	enum site_key key;
	const char *title;
	const char *reference; /* "same stack as REFERENCE #1" */
};

static const struct section sections[] = {
	{ SITE_KEY_PEAK, "MOST MEMORY AT THE PEAK", "at the peak" },
	{ SITE_KEY_LIVE, "NOT FREED", "not freed" },
	{ SITE_KEY_BYTES, "MOST BYTES ALLOCATED", "by bytes" },
	{ SITE_KEY_COUNT, "MOST ALLOCATIONS", "by allocations" },
	{ SITE_KEY_TEMPORARY, "MOST TEMPORARY ALLOCATIONS", "by temporary" },
	{ SITE_KEY_REALLOC, "MOST REALLOCATIONS", "by reallocations" },
};

/* Reallocations have a section only when asked for: the blocks are in the others already. */
#define USUAL_SECTIONS (sizeof(sections) / sizeof(*sections) - 1)

/* Prints the stack with the frames in the middle left out as OPTIONS say, at most INNER inner ones. */
static void print_stack(struct ranking *ranking, uint32_t stack, size_t indent, size_t inner)
{
	const struct report *report = ranking->report;
	const struct stack_view *view = &ranking->view;

	stack_view_fill(&ranking->view, report->profile, report->symbols, stack);
	text_stack_print(ranking->term, view->frames.list, view->frames.count, view->mark, indent,
			 report->options->full_stacks ? SIZE_MAX : inner);
}

/* Stacks have been shown once: later sections name the place and the innermost functions. */
static void print_reference(struct ranking *ranking, uint32_t stack, uint64_t place)
{
	const struct term *term = ranking->term;
	const struct stack_view *view = &ranking->view;

	stack_view_fill(&ranking->view, ranking->report->profile, ranking->report->symbols, stack);
	fprintf(term->out, "%*s", (int)STACK_INDENT, "");
	for (size_t i = 0; i < view->frames.count && i < REFERENCE_FRAMES; i++) {
		char name[256];
		const char *function = stack_view_name(&view->frames.list[i], name, sizeof(name));

		fputs(i > 0 ? " < " : "", term->out);
		term_text(term, function, REFERENCE_FUNCTION_MAX, 0, false);
	}
	term_line(term, TERM_DIM, " %s the stack of #%u %s", term_ellipsis(term), (unsigned)(place & 0xffffffff),
		  sections[place >> 32].reference);
}

/* "1 block", "2 blocks" */
static struct units plural(int64_t count, const char *noun)
{
	struct units units = units_count(count);
	size_t length = strlen(units.text);

	snprintf(units.text + length, sizeof(units.text) - length, " %s%s", noun, count == 1 ? "" : "s");
	return units;
}

static int64_t mean_bytes(const struct site *site)
{
	return site->alloc_count > 0 ? (int64_t)(site->alloc_bytes / site->alloc_count) : 0;
}

struct ranked {
	char text[96];
};

/* VALUE and SHARE in columns of their own, then what they are made of. */
static void print_line(const struct term *term, size_t rank, const char *value, const char *share)
{
	char number[24];

	snprintf(number, sizeof(number), "#%zu", rank);
	fprintf(term->out, "%-4s", number);
	term_print(term, TERM_VALUE, "%11s", value);
	if (*share)
		fprintf(term->out, " %8s", share);
	fputs("  ", term->out);
}

/* The value by which SITE is ranked, with its standard error if it is an estimate. */
static struct ranked value_text(const struct report *report, const struct term *term, const struct site *site,
				enum site_key key)
{
	bool is_bytes = key == SITE_KEY_PEAK || key == SITE_KEY_LIVE || key == SITE_KEY_BYTES;
	struct units (*text)(int64_t) = is_bytes ? units_bytes : units_count;
	struct ranked ranked;

	if (profile_is_sampled(report->profile))
		snprintf(ranked.text, sizeof(ranked.text), "%s %s %s", text(site_value(site, key)).text,
			 term_plus_minus(term), text((int64_t)site_value_error(site, key)).text);
	else
		snprintf(ranked.text, sizeof(ranked.text), "%s", text(site_value(site, key)).text);
	return ranked;
}

static void print_site_line(const struct report *report, const struct term *term, size_t rank, const struct site *site,
			    enum site_key key)
{
	const struct site *totals = &report->aggregate->totals;
	int64_t value = site_value(site, key);
	FILE *out = term->out;

	switch (key) {
	case SITE_KEY_PEAK:
		print_line(term, rank, value_text(report, term, site, key).text,
			   units_share(value, report->profile->peak_bytes).text);
		fprintf(out, "in %s; ", plural(site->peak_count, "block").text);
		break;
	case SITE_KEY_LIVE:
		print_line(term, rank, value_text(report, term, site, key).text,
			   units_share(value, totals->live_bytes > 0 ? (uint64_t)totals->live_bytes : 0).text);
		fprintf(out, "in %s; ", plural(site->live_count, "block").text);
		break;
	case SITE_KEY_BYTES:
		print_line(term, rank, value_text(report, term, site, key).text,
			   units_share(value, totals->alloc_bytes).text);
		fprintf(out, "in %s of %s on average, %s at the peak\n",
			plural((int64_t)site->alloc_count, "allocation").text, units_bytes(mean_bytes(site)).text,
			units_bytes(site->peak_bytes).text);
		return;
	case SITE_KEY_COUNT:
		print_line(term, rank, value_text(report, term, site, key).text,
			   units_share(value, totals->alloc_count).text);
		fprintf(out, "%s, %s on average\n", units_bytes((int64_t)site->alloc_bytes).text,
			units_bytes(mean_bytes(site)).text);
		return;
	case SITE_KEY_TEMPORARY:
		print_line(term, rank, value_text(report, term, site, key).text,
			   units_share(value, totals->temporary_count).text);
		fprintf(out, "%s of its %s, %s on average\n", units_share(value, site->alloc_count).text,
			plural((int64_t)site->alloc_count, "allocation").text, units_bytes(mean_bytes(site)).text);
		return;
	case SITE_KEY_REALLOC:
		print_line(term, rank, value_text(report, term, site, key).text,
			   units_share(value, totals->realloc_count).text);
		fprintf(out, "of %s; ", plural((int64_t)site->alloc_count, "allocation").text);
		break;
	}
	term_line(term, TERM_DIM, "%s allocated in %s", units_bytes((int64_t)site->alloc_bytes).text,
		  plural((int64_t)site->alloc_count, "call").text);
}

static struct units section_whole(const struct report *report, enum site_key key, uint64_t *ret_whole)
{
	const struct site *totals = &report->aggregate->totals;
	int64_t whole = key == SITE_KEY_PEAK ? units_signed(report->profile->peak_bytes) : site_value(totals, key);
	bool is_bytes = key == SITE_KEY_PEAK || key == SITE_KEY_LIVE || key == SITE_KEY_BYTES;

	*ret_whole = whole > 0 ? (uint64_t)whole : 0;
	return is_bytes ? units_bytes(whole) : units_count(whole);
}

/* Says how much of the whole the SHOWN sites of COUNT make up. */
static void print_section_title(const struct ranking *ranking, const struct section *section, size_t shown,
				size_t count)
{
	const struct report *report = ranking->report;
	const struct term *term = ranking->term;
	bool running = report->profile->process.ended == PROFILE_ENDED_RUNNING;
	uint64_t whole;
	struct units whole_text = section_whole(report, section->key, &whole);
	uint64_t sum = 0;
	struct units share;

	for (size_t i = 0; i < shown; i++)
		sum += (uint64_t)site_value(report->sites[i], section->key);
	share = units_share((int64_t)sum, whole);
	term_print(term, TERM_TITLE, "%s", section->key == SITE_KEY_LIVE && running ? "LIVE NOW" : section->title);
	fputs("  ", term->out);
	if (shown < count)
		fprintf(term->out, "%zu of ", shown);
	fputs(plural((int64_t)count, "site").text, term->out);
	if (*share.text)
		fprintf(term->out, ", %s of %s", share.text, whole_text.text);
	fputc('\n', term->out);
}

/* Sorts the sites and returns how many have any of what is ranked. */
static size_t rank_sites(const struct report *report, enum site_key key)
{
	size_t count = report->site_count;

	aggregate_rank_sites(report->sites, count, key);
	while (count > 0 && site_value(report->sites[count - 1], key) <= 0)
		count--;
	return count;
}

static void print_site(struct ranking *ranking, size_t index, size_t rank, const struct site *site)
{
	bool is_new;
	uint64_t *place = hash_map_put(&ranking->shown, site->stack, &is_new);

	print_site_line(ranking->report, ranking->term, rank, site, sections[index].key);
	if (is_new) {
		*place = (uint64_t)index << 32 | (uint32_t)rank;
		print_stack(ranking, site->stack, STACK_INDENT, INNER_FRAMES);
	} else {
		print_reference(ranking, site->stack, *place);
	}
}

static void print_section(struct ranking *ranking, size_t index, size_t top)
{
	size_t count = rank_sites(ranking->report, sections[index].key);
	size_t shown = count < top ? count : top;

	if (count == 0)
		return;
	print_section_title(ranking, &sections[index], shown, count);
	for (size_t i = 0; i < shown; i++)
		print_site(ranking, index, i + 1, ranking->report->sites[i]);
	fputc('\n', ranking->term->out);
}

void out_text_sites(const struct report *report, const struct term *term)
{
	struct ranking ranking = { .report = report, .term = term };
	const struct out_options *options = report->options;
	size_t top = options->top > 0 ? (size_t)options->top : options->single ? TOP_SINGLE : TOP_PER_SECTION;

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		if (options->single ? sections[i].key == options->key : i < USUAL_SECTIONS)
			print_section(&ranking, i, top);
	}
	stack_view_free(&ranking.view);
	hash_map_free(&ranking.shown);
}

static void print_lock(struct ranking *ranking, size_t rank, const struct lock_sum *lock, uint64_t total_ns)
{
	const struct report *report = ranking->report;
	const struct term *term = ranking->term;
	const struct mp_lock *row = &lock->lock->row;
	const char *kind = profile_lock_kind_name(row->kind);
	char buffer[512];
	const char *name = lock_view_name(report->profile, report->symbols, lock->lock, buffer, sizeof(buffer));

	print_line(term, rank, units_duration(lock->wait_ns).text,
		   units_share(units_signed(lock->wait_ns), total_ns).text);
	fprintf(term->out, "waiting for %s ", kind ? kind : "lock");
	term_style(term, TERM_VALUE);
	if (name)
		term_text(term, name, 0, 0, false);
	else
		fprintf(term->out, "0x%" PRIx64, row->address);
	term_style(term, TERM_PLAIN);
	fprintf(term->out, "\n%*s", (int)STACK_INDENT, "");
	fprintf(term->out, "%s, %s of them contended%s%s%s; longest wait %s",
		plural((int64_t)lock->acquisitions,
		       row->flags & MP_LOCK_FLAG_COUNT_FROM_FIRST ? "known acquisition" : "acquisition")
			.text,
		units_count((int64_t)lock->contentions).text, lock->acquisitions ? " (" : "",
		units_share((int64_t)lock->contentions, lock->acquisitions).text, lock->acquisitions ? ")" : "",
		units_duration(lock->wait_max_ns).text);
	if (lock->trylock_failures > 0)
		fprintf(term->out, "; %s", plural((int64_t)lock->trylock_failures, "failed trylock").text);
	if (lock->timeouts > 0)
		fprintf(term->out, "; %s", plural((int64_t)lock->timeouts, "timeout").text);
	fputc('\n', term->out);
	for (size_t i = 0; i < lock->waiter_count && i < WAITERS_SHOWN; i++) {
		const struct lock_waiter *waiter = &lock->waiters[i];

		fprintf(term->out, "%*s%s in %s, longest %s:\n", (int)STACK_INDENT, "",
			units_duration(waiter->wait_ns).text, plural((int64_t)waiter->count, "wait").text,
			units_duration(waiter->wait_max_ns).text);
		print_stack(ranking, waiter->stack, STACK_INDENT + 2, LOCK_INNER_FRAMES);
	}
	if (lock->waiter_count > WAITERS_SHOWN)
		term_line(term, TERM_DIM, "%*s%s %s", (int)STACK_INDENT, "", term_ellipsis(term),
			  plural((int64_t)(lock->waiter_count - WAITERS_SHOWN), "more waiting stack").text);
}

void out_text_locks(const struct report *report, const struct term *term)
{
	struct ranking ranking = { .report = report, .term = term };
	size_t top = report->options->top > 0 ? (size_t)report->options->top : TOP_PER_SECTION;
	size_t shown = report->lock_count < top ? report->lock_count : top;
	uint64_t total_ns = 0;

	if (report->lock_count == 0)
		return;
	for (size_t i = 0; i < report->aggregate->lock_count; i++)
		total_ns += report->aggregate->locks[i].wait_ns;
	aggregate_rank_locks(report->locks, report->lock_count);
	term_print(term, TERM_TITLE, "MOST WAITING FOR LOCKS");
	fprintf(term->out, "  %s waited in all threads for %s\n", units_duration(total_ns).text,
		plural((int64_t)report->aggregate->lock_count, "contended lock").text);
	for (size_t i = 0; i < shown; i++)
		print_lock(&ranking, i + 1, report->locks[i], total_ns);
	if (shown < report->lock_count)
		term_line(term, TERM_DIM, "%s %s", term_ellipsis(term),
			  plural((int64_t)(report->lock_count - shown), "more lock").text);
	fputc('\n', term->out);
	stack_view_free(&ranking.view);
}
