/* SPDX-License-Identifier: MIT */
/* memprof-analyze report: one report per dump, and a list of the processes where there are several. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "commands.h"
#include "dump_file.h"
#include "report.h"
#include "stack_view.h"
#include "table.h"
#include "units.h"

typedef void (*writer_function)(const struct report *report, FILE *out);

static const writer_function writers[] = {
#define X(name, text, writer, help) writer,
	OUT_FORMATS(X)
#undef X
};

static bool write_report(const struct profile *profile, const struct options *options, FILE *out, struct err *err)
{
	struct ready_report ready;
	bool ok = report_init(&ready, profile, options, err);

	if (ok)
		writers[options->format](&ready.report, out);
	report_free(&ready);
	return ok;
}

/* Several dumps. */

static void add_process(struct table *table, const char *path)
{
	struct err ignored = { 0 }; /* will be told when its own turn comes */
	struct profile profile;
	struct aggregate aggregate;
	char pid[16];

	profile_init(&profile, path);
	if (dump_file_load(path, &profile, &ignored)) {
		aggregate_init(&aggregate, &profile);
		snprintf(pid, sizeof(pid), "%" PRIu32, profile.process.pid);
		table_cell(table, pid);
		table_cell(table, profile_ended_name(profile.process.ended));
		table_cell(table, units_duration(profile_duration_ns(&profile)).text);
		table_cell(table, units_count(units_signed(aggregate.totals.alloc_count)).text);
		table_cell(table, units_bytes(units_signed(profile.peak_bytes)).text);
		table_cell(table, units_bytes(aggregate.totals.live_bytes).text);
		table_cell(table, profile.process.exe ? stack_view_base_name(profile.process.exe) : "?");
		table_cell(table, path);
		aggregate_free(&aggregate);
	}
	profile_free(&profile);
}

/* Loads every dump once more than needed, so that not all of them are in memory at the same time. */
static void list_processes(const struct dump_file_list *list, const struct options *options, FILE *out)
{
	static const struct table_column columns[] = {
		{ .title = "pid", .right = true },
		{ .title = "ended" },
		{ .title = "ran", .right = true },
		{ .title = "allocations", .right = true },
		{ .title = "peak", .right = true },
		{ .title = "not freed", .right = true },
		{ .title = "program" },
		{ .title = "dump", .flexible = true },
	};
	const struct out_options out_options = report_out_options(options);
	struct table table;
	struct term term;

	term_init(&term, out, out_options.color, out_options.width);
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < list->paths.count; i++)
		add_process(&table, list->paths.list[i]);
	term_line(&term, TERM_TITLE, "PROCESSES");
	table_print(&table, &term, 0);
	table_free(&table);
	fputc('\n', out);
}

/* What surrounds the reports of several dumps. */

static void begin_reports(const struct dump_file_list *list, const struct options *options, FILE *out)
{
	if (options->format == OUT_FORMAT_TEXT)
		list_processes(list, options, out);
	else if (options->format == OUT_FORMAT_JSON)
		fputs("{\"schema\":\"memprof-report/1\",\n\"reports\":[\n", out);
}

static void separate_reports(const struct options *options, const char *path, bool first, FILE *out)
{
	struct term term;

	if (options->format == OUT_FORMAT_JSON && !first)
		fputs(",\n", out);
	if (options->format != OUT_FORMAT_TEXT)
		return;
	term_init(&term, out, (enum term_color)options->color, 0);
	fputs(first ? "" : "\n", out);
	term_print(&term, TERM_DIM, "--- ");
	term_text(&term, path, 0, 0, false);
	fputs("\n\n", out);
}

static void end_reports(const struct options *options, FILE *out)
{
	if (options->format == OUT_FORMAT_JSON)
		fputs("]}\n", out);
}

/* Opened only when there is something to write, so that a wrong DUMP does not empty an existing file. */
static bool open_output(const struct options *options, FILE **out, struct err *err)
{
	if (*out)
		return true;
	if (!options->output) {
		*out = stdout;
		return true;
	}
	*out = fopen(options->output, "we");
	return *out || err_errno(err, errno, options->output, "cannot write");
}

static bool close_output(const struct options *options, FILE *out, struct err *err)
{
	bool failed;

	if (!out || out == stdout)
		return true; /* main() looks at standard output */
	failed = ferror(out);
	if (fclose(out) != 0)
		return err_errno(err, errno, options->output, "cannot write");
	return !failed || err_set(err, options->output, ERR_NO_OFFSET, "cannot write");
}

static int report_all(const struct dump_file_list *list, const struct options *options, bool several, struct err *err)
{
	FILE *out = NULL;
	size_t written = 0;
	bool missing = false;

	for (size_t i = 0; i < list->paths.count && !err->set; i++) {
		const char *path = list->paths.list[i];
		struct err load_err = { 0 };
		struct profile profile;

		profile_init(&profile, path);
		if (!dump_file_load(path, &profile, &load_err)) {
			err_complain(&load_err);
			missing = true;
		} else if (open_output(options, &out, err)) {
			if (several && written == 0)
				begin_reports(list, options, out);
			if (several)
				separate_reports(options, path, written == 0, out);
			missing |= profile.partial;
			written += write_report(&profile, options, out, err);
		}
		profile_free(&profile);
	}
	if (several && written > 0)
		end_reports(options, out);
	if (!close_output(options, out, err) || err->set || written == 0)
		return STATUS_BAD;
	return missing ? STATUS_PARTIAL : STATUS_OK;
}

int cmd_report(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct dump_file_list list = { 0 };
	bool missing = false;
	int status;

	for (size_t i = 0; i < count; i++) {
		struct err list_err = { 0 };

		if (!dump_file_list_add(&list, paths[i], &list_err)) {
			err_complain(&list_err);
			missing = true;
		}
	}
	/* A directory is several dumps also when only one is in it: scripts can rely on the form. */
	status = report_all(&list, options, count > 1 || list.has_directory, err);
	dump_file_list_free(&list);
	return status == STATUS_OK && missing ? STATUS_PARTIAL : status;
}
