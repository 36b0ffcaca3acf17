/* SPDX-License-Identifier: MIT */
/*
 * massif's file: the points of the timeline as snapshots, with the tree of who held what at the peak and at the end.
 * ms_print shows at most some hundred columns, so of more points every n-th is kept.
 */
#include <inttypes.h>

#include "export.h"
#include "export_tree.h"
#include "stack_view.h"

#define SNAPSHOTS_MAX 200
/* As massif's own default: what is below this share of the total is summed up in one line. */
#define THRESHOLD_PERCENT 1

/* Part of the tree, the innermost frames being next to the root. Children are a list. */
struct branch {
	const struct frame *frame; /* NULL: the root */
	uint64_t pc;
	uint32_t child, sibling; /* 0 = none */
	int64_t bytes;
};

struct massif {
	FILE *out;
	const struct report *report;
	struct export_tree tree;
	VEC(struct branch) branches; /* [0] is the root */
	struct hash_map branch_of;   /* parent and number of the frame -> index */
	int64_t threshold_bytes;
	uint32_t snapshot;
};

/* The sum of one snapshot's tree; bytes of a site that are not there or negative (a running program) do not count. */
static void add_site(struct massif *m, uint32_t stack, int64_t bytes)
{
	uint32_t branch = 0;

	if (bytes <= 0)
		return;
	m->branches.list[0].bytes += bytes;
	for (uint32_t at = export_tree_node(&m->tree, stack); at; at = m->tree.nodes.list[at].parent) {
		const struct export_place *place = export_tree_place(&m->tree, at);

		for (size_t i = 0; i < place->count; i++) {
			bool is_new;
			uint64_t *index =
				hash_map_put(&m->branch_of, (uint64_t)branch << 32 | (place->first_frame + i), &is_new);

			if (is_new) {
				*index = m->branches.count;
				vec_push(&m->branches) = (struct branch){ .frame = &place->frames[i],
									  .pc = place->pc,
									  .sibling = m->branches.list[branch].child };
				m->branches.list[branch].child = (uint32_t)*index;
			}
			branch = (uint32_t)*index;
			m->branches.list[branch].bytes += bytes;
		}
	}
}

static int compare_branches(const void *a, const void *b, void *context)
{
	const struct massif *m = context;
	const struct branch *left = &m->branches.list[*(const uint32_t *)a];
	const struct branch *right = &m->branches.list[*(const uint32_t *)b];

	if (left->bytes != right->bytes)
		return left->bytes > right->bytes ? -1 : 1;
	return *(const uint32_t *)a < *(const uint32_t *)b ? -1 : 1;
}

/* Readers take '#' for the start of a comment, wherever it stands. */
static void write_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text == '#' ? '@' : *text, out);
}

static void write_label(FILE *out, const struct branch *branch)
{
	const struct frame *frame = branch->frame;
	char buffer[256];

	if (!frame) {
		fputs("(heap allocation functions) malloc/new/new[], --alloc-fns, etc.", out);
		return;
	}
	if (branch->pc)
		fprintf(out, "0x%" PRIX64 ": ", branch->pc);
	write_text(out, stack_view_name(frame, buffer, sizeof(buffer)));
	if (frame->file) {
		fputs(" (", out);
		write_text(out, stack_view_base_name(frame->file));
		fprintf(out, ":%" PRIu32 ")", frame->line);
	} else if (frame->module) {
		fputs(" (in ", out);
		write_text(out, frame->module);
		fputc(')', out);
	}
}

static void write_branch(struct massif *m, uint32_t index, int depth)
{
	const struct branch *branch = &m->branches.list[index];
	VEC(uint32_t) shown = { 0 };
	int64_t rest_bytes = 0;
	size_t rest = 0;

	for (uint32_t child = branch->child; child; child = m->branches.list[child].sibling) {
		if (m->branches.list[child].bytes >= m->threshold_bytes) {
			vec_push(&shown) = child;
		} else {
			rest_bytes += m->branches.list[child].bytes;
			rest++;
		}
	}
	if (shown.count > 0)
		qsort_r(shown.list, shown.count, sizeof(*shown.list), compare_branches, m);
	fprintf(m->out, "%*sn%zu: %" PRId64 " ", depth, "", shown.count + (rest > 0), branch->bytes);
	write_label(m->out, branch);
	fputc('\n', m->out);
	for (size_t i = 0; i < shown.count; i++)
		write_branch(m, shown.list[i], depth + 1);
	if (rest > 0)
		fprintf(m->out, "%*sn0: %" PRId64 " in %zu place%s, %sbelow massif's threshold (%d.00%%)\n", depth + 1,
			"", rest_bytes, rest, rest > 1 ? "s" : "", rest > 1 ? "all " : "", THRESHOLD_PERCENT);
	vec_free(&shown);
}

/* Snapshots. */

static void write_snapshot(struct massif *m, uint64_t time_ns, int64_t bytes, const char *tree)
{
	fprintf(m->out,
		"#-----------\nsnapshot=%" PRIu32 "\n#-----------\ntime=%" PRIu64 "\nmem_heap_B=%" PRId64
		"\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n",
		m->snapshot++, time_ns / 1000000, bytes > 0 ? bytes : 0, tree);
}

static void write_detailed(struct massif *m, uint64_t time_ns, bool peak)
{
	m->branches.count = 0;
	hash_map_free(&m->branch_of);
	vec_push(&m->branches) = (struct branch){ 0 };
	for (size_t i = 0; i < m->report->site_count; i++) {
		const struct site *site = m->report->sites[i];

		add_site(m, site->stack, peak ? site->peak_bytes : site->live_bytes);
	}
	m->threshold_bytes = m->branches.list[0].bytes / (100 / THRESHOLD_PERCENT);
	write_snapshot(m, time_ns, m->branches.list[0].bytes, peak ? "peak" : "detailed");
	write_branch(m, 0, 0);
}

static void write_snapshots(struct massif *m)
{
	const struct profile *profile = m->report->profile;
	uint64_t start_ns = profile->process.start_ns;
	uint64_t end_ns = profile_duration_ns(profile);
	uint64_t peak_ns = profile->peak_ns > start_ns ? profile->peak_ns - start_ns : 0;
	size_t step = profile->tick_count / SNAPSHOTS_MAX + 1;
	bool peak_done = false;

	peak_ns = peak_ns < end_ns ? peak_ns : end_ns;
	write_snapshot(m, 0, 0, "empty");
	for (size_t i = 0; i < profile->tick_count; i += step) {
		const struct mp_tick *tick = &profile->ticks[i];
		uint64_t time_ns = tick->time_ns - start_ns;

		if (time_ns >= peak_ns && !peak_done) {
			write_detailed(m, peak_ns, true);
			peak_done = true;
		}
		/* The peak is said once, exactly, with its tree. */
		if (time_ns < end_ns && (uint64_t)tick->live_bytes != profile->peak_bytes)
			write_snapshot(m, time_ns, tick->live_bytes, "empty");
	}
	if (!peak_done)
		write_detailed(m, peak_ns, true);
	write_detailed(m, end_ns, false);
}

bool export_massif(const struct export *export, struct err *err)
{
	struct massif m = { .out = export->out, .report = export->reports[0] };
	char remark[EXPORT_REMARK_BYTES];
	char *command = export_command(m.report->profile);

	(void)err;
	fprintf(m.out, "desc: %s\ncmd: ", export_remark(m.report, remark, sizeof(remark)));
	write_text(m.out, command);
	fputs("\ntime_unit: ms\n", m.out);
	export_tree_init(&m.tree, m.report, EXPORT_SITES);
	write_snapshots(&m);
	export_tree_free(&m.tree);
	hash_map_free(&m.branch_of);
	vec_free(&m.branches);
	free(command);
	return true;
}
