/* SPDX-License-Identifier: MIT */
/*
 * pprof's profile.proto, with the sample types and conventions of Go's own profiles, so that its tools treat them
 * alike. Several dumps go into one profile; samples of each then carry its process id. Ids are 1, 2, 3... in the order
 * of their tables: some readers demand it.
 */
#include <inttypes.h>
#include <string.h>

#include "export.h"
#include "export_tree.h"
#include "proto.h"
#include "stack_view.h"
#include "text_index.h"
#include "json_text.h"

/* Field numbers of the messages. */
enum { PROFILE_SAMPLE_TYPE = 1, PROFILE_SAMPLE, PROFILE_MAPPING, PROFILE_LOCATION, PROFILE_FUNCTION, PROFILE_STRING };
enum { PROFILE_TIME = 9, PROFILE_DURATION, PROFILE_PERIOD_TYPE, PROFILE_PERIOD, PROFILE_COMMENT };
enum { TYPE_NAME = 1, TYPE_UNIT };
enum { SAMPLE_LOCATION = 1, SAMPLE_VALUE, SAMPLE_LABEL };
enum { LABEL_KEY = 1, LABEL_TEXT, LABEL_NUMBER, LABEL_UNIT };
enum { MAPPING_ID = 1, MAPPING_START, MAPPING_LIMIT, MAPPING_OFFSET, MAPPING_FILE, MAPPING_BUILD_ID };
enum { MAPPING_HAS_FUNCTIONS = 7, MAPPING_HAS_FILES, MAPPING_HAS_LINES, MAPPING_HAS_INLINES };
enum { LOCATION_ID = 1, LOCATION_MAPPING, LOCATION_ADDRESS, LOCATION_LINE };
enum { LINE_FUNCTION = 1, LINE_LINE };
enum { FUNCTION_ID = 1, FUNCTION_NAME, FUNCTION_SYSTEM_NAME, FUNCTION_FILE };

struct mapping {
	const struct profile_module *module;
	uint64_t id;
	bool has_functions, has_files, has_inlines; /* of all, respectively any, places in it */
};

struct pprof {
	const struct export *export;
	struct text_index strings;   /* [0] is "" */
	struct text_index functions; /* name, 0, file */
	struct proto function_rows;
	uint64_t mapping_count;
	uint64_t location_count;
	/* Of the report at hand. */
	const struct report *report;
	struct export_tree tree;
	uint64_t first_location; /* id of the first place */
	struct proto sample, list, label;
};

static int64_t string(struct pprof *p, const char *text)
{
	char *repaired = json_repair(text ? text : "");
	int64_t number = text_index_of(&p->strings, repaired);

	free(repaired);
	return number;
}

static void write_type(struct pprof *p, unsigned field, const char *name, const char *unit)
{
	struct proto type = { 0 };

	proto_number(&type, TYPE_NAME, string(p, name));
	proto_number(&type, TYPE_UNIT, string(p, unit));
	proto_write(p->export->out, field, &type);
	proto_free(&type);
}

/* The id of a function; new ones are added to the rows that are written at the end. */
static int64_t function(struct pprof *p, const struct frame *frame)
{
	char place[256];
	const char *name = stack_view_name(frame, place, sizeof(place));
	struct proto row = { 0 };
	bool is_new;
	int64_t id = (int64_t)export_frame_number(&p->functions, frame, EXPORT_BY_FILE, &is_new) + 1;

	if (is_new) {
		proto_number(&row, FUNCTION_ID, id);
		proto_number(&row, FUNCTION_NAME, string(p, name));
		proto_number(&row, FUNCTION_SYSTEM_NAME, string(p, name));
		proto_number(&row, FUNCTION_FILE, string(p, frame->file));
		proto_message(&p->function_rows, PROFILE_FUNCTION, &row);
		proto_free(&row);
	}
	return id;
}

/* Mappings. */

static void write_mapping(struct pprof *p, const struct mapping *mapping)
{
	const struct profile_module *module = mapping->module;
	char build_id[2 * 64 + 1] = "";
	struct proto row = { 0 };

	/* A build id names a program as well as its path does. */
	for (size_t i = 0; i < module->build_id_bytes && i < 64 && !p->report->profile->anonymous; i++)
		snprintf(build_id + 2 * i, 3, "%02x", module->build_id[i]);
	proto_number(&row, MAPPING_ID, (int64_t)mapping->id);
	proto_number(&row, MAPPING_START, (int64_t)module->start);
	proto_number(&row, MAPPING_LIMIT, (int64_t)module->end);
	proto_number(&row, MAPPING_OFFSET, (int64_t)symbolizer_file_offset(p->report->symbols, module->number));
	proto_number(&row, MAPPING_FILE, string(p, module->path));
	proto_number(&row, MAPPING_BUILD_ID, string(p, build_id));
	proto_number(&row, MAPPING_HAS_FUNCTIONS, mapping->has_functions);
	proto_number(&row, MAPPING_HAS_FILES, mapping->has_files);
	proto_number(&row, MAPPING_HAS_LINES, mapping->has_files);
	proto_number(&row, MAPPING_HAS_INLINES, mapping->has_inlines);
	proto_write(p->export->out, PROFILE_MAPPING, &row);
	proto_free(&row);
}

/* The program itself is to be the first, then as they are in the dump. */
static void number_mappings(struct pprof *p, struct mapping *mappings)
{
	const struct profile *profile = p->report->profile;
	const char *exe = profile->process.exe;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < profile->module_count; i++) {
			const char *path = profile->modules[i].path;
			bool is_exe = exe && path && strcmp(exe, path) == 0;

			if (mappings[i].module && is_exe == (pass == 0)) {
				mappings[i].id = ++p->mapping_count;
				write_mapping(p, &mappings[i]);
			}
		}
	}
}

/* A mapping "has functions" if no look-up for it is left to the reader, so one unknown name is enough to deny it. */
static void note_place(struct mapping *mapping, const struct profile_module *module, const struct export_place *place)
{
	if (!mapping->module)
		*mapping = (struct mapping){ .module = module, .has_functions = true, .has_files = true };
	for (size_t i = 0; i < place->count; i++) {
		mapping->has_functions &= place->frames[i].function != NULL;
		mapping->has_files &= place->frames[i].file != NULL;
		mapping->has_inlines |= place->frames[i].inlined;
	}
}

static void write_location(struct pprof *p, const struct export_place *place, uint64_t id,
			   const struct mapping *mapping)
{
	struct proto row = { 0 };

	proto_number(&row, LOCATION_ID, (int64_t)id);
	proto_number(&row, LOCATION_MAPPING, mapping ? (int64_t)mapping->id : 0);
	proto_number(&row, LOCATION_ADDRESS, (int64_t)place->pc);
	for (size_t i = 0; i < place->count; i++) {
		struct proto line = { 0 };

		proto_number(&line, LINE_FUNCTION, function(p, &place->frames[i]));
		proto_number(&line, LINE_LINE, place->frames[i].line);
		proto_message(&row, LOCATION_LINE, &line);
		proto_free(&line);
	}
	proto_write(p->export->out, PROFILE_LOCATION, &row);
	proto_free(&row);
}

static void write_places(struct pprof *p)
{
	const struct profile *profile = p->report->profile;
	struct mapping *mappings = memory_zeroed(profile->module_count + 1, sizeof(*mappings));

	for (size_t i = 0; i < p->tree.places.count; i++) {
		const struct export_place *place = &p->tree.places.list[i];

		if (place->module)
			note_place(&mappings[place->module - 1], &profile->modules[place->module - 1], place);
	}
	number_mappings(p, mappings);
	p->first_location = p->location_count + 1;
	for (size_t i = 0; i < p->tree.places.count; i++) {
		const struct export_place *place = &p->tree.places.list[i];

		write_location(p, place, ++p->location_count, place->module ? &mappings[place->module - 1] : NULL);
	}
	free(mappings);
}

/* Samples: begin_sample(), labels, end_sample(). */

static void begin_sample(struct pprof *p, uint32_t stack, const int64_t *values, size_t value_count)
{
	for (uint32_t node = export_tree_node(&p->tree, stack); node; node = p->tree.nodes.list[node].parent)
		proto_packed(&p->list, (int64_t)(p->first_location + p->tree.nodes.list[node].place));
	proto_message(&p->sample, SAMPLE_LOCATION, &p->list);
	p->list.bytes.count = 0;
	for (size_t i = 0; i < value_count; i++)
		proto_packed(&p->list, values[i]);
	proto_message(&p->sample, SAMPLE_VALUE, &p->list);
	p->list.bytes.count = 0;
}

static void end_label(struct pprof *p)
{
	proto_message(&p->sample, SAMPLE_LABEL, &p->label);
	p->label.bytes.count = 0;
}

static void number_label(struct pprof *p, const char *key, int64_t value, const char *unit)
{
	proto_number(&p->label, LABEL_KEY, string(p, key));
	proto_number(&p->label, LABEL_NUMBER, value);
	if (unit)
		proto_number(&p->label, LABEL_UNIT, string(p, unit));
	end_label(p);
}

static void text_label(struct pprof *p, const char *key, const char *text)
{
	proto_number(&p->label, LABEL_KEY, string(p, key));
	proto_number(&p->label, LABEL_TEXT, string(p, text));
	end_label(p);
}

static void end_sample(struct pprof *p)
{
	if (p->export->count > 1)
		number_label(p, "pid", p->report->profile->process.pid, NULL);
	proto_write(p->export->out, PROFILE_SAMPLE, &p->sample);
}

static void write_sites(struct pprof *p)
{
	for (size_t i = 0; i < p->report->site_count; i++) {
		const struct site *site = p->report->sites[i];
		const int64_t values[] = { (int64_t)site->alloc_count, (int64_t)site->alloc_bytes, site->live_count,
					   site->live_bytes };

		if (!values[0] && !values[1] && !values[2] && !values[3])
			continue;
		begin_sample(p, site->stack, values, 4);
		if (site->alloc_count > 0)
			number_label(p, "bytes", (int64_t)(site->alloc_bytes / site->alloc_count), "bytes");
		end_sample(p);
	}
}

static void write_wait(struct pprof *p, const struct lock_class *lock, uint32_t stack, uint64_t count, uint64_t ns)
{
	const int64_t values[] = { (int64_t)count, (int64_t)ns };
	const char *kind = profile_lock_kind_name(lock->kind);
	char address[32];

	if (!count && !ns)
		return;
	snprintf(address, sizeof(address), "0x%" PRIx64, lock->rows[0]->lock->row.address);
	begin_sample(p, stack, values, 2);
	text_label(p, "lock", lock->name ? lock->name : address);
	text_label(p, "lock_addr", address);
	if (kind)
		text_label(p, "kind", kind);
	end_sample(p);
}

/* As in Go: where threads stood that waited for anything. */
static void write_waiters(struct pprof *p)
{
	for (size_t i = 0; i < p->report->lock_count; i++) {
		const struct lock_class *lock = p->report->locks[i];

		for (size_t j = 0; j < lock->waiter_count; j++)
			write_wait(p, lock, lock->waiters[j].stack, lock->waiters[j].count, lock->waiters[j].wait_ns);
	}
}

/*
 * As in Go: where threads gave up locks that others waited for, with the time that these waited because of it. A dump
 * of before culprits were recorded has none.
 */
static void write_culprits(struct pprof *p)
{
	for (size_t i = 0; i < p->report->lock_count; i++) {
		const struct lock_class *lock = p->report->locks[i];

		for (size_t j = 0; j < lock->culprit_count && lock_class_is_contention(lock); j++)
			write_wait(p, lock, lock->culprits[j].culprit, lock->culprits[j].count,
				   lock->culprits[j].wait_ns);
	}
}

/* The whole file. */

enum pprof_kind { KIND_HEAP, KIND_MUTEX, KIND_BLOCK };

static const struct {
	unsigned stacks; /* EXPORT_* */
	void (*write)(struct pprof *p);
} kinds[] = {
	[KIND_HEAP] = { EXPORT_SITES, write_sites },
	[KIND_MUTEX] = { EXPORT_HOLDS, write_culprits },
	[KIND_BLOCK] = { EXPORT_WAITS, write_waiters },
};

static void write_types(struct pprof *p, enum pprof_kind kind)
{
	if (kind == KIND_HEAP) {
		write_type(p, PROFILE_SAMPLE_TYPE, "alloc_objects", "count");
		write_type(p, PROFILE_SAMPLE_TYPE, "alloc_space", "bytes");
		write_type(p, PROFILE_SAMPLE_TYPE, "inuse_objects", "count");
		write_type(p, PROFILE_SAMPLE_TYPE, "inuse_space", "bytes");
		write_type(p, PROFILE_PERIOD_TYPE, "space", "bytes");
	} else {
		write_type(p, PROFILE_SAMPLE_TYPE, "contentions", "count");
		write_type(p, PROFILE_SAMPLE_TYPE, "delay", "nanoseconds");
		write_type(p, PROFILE_PERIOD_TYPE, "contentions", "count");
	}
}

/* Numbers of the profile itself: a message of its own, which readers join with the rest. */
static void write_head(struct pprof *p, enum pprof_kind kind)
{
	const struct profile *profile = p->export->reports[0]->profile;
	bool by_bytes = kind == KIND_HEAP && profile_is_sampled(profile);
	struct proto head = { 0 };
	char remark[EXPORT_REMARK_BYTES];

	for (size_t i = 0; i < p->export->count; i++)
		proto_packed(&p->list, string(p, export_remark(p->export->reports[i], remark, sizeof(remark))));
	if (kind == KIND_MUTEX)
		proto_packed(&p->list, string(p, "stacks are those that held locks, with the wait they caused; time in "
						 "which nobody held the lock is left out"));
	proto_message(&head, PROFILE_COMMENT, &p->list);
	p->list.bytes.count = 0;
	proto_number(&head, PROFILE_TIME, (int64_t)profile->process.start_realtime_ns);
	proto_number(&head, PROFILE_DURATION, (int64_t)profile_duration_ns(profile));
	proto_number(&head, PROFILE_PERIOD, by_bytes ? (int64_t)profile->process.sample_bytes : 1);
	fwrite(head.bytes.list, 1, head.bytes.count, p->export->out);
	proto_free(&head);
}

static void write_strings(struct pprof *p)
{
	for (size_t i = 0; i < p->strings.texts.count; i++) {
		const char *text = p->strings.texts.list[i];
		struct proto bytes = { .bytes = { (uint8_t *)(uintptr_t)text, strlen(text), 0 } };

		proto_write(p->export->out, PROFILE_STRING, &bytes);
	}
}

static bool write_profile(const struct export *export, enum pprof_kind kind)
{
	struct pprof p = { .export = export, .report = export->reports[0] };

	string(&p, "");
	write_types(&p, kind);
	write_head(&p, kind);
	for (size_t i = 0; i < export->count; i++) {
		p.report = export->reports[i];
		export_tree_init(&p.tree, p.report, kinds[kind].stacks);
		write_places(&p);
		kinds[kind].write(&p);
		export_tree_free(&p.tree);
	}
	if (p.function_rows.bytes.count > 0)
		fwrite(p.function_rows.bytes.list, 1, p.function_rows.bytes.count, export->out);
	write_strings(&p);
	text_index_free(&p.strings);
	text_index_free(&p.functions);
	proto_free(&p.function_rows);
	proto_free(&p.sample);
	proto_free(&p.list);
	proto_free(&p.label);
	return true;
}

bool export_pprof(const struct export *export, struct err *err)
{
	(void)err;
	return write_profile(export, KIND_HEAP);
}

bool export_pprof_mutex(const struct export *export, struct err *err)
{
	(void)err;
	return write_profile(export, KIND_MUTEX);
}

bool export_pprof_block(const struct export *export, struct err *err)
{
	(void)err;
	return write_profile(export, KIND_BLOCK);
}
