/* SPDX-License-Identifier: MIT */
/* The ranked parts of the text report about memory: sites with their stacks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hash.h"
#include "out.h"
#include "stack_view.h"
#include "text_stack.h"
#include "units.h"

#define INNER_FRAMES           8u
#define REFERENCE_FRAMES       3u
#define REFERENCE_FUNCTION_MAX 28u

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

static int64_t mean_bytes(const struct site *site)
{
	return site->alloc_count > 0 ? (int64_t)(site->alloc_bytes / site->alloc_count) : 0;
}

struct ranked {
	char text[96];
};

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
		text_rank_line(term, rank, value_text(report, term, site, key).text,
			       units_share(value, report->profile->peak_bytes).text);
		fprintf(out, "in %s; ", units_plural(site->peak_count, "block").text);
		break;
	case SITE_KEY_LIVE:
		text_rank_line(term, rank, value_text(report, term, site, key).text,
			       units_share(value, totals->live_bytes > 0 ? (uint64_t)totals->live_bytes : 0).text);
		fprintf(out, "in %s; ", units_plural(site->live_count, "block").text);
		break;
	case SITE_KEY_BYTES:
		text_rank_line(term, rank, value_text(report, term, site, key).text,
			       units_share(value, totals->alloc_bytes).text);
		fprintf(out, "in %s of %s on average, %s at the peak\n",
			units_plural((int64_t)site->alloc_count, "allocation").text, units_bytes(mean_bytes(site)).text,
			units_bytes(site->peak_bytes).text);
		return;
	case SITE_KEY_COUNT:
		text_rank_line(term, rank, value_text(report, term, site, key).text,
			       units_share(value, totals->alloc_count).text);
		fprintf(out, "%s, %s on average\n", units_bytes((int64_t)site->alloc_bytes).text,
			units_bytes(mean_bytes(site)).text);
		return;
	case SITE_KEY_TEMPORARY:
		text_rank_line(term, rank, value_text(report, term, site, key).text,
			       units_share(value, totals->temporary_count).text);
		fprintf(out, "%s of its %s, %s on average\n", units_share(value, site->alloc_count).text,
			units_plural((int64_t)site->alloc_count, "allocation").text,
			units_bytes(mean_bytes(site)).text);
		return;
	case SITE_KEY_REALLOC:
		text_rank_line(term, rank, value_text(report, term, site, key).text,
			       units_share(value, totals->realloc_count).text);
		fprintf(out, "of %s; ", units_plural((int64_t)site->alloc_count, "allocation").text);
		break;
	}
	term_line(term, TERM_DIM, "%s allocated in %s", units_bytes((int64_t)site->alloc_bytes).text,
		  units_plural((int64_t)site->alloc_count, "call").text);
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
	fputs(units_plural((int64_t)count, "site").text, term->out);
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
