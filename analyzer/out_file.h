/* SPDX-License-Identifier: MIT */
/* Result files: complete under their name, or not there at all. */
#ifndef MP_OUT_FILE_H
#define MP_OUT_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "err.h"

struct out_file {
	FILE *stream;
	const char *path; /* the caller's; NULL = standard output */
	char *temporary;  /* name until it is complete; NULL = written in place */
};

/*
 * PATH NULL or "-" is standard output. A regular file is written under another name in the same directory; what is no
 * regular file (a pipe, a device) is written in place. After true, out_file_close() must be called.
 */
bool out_file_open(struct out_file *file, const char *path, struct err *err);

/* With COMPLETE and without an error of the stream, gives the file its name; else removes it. */
bool out_file_close(struct out_file *file, bool complete, struct err *err);

#endif
