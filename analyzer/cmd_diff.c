/* SPDX-License-Identifier: MIT */
/* memprof-analyze diff: two runs side by side. */
#include <errno.h>

#include "baseline.h"
#include "commands.h"
#include "diff.h"

static bool write_diff(const struct diff *diff, const struct options *options, struct err *err)
{
	const struct diff_output output = {
		.top = options->top == NOT_GIVEN ? 0
		       : options->top == 0       ? SIZE_MAX
						 : (size_t)options->top,
		.full_stacks = options->full_stacks,
	};
	FILE *out = options->output ? fopen(options->output, "we") : stdout;
	struct term term;
	bool failed;

	if (!out)
		return err_errno(err, errno, options->output, "cannot write");
	if (options->diff_format == DIFF_FORMAT_JSON) {
		out_diff_json(diff, &output, out);
	} else if (options->diff_format == DIFF_FORMAT_MARKDOWN) {
		out_diff_markdown(diff, &output, out);
	} else {
		term_init(&term, out, (enum term_color)options->color,
			  options->width == NOT_GIVEN ? 0 : (size_t)options->width);
		out_diff_text(diff, &output, &term);
	}
	if (out == stdout)
		return true; /* main() looks at standard output */
	failed = ferror(out);
	if (fclose(out) != 0 || failed)
		return err_set(err, options->output, ERR_NO_OFFSET, "cannot write");
	return true;
}

int cmd_diff(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct strtab names = { 0 };
	struct summary old, now;
	struct diff diff;
	int status = STATUS_BAD;

	summary_init(&old, &names);
	summary_init(&now, &names);
	old.with_sites = now.with_sites = true;
	if (count != 2) {
		err_set(err, NULL, ERR_NO_OFFSET, "diff takes two runs: OLD NEW");
		goto out;
	}
	if (!baseline_read(&old, paths[0], err) || !baseline_read(&now, paths[1], err))
		goto out;
	diff_init(&diff, &old, &now, options->min_change == NOT_GIVEN ? 1 : (double)options->min_change);
	if (write_diff(&diff, options, err))
		status = old.defects[SUMMARY_PARTIAL] + now.defects[SUMMARY_PARTIAL] > 0 ? STATUS_PARTIAL : STATUS_OK;
	diff_free(&diff);
out:
	summary_free(&old);
	summary_free(&now);
	strtab_free(&names);
	return status;
}
