/* SPDX-License-Identifier: MIT */
/* memprof-analyze report: of one dump, or of all processes of several, and then of each if wanted. */
#include <errno.h>
#include <stdlib.h>

#include "commands.h"
#include "dump_file.h"
#include "family.h"
#include "out_family.h"
#include "report.h"

typedef void (*writer_function)(const struct report *report, FILE *out);

static const writer_function writers[] = {
#define X(name, text, writer, help) writer,
	OUT_FORMATS(X)
#undef X
};

static bool write_report(const struct profile *profile, const struct options *options, FILE *out, bool *missing,
			 struct err *err)
{
	struct ready_report ready;
	bool ok = report_init(&ready, profile, options, err);

	if (ok)
		writers[options->format](&ready.report, out);
	*missing |= ok && options->format == OUT_FORMAT_FOLDED && report_lacks_verdict(&ready.report);
	report_free(&ready);
	return ok;
}

/* Several dumps. */

/*
 * The first pass: one dump after the other, so that not all of them are in memory at the same time. What cannot be read
 * is told of in the second.
 */
static void gather(struct family *family, const struct dump_file_list *list, const struct options *options,
		   struct err *err)
{
	for (size_t i = 0; i < list->paths.count && !err->set; i++) {
		struct err ignored = { 0 };
		struct ready_report ready;
		struct profile profile;

		profile_init(&profile, list->paths.list[i]);
		if (dump_file_load(list->paths.list[i], &profile, &ignored)) {
			if (report_init(&ready, &profile, options, err))
				family_add(family, &ready.report);
			report_free(&ready);
		}
		profile_free(&profile);
	}
	family_link(family);
}

static void write_family(const struct dump_file_list *list, const struct options *options, FILE *out,
			 struct err *err)
{
	struct family family = { 0 };

	gather(&family, list, options, err);
	if (err->set)
		; /* an option that makes no sense: nothing is written */
	else if (options->format == OUT_FORMAT_TEXT)
		out_family_text(&family, options, out);
	else
		out_family_json(&family, options, out);
	family_free(&family);
}

/* What surrounds the reports of several dumps. */

static void begin_reports(const struct dump_file_list *list, const struct options *options, FILE *out,
			  struct err *err)
{
	if (options->format == OUT_FORMAT_FOLDED)
		return;
	if (options->format == OUT_FORMAT_JSON)
		fputs("{\"schema\":\"memprof-report/1\",\n", out);
	write_family(list, options, out, err);
	if (options->format == OUT_FORMAT_JSON)
		fputs("\"reports\":[\n", out);
}

static void separate_reports(const struct options *options, const char *path, bool first, FILE *out)
{
	struct term term;

	if (options->format == OUT_FORMAT_JSON && !first)
		fputs(",\n", out);
	if (options->format != OUT_FORMAT_TEXT || !options->each)
		return;
	term_init(&term, out, (enum term_color)options->color, 0);
	fputc('\n', out);
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
				begin_reports(list, options, out, err);
			if (several)
				separate_reports(options, path, written == 0, out);
			missing |= profile.partial;
			if (several && options->format == OUT_FORMAT_TEXT && !options->each)
				written++; /* what there is to say of it has been said */
			else
				written += write_report(&profile, options, out, &missing, err);
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
	bool missing = !dump_file_list_add_all(&list, paths, count);
	/* A directory is several dumps also when only one is in it: scripts can rely on the form. */
	int status = report_all(&list, options, count > 1 || list.has_directory, err);

	dump_file_list_free(&list);
	return status == STATUS_OK && missing ? STATUS_PARTIAL : status;
}
