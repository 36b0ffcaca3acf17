/* SPDX-License-Identifier: MIT */
/*
 * DHAT's file, version 2. A program point there is a list of frames, each a line of text. Two with the same list are
 * refused by dh_view, so stacks that read alike are added up. What the format wants and memprof does not record: block
 * lifetimes are 0, and a point's own maximum is the larger of what it had at the two moments that are known.
 */
#include <inttypes.h>

#include "export.h"
#include "export_tree.h"
#include "stack_view.h"

struct point {
	uint64_t bytes, blocks;
	int64_t peak_bytes, peak_blocks;
	int64_t end_bytes, end_blocks;
	const char *key; /* numbers of the frames in the table, innermost first */
	size_t frames;
};

struct dhat {
	FILE *out;
	struct export_tree tree;
	struct text_index texts; /* the table of frames; [0] is "[root]" */
	uint32_t *ids;           /* by number of frame */
	struct text_index keys;  /* lists of frames, as numbers of 4 bytes */
	VEC(struct point) points;
};

/* "0x1234: function (file:line)", as DHAT writes it itself. */
static uint32_t frame_text(struct dhat *d, const struct export_place *place, const struct frame *frame)
{
	char buffer[256];
	const char *name = stack_view_name(frame, buffer, sizeof(buffer));
	const char *where = frame->file ? stack_view_base_name(frame->file) : frame->module ? frame->module : "";
	size_t bytes = strlen(name) + strlen(where) + 64;
	char *text = memory_resize(NULL, bytes, 1);
	uint32_t id;

	if (place->pc == 0)
		snprintf(text, bytes, "%s", name);
	else if (frame->file)
		snprintf(text, bytes, "0x%" PRIX64 ": %s (%s:%" PRIu32 ")", place->pc, name, where, frame->line);
	else if (frame->module)
		snprintf(text, bytes, "0x%" PRIX64 ": %s (in %s)", place->pc, name, where);
	else
		snprintf(text, bytes, "0x%" PRIX64 ": %s", place->pc, name);
	id = text_index_of(&d->texts, text);
	free(text);
	return id;
}

static void number_frames(struct dhat *d)
{
	text_index_of(&d->texts, "[root]");
	d->ids = memory_zeroed((size_t)d->tree.frame_count + 1, sizeof(*d->ids));
	for (size_t i = 0; i < d->tree.places.count; i++) {
		const struct export_place *place = &d->tree.places.list[i];

		for (size_t j = 0; j < place->count; j++)
			d->ids[place->first_frame + j] = frame_text(d, place, &place->frames[j]);
	}
}

static int64_t not_negative(int64_t value)
{
	return value > 0 ? value : 0;
}

static void add_site(struct dhat *d, const struct site *site)
{
	VEC(uint32_t) list = { 0 };
	struct point *point;
	uint32_t number;
	bool is_new;

	for (uint32_t at = export_tree_node(&d->tree, site->stack); at; at = d->tree.nodes.list[at].parent) {
		const struct export_place *place = export_tree_place(&d->tree, at);

		for (size_t i = 0; i < place->count; i++)
			vec_push(&list) = d->ids[place->first_frame + i];
	}
	number = text_index_put(&d->keys, (const char *)list.list, list.count * sizeof(*list.list), &is_new);
	if (is_new)
		vec_push(&d->points) = (struct point){ .key = d->keys.texts.list[number], .frames = list.count };
	vec_free(&list);
	point = &d->points.list[number];
	point->bytes += site->alloc_bytes;
	point->blocks += site->alloc_count;
	point->peak_bytes += not_negative(site->peak_bytes);
	point->peak_blocks += not_negative(site->peak_count);
	point->end_bytes += not_negative(site->live_bytes);
	point->end_blocks += not_negative(site->live_count);
}

static void write_point(FILE *out, const struct point *point)
{
	bool peak_is_more = point->peak_bytes >= point->end_bytes;

	fprintf(out, "{\"tb\":%" PRIu64 ",\"tbk\":%" PRIu64 ",\"tl\":0,\"mb\":%" PRId64 ",\"mbk\":%" PRId64,
		point->bytes, point->blocks, peak_is_more ? point->peak_bytes : point->end_bytes,
		peak_is_more ? point->peak_blocks : point->end_blocks);
	fprintf(out, ",\"gb\":%" PRId64 ",\"gbk\":%" PRId64 ",\"eb\":%" PRId64 ",\"ebk\":%" PRId64 ",\"fs\":[",
		point->peak_bytes, point->peak_blocks, point->end_bytes, point->end_blocks);
	for (size_t i = 0; i < point->frames; i++) {
		uint32_t id;

		memcpy(&id, point->key + i * sizeof(id), sizeof(id));
		fprintf(out, "%s%" PRIu32, i > 0 ? "," : "", id);
	}
	fputs("]}", out);
}

static void write_head(FILE *out, const struct profile *profile)
{
	uint64_t end_ns = profile_duration_ns(profile);
	uint64_t peak_ns = profile->peak_ns - profile->process.start_ns;
	char *command = export_command(profile);

	if (profile->peak_ns < profile->process.start_ns || peak_ns > end_ns)
		peak_ns = end_ns;
	fputs("{\"dhatFileVersion\":2,\"mode\":\"heap\",\"verb\":\"Allocated\",\"bklt\":true,\"bkacc\":false,"
	      "\"tu\":\"µs\",\"Mtu\":\"s\",\"tuth\":500,\n\"cmd\":",
	      out);
	export_json_string(out, command);
	fprintf(out, ",\"pid\":%" PRIu32 ",\"te\":%" PRIu64 ",\"tg\":%" PRIu64 ",\n\"pps\":[", profile->process.pid,
		end_ns / 1000, peak_ns / 1000);
	free(command);
}

bool export_dhat(const struct export *export, struct err *err)
{
	const struct report *report = export->reports[0];
	struct dhat d = { .out = export->out };

	(void)err;
	export_tree_init(&d.tree, report, EXPORT_SITES);
	number_frames(&d);
	for (size_t i = 0; i < report->site_count; i++)
		add_site(&d, report->sites[i]);
	write_head(d.out, report->profile);
	for (size_t i = 0; i < d.points.count; i++) {
		fputs(i > 0 ? ",\n" : "\n", d.out);
		write_point(d.out, &d.points.list[i]);
	}
	fputs("],\n\"ftbl\":[", d.out);
	for (size_t i = 0; i < d.texts.texts.count; i++) {
		fputs(i > 0 ? ",\n" : "\n", d.out);
		export_json_string(d.out, d.texts.texts.list[i]);
	}
	fputs("]}\n", d.out);
	export_tree_free(&d.tree);
	text_index_free(&d.texts);
	text_index_free(&d.keys);
	vec_free(&d.points);
	free(d.ids);
	return true;
}
