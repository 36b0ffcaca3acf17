/* SPDX-License-Identifier: MIT */
/* speedscope's own format: frames once, then a profile (a tab there) per thing measured. */
#include <inttypes.h>

#include "export.h"
#include "export_tree.h"
#include "leak_class.h"
#include "leak_view.h"
#include "samples.h"
#include "stack_view.h"

/* Profiles of allocation sites, the first is what opens. X(title, unit, value of a site) */
#define SITE_PROFILES(X)                                     \
	X("live at the peak", "bytes", site->peak_bytes)     \
	X("not freed", "bytes", site->live_bytes)            \
	X("allocated", "bytes", (int64_t)site->alloc_bytes)  \
	X("allocations", "none", (int64_t)site->alloc_count) \
	X("temporary allocations", "none", (int64_t)site->temporary_count)

/* Of one report. */
struct part {
	struct export_tree tree;
	struct leak_view leaks;
	uint32_t *frame_ids; /* in the file, by number in the tree */
};

struct speedscope {
	const struct export *export;
	struct text_index frames;
	bool any_profile;
	/* Of the report at hand. */
	const struct report *report;
	struct part *part;
	struct samples samples;
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

/* Frames come before all profiles, so everything that they will name must be in the tree. */
static void init_part(struct speedscope *s, struct part *part, const struct report *report)
{
	export_tree_init(&part->tree, report, EXPORT_ALL);
	leak_view_init(&part->leaks, report->profile, report->aggregate);
	for (size_t i = 0; i < part->leaks.leak_count; i++) {
		uint32_t stack = part->leaks.leaks[i].stack;

		if (!report->filter || filter_matches_stack(report->filter, stack))
			export_tree_node(&part->tree, stack);
	}
	part->frame_ids = write_frames(s, &part->tree);
}

static void write_stack(struct speedscope *s, uint32_t stack)
{
	uint32_t nodes[PROFILE_STACK_MAX + 1];
	const char *separator = "";
	size_t count = 0;

	for (uint32_t at = export_tree_node(&s->part->tree, stack); at && count <= PROFILE_STACK_MAX;
	     at = s->part->tree.nodes.list[at].parent)
		nodes[count++] = at;
	fputc('[', s->export->out);
	while (count-- > 0) {
		const struct export_place *place = export_tree_place(&s->part->tree, nodes[count]);

		for (size_t i = place->count; i-- > 0; separator = ",")
			fprintf(s->export->out, "%s%" PRIu32, separator, s->part->frame_ids[place->first_frame + i]);
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
	for (size_t i = 0; i < s->samples.all.count; i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		write_stack(s, s->samples.all.list[i].stack);
	}
	fputs("],\n\"weights\":[", out);
	for (size_t i = 0; i < s->samples.all.count; i++) {
		fprintf(out, "%s%" PRId64, i > 0 ? "," : "", s->samples.all.list[i].value);
		end += s->samples.all.list[i].value;
	}
	fprintf(out, "],\"endValue\":%" PRId64 "}", end);
	s->samples.all.count = 0;
	s->any_profile = true;
}

/* Widths cannot be negative: in the dump of a running program a site may be, for a moment. */
static void add_sample(struct speedscope *s, uint32_t stack, int64_t value)
{
	if (value > 0)
		vec_push(&s->samples.all) = (struct sample){ .stack = stack, .value = value };
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
	for (unsigned c = MP_LEAK_DEFINITE; s->part->leaks.scan.ran && c < MP_LEAK_UNFREED; c++) {
		samples_add_leaks(&s->samples, report, &s->part->leaks, 1u << c);
		write_profile(s, leak_class_text((enum mp_leak_class)c), "bytes");
	}
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
	struct part *parts = memory_zeroed(export->count, sizeof(*parts));
	char remark[EXPORT_REMARK_BYTES];
	char *command = export_command(export->reports[0]->profile);

	(void)err;
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n\"exporter\":", export->out);
	export_json_string(export->out, export_remark(export->reports[0], remark, sizeof(remark)));
	fputs(",\n\"name\":", export->out);
	export_json_string(export->out, command);
	fputs(",\n\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[", export->out);
	for (size_t i = 0; i < export->count; i++)
		init_part(&s, &parts[i], export->reports[i]);
	fputs("]},\n\"profiles\":[", export->out);
	for (size_t i = 0; i < export->count; i++) {
		s.report = export->reports[i];
		s.part = &parts[i];
		write_profiles(&s);
		export_tree_free(&parts[i].tree);
		leak_view_free(&parts[i].leaks);
		free(parts[i].frame_ids);
	}
	fputs("]}\n", export->out);
	vec_free(&s.samples.all);
	text_index_free(&s.frames);
	free(parts);
	free(command);
	return true;
}
