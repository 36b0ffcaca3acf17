/* SPDX-License-Identifier: MIT */
/* memprof-analyze html: the report as a page. */
#include <unistd.h>

#include "commands.h"
#include "html.h"
#include "out_file.h"
#include "report_set.h"

static bool write_file(const struct report_set *set, const struct options *options, struct err *err)
{
	struct html html = { .reports = set->reports, .count = set->count, .diff = options->diff };
	struct out_file file;
	bool ok;

	if (!out_file_open(&file, options->output, err))
		return false;
	html.out = file.stream;
	ok = html_write_page(&html, err);
	return out_file_close(&file, ok, err);
}

int cmd_html(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct dump_file_list list = { 0 };
	struct report_set set = { 0 };
	int status = STATUS_BAD;
	bool missing;

	if (!options->output && isatty(STDOUT_FILENO)) {
		err_set(err, NULL, ERR_NO_OFFSET, "a page is nothing for a terminal: give -o FILE");
		return STATUS_BAD;
	}
	missing = !dump_file_list_add_all(&list, paths, count);
	if (options->diff && list.paths.count != 2)
		err_set(err, NULL, ERR_NO_OFFSET, "html --diff compares two dumps, OLD NEW, and here are %zu",
			list.paths.count);
	else if (report_set_load(&set, &list, options, &missing, err) && (!options->diff || set.count == 2) &&
		 write_file(&set, options, err))
		status = missing ? STATUS_PARTIAL : STATUS_OK;
	report_set_free(&set);
	dump_file_list_free(&list);
	return status;
}
