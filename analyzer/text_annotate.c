/* SPDX-License-Identifier: MIT */
/* Source with numbers beside it: the lines that have any, and a few around them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "annotate.h"
#include "units.h"

#define AROUND     2u /* lines of context on both sides */
#define TAB        8u
#define NUMBERS    58 /* columns of numbers with waits */
#define WAIT_WIDTH 12

/* A regular file, for reading: the name comes from a dump, and might be that of a device or a pipe. */
static FILE *open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	FILE *file = NULL;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		file = fdopen(fd, "r");
	if (fd >= 0 && !file)
		close(fd);
	return file;
}

static FILE *open_below(const char *directory, const char *path)
{
	size_t bytes = strlen(directory) + strlen(path) + 2;
	char *joined = memory_zeroed(bytes, 1);
	FILE *file;

	snprintf(joined, bytes, "%s/%s", directory, path);
	file = open_regular(joined);
	free(joined);
	return file;
}

/* Where PATH says; else its ever shorter ends below the source directory. NULL: nowhere. */
static FILE *open_source(const char *path, const struct annotate_options *options)
{
	const char *directory = options->source_dir ? options->source_dir : ".";
	FILE *file = NULL;

	if (*path == '/')
		file = options->sysroot ? open_below(options->sysroot, path) : open_regular(path);
	while (!file && path) {
		path += strspn(path, "/");
		if (*path && strncmp(path, "../", 3) != 0)
			file = open_below(directory, path);
		path = strchr(path, '/');
	}
	return file;
}

/* TEXT to its line end, with blanks for tabs. The caller frees it. */
static char *without_tabs(const char *text)
{
	size_t tabs = 0, length = strcspn(text, "\r\n");
	size_t column = 0;
	char *plain;

	for (size_t i = 0; i < length; i++)
		tabs += text[i] == '\t';
	plain = memory_zeroed(length + tabs * TAB + 1, 1);
	for (size_t i = 0; i < length; i++) {
		size_t blanks = text[i] == '\t' ? TAB - column % TAB : 0;

		memset(plain + column, ' ', blanks);
		if (blanks == 0)
			plain[column++] = text[i];
		column += blanks;
	}
	return plain;
}

static const char *bytes_or_blank(int64_t bytes, struct units *units)
{
	*units = units_bytes(bytes);
	return bytes != 0 ? units->text : "";
}

static void print_numbers(const struct annotate *annotate, const struct annotate_sums *sums, const struct term *term)
{
	struct units peak, live, allocated;

	fprintf(term->out, "%10s %10s %10s %13s", bytes_or_blank(sums->peak_bytes, &peak),
		bytes_or_blank(sums->live_bytes, &live), bytes_or_blank(units_signed(sums->alloc_bytes), &allocated),
		sums->alloc_count > 0 ? units_count(units_signed(sums->alloc_count)).text : "");
	if (annotate->waits)
		fprintf(term->out, " %11s", sums->wait_ns > 0 ? units_duration(sums->wait_ns).text : "");
}

static void print_line(const struct annotate *annotate, const struct annotate_line *line, uint32_t number,
		       const char *text, const struct term *term)
{
	size_t taken = NUMBERS - (annotate->waits ? 0 : WAIT_WIDTH);
	char *plain = text ? without_tabs(text) : NULL;

	if (line)
		print_numbers(annotate, &line->sums, term);
	else
		fprintf(term->out, "%*s", (int)taken, "");
	term_print(term, line ? TERM_PLACE : TERM_DIM, " %7" PRIu32, number);
	if (plain && *plain) {
		fputs("  ", term->out);
		if (!line)
			term_style(term, TERM_DIM);
		term_text(term, plain, term->width > taken + 30 ? term->width - taken - 10 : 0, 0, false);
		if (!line)
			term_style(term, TERM_PLAIN);
	}
	fputc('\n', term->out);
	free(plain);
}

/* Lines of the source near those with numbers; without a source, the numbers alone. */
static void print_lines(const struct annotate *annotate, const struct annotate_file *file, FILE *source,
			const struct term *term)
{
	const struct annotate_line *next = &annotate->lines.list[file->first_line];
	const struct annotate_line *end = next + file->line_count;
	uint32_t number = 0, last_printed = 0, last_counted = 0;
	size_t room = 0;
	char *text = NULL;

	while (source && next < end && getline(&text, &room, source) >= 0) {
		const struct annotate_line *line = NULL;

		number++;
		if (next->line == number) {
			line = next++;
			last_counted = number;
		}
		if (!line && !(last_counted > 0 && number <= last_counted + AROUND) &&
		    !(next < end && next->line - number <= AROUND))
			continue;
		if (last_printed > 0 && number > last_printed + 1)
			fputc('\n', term->out);
		print_line(annotate, line, number, text, term);
		last_printed = number;
	}
	/* What follows the last line with numbers. */
	for (uint32_t i = 0; source && i < AROUND && next == end && getline(&text, &room, source) >= 0; i++)
		print_line(annotate, NULL, ++number, text, term);
	for (; next < end; next++)
		print_line(annotate, next, next->line, NULL, term);
	free(text);
}

static void print_file(const struct annotate *annotate, const struct annotate_file *file, FILE *source,
		       const struct term *term)
{
	term_style(term, TERM_TITLE);
	term_text(term, file->path, 0, 0, false);
	term_style(term, TERM_PLAIN);
	if (!source)
		fputs("  (the source is not here: --source DIR says where to look)", term->out);
	fprintf(term->out, "\n%10s %10s %10s %13s", "peak", "not freed", "allocated", "allocations");
	if (annotate->waits)
		fprintf(term->out, " %11s", "waited");
	fprintf(term->out, " %7s\n", "line");
	print_lines(annotate, file, source, term);
	fputc('\n', term->out);
}

/* Files whose source is here come first: those of system libraries seldom are. */
void annotate_print(const struct annotate *annotate, const struct annotate_options *options, const struct term *term)
{
	size_t shown = 0, without = 0;

	for (size_t i = 0; i < annotate->files.count && shown < options->top; i++) {
		FILE *source = open_source(annotate->files.list[i].path, options);

		if (!source) {
			without++;
			continue;
		}
		print_file(annotate, &annotate->files.list[i], source, term);
		fclose(source);
		shown++;
	}
	if (shown > 0 || without == 0)
		return;
	for (size_t i = 0; i < annotate->files.count && shown < options->top; i++, shown++)
		print_file(annotate, &annotate->files.list[i], NULL, term);
}
