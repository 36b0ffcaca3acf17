/* SPDX-License-Identifier: MIT */
/* gzip through zlib, behind a FILE so that writers need not know. */
#include "gz_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "arena.h"

#define BUFFER_BYTES 65536
/* Level 6 makes these files a tenth smaller than level 1 does, at a cost that is small beside that of the symbols. */
#define LEVEL       6
#define GZIP_WINDOW (15 + 16) /* zlib: with a gzip header */

struct gz_stream {
	FILE *out;
	z_stream z;
	unsigned char buffer[BUFFER_BYTES];
};

static bool deflate_all(struct gz_stream *stream, int flush)
{
	int result;

	do {
		size_t bytes;

		stream->z.next_out = stream->buffer;
		stream->z.avail_out = sizeof(stream->buffer);
		result = deflate(&stream->z, flush);
		bytes = sizeof(stream->buffer) - stream->z.avail_out;
		if (result == Z_STREAM_ERROR || fwrite(stream->buffer, 1, bytes, stream->out) != bytes)
			return false;
	} while (stream->z.avail_out == 0);
	return true;
}

static ssize_t write_some(void *cookie, const char *bytes, size_t size)
{
	struct gz_stream *stream = cookie;

	if (size > 1u << 30)
		size = 1u << 30; /* zlib counts in 32 bits */
	stream->z.next_in = (unsigned char *)(uintptr_t)bytes; /* zlib does not write there */
	stream->z.avail_in = (unsigned)size;
	return deflate_all(stream, Z_NO_FLUSH) ? (ssize_t)size : 0;
}

static int finish(void *cookie)
{
	struct gz_stream *stream = cookie;
	bool ok;

	stream->z.next_in = NULL;
	stream->z.avail_in = 0;
	ok = deflate_all(stream, Z_FINISH);
	deflateEnd(&stream->z);
	free(stream);
	if (!ok && errno == 0)
		errno = EIO;
	return ok ? 0 : EOF;
}

FILE *gz_stream_open(FILE *out)
{
	struct gz_stream *stream = memory_zeroed(1, sizeof(*stream));
	FILE *file;

	stream->out = out;
	if (deflateInit2(&stream->z, LEVEL, Z_DEFLATED, GZIP_WINDOW, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(stream);
		return NULL;
	}
	file = fopencookie(stream, "w", (cookie_io_functions_t){ .write = write_some, .close = finish });
	if (!file) {
		deflateEnd(&stream->z);
		free(stream);
	}
	return file;
}
