/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the input is a dump; whatever it holds, reading it ends, and every writer can make a report of it. An
 * input that does not begin with the magic is taken as the chunks behind a header that is right: most mutations of a
 * whole file would only change the header.
 */
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "dump_fields.h"
#include "dump_read.h"
#include "filter.h"
#include "out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void (*writer_function)(const struct report *report, FILE *out);

static const writer_function writers[] = {
#define X(name, text, writer, help) writer,
	OUT_FORMATS(X)
#undef X
};

/* Where reports go. */
static FILE *sink(void)
{
	static FILE *out;

	if (!out)
		out = fopen("/dev/null", "w");
	if (!out)
		abort();
	return out;
}

/* What the library functions promise about a profile, and the writers rely on. */
static void check_profile(const struct profile *profile)
{
	for (size_t i = 1; i <= profile->node_count; i++) {
		if (profile->nodes[i].parent >= i || profile->nodes[i].module > profile->module_count)
			abort();
	}
	for (size_t i = 0; i < profile->site_count; i++) {
		if (profile->sites[i].stack > profile->node_count)
			abort();
	}
	for (size_t i = 1; i < profile->tick_count; i++) {
		if (profile->ticks[i].time_ns <= profile->ticks[i - 1].time_ns)
			abort();
	}
}

static void select_all(struct report *report)
{
	const struct aggregate *aggregate = report->aggregate;

	for (size_t i = 0; i < aggregate->site_count; i++) {
		if (!report->filter || filter_matches_stack(report->filter, aggregate->sites[i].stack))
			report->sites[report->site_count++] = &aggregate->sites[i];
	}
	for (size_t i = 0; i < report->lock_classes->count; i++)
		report->locks[report->lock_count++] = &report->lock_classes->list[i];
}

/* One report in every format, in the way that the bits of HOW choose. */
static void write_reports(const struct profile *profile, unsigned how)
{
	const struct symbolizer_options symbol_options = { .inlines = true, .enabled = false };
	const struct out_options options = { .top = how & 1 ? UINT64_MAX : 0,
					     .single = how & 2,
					     .full_stacks = how & 1,
					     .key = how & 2 ? SITE_KEY_TEMPORARY : SITE_KEY_PEAK,
					     .metric = how == 3   ? OUT_METRIC_CULPRIT
						       : how == 2 ? OUT_METRIC_WAIT
								  : OUT_METRIC_LIVE,
					     .locks = (enum out_locks)(how % 3),
					     .color = how & 1 ? TERM_COLOR_ALWAYS : TERM_COLOR_NEVER,
					     .width = how & 1 ? 60 : 0 };
	struct aggregate aggregate;
	struct lock_classes lock_classes;
	struct report report = { .profile = profile, .aggregate = &aggregate, .options = &options };
	struct err err = { 0 };

	report.symbols = symbolizer_new(profile, &symbol_options);
	aggregate_init(&aggregate, profile);
	lock_classes_init(&lock_classes, profile, &aggregate, report.symbols);
	report.lock_classes = &lock_classes;
	if (how & 2)
		report.filter = filter_new("a|/", profile, report.symbols, &err);
	report.sites = memory_zeroed(aggregate.site_count, sizeof(*report.sites));
	report.locks = memory_zeroed(lock_classes.count, sizeof(*report.locks));
	select_all(&report);
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		writers[i](&report, sink());
	free(report.sites);
	free(report.locks);
	filter_free(report.filter);
	lock_classes_free(&lock_classes);
	symbolizer_free(report.symbols);
	aggregate_free(&aggregate);
}

/* The raw rows, as "show" prints them. */
static void print_rows(const uint8_t *bytes, size_t size)
{
	uint64_t offset = MP_HEADER_BYTES;
	struct dump_chunk chunk;

	while (dump_next_chunk(bytes, size, &offset, &chunk)) {
		const struct dump_fields *fields = dump_row_fields(chunk.header.kind);

		for (uint64_t i = 0; fields && i < chunk.row_count && i < 4; i++) {
			const uint8_t *row = chunk.rows + i * chunk.header.row_bytes;

			for (size_t j = 0; dump_row_used(fields, row) && j < fields->count; j++)
				if (dump_row_has(&fields->list[j], chunk.header.row_bytes))
					dump_print_field(&fields->list[j], row, sink());
		}
	}
}

static void run(const uint8_t *bytes, size_t size)
{
	struct profile profile;
	struct err err = { 0 };

	profile_init(&profile, "fuzz.bin");
	if (dump_read(bytes, size, "fuzz.bin", &profile, &err) == err.set)
		abort();
	if (!err.set) {
		check_profile(&profile);
		for (unsigned how = 0; how < 4; how++)
			write_reports(&profile, how);
		print_rows(bytes, (size_t)dump_extent(bytes, size, size));
	} else {
		err_print(&err, sink());
	}
	profile_free(&profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mp_header header = { .magic = { 'M', 'E', 'M', 'P', 'R', 'O', 'F', '\n' },
				    .version = MP_DUMP_VERSION,
				    .header_bytes = MP_HEADER_BYTES,
				    .byte_order = MP_BYTE_ORDER,
				    .mode = MP_MODE_FULL,
				    .start_ns = 1,
				    .exe = MP_HEADER_BYTES + sizeof(struct mp_chunk),
				    .argv = MP_HEADER_BYTES + sizeof(struct mp_chunk) };
	uint8_t *dump;

	if (dump_is_dump(data, size)) {
		run(data, size);
		return 0;
	}
	header.used_bytes = MP_HEADER_BYTES + size / MP_CHUNK_ALIGN * MP_CHUNK_ALIGN;
	dump = memory_zeroed(MP_HEADER_BYTES + size, 1);
	memcpy(dump, &header, sizeof(header));
	if (size > 0)
		memcpy(dump + MP_HEADER_BYTES, data, size);
	run(dump, MP_HEADER_BYTES + size);
	free(dump);
	return 0;
}
