/* SPDX-License-Identifier: MIT */
/*
 * heaptrack's text format, version 3. It is a list of events, and a dump has sums: this makes up events that have these
 * sums. Of each site the numbers of blocks and bytes allocated, freed at once, live at the peak and live at the end
 * come out exactly; sizes are the average (two sizes, one byte apart), and the order between the peak and the points of
 * the timeline is made up, so that the curve of live bytes has the right peak and end and rises in proportion before.
 */
#include <inttypes.h>
#include <string.h>

#include "export.h"
#include "export_tree.h"
#include "stack_view.h"

/* A line per event: above this nobody would wait for the file to be read. */
#define EVENTS_MAX (1ull << 28)

struct amount {
	uint64_t blocks, bytes;
};

/* The blocks of one site by their fate. */
struct fate {
	struct amount kept;    /* live at the peak and at the end */
	struct amount peak;    /* live at the peak only */
	struct amount late;    /* live at the end only */
	struct amount passing; /* live at neither */
	uint64_t temporary;    /* of `passing` */
};

/* Blocks of one size and stack that are still to be told. */
struct batch {
	uint64_t info; /* number of the allocation info */
	uint64_t size;
	uint64_t blocks;
};

typedef VEC(struct batch) batch_list;

struct heaptrack {
	FILE *out;
	const struct report *report;
	struct export_tree tree;
	struct text_index strings;
	struct hash_map infos; /* hash of size and trace -> index */
	uint64_t info_count;
	batch_list temporary, passing, peak, kept, late;
	size_t rest;         /* first of `passing` that may have blocks left */
	size_t tick;         /* next point of the timeline */
	uint64_t live_bytes; /* of what was told so far, without passing blocks */
	uint64_t peak_bytes;
};

/* Definitions. */

/* Numbers start at 1. The text is written when it is new; 0 = none. */
static uint32_t define_string(struct heaptrack *h, const char *text)
{
	uint32_t number;
	bool is_new;

	if (!text)
		return 0;
	number = text_index_put(&h->strings, text, strlen(text), &is_new) + 1;
	if (is_new)
		fprintf(h->out, "s %zx %s\n", strlen(text), text);
	return number;
}

/* The first function is the innermost; those behind it are the ones it was inlined into. */
static void define_place(struct heaptrack *h, const struct export_place *place)
{
	VEC(uint32_t) fields = { 0 };

	vec_push(&fields) = define_string(h, place->frames[0].module);
	for (size_t i = 0; i < place->count; i++) {
		vec_push(&fields) = define_string(h, place->frames[i].function);
		vec_push(&fields) = define_string(h, place->frames[i].file);
		vec_push(&fields) = place->frames[i].line;
	}
	fprintf(h->out, "i %" PRIx64, place->pc);
	for (size_t i = 0; i < fields.count; i++)
		fprintf(h->out, " %" PRIx32, fields.list[i]);
	fputc('\n', h->out);
	vec_free(&fields);
}

/* Places and nodes in their order, so that places are ip 1, 2, 3... and node N of the tree is trace N. */
static void define_stacks(struct heaptrack *h)
{
	for (size_t i = 0; i < h->tree.places.count; i++)
		define_place(h, &h->tree.places.list[i]);
	for (size_t i = 1; i < h->tree.nodes.count; i++)
		fprintf(h->out, "t %" PRIx32 " %" PRIx32 "\n", h->tree.nodes.list[i].place + 1,
			h->tree.nodes.list[i].parent);
}

static uint64_t define_info(struct heaptrack *h, uint64_t size, uint32_t trace)
{
	bool is_new;
	uint64_t *index = hash_map_put(&h->infos, hash_u64(hash_u64(size) + trace), &is_new);

	if (is_new) {
		*index = h->info_count++;
		fprintf(h->out, "a %" PRIx64 " %" PRIx32 "\n", size, trace);
	}
	return *index;
}

/* Fates. */

static uint64_t clamped(int64_t value, uint64_t most)
{
	return value < 0 ? 0 : (uint64_t)value > most ? most : (uint64_t)value;
}

/*
 * Whether KEPT_BLOCKS of a site's blocks can have been live at the peak as well as at the end. If so, fills FATE:
 * blocks of each fate need bytes, and where there are no blocks there can be no bytes.
 */
static bool split(struct amount all, struct amount peak, struct amount end, uint64_t kept_blocks, struct fate *fate)
{
	uint64_t least = peak.bytes + end.bytes > all.bytes ? peak.bytes + end.bytes - all.bytes : 0;
	uint64_t most = peak.bytes < end.bytes ? peak.bytes : end.bytes;
	uint64_t passing_blocks = all.blocks - (peak.blocks + end.blocks - kept_blocks);
	uint64_t bytes = most;

	if (kept_blocks == peak.blocks)
		bytes = peak.bytes;
	if (kept_blocks == end.blocks)
		bytes = end.bytes;
	if (passing_blocks == 0)
		bytes = least;
	if (kept_blocks == 0)
		bytes = 0;
	if (bytes < least || bytes > most || (kept_blocks == peak.blocks && bytes != peak.bytes) ||
	    (kept_blocks == end.blocks && bytes != end.bytes) ||
	    (passing_blocks == 0 && bytes + all.bytes != peak.bytes + end.bytes))
		return false;
	fate->kept = (struct amount){ kept_blocks, bytes };
	fate->peak = (struct amount){ peak.blocks - kept_blocks, peak.bytes - bytes };
	fate->late = (struct amount){ end.blocks - kept_blocks, end.bytes - bytes };
	fate->passing = (struct amount){ passing_blocks, all.bytes - (peak.bytes + end.bytes - bytes) };
	return true;
}

/*
 * Something that fits the sums of SITE. The most blocks kept, the fewest, and one number between are enough to try: if
 * the truth is neither the most nor the fewest, any number between will do.
 */
static struct fate find_fate(const struct site *site)
{
	struct amount all = { site->alloc_count, site->alloc_bytes };
	struct amount peak = { clamped(site->peak_count, all.blocks), clamped(site->peak_bytes, all.bytes) };
	struct amount end = { clamped(site->live_count, all.blocks), clamped(site->live_bytes, all.bytes) };
	uint64_t most = peak.blocks < end.blocks ? peak.blocks : end.blocks;
	uint64_t least = peak.blocks + end.blocks > all.blocks ? peak.blocks + end.blocks - all.blocks : 0;
	struct fate fate = { 0 };

	if (!split(all, peak, end, most, &fate) && !split(all, peak, end, least, &fate) &&
	    !split(all, peak, end, least + (most - least) / 2, &fate)) {
		/* Sums that contradict each other, as those of a running program may: the end is what counts. */
		fate.late = end;
		fate.passing = (struct amount){ all.blocks - end.blocks, all.bytes - end.bytes };
	}
	fate.temporary = site->temporary_count < fate.passing.blocks ? site->temporary_count : fate.passing.blocks;
	return fate;
}

/* Of BLOCKS with BYTES in all, most get the average size, and so many a byte more that the sum is right. */
static void add_blocks(struct heaptrack *h, batch_list *list, struct amount amount, uint32_t trace)
{
	uint64_t size, larger;

	if (amount.blocks == 0)
		return;
	size = amount.bytes / amount.blocks;
	larger = amount.bytes % amount.blocks;
	vec_push(list) = (struct batch){ define_info(h, size, trace), size, amount.blocks - larger };
	if (larger > 0)
		vec_push(list) = (struct batch){ define_info(h, size + 1, trace), size + 1, larger };
}

static void add_site(struct heaptrack *h, const struct site *site)
{
	uint32_t trace = export_tree_node(&h->tree, site->stack);
	struct fate fate = find_fate(site);
	struct amount temporary = { fate.temporary, 0 };

	/* Temporary blocks get their share of the bytes, and the rest exactly what is left. */
	if (fate.passing.blocks > 0)
		temporary.bytes = fate.passing.bytes / fate.passing.blocks * fate.temporary;
	if (temporary.blocks == fate.passing.blocks)
		temporary.bytes = fate.passing.bytes;
	fate.passing.blocks -= temporary.blocks;
	fate.passing.bytes -= temporary.bytes;
	add_blocks(h, &h->temporary, temporary, trace);
	add_blocks(h, &h->passing, fate.passing, trace);
	add_blocks(h, &h->peak, fate.peak, trace);
	add_blocks(h, &h->kept, fate.kept, trace);
	add_blocks(h, &h->late, fate.late, trace);
	h->peak_bytes += fate.peak.bytes + fate.kept.bytes;
}

/* Events. */

static void put_clock(struct heaptrack *h, uint64_t time_ns, uint64_t rss_bytes)
{
	uint64_t start_ns = h->report->profile->process.start_ns;
	uint64_t page_bytes = h->report->profile->process.page_bytes;

	fprintf(h->out, "c %" PRIx64 "\n", time_ns > start_ns ? (time_ns - start_ns) / 1000000 : 0);
	if (rss_bytes > 0 && page_bytes > 0)
		fprintf(h->out, "R %" PRIx64 "\n", rss_bytes / page_bytes);
}

/* Points of the timeline before TIME_NS, up to where the heap was as large as it is now. */
static void advance(struct heaptrack *h, uint64_t time_ns, bool all)
{
	const struct profile *profile = h->report->profile;

	for (; h->tick < profile->tick_count && profile->ticks[h->tick].time_ns < time_ns; h->tick++) {
		const struct mp_tick *tick = &profile->ticks[h->tick];

		if (!all && tick->live_bytes >= (int64_t)h->live_bytes)
			break;
		put_clock(h, tick->time_ns, tick->rss_bytes);
	}
}

/* "+ INFO\n". A line for each allocation and free of the run: with fprintf() these took most of the time. */
static void put(struct heaptrack *h, char event, const struct batch *batch)
{
	char line[24];
	char *at = line + sizeof(line);
	uint64_t info = batch->info;

	*--at = '\n';
	do {
		*--at = "0123456789abcdef"[info & 15];
		info >>= 4;
	} while (info > 0);
	*--at = ' ';
	*--at = event;
	fwrite_unlocked(at, 1, (size_t)(line + sizeof(line) - at), h->out);
}

/*
 * Blocks that pass but are not temporary: two of different batches, each freed behind the allocation of the other, as
 * far as both fit below the peak.
 */
static void put_passing(struct heaptrack *h)
{
	struct batch *left = NULL;

	for (size_t i = 0; i < h->passing.count; i++) {
		struct batch *batch = &h->passing.list[i];

		for (; left && left->blocks > 0 && batch->blocks > 0 && left->info != batch->info; left->blocks--) {
			if (left->size + batch->size > h->peak_bytes)
				break;
			put(h, '+', left);
			put(h, '+', batch);
			put(h, '-', left);
			put(h, '-', batch);
			batch->blocks--;
		}
		if (batch->blocks > 0 && (!left || left->blocks == 0))
			left = batch;
	}
}

/* The next batch of passing blocks that found no partner; NULL = none that fits beside BATCH. */
static struct batch *next_rest(struct heaptrack *h, const struct batch *batch, bool same_allowed)
{
	struct batch *rest;

	while (h->rest < h->passing.count && h->passing.list[h->rest].blocks == 0)
		h->rest++;
	rest = h->rest < h->passing.count ? &h->passing.list[h->rest] : NULL;
	if (rest &&
	    ((!same_allowed && rest->info == batch->info) || h->live_bytes + rest->size + batch->size > h->peak_bytes))
		rest = NULL;
	return rest;
}

/*
 * A free right behind the allocation is what the reader counts as temporary. One behind another free is not: so what is
 * left of the passing blocks can go around these.
 */
static void put_temporary(struct heaptrack *h)
{
	for (size_t i = 0; i < h->temporary.count; i++) {
		for (uint64_t n = h->temporary.list[i].blocks; n > 0; n--) {
			struct batch *rest = next_rest(h, &h->temporary.list[i], true);

			if (rest)
				put(h, '+', rest);
			put(h, '+', &h->temporary.list[i]);
			put(h, '-', &h->temporary.list[i]);
			if (rest) {
				put(h, '-', rest);
				rest->blocks--;
			}
		}
	}
}

/* A block that stays until the peak; one of the passing blocks that are left may pass meanwhile. */
static void put_staying(struct heaptrack *h, const struct batch *batch)
{
	struct batch *rest = next_rest(h, batch, false);

	if (rest)
		put(h, '+', rest);
	put(h, '+', batch);
	if (rest) {
		put(h, '-', rest);
		rest->blocks--;
	}
	h->live_bytes += batch->size;
}

static void put_until_peak(struct heaptrack *h)
{
	const batch_list *lists[] = { &h->peak, &h->kept };

	put_passing(h);
	put_temporary(h);
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		for (size_t j = 0; j < lists[i]->count; j++) {
			for (uint64_t n = lists[i]->list[j].blocks; n > 0; n--) {
				advance(h, h->report->profile->peak_ns, false);
				put_staying(h, &lists[i]->list[j]);
			}
		}
	}
}

/* No partner was found: these will be taken for temporary ones. Here they cannot raise the peak. */
static void put_rest(struct heaptrack *h)
{
	for (size_t i = 0; i < h->passing.count; i++) {
		for (uint64_t n = h->passing.list[i].blocks; n > 0; n--) {
			put(h, '+', &h->passing.list[i]);
			put(h, '-', &h->passing.list[i]);
		}
	}
}

static void put_after_peak(struct heaptrack *h)
{
	const struct profile *profile = h->report->profile;

	advance(h, profile->peak_ns, true);
	put_clock(h, profile->peak_ns, 0);
	for (size_t i = 0; i < h->peak.count; i++) {
		for (uint64_t n = h->peak.list[i].blocks; n > 0; n--)
			put(h, '-', &h->peak.list[i]);
	}
	advance(h, UINT64_MAX, true);
	put_rest(h);
	for (size_t i = 0; i < h->late.count; i++) {
		for (uint64_t n = h->late.list[i].blocks; n > 0; n--)
			put(h, '+', &h->late.list[i]);
	}
	put_clock(h, profile->process.start_ns + profile_duration_ns(profile), 0);
}

/* The whole file. */

static void write_head(struct heaptrack *h)
{
	const struct profile *profile = h->report->profile;
	char remark[EXPORT_REMARK_BYTES];
	char *command = export_command(profile);

	/* The version of heaptrack whose files are like this one, and that of the format. */
	fprintf(h->out, "v 10400 3\n# %s\nX %s\nI %" PRIx32 " 0\n", export_remark(h->report, remark, sizeof(remark)),
		command, profile->process.page_bytes);
	free(command);
}

static bool check_size(const struct report *report, struct err *err)
{
	uint64_t events = 0;

	for (size_t i = 0; i < report->site_count; i++) {
		if (report->sites[i]->alloc_count > EVENTS_MAX)
			events = EVENTS_MAX;
		else
			events += report->sites[i]->alloc_count + report->sites[i]->free_count;
		if (events >= EVENTS_MAX)
			return err_set(err, report->profile->path, ERR_NO_OFFSET,
				       "a file for heaptrack has a line per allocation, and here are more than %llu; "
				       "--filter takes a part, other formats take all",
				       EVENTS_MAX / 2);
	}
	return true;
}

bool export_heaptrack(const struct export *export, struct err *err)
{
	struct heaptrack h = { .out = export->out, .report = export->reports[0] };

	if (!check_size(h.report, err))
		return false;
	write_head(&h);
	export_tree_init(&h.tree, h.report, EXPORT_SITES);
	define_stacks(&h);
	/* The reader takes number 0 for "no last allocation", so it must not be one that is freed. */
	define_info(&h, 0, 0);
	for (size_t i = 0; i < h.report->site_count; i++)
		add_site(&h, h.report->sites[i]);
	put_until_peak(&h);
	put_after_peak(&h);
	export_tree_free(&h.tree);
	text_index_free(&h.strings);
	hash_map_free(&h.infos);
	vec_free(&h.temporary);
	vec_free(&h.passing);
	vec_free(&h.peak);
	vec_free(&h.kept);
	vec_free(&h.late);
	return true;
}
