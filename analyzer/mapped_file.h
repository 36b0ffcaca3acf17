/* SPDX-License-Identifier: MIT */
/* Read-only snapshot of a file's beginning. */
#ifndef MP_MAPPED_FILE_H
#define MP_MAPPED_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * The bytes are a private copy, not a view: a running program changes its dump at any time, and whoever seals it cuts
 * it, which would be a SIGBUS in a view. Pages that are all zero (a dump holds room ready) cost no memory.
 */
struct mapped_file {
	const char *path; /* the caller's */
	int fd;
	uint64_t file_bytes; /* at the time of opening */
	uint8_t *bytes;
	size_t size;       /* of the snapshot */
	size_t room_bytes; /* mapped for it */
};

/* Opens a regular file; the snapshot is empty. mapped_file_close() is needed only if true. */
bool mapped_file_open(struct mapped_file *file, const char *path, struct err *err);

/*
 * Takes a snapshot of the first SIZE bytes, or of as many as the file has, in place of the last one. false: it cannot
 * be read.
 */
bool mapped_file_read(struct mapped_file *file, uint64_t size, struct err *err);

/* Brings part of the snapshot up to date; the part is clipped to the snapshot. */
bool mapped_file_refresh(struct mapped_file *file, uint64_t offset, uint64_t size, struct err *err);

/* Adds to the snapshot what the file has between its end and SIZE; the file may have grown. Moves file->bytes. */
bool mapped_file_extend(struct mapped_file *file, uint64_t size, struct err *err);

void mapped_file_close(struct mapped_file *file);

#endif
