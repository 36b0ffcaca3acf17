/* SPDX-License-Identifier: MIT */
/* memprof-analyze export: files for the tools of others. */
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "export.h"
#include "gz_stream.h"
#include "out_file.h"
#include "report_set.h"

struct format_info {
	const char *name;
	bool (*writer)(const struct export *export, struct err *err);
	unsigned flags;
};

static const struct format_info formats[] = {
#define X(name, text, writer, flags, help) { text, writer, flags },
	EXPORT_FORMATS(X)
#undef X
};

static bool wants_gzip(const struct format_info *format, const char *path)
{
	size_t length = path ? strlen(path) : 0;

	return (format->flags & EXPORT_GZIP) ||
	       (!(format->flags & EXPORT_BINARY) && length > 3 && strcmp(path + length - 3, ".gz") == 0);
}

static bool write_stream(const struct format_info *format, const struct report_set *set, FILE *out, struct err *err)
{
	const struct export export = { .reports = set->reports, .count = set->count, .out = out };

	return format->writer(&export, err);
}

static bool write_file(const struct format_info *format, const struct report_set *set, const char *path,
		       struct err *err)
{
	struct out_file file;
	bool ok;

	if (!out_file_open(&file, path, err))
		return false;
	if (wants_gzip(format, path)) {
		FILE *gz = gz_stream_open(file.stream);

		ok = gz ? write_stream(format, set, gz, err)
			: err_set(err, path, ERR_NO_OFFSET, "cannot write: no memory");
		/* An error below shows again as one of file.stream. */
		if (gz && fclose(gz) != 0)
			ok = ok && err_set(err, path ? path : "standard output", ERR_NO_OFFSET, "cannot write");
	} else {
		ok = write_stream(format, set, file.stream, err);
	}
	return out_file_close(&file, ok, err);
}

static bool check(const struct options *options, const struct dump_file_list *list, struct err *err)
{
	const struct format_info *format = &formats[options->export_format];

	if (list->paths.count > 1 && !(format->flags & EXPORT_SEVERAL))
		return err_set(err, NULL, ERR_NO_OFFSET,
			       "a file of format %s holds one dump, and here are %zu: export each to its own",
			       format->name, list->paths.count);
	if (!options->output && (format->flags & EXPORT_BINARY) && isatty(STDOUT_FILENO))
		return err_set(err, NULL, ERR_NO_OFFSET, "%s is nothing for a terminal: give -o FILE", format->name);
	return true;
}

int cmd_export(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct dump_file_list list = { 0 };
	struct report_set set = { 0 };
	bool missing = false;
	int status = STATUS_BAD;

	if (options->export_format == NOT_GIVEN) {
		err_set(err, NULL, ERR_NO_OFFSET, "export: which --format? (see memprof-analyze export --help)");
		return STATUS_BAD;
	}
	missing = !dump_file_list_add_all(&list, paths, count);
	if (check(options, &list, err) && report_set_load(&set, &list, options, &missing, err) &&
	    write_file(&formats[options->export_format], &set, options->output, err)) {
		for (size_t i = 0; i < set.count; i++) {
			report_print_warnings(set.reports[i]);
			if (options->export_format == EXPORT_FORMAT_FOLDED)
				missing |= report_lacks_verdict(set.reports[i]);
		}
		status = missing ? STATUS_PARTIAL : STATUS_OK;
	}
	report_set_free(&set);
	dump_file_list_free(&list);
	return status;
}
