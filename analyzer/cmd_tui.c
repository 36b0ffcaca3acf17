/* SPDX-License-Identifier: MIT */
/* memprof-analyze tui: the report on a terminal. */
#include <unistd.h>

#include "commands.h"
#include "dump_file.h"
#include "report.h"
#include "tui.h"

int cmd_tui(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct ready_report ready;
	struct profile profile;
	int status = STATUS_BAD;

	(void)count;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		err_set(err, NULL, ERR_NO_OFFSET, "tui needs a terminal");
		return STATUS_BAD;
	}
	profile_init(&profile, paths[0]);
	if (dump_file_load(paths[0], &profile, err)) {
		if (report_init(&ready, &profile, options, err) && tui_run(&ready.report, err))
			status = profile.partial ? STATUS_PARTIAL : STATUS_OK;
		report_free(&ready);
	}
	profile_free(&profile);
	return status;
}
