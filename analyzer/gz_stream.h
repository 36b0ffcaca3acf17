/* SPDX-License-Identifier: MIT */
/* A stream that compresses what is written to it. */
#ifndef MP_GZ_STREAM_H
#define MP_GZ_STREAM_H

#include <stdio.h>

/*
 * What is written to the result goes to OUT as one gzip member; fclose() of the result finishes that and leaves OUT
 * open. Errors of OUT become errors of the result. Equal input gives equal bytes. NULL: no memory.
 */
FILE *gz_stream_open(FILE *out);

#endif
