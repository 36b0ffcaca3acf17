/* SPDX-License-Identifier: MIT */
/* The first error wins. */
#include "err.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* Returns how many bytes of err->text are used. */
static size_t __attribute__((format(printf, 4, 0)))
begin(struct err *err, const char *path, uint64_t offset, const char *format, va_list args)
{
	size_t length = path ? strlen(path) : 0;
	int written;

	err->set = true;
	err->offset = offset;
	if (length >= sizeof(err->path))
		path += length - sizeof(err->path) + 1;
	snprintf(err->path, sizeof(err->path), "%s", path ? path : "");
	written = vsnprintf(err->text, sizeof(err->text), format, args);
	if (written < 0)
		return 0;
	return (size_t)written < sizeof(err->text) ? (size_t)written : sizeof(err->text) - 1;
}

bool err_set(struct err *err, const char *path, uint64_t offset, const char *format, ...)
{
	va_list args;

	if (err->set)
		return false;
	va_start(args, format);
	begin(err, path, offset, format, args);
	va_end(args);
	return false;
}

bool err_errno(struct err *err, int errno_value, const char *path, const char *format, ...)
{
	va_list args;
	size_t used;

	if (err->set)
		return false;
	va_start(args, format);
	used = begin(err, path, ERR_NO_OFFSET, format, args);
	va_end(args);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(errno_value));
	return false;
}

void err_print(const struct err *err, FILE *out)
{
	if (err->path[0])
		fprintf(out, "%s: ", err->path);
	if (err->offset != ERR_NO_OFFSET)
		fprintf(out, "offset 0x%" PRIx64 ": ", err->offset);
	fprintf(out, "%s", err->text);
}

void err_complain(const struct err *err)
{
	fflush(stdout); /* so that it comes after what was printed before it */
	fputs("memprof-analyze: ", stderr);
	err_print(err, stderr);
	fputc('\n', stderr);
}
