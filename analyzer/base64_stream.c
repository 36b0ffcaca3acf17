/* SPDX-License-Identifier: MIT */
/* base64, behind a FILE so that writers need not know. */
#include "base64_stream.h"

#include <stdint.h>
#include <stdlib.h>

#include "arena.h"

struct base64_stream {
	FILE *out;
	uint32_t bits;  /* of the group at hand, the last byte lowest */
	unsigned bytes; /* in it, 0 to 2 */
};

/* Characters that stand for a group of BYTES bytes: four, those without a byte of their own as '='. */
static void put_group(FILE *out, uint32_t bits, unsigned bytes)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	bits <<= 8 * (3 - bytes);
	for (unsigned i = 0; i < 4; i++)
		putc_unlocked(i <= bytes ? letters[bits >> (18 - 6 * i) & 63] : '=', out);
}

static ssize_t write_some(void *cookie, const char *bytes, size_t size)
{
	struct base64_stream *stream = cookie;

	for (size_t i = 0; i < size; i++) {
		stream->bits = stream->bits << 8 | (unsigned char)bytes[i];
		if (++stream->bytes < 3)
			continue;
		put_group(stream->out, stream->bits, 3);
		stream->bits = stream->bytes = 0;
	}
	return ferror(stream->out) ? 0 : (ssize_t)size;
}

static int finish(void *cookie)
{
	struct base64_stream *stream = cookie;
	int failed;

	if (stream->bytes > 0)
		put_group(stream->out, stream->bits, stream->bytes);
	failed = ferror(stream->out);
	free(stream);
	return failed ? EOF : 0;
}

FILE *base64_stream_open(FILE *out)
{
	struct base64_stream *stream = memory_zeroed(1, sizeof(*stream));
	FILE *file;

	stream->out = out;
	file = fopencookie(stream, "w", (cookie_io_functions_t){ .write = write_some, .close = finish });
	if (!file)
		free(stream);
	return file;
}
