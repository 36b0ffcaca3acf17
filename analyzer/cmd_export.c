/* SPDX-License-Identifier: MIT */
/* memprof-analyze export: files for the tools of others. */
#include <string.h>
#include <unistd.h>

#include "anonymise.h"
#include "commands.h"
#include "dump_file.h"
#include "export.h"
#include "gz_stream.h"
#include "out_file.h"
#include "report.h"

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

/* The dumps of one export. */
struct inputs {
	struct profile *profiles;
	struct ready_report *ready;
	const struct report **reports;
	size_t loaded; /* profiles */
	size_t count;  /* reports */
};

static bool wants_gzip(const struct format_info *format, const char *path)
{
	size_t length = path ? strlen(path) : 0;

	return (format->flags & EXPORT_GZIP) ||
	       (!(format->flags & EXPORT_BINARY) && length > 3 && strcmp(path + length - 3, ".gz") == 0);
}

static bool write_stream(const struct format_info *format, const struct inputs *inputs, FILE *out, struct err *err)
{
	const struct export export = { .reports = inputs->reports, .count = inputs->count, .out = out };

	return format->writer(&export, err);
}

static bool write_file(const struct format_info *format, const struct inputs *inputs, const char *path, struct err *err)
{
	struct out_file file;
	bool ok;

	if (!out_file_open(&file, path, err))
		return false;
	if (wants_gzip(format, path)) {
		FILE *gz = gz_stream_open(file.stream);

		ok = gz ? write_stream(format, inputs, gz, err)
			: err_set(err, path, ERR_NO_OFFSET, "cannot write: no memory");
		/* An error below shows again as one of file.stream. */
		if (gz && fclose(gz) != 0)
			ok = ok && err_set(err, path ? path : "standard output", ERR_NO_OFFSET, "cannot write");
	} else {
		ok = write_stream(format, inputs, file.stream, err);
	}
	return out_file_close(&file, ok, err);
}

/* false: nothing to export. *RET_MISSING: some dump could not be read, or not all of it. */
static bool load(const struct dump_file_list *list, const struct options *options, struct inputs *inputs,
		 bool *ret_missing, struct err *err)
{
	inputs->profiles = memory_zeroed(list->paths.count, sizeof(*inputs->profiles));
	inputs->ready = memory_zeroed(list->paths.count, sizeof(*inputs->ready));
	inputs->reports = memory_zeroed(list->paths.count, sizeof(*inputs->reports));
	for (size_t i = 0; i < list->paths.count; i++) {
		struct profile *profile = &inputs->profiles[inputs->loaded++];
		struct err load_err = { 0 };

		profile_init(profile, list->paths.list[i]);
		if (!dump_file_load(list->paths.list[i], profile, &load_err)) {
			err_complain(&load_err);
			*ret_missing = true;
			continue;
		}
		*ret_missing |= profile->partial;
		if (options->anonymise)
			profile_anonymise(profile);
		inputs->reports[inputs->count] = &inputs->ready[inputs->count].report;
		if (!report_init(&inputs->ready[inputs->count++], profile, options, err))
			return false;
	}
	return inputs->count > 0;
}

static void unload(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		report_free(&inputs->ready[i]);
	for (size_t i = 0; i < inputs->loaded; i++)
		profile_free(&inputs->profiles[i]);
	free(inputs->profiles);
	free(inputs->ready);
	free(inputs->reports);
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
	struct inputs inputs = { 0 };
	bool missing = false;
	int status = STATUS_BAD;

	if (options->export_format == NOT_GIVEN) {
		err_set(err, NULL, ERR_NO_OFFSET, "export: which --format? (see memprof-analyze export --help)");
		return STATUS_BAD;
	}
	missing = !dump_file_list_add_all(&list, paths, count);
	if (check(options, &list, err) && load(&list, options, &inputs, &missing, err) &&
	    write_file(&formats[options->export_format], &inputs, options->output, err)) {
		for (size_t i = 0; i < inputs.count; i++)
			report_print_warnings(inputs.reports[i]);
		status = missing ? STATUS_PARTIAL : STATUS_OK;
	}
	unload(&inputs);
	dump_file_list_free(&list);
	return status;
}
