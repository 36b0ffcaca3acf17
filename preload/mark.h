/* SPDX-License-Identifier: MIT */
/* Marks: points in time with a name. */
#ifndef MP_MARK_H
#define MP_MARK_H

#include <stdint.h>

#include "thread.h"

/* Notes a mark with the totals of this moment; FLAGS: MP_MARK_*. TEXT is copied. Context: setup, gate closed. */
void mark_add(const struct thread *t, const char *text, uint32_t flags);

/* In a fork child: it has no marks yet. Context: setup. */
void mark_forked(void);

#endif
