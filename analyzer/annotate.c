/* SPDX-License-Identifier: MIT */
/* Adding up by line of source. */
#include "annotate.h"

#include <string.h>

#include "stack_view.h"
#include "units.h"

struct counting {
	struct annotate *annotate;
	const struct report *report;
	const char *place;
	bool by_function;
	struct stack_view view;
	struct hash_map file_of; /* path -> index */
	struct hash_map line_of; /* file and line -> index */
	uint64_t stacks;         /* counted so far */
};

/* PATH is PLACE or ends in it, at the beginning of a component. */
static bool path_matches(const char *path, const char *place)
{
	size_t length = strlen(path), wanted = strlen(place);
	const char *end = path + length - wanted;

	return length >= wanted && strcmp(end, place) == 0 && (length == wanted || end[-1] == '/' || *place == '/');
}

static bool is_wanted(const struct counting *counting, const struct frame *frame)
{
	if (!frame->file || frame->line == 0)
		return false;
	if (!counting->place)
		return true;
	return counting->by_function ? frame->function && strstr(frame->function, counting->place)
				     : path_matches(frame->file, counting->place);
}

static uint32_t file_index(struct counting *counting, const char *path)
{
	struct annotate *annotate = counting->annotate;
	const char *kept = strtab_intern(&annotate->paths, path);
	bool is_new;
	uint64_t *index = hash_map_put(&counting->file_of, (uintptr_t)kept, &is_new);

	if (is_new) {
		vec_push(&annotate->files) = (struct annotate_file){ .path = kept };
		*index = annotate->files.count - 1;
	}
	return (uint32_t)*index;
}

static struct annotate_line *line_at(struct counting *counting, uint32_t file, uint32_t line)
{
	struct annotate *annotate = counting->annotate;
	bool is_new;
	uint64_t *index = hash_map_put(&counting->line_of, (uint64_t)file << 32 | line, &is_new);

	if (is_new) {
		vec_push(&annotate->lines) = (struct annotate_line){ .file = file, .line = line };
		*index = annotate->lines.count - 1;
	}
	return &annotate->lines.list[*index];
}

static void add(struct annotate_sums *sums, const struct annotate_sums *part)
{
	sums->peak_bytes += part->peak_bytes;
	sums->live_bytes += part->live_bytes;
	sums->alloc_bytes += part->alloc_bytes;
	sums->alloc_count += part->alloc_count;
	sums->wait_ns += part->wait_ns;
}

static void count_stack(struct counting *counting, uint32_t stack, const struct annotate_sums *part)
{
	uint64_t number = ++counting->stacks;

	stack_view_fill(&counting->view, counting->report->profile, counting->report->symbols, stack);
	for (size_t i = 0; i < counting->view.frames.count; i++) {
		const struct frame *frame = &counting->view.frames.list[i];
		struct annotate_file *file;
		struct annotate_line *line;
		uint32_t index;

		if (!is_wanted(counting, frame))
			continue;
		index = file_index(counting, frame->file);
		file = &counting->annotate->files.list[index];
		line = line_at(counting, index, frame->line);
		if (line->last_stack != number)
			add(&line->sums, part);
		if (file->last_stack != number)
			add(&file->sums, part);
		line->last_stack = file->last_stack = number;
	}
}

static void count_all(struct counting *counting)
{
	const struct report *report = counting->report;

	for (size_t i = 0; i < report->site_count; i++) {
		const struct site *site = report->sites[i];
		const struct annotate_sums part = { .peak_bytes = site->peak_bytes,
						    .live_bytes = site->live_bytes,
						    .alloc_bytes = site->alloc_bytes,
						    .alloc_count = site->alloc_count };

		count_stack(counting, site->stack, &part);
	}
	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock_class *lock = report->locks[i];

		for (size_t j = 0; j < lock->waiter_count && lock_class_is_contention(lock); j++) {
			const struct annotate_sums part = { .wait_ns = lock->waiters[j].wait_ns };

			count_stack(counting, lock->waiters[j].stack, &part);
		}
	}
}

static int compare_files(const void *a, const void *b)
{
	const struct annotate_file *left = a, *right = b;

	if (left->sums.peak_bytes != right->sums.peak_bytes)
		return left->sums.peak_bytes > right->sums.peak_bytes ? -1 : 1;
	if (left->sums.alloc_bytes != right->sums.alloc_bytes)
		return left->sums.alloc_bytes > right->sums.alloc_bytes ? -1 : 1;
	if (left->sums.wait_ns != right->sums.wait_ns)
		return left->sums.wait_ns > right->sums.wait_ns ? -1 : 1;
	return strcmp(left->path, right->path);
}

static int compare_lines(const void *a, const void *b)
{
	const struct annotate_line *left = a, *right = b;

	if (left->file != right->file)
		return left->file < right->file ? -1 : 1;
	return left->line < right->line ? -1 : left->line > right->line;
}

/* Lines first: they know their file by the number that it has before files are sorted. */
static void sort_all(struct annotate *annotate)
{
	if (annotate->lines.count > 0)
		qsort(annotate->lines.list, annotate->lines.count, sizeof(*annotate->lines.list), compare_lines);
	for (size_t i = 0; i < annotate->lines.count; i++) {
		struct annotate_file *file = &annotate->files.list[annotate->lines.list[i].file];

		if (file->line_count++ == 0)
			file->first_line = i;
		annotate->waits |= annotate->lines.list[i].sums.wait_ns > 0;
	}
	if (annotate->files.count > 0)
		qsort(annotate->files.list, annotate->files.count, sizeof(*annotate->files.list), compare_files);
}

void annotate_init(struct annotate *annotate, const struct report *report, const char *place)
{
	struct counting counting = { .annotate = annotate, .report = report, .place = place };

	*annotate = (struct annotate){ 0 };
	count_all(&counting);
	if (place && annotate->lines.count == 0) {
		counting.by_function = true;
		count_all(&counting);
	}
	sort_all(annotate);
	stack_view_free(&counting.view);
	hash_map_free(&counting.file_of);
	hash_map_free(&counting.line_of);
}

void annotate_free(struct annotate *annotate)
{
	vec_free(&annotate->files);
	vec_free(&annotate->lines);
	strtab_free(&annotate->paths);
}
