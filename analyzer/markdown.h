/* SPDX-License-Identifier: MIT */
/* Text of programs within Markdown. */
#ifndef MP_MARKDOWN_H
#define MP_MARKDOWN_H

#include <stddef.h>
#include <stdio.h>

#include "symbolize.h"

/* TEXT on one line, with nothing in it that would be taken as markup or as the end of a table's cell. */
void markdown_text(const char *text, FILE *out);

/* A block of code with one frame per line. */
void markdown_stack(const struct frame *frames, size_t count, FILE *out);

#endif
