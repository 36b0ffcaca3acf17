/* SPDX-License-Identifier: MIT */
/*
 * The processed format of the Firefox Profiler, version 66 (it upgrades what is older than itself). All tables are
 * columns. Each thing measured is a "thread" whose samples are the stacks, weighed with bytes or time; the timeline is
 * a counter, which the profiler draws as its memory track.
 */
#include <inttypes.h>
#include <string.h>

#include "export.h"
#include "export_tree.h"
#include "stack_view.h"

#define VERSION       66
#define GECKO_VERSION 24

/* Threads made of allocation sites. X(name, value of a site) */
#define SITE_THREADS(X)                         \
	X("live at the peak", site->peak_bytes) \
	X("not freed", site->live_bytes)        \
	X("allocated", (int64_t)site->alloc_bytes)

/* One frame of a stack with what is outside of it. Inlined frames are rows of their own. */
struct row {
	uint32_t prefix; /* row + 1, 0 = none */
	uint32_t frame;
};

/* One column per field; frames of all reports are in one table. */
struct frame_row {
	const struct frame *frame;
	uint32_t func;
	uint32_t depth; /* of inlining, 0 = not inlined */
};

struct func_row {
	uint32_t name;    /* index of a string */
	int64_t resource; /* -1 = none */
	int64_t source;   /* -1 = none */
};

struct sample {
	uint32_t row;
	int64_t value;
};

struct firefox {
	FILE *out;
	const struct export *export;
	struct text_index strings;
	struct text_index functions;
	struct text_index libraries; /* paths */
	struct text_index sources;   /* paths */
	VEC(struct func_row) funcs;
	VEC(struct frame_row) frames;
	VEC(struct row) rows;
	struct export_tree *trees;
	uint32_t **row_of_node; /* by tree: row + 1 */
	size_t thread_count;
	size_t first_thread; /* of the process at hand */
	VEC(struct sample) samples;
};

/* Tables. */

static uint32_t add_func(struct firefox *f, const struct frame *frame)
{
	bool is_new;
	uint32_t number = export_frame_number(&f->functions, frame, EXPORT_BY_FILE | EXPORT_BY_MODULE, &is_new);
	char buffer[256];

	if (is_new)
		vec_push(&f->funcs) = (struct func_row){
			.name = text_index_of(&f->strings, stack_view_name(frame, buffer, sizeof(buffer))),
			.resource = frame->module ? (int64_t)text_index_of(&f->libraries, frame->module) : -1,
			.source = frame->file ? (int64_t)text_index_of(&f->sources, frame->file) : -1,
		};
	return number;
}

/* Frames of a place in their order, outermost last: the depth of inlining counts from there. */
static uint32_t *add_frames(struct firefox *f, const struct export_tree *tree)
{
	uint32_t first = (uint32_t)f->frames.count;
	uint32_t *rows = memory_zeroed(tree->nodes.count, sizeof(*rows));

	for (size_t i = 0; i < tree->places.count; i++) {
		const struct export_place *place = &tree->places.list[i];

		for (size_t j = 0; j < place->count; j++)
			vec_push(&f->frames) = (struct frame_row){
				.frame = &place->frames[j],
				.func = add_func(f, &place->frames[j]),
				.depth = (uint32_t)(place->count - 1 - j),
			};
	}
	for (size_t i = 1; i < tree->nodes.count; i++) {
		const struct export_place *place = export_tree_place(tree, (uint32_t)i);
		uint32_t prefix = rows[tree->nodes.list[i].parent];

		for (size_t j = place->count; j-- > 0;) {
			vec_push(&f->rows) = (struct row){ prefix, first + place->first_frame + (uint32_t)j };
			prefix = (uint32_t)f->rows.count;
		}
		rows[i] = prefix;
	}
	return rows;
}

/* "KEY":[...], with an element per I below COUNT; ELEMENT is an expression of type int64_t. */
#define COLUMN(f, key, count, element)                                                         \
	do {                                                                                   \
		fputs("\"" key "\":[", (f)->out);                                              \
		for (size_t i = 0; i < (count); i++)                                           \
			fprintf((f)->out, "%s%" PRId64, i > 0 ? "," : "", (int64_t)(element)); \
		fputs("],", (f)->out);                                                         \
	} while (0)

/* A column whose elements are all the same text. */
static void write_same(FILE *out, const char *key, size_t count, const char *element)
{
	fprintf(out, "\"%s\":[", key);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s", i > 0 ? "," : "", element);
	fputs("],", out);
}

static void end_table(FILE *out, size_t length)
{
	fprintf(out, "\"length\":%zu},\n", length);
}

static void write_strings(FILE *out, const char *key, const struct text_index *index, const char *end)
{
	fprintf(out, "\"%s\":[", key);
	for (size_t i = 0; i < index->texts.count; i++) {
		fputs(i > 0 ? ",\n" : "\n", out);
		export_json_string(out, index->texts.list[i]);
	}
	fprintf(out, "]%s", end);
}

static void write_stack_table(struct firefox *f)
{
	fputs("\"stackTable\":{", f->out);
	COLUMN(f, "frame", f->rows.count, f->rows.list[i].frame);
	COLUMN(f, "prefixOffset", f->rows.count, f->rows.list[i].prefix ? i + 1 - f->rows.list[i].prefix : 0);
	end_table(f->out, f->rows.count);
}

static int64_t frame_address(const struct frame_row *row)
{
	return row->frame->module ? (int64_t)row->frame->offset - 1 : -1;
}

static void write_lines(const struct firefox *f)
{
	fputs("\"line\":[", f->out);
	for (size_t i = 0; i < f->frames.count; i++) {
		uint32_t line = f->frames.list[i].frame->line;

		fputs(i > 0 ? "," : "", f->out);
		if (line > 0)
			fprintf(f->out, "%" PRIu32, line);
		else
			fputs("null", f->out);
	}
	fputs("],", f->out);
}

static void write_frame_table(struct firefox *f)
{
	size_t count = f->frames.count;

	fputs("\"frameTable\":{", f->out);
	COLUMN(f, "func", count, f->frames.list[i].func);
	COLUMN(f, "category", count, 0);
	COLUMN(f, "subcategory", count, 0);
	write_lines(f);
	write_same(f->out, "column", count, "null");
	COLUMN(f, "address", count, frame_address(&f->frames.list[i]));
	write_same(f->out, "nativeSymbol", count, "null");
	COLUMN(f, "inlineDepth", count, f->frames.list[i].depth);
	COLUMN(f, "innerWindowID", count, 0);
	write_same(f->out, "originalLocation", count, "null");
	end_table(f->out, count);
}

static void write_func_table(struct firefox *f)
{
	size_t count = f->funcs.count;

	fputs("\"funcTable\":{", f->out);
	COLUMN(f, "name", count, f->funcs.list[i].name);
	write_same(f->out, "isJS", count, "false");
	write_same(f->out, "relevantForJS", count, "false");
	COLUMN(f, "resource", count, f->funcs.list[i].resource);
	fputs("\"source\":[", f->out);
	for (size_t i = 0; i < count; i++) {
		fputs(i > 0 ? "," : "", f->out);
		if (f->funcs.list[i].source >= 0)
			fprintf(f->out, "%" PRId64, f->funcs.list[i].source);
		else
			fputs("null", f->out);
	}
	fputs("],", f->out);
	write_same(f->out, "lineNumber", count, "null");
	write_same(f->out, "columnNumber", count, "null");
	write_same(f->out, "originalLocation", count, "null");
	end_table(f->out, count);
}

/* A resource is a library here, under the same number. */
static void write_resources(struct firefox *f)
{
	size_t count = f->libraries.texts.count;
	size_t source_count = f->sources.texts.count;

	fputs("\"resourceTable\":{", f->out);
	COLUMN(f, "lib", count, i);
	COLUMN(f, "name", count, text_index_of(&f->strings, stack_view_base_name(f->libraries.texts.list[i])));
	write_same(f->out, "host", count, "null");
	write_same(f->out, "type", count, "1");
	end_table(f->out, count);
	fputs("\"sources\":{", f->out);
	write_same(f->out, "id", source_count, "null");
	COLUMN(f, "filename", source_count, text_index_of(&f->strings, f->sources.texts.list[i]));
	COLUMN(f, "startLine", source_count, 1);
	COLUMN(f, "startColumn", source_count, 1);
	write_same(f->out, "sourceMapURL", source_count, "null");
	write_same(f->out, "content", source_count, "null");
	end_table(f->out, source_count);
	fputs("\"sourceLocationTable\":{\"length\":0,\"source\":[],\"line\":[],\"column\":[]},\n"
	      "\"nativeSymbols\":{\"length\":0,\"address\":[],\"functionSize\":[],\"libIndex\":[],\"name\":[]},\n",
	      f->out);
}

/* Their texts, before all texts are written. */
static void add_marks(struct firefox *f, const struct profile *profile)
{
	for (size_t i = 0; i < profile->mark_name_count; i++) {
		if (profile->mark_names[i].text)
			text_index_of(&f->strings, profile->mark_names[i].text);
	}
}

static void write_shared(struct firefox *f)
{
	fputs("\"shared\":{", f->out);
	write_stack_table(f);
	write_frame_table(f);
	write_func_table(f);
	write_resources(f);
	write_strings(f->out, "stringArray", &f->strings, "},\n");
}

/* Build id of the module with this path, in hexadecimal; of several the first. */
static void write_build_id(struct firefox *f, const char *path)
{
	for (size_t i = 0; i < f->export->count; i++) {
		const struct profile *profile = f->export->reports[i]->profile;

		for (size_t j = 0; j < profile->module_count; j++) {
			const struct profile_module *module = &profile->modules[j];

			if (!module->path || strcmp(module->path, path) != 0 || module->build_id_bytes == 0 ||
			    profile->anonymous)
				continue;
			for (uint32_t k = 0; k < module->build_id_bytes; k++)
				fprintf(f->out, "%02x", module->build_id[k]);
			return;
		}
	}
}

static void write_libraries(struct firefox *f)
{
	fputs("\"libs\":[", f->out);
	for (size_t i = 0; i < f->libraries.texts.count; i++) {
		const char *path = f->libraries.texts.list[i];
		const char *name = stack_view_base_name(path);

		fputs(i > 0 ? ",\n{\"name\":" : "\n{\"name\":", f->out);
		export_json_string(f->out, name);
		fputs(",\"path\":", f->out);
		export_json_string(f->out, path);
		fputs(",\"debugName\":", f->out);
		export_json_string(f->out, name);
		fputs(",\"debugPath\":", f->out);
		export_json_string(f->out, path);
		fputs(",\"breakpadId\":\"\",\"codeId\":\"", f->out);
		write_build_id(f, path);
		fputs("\",\"arch\":null}", f->out);
	}
	fputs("],\n", f->out);
}

/* Threads. */

/* Of a process, in its first thread. */
static void write_markers(struct firefox *f, const struct profile *profile, size_t count)
{
	uint64_t start_ns = profile->process.start_ns;

	fprintf(f->out, "\"showMarkersInTimeline\":%s,\n\"markers\":{\"length\":%zu,", count > 0 ? "true" : "false",
		count);
	write_same(f->out, "category", count, "0");
	write_same(f->out, "data", count, "null");
	write_same(f->out, "endTime", count, "null");
	COLUMN(f, "name", count, text_index_of(&f->strings, profile->mark_names[profile->marks[i].name - 1].text));
	write_same(f->out, "phase", count, "0");
	fputs("\"startTime\":[", f->out);
	for (size_t i = 0; i < count; i++)
		fprintf(f->out, "%s%.6f", i > 0 ? "," : "", (double)(profile->marks[i].time_ns - start_ns) / 1e6);
	fputs("]},\n", f->out);
}

static void write_thread(struct firefox *f, const struct report *report, const char *name, bool is_time)
{
	const struct profile *profile = report->profile;
	double end_ms = (double)profile_duration_ns(profile) / 1e6;
	size_t count = f->samples.count;

	fprintf(f->out, "%s\n{\"name\":", f->thread_count > 0 ? "," : "");
	export_json_string(f->out, name);
	fprintf(f->out, ",\"isMainThread\":%s,\"pid\":\"%" PRIu32 "\",\"tid\":\"%" PRIu32 ".%zu\",\"processName\":",
		f->thread_count == 0 ? "true" : "false", profile->process.pid, profile->process.pid, f->thread_count);
	export_json_string(f->out, export_program(profile));
	fprintf(f->out,
		",\"processType\":\"default\",\"processStartupTime\":0,\"processShutdownTime\":%.3f,\"registerTime\":0,"
		"\"unregisterTime\":null,\"pausedRanges\":[],",
		end_ms);
	write_markers(f, profile, f->thread_count == f->first_thread ? profile->mark_count : 0);
	fprintf(f->out, "\"samples\":{\"length\":%zu,\"weightType\":\"%s\",", count, is_time ? "tracing-ms" : "bytes");
	COLUMN(f, "stack", count, f->samples.list[i].row);
	/* Sums have no time of their own: one after the other, evenly over the run. */
	fputs("\"timeDeltas\":[", f->out);
	for (size_t i = 0; i < count; i++)
		fprintf(f->out, "%s%.6g", i > 0 ? "," : "", i > 0 ? end_ms / (double)count : 0.0);
	fputs("],\"weight\":[", f->out);
	for (size_t i = 0; i < count; i++) {
		int64_t value = f->samples.list[i].value;

		if (is_time)
			fprintf(f->out, "%s%" PRId64 ".%06" PRId64, i > 0 ? "," : "", value / 1000000, value % 1000000);
		else
			fprintf(f->out, "%s%" PRId64, i > 0 ? "," : "", value);
	}
	fputs("]}}", f->out);
	f->samples.count = 0;
	f->thread_count++;
}

/* Nothing can weigh less than nothing: in the dump of a running program a site may, for a moment. */
static void add_sample(struct firefox *f, size_t report, uint32_t stack, int64_t value)
{
	uint32_t node = export_tree_node(&f->trees[report], stack);

	if (value > 0)
		vec_push(&f->samples) = (struct sample){ f->row_of_node[report][node] - 1, value };
}

static void write_threads(struct firefox *f, size_t number)
{
	const struct report *report = f->export->reports[number];

	f->first_thread = f->thread_count;
#define X(name, value)                                      \
	for (size_t i = 0; i < report->site_count; i++) {   \
		const struct site *site = report->sites[i]; \
                                                            \
		add_sample(f, number, site->stack, value);  \
	}                                                   \
	write_thread(f, report, name, false);
	SITE_THREADS(X)
#undef X
	for (size_t i = 0; i < report->lock_count; i++) {
		for (size_t j = 0; j < report->locks[i]->waiter_count; j++) {
			const struct lock_waiter *waiter = &report->locks[i]->waiters[j];

			add_sample(f, number, waiter->stack, (int64_t)waiter->wait_ns);
		}
	}
	write_thread(f, report, "waiting for locks", true);
}

/* The track of a process: changes of the live bytes. THREAD is the number of the first thread of that process. */
static void write_counter(struct firefox *f, const struct profile *profile, size_t thread)
{
	size_t count = profile->tick_count;
	uint64_t last_ns = profile->process.start_ns;

	fprintf(f->out,
		"%s\n{\"name\":\"malloc\",\"category\":\"Memory\",\"description\":\"live bytes of the "
		"heap\",\"pid\":\"%" PRIu32 "\",\"mainThreadIndex\":%zu,\"samples\":{\"length\":%zu,",
		thread > 0 ? "," : "", profile->process.pid, thread, count);
	COLUMN(f, "count", count, profile->ticks[i].live_bytes - (i > 0 ? profile->ticks[i - 1].live_bytes : 0));
	COLUMN(f, "number", count,
	       profile->ticks[i].alloc_count + profile->ticks[i].free_count -
		       (i > 0 ? profile->ticks[i - 1].alloc_count + profile->ticks[i - 1].free_count : 0));
	fputs("\"timeDeltas\":[", f->out);
	for (size_t i = 0; i < count; i++) {
		fprintf(f->out, "%s%.6f", i > 0 ? "," : "", (double)(profile->ticks[i].time_ns - last_ns) / 1e6);
		last_ns = profile->ticks[i].time_ns;
	}
	fputs("]}}", f->out);
}

static void write_meta(struct firefox *f)
{
	const struct report *report = f->export->reports[0];
	const struct profile_process *process = &report->profile->process;
	char remark[EXPORT_REMARK_BYTES];

	fprintf(f->out,
		"{\"meta\":{\"preprocessedProfileVersion\":%d,\"version\":%d,\"interval\":1,\"startTime\":%.3f,"
		"\"processType\":0,\"debug\":false,\"symbolicated\":true,\"usesOnlyOneStackType\":true,"
		"\"sourceCodeIsNotOnSearchfox\":true,\"pausedRanges\":[],\"markerSchema\":[],"
		"\"extensions\":{\"length\":0,\"baseURL\":[],\"id\":[],\"name\":[]},"
		"\"sampleUnits\":{\"time\":\"ms\",\"eventDelay\":\"ms\",\"threadCPUDelta\":\"µs\"},"
		"\"categories\":[{\"name\":\"Other\",\"color\":\"grey\",\"subcategories\":[\"Other\"]}],\"product\":",
		VERSION, GECKO_VERSION, (double)process->start_realtime_ns / 1e6);
	export_json_string(f->out, export_program(report->profile));
	fputs(",\"importedFrom\":", f->out);
	export_json_string(f->out, export_remark(report, remark, sizeof(remark)));
	fputs("},\n\"pages\":[],\"profilerOverhead\":[],\n", f->out);
}

static void write_all(struct firefox *f)
{
	size_t threads_each = 0;

	write_meta(f);
	write_shared(f);
	write_libraries(f);
	fputs("\"threads\":[", f->out);
	for (size_t i = 0; i < f->export->count; i++)
		write_threads(f, i);
	threads_each = f->thread_count / f->export->count;
	fputs("],\n\"counters\":[", f->out);
	for (size_t i = 0; i < f->export->count; i++)
		write_counter(f, f->export->reports[i]->profile, i * threads_each);
	fputs("]}\n", f->out);
}

bool export_firefox(const struct export *export, struct err *err)
{
	struct firefox f = { .out = export->out, .export = export };

	(void)err;
	f.trees = memory_zeroed(export->count, sizeof(*f.trees));
	f.row_of_node = memory_zeroed(export->count, sizeof(*f.row_of_node));
	for (size_t i = 0; i < export->count; i++) {
		export_tree_init(&f.trees[i], export->reports[i], EXPORT_ALL);
		f.row_of_node[i] = add_frames(&f, &f.trees[i]);
		add_marks(&f, export->reports[i]->profile);
	}
	write_all(&f);
	for (size_t i = 0; i < export->count; i++) {
		export_tree_free(&f.trees[i]);
		free(f.row_of_node[i]);
	}
	free(f.trees);
	free(f.row_of_node);
	text_index_free(&f.strings);
	text_index_free(&f.functions);
	text_index_free(&f.libraries);
	text_index_free(&f.sources);
	vec_free(&f.funcs);
	vec_free(&f.frames);
	vec_free(&f.rows);
	vec_free(&f.samples);
	return true;
}
