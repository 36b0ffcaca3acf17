/* SPDX-License-Identifier: MIT */
/* A stream that turns what is written to it into base64. */
#ifndef MP_BASE64_STREAM_H
#define MP_BASE64_STREAM_H

#include <stdio.h>

/*
 * What is written to the result goes to OUT as one line of base64 (RFC 4648) without a line end; fclose() of the result
 * finishes that and leaves OUT open. Errors of OUT become errors of the result. NULL: no memory.
 */
FILE *base64_stream_open(FILE *out);

#endif
