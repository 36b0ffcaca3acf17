/* SPDX-License-Identifier: MIT */
/* The first thing that went wrong, with the file and the offset in it. */
#ifndef MP_ERR_H
#define MP_ERR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ERR_NO_OFFSET UINT64_MAX

struct err {
	bool set;
	uint64_t offset; /* bytes from the start of the file, ERR_NO_OFFSET if the error is not about a place in it */
	char path[1024]; /* "" if the error is not about a file; a longer path keeps its end */
	char text[512];
};

/*
 * Keep this error unless there is one already: the first error explains those that follow from it. PATH may be NULL.
 * Always returns false, so that a function can end with `return err_set(...)`.
 */
bool err_set(struct err *err, const char *path, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same with ": " and the text of ERRNO_VALUE behind the message. */
bool err_errno(struct err *err, int errno_value, const char *path, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "PATH: offset 0x10: text" without what is unknown; no newline. */
void err_print(const struct err *err, FILE *out);

/* The line on standard error that tells of an error. For main(), and for commands that go on with the next dump. */
void err_complain(const struct err *err);

#endif
