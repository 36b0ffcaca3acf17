/* SPDX-License-Identifier: MIT */
/* speedscope's own format: frames once, then a profile (a tab there) per thing measured. */
#include <inttypes.h>

#include "export.h"
#include "export_tree.h"
#include "stack_view.h"

/* Profiles of allocation sites, the first is what opens. X(title, unit, value of a site) */
#define SITE_PROFILES(X)                                     \
	X("live at the peak", "bytes", site->peak_bytes)     \
	X("not freed", "bytes", site->live_bytes)            \
	X("allocated", "bytes", (int64_t)site->alloc_bytes)  \
	X("allocations", "none", (int64_t)site->alloc_count) \
	X("temporary allocations", "none", (int64_t)site->temporary_count)

struct sample {
	uint32_t stack;
	int64_t value;
};

struct speedscope {
	const struct export *export;
	struct text_index frames;
	bool any_profile;
	/* Of the report at hand. */
	const struct report *report;
	struct export_tree *tree;
	uint32_t *frame_ids;
	VEC(struct sample) samples;
};

static void write_frame(FILE *out, const struct frame *frame)
{
	char buffer[256];

	fputs("{\"name\":", out);
	export_json_string(out, stack_view_name(frame, buffer, sizeof(buffer)));
	if (frame->file) {
		fputs(",\"file\":", out);
		export_json_string(out, frame->file);
	}
	if (frame->line)
		fprintf(out, ",\"line\":%" PRIu32, frame->line);
	fputc('}', out);
}

/* Writes the frames of TREE that no tree before had. Returns the number of each in the file. */
static uint32_t *write_frames(struct speedscope *s, const struct export_tree *tree)
{
	uint32_t *ids = memory_zeroed((size_t)tree->frame_count + 1, sizeof(*ids));

	for (size_t i = 0; i < tree->places.count; i++) {
		const struct export_place *place = &tree->places.list[i];

		for (size_t j = 0; j < place->count; j++) {
			const struct frame *frame = &place->frames[j];
			uint32_t *id = &ids[place->first_frame + j];
			bool is_new;

			*id = export_frame_number(&s->frames, frame, EXPORT_BY_FILE | EXPORT_BY_LINE, &is_new);
			if (!is_new)
				continue;
			fputs(*id > 0 ? ",\n" : "\n", s->export->out);
			write_frame(s->export->out, frame);
		}
	}
	return ids;
}

static void write_stack(struct speedscope *s, uint32_t stack)
{
	uint32_t nodes[PROFILE_STACK_MAX + 1];
	const char *separator = "";
	size_t count = 0;

	for (uint32_t at = export_tree_node(s->tree, stack); at && count <= PROFILE_STACK_MAX;
	     at = s->tree->nodes.list[at].parent)
		nodes[count++] = at;
	fputc('[', s->export->out);
	while (count-- > 0) {
		const struct export_place *place = export_tree_place(s->tree, nodes[count]);

		for (size_t i = place->count; i-- > 0; separator = ",")
			fprintf(s->export->out, "%s%" PRIu32, separator, s->frame_ids[place->first_frame + i]);
	}
	fputc(']', s->export->out);
}

/* A profile of s->samples, which it empties. */
static void write_profile(struct speedscope *s, const char *title, const char *unit)
{
	FILE *out = s->export->out;
	char prefix[128];
	char name[256];
	int64_t end = 0;

	snprintf(name, sizeof(name), "%s%s", export_prefix(s->export, s->report, prefix, sizeof(prefix)), title);
	fprintf(out, "%s\n{\"type\":\"sampled\",\"name\":", s->any_profile ? "," : "");
	export_json_string(out, name);
	fprintf(out, ",\"unit\":\"%s\",\"startValue\":0,\"samples\":[", unit);
	for (size_t i = 0; i < s->samples.count; i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		write_stack(s, s->samples.list[i].stack);
	}
	fputs("],\n\"weights\":[", out);
	for (size_t i = 0; i < s->samples.count; i++) {
		fprintf(out, "%s%" PRId64, i > 0 ? "," : "", s->samples.list[i].value);
		end += s->samples.list[i].value;
	}
	fprintf(out, "],\"endValue\":%" PRId64 "}", end);
	s->samples.count = 0;
	s->any_profile = true;
}

/* Widths cannot be negative: in the dump of a running program a site may be, for a moment. */
static void add_sample(struct speedscope *s, uint32_t stack, int64_t value)
{
	if (value > 0)
		vec_push(&s->samples) = (struct sample){ stack, value };
}

static void write_profiles(struct speedscope *s)
{
	const struct report *report = s->report;

#define X(title, unit, value)                               \
	for (size_t i = 0; i < report->site_count; i++) {   \
		const struct site *site = report->sites[i]; \
		add_sample(s, site->stack, value);          \
	}                                                   \
	write_profile(s, title, unit);
	SITE_PROFILES(X)
#undef X
	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock_class *lock = report->locks[i];

		for (size_t j = 0; j < lock->waiter_count; j++)
			add_sample(s, lock->waiters[j].stack, (int64_t)lock->waiters[j].wait_ns);
	}
	write_profile(s, "waiting", "nanoseconds");
}

bool export_speedscope(const struct export *export, struct err *err)
{
	struct speedscope s = { .export = export };
	struct export_tree *trees = memory_zeroed(export->count, sizeof(*trees));
	uint32_t **frame_ids = memory_zeroed(export->count, sizeof(*frame_ids));
	char remark[EXPORT_REMARK_BYTES];
	char *command = export_command(export->reports[0]->profile);

	(void)err;
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n\"exporter\":", export->out);
	export_json_string(export->out, export_remark(export->reports[0], remark, sizeof(remark)));
	fputs(",\n\"name\":", export->out);
	export_json_string(export->out, command);
	fputs(",\n\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[", export->out);
	for (size_t i = 0; i < export->count; i++) {
		export_tree_init(&trees[i], export->reports[i], EXPORT_ALL);
		frame_ids[i] = write_frames(&s, &trees[i]);
	}
	fputs("]},\n\"profiles\":[", export->out);
	for (size_t i = 0; i < export->count; i++) {
		s.report = export->reports[i];
		s.tree = &trees[i];
		s.frame_ids = frame_ids[i];
		write_profiles(&s);
		export_tree_free(&trees[i]);
		free(frame_ids[i]);
	}
	fputs("]}\n", export->out);
	vec_free(&s.samples);
	text_index_free(&s.frames);
	free(trees);
	free(frame_ids);
	free(command);
	return true;
}
