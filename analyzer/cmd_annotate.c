/* SPDX-License-Identifier: MIT */
/* memprof-analyze annotate: source lines with bytes and waits beside them. */
#include "annotate.h"
#include "commands.h"
#include "dump_file.h"
#include "out_file.h"
#include "report.h"

#define TOP_DEFAULT 3u

static bool print(const struct report *report, const struct options *options, const char *place, struct err *err)
{
	const struct annotate_options wanted = {
		.source_dir = options->source,
		.sysroot = options->sysroot,
		.top = options->top != NOT_GIVEN && options->top > 0 ? (size_t)options->top
		       : options->top == NOT_GIVEN && !place         ? TOP_DEFAULT
								     : SIZE_MAX,
	};
	struct annotate annotate;
	struct out_file file;
	struct term term;
	bool ok;

	annotate_init(&annotate, report, place);
	if (annotate.lines.count == 0)
		ok = place ? err_set(err, report->profile->path, ERR_NO_OFFSET,
				     "no line of a source file or function '%s' is in any stack", place)
			   : err_set(err, report->profile->path, ERR_NO_OFFSET,
				     "no line of any source file is known: debug information is missing");
	else
		ok = out_file_open(&file, options->output, err);
	if (ok) {
		term_init(&term, file.stream, (enum term_color)options->color,
			  options->width == NOT_GIVEN ? 0 : (size_t)options->width);
		annotate_print(&annotate, &wanted, &term);
		ok = out_file_close(&file, true, err);
	}
	annotate_free(&annotate);
	return ok;
}

int cmd_annotate(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct ready_report ready;
	struct profile profile;
	int status = STATUS_BAD;

	profile_init(&profile, paths[0]);
	if (dump_file_load(paths[0], &profile, err)) {
		if (report_init(&ready, &profile, options, err) &&
		    print(&ready.report, options, count > 1 ? paths[1] : NULL, err)) {
			report_print_warnings(&ready.report);
			status = profile.partial ? STATUS_PARTIAL : STATUS_OK;
		}
		report_free(&ready);
	}
	profile_free(&profile);
	return status;
}
