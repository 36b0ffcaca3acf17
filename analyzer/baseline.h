/* SPDX-License-Identifier: MIT */
/* Baseline files: the leaks, locks and totals of an earlier run, as JSON that version control can keep. */
#ifndef MP_BASELINE_H
#define MP_BASELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"
#include "summary.h"

/* Reads a baseline file, a dump, or a directory of dumps. What it is shows in its content. */
bool baseline_read(struct summary *summary, const char *path, struct err *err);

/* The text of a baseline file that came from PATH. */
bool baseline_parse(struct summary *summary, const char *path, const char *text, size_t size, struct err *err);

/* One leak or lock per line, in an order that does not depend on the run. The caller checks OUT for errors. */
void baseline_write(const struct summary *summary, FILE *out);

#endif
