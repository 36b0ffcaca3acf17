/* SPDX-License-Identifier: MIT */
/*
 * The data of the HTML page: {"diff": false, "texts": ..., "strings": [...], "reports": [...]}. Each report has the
 * members of the JSON report under the same names, but stacks are numbers in a tree, and lists that can be long are
 * columns: fifty thousand sites as objects would be 30 MB. Frames name their texts by number in "strings".
 *
 *  "sites", "leaks"   {"node": [...], "id": [...], "alloc_count": [...], ...}; "leaks".site is an id of a site;
 *                     "sites".sizes are the classes of each site, four numbers for each; "sites".lifetimes the blocks
 *                     observed, their mean age, how many others freed, and the classes, three numbers for each;
 *                     "sites".reallocs how they grew, nine numbers
 *  "frames"           {"name", "file", "line", "module", "inlined"}: name, file and module are strings, -1 = unknown
 *  "places"           the frames of one address, innermost first
 *  "nodes"            {"parent", "place"}: node 0 is none; parent as the distance to it, 0 = outermost
 */
#include <inttypes.h>

#include "export.h"
#include "export_tree.h"
#include "html.h"
#include "json_out.h"
#include "leak_class.h"
#include "lifetimes.h"
#include "size_classes.h"
#include "stack_key.h"
#include "stack_view.h"
#include "units.h"

/* X(member of struct site, printf conversion): JSON names are the same. */
#define SITE_COLUMNS(X)            \
	X(alloc_count, PRIu64)     \
	X(alloc_bytes, PRIu64)     \
	X(free_count, PRIu64)      \
	X(free_bytes, PRIu64)      \
	X(live_count, PRId64)      \
	X(live_bytes, PRId64)      \
	X(peak_count, PRId64)      \
	X(peak_bytes, PRId64)      \
	X(temporary_count, PRIu64) \
	X(realloc_count, PRIu64)   \
	X(freed_elsewhere_count, PRIu64) \
	X(freed_elsewhere_bytes, PRIu64)

/* X(JSON name, ranking key whose standard error it is) */
#define SITE_ERROR_COLUMNS(X)   \
	X("alloc_count", COUNT) \
	X("alloc_bytes", BYTES) \
	X("live_bytes", LIVE)   \
	X("peak_bytes", PEAK)   \
	X("temporary_count", TEMPORARY)

struct page_data {
	const struct html *html;
	FILE *out;
	struct text_index strings;
	struct strtab keys; /* names in keys of stacks, the same for all reports */
};

/* Of the report at hand. */
struct page_report {
	struct page_data *data;
	const struct report *report;
	FILE *out;
	struct export_tree tree;
	struct leak_view leaks;
	struct text_index frame_index;
	VEC(const struct frame *) frames;
};

static int64_t string_number(struct page_data *data, const char *text)
{
	return text ? (int64_t)text_index_of(&data->strings, text) : -1;
}

/* "name":[...] of COUNT values; I is the index. The first column of a list has no comma in front. */
#define COLUMN(out, comma, name, count, format, value)                         \
	do {                                                                   \
		fprintf(out, "%s\"%s\":[", comma, name);                       \
		for (size_t i = 0; i < (count); i++)                           \
			fprintf(out, "%s%" format, i > 0 ? "," : "", (value)); \
		fputc(']', out);                                               \
	} while (0)

/* ,"sizes":[[from, to, count, bytes, and so on], ...] or null, as in the JSON report. */
static void write_sizes(const struct page_report *page)
{
	const struct report *report = page->report;
	FILE *out = page->out;

	if (!(report->profile->process.features & MP_FEATURE_SIZES)) {
		fputs(",\n\"sizes\":null", out);
		return;
	}
	fputs(",\n\"sizes\":[", out);
	for (size_t i = 0; i < report->site_count; i++) {
		const struct site *site = report->sites[i];

		fputs(i > 0 ? ",[" : "[", out);
		for (size_t j = 0; j < site->size_count; j++)
			fprintf(out, "%s%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, j > 0 ? "," : "",
				size_class_from(site->sizes[j].size_class), size_class_to(site->sizes[j].size_class),
				site->sizes[j].count, site->sizes[j].bytes);
		fputc(']', out);
	}
	fputc(']', out);
}

static void write_lifetime_classes(FILE *out, const struct lifetime_sum *sum)
{
	for (uint32_t k = 0; k < MP_LIFETIME_CLASSES; k++) {
		if (!sum->counts[k])
			continue;
		fprintf(out, ",%" PRIu64, lifetime_from_ns(k));
		if (k < MP_LIFETIME_CLASSES - 1)
			fprintf(out, ",%" PRIu64, lifetime_to_ns(k) - 1);
		else
			fputs(",null", out);
		fprintf(out, ",%" PRIu64, sum->counts[k] * MP_LIFETIME_EVERY);
	}
}

/*
 * ,"lifetimes":[[observed, mean_ns, freed_elsewhere_count, from_ns, to_ns, count, and so on], ...]: the numbers of the
 * JSON report; [] where no block was observed.
 */
static void write_lifetimes(const struct page_report *page)
{
	FILE *out = page->out;

	fputs(",\n\"lifetimes\":[", out);
	for (size_t i = 0; i < page->report->site_count; i++) {
		const struct lifetime_sum *sum = page->report->sites[i]->lifetimes;

		fputs(i > 0 ? ",[" : "[", out);
		if (sum) {
			fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64, sum->observed, lifetime_mean_ns(sum),
				sum->elsewhere * MP_LIFETIME_EVERY);
			write_lifetime_classes(out, sum);
		}
		fputc(']', out);
	}
	fputc(']', out);
}

/* ,"reallocs":[[REALLOC_NUMBERS], ...], empty where there are none */
static void write_reallocs(const struct page_report *page)
{
	FILE *out = page->out;

	fputs(",\n\"reallocs\":[", out);
	for (size_t i = 0; i < page->report->site_count; i++) {
		const struct realloc_sum *sum = page->report->sites[i]->reallocs;
		const char *separator = "";

		fputs(i > 0 ? ",[" : "[", out);
		if (sum) {
#define X(field)                                                 \
	fprintf(out, "%s%" PRIu64, separator, sum->field); \
	separator = ",";
			REALLOC_NUMBERS(X)
#undef X
		}
		fputc(']', out);
	}
	fputc(']', out);
}

static void write_sites(struct page_report *page)
{
	const struct report *report = page->report;
	const struct site *const *sites = report->sites;
	size_t count = report->site_count;
	FILE *out = page->out;

	aggregate_rank_sites(report->sites, count, report->options->key);
	fputs(",\n\"sites\":{", out);
	COLUMN(out, "", "node", count, PRIu32, export_tree_node(&page->tree, sites[i]->stack));
	COLUMN(out, ",\n", "id", count, PRIu32, sites[i]->stack);
#define X(field, format) COLUMN(out, ",\n", #field, count, format, sites[i]->field);
	SITE_COLUMNS(X)
#undef X
	write_sizes(page);
	write_lifetimes(page);
	write_reallocs(page);
	if (profile_is_sampled(report->profile)) {
#define X(name, key) COLUMN(out, ",\n", name "_stderr", count, PRIu64, site_value_error(sites[i], SITE_KEY_##key));
		SITE_ERROR_COLUMNS(X)
#undef X
	}
	if (page->data->html->diff) {
		struct stack_keys *keys = stack_keys_new(report->profile, report->symbols, &page->data->keys);

		COLUMN(out, ",\n", "key", count, PRIu64, stack_keys_hash(keys, sites[i]->stack) >> 11);
		stack_keys_free(keys);
	}
	fputc('}', out);
}

static void write_leaks(struct page_report *page)
{
	const struct filter *filter = page->report->filter;
	const struct leak_view *view = &page->leaks;
	const struct leak **leaks = memory_zeroed(view->leak_count, sizeof(*leaks));
	size_t count = 0;
	FILE *out = page->out;

	for (size_t i = 0; i < view->leak_count; i++) {
		if (!filter || filter_matches_stack(page->report->filter, view->leaks[i].stack))
			leaks[count++] = &view->leaks[i];
	}
	fputs(",\n\"leaks\":{", out);
	COLUMN(out, "", "node", count, PRIu32, export_tree_node(&page->tree, leaks[i]->stack));
	COLUMN(out, ",\n", "class", count, "d", (int)leaks[i]->leak_class);
	COLUMN(out, ",\n", "count", count, PRIu64, leaks[i]->count);
	COLUMN(out, ",\n", "bytes", count, PRIu64, leaks[i]->bytes);
	COLUMN(out, ",\n", "site", count, PRIu32, leaks[i]->stack);
	COLUMN(out, ",\n", "owner", count, PRIu32, leaks[i]->owner);
	COLUMN(out, ",\n", "indirect_count", count, PRIu64, leaks[i]->held_count);
	COLUMN(out, ",\n", "indirect_bytes", count, PRIu64, leaks[i]->held_bytes);
	COLUMN(out, ",\n", "cycle_count", count, PRIu64, leaks[i]->cycle_count);
	fputc('}', out);
	free(leaks);
}

/* Frames of the same text are one. After all that adds nodes to the tree. */
static void write_places(struct page_report *page)
{
	const struct export_tree *tree = &page->tree;
	FILE *out = page->out;

	fputs(",\n\"places\":[", out);
	for (size_t i = 0; i < tree->places.count; i++) {
		const struct export_place *place = &tree->places.list[i];

		fputs(i > 0 ? ",[" : "[", out);
		for (size_t j = 0; j < place->count; j++) {
			const struct frame *frame = &place->frames[j];
			bool is_new;
			uint32_t number = export_frame_number(
				&page->frame_index, frame, EXPORT_BY_FILE | EXPORT_BY_LINE | EXPORT_BY_MODULE, &is_new);

			if (is_new)
				vec_push(&page->frames) = frame;
			fprintf(out, "%s%" PRIu32, j > 0 ? "," : "", number);
		}
		fputc(']', out);
	}
	fputc(']', out);
}

static int64_t name_number(struct page_data *data, const struct frame *frame)
{
	char buffer[256];

	return string_number(data, stack_view_name(frame, buffer, sizeof(buffer)));
}

static void write_tree(struct page_report *page)
{
	const struct export_tree *tree = &page->tree;
	struct page_data *data = page->data;
	size_t frame_count;
	FILE *out = page->out;

	write_places(page);
	frame_count = page->frames.count;
	fputs(",\n\"frames\":{", out);
	COLUMN(out, "", "name", frame_count, PRId64, name_number(data, page->frames.list[i]));
	COLUMN(out, ",\n", "file", frame_count, PRId64, string_number(data, page->frames.list[i]->file));
	COLUMN(out, ",\n", "line", frame_count, PRIu32, page->frames.list[i]->line);
	COLUMN(out, ",\n", "module", frame_count, PRId64, string_number(data, page->frames.list[i]->module));
	COLUMN(out, ",\n", "inlined", frame_count, "d", page->frames.list[i]->inlined);
	fputs("},\n\"nodes\":{", out);
	COLUMN(out, "", "parent", tree->nodes.count, PRIu64,
	       tree->nodes.list[i].parent ? (uint64_t)(i - tree->nodes.list[i].parent) : 0);
	COLUMN(out, ",\n", "place", tree->nodes.count, PRIu32, tree->nodes.list[i].place);
	fputc('}', out);
}

static void write_report(struct page_data *data, const struct report *report)
{
	struct page_report page = { .data = data, .report = report, .out = data->out };
	struct json_out json = { .report = report, .out = data->out, .tree = &page.tree };

	export_tree_init(&page.tree, report, EXPORT_ALL);
	leak_view_init(&page.leaks, report->profile, report->aggregate);
	json_out_head(&json, &page.leaks);
	json_out_times(&json);
	json_out_locks(&json);
	write_sites(&page);
	write_leaks(&page);
	write_tree(&page);
	json_out_warnings(&json);
	fputs("\n}", data->out);
	leak_view_free(&page.leaks);
	export_tree_free(&page.tree);
	text_index_free(&page.frame_index);
	vec_free(&page.frames);
}

static void write_text(FILE *out, const char *key, const char *text, const char *separator)
{
	export_json_string(out, key);
	fputc(':', out);
	export_json_string(out, text);
	fputs(separator, out);
}

/* What people read in place of the words of the JSON report. */
static void write_texts(FILE *out)
{
	fputs("\"texts\":{\"losses\":{", out);
#define X(name, number, json, text) write_text(out, json, text, ",\n");
	MP_LOSSES(X)
#undef X
	fputs("\"\":null},\"marks\":{", out);
#define X(name, number, text) write_text(out, #name, text, ",\n");
	MP_STACK_MARK_LIST(X)
#undef X
	fputs("\"\":null},\"bonds\":{", out);
#define X(name, word, text) write_text(out, word, text, ",\n");
	LOCK_BONDS(X)
#undef X
	fputs("\"\":null},\"leaks\":[null", out);
	for (unsigned i = MP_LEAK_DEFINITE; i < LEAK_CLASS_END; i++) {
		fputs(",{", out);
		write_text(out, "word", leak_class_word((enum mp_leak_class)i), ",");
		write_text(out, "text", leak_class_text((enum mp_leak_class)i), "}");
	}
	fputs("]}", out);
}

void html_write_data(const struct html *html, FILE *out)
{
	struct page_data data = { .html = html, .out = out };

	fprintf(out, "{\"version\":\"" MP_VERSION "\",\"diff\":%s,\n", html->diff ? "true" : "false");
	write_texts(out);
	fputs(",\n\"reports\":[", out);
	for (size_t i = 0; i < html->count; i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		write_report(&data, html->reports[i]);
	}
	fputs("],\n\"strings\":[", out);
	for (size_t i = 0; i < data.strings.texts.count; i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		export_json_string(out, data.strings.texts.list[i]);
	}
	fputs("]}\n", out);
	text_index_free(&data.strings);
	strtab_free(&data.keys);
}
