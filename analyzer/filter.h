/* SPDX-License-Identifier: MIT */
/* Selects stacks by a regular expression over the names in them. */
#ifndef MP_FILTER_H
#define MP_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "profile.h"
#include "symbolize.h"

struct filter;

/* EXPRESSION is a POSIX extended regular expression. NULL: it is not one, ERR says why. */
struct filter *filter_new(const char *expression, const struct profile *profile, struct symbolizer *symbols,
			  struct err *err);
void filter_free(struct filter *filter);

/* The expression as it was given. */
const char *filter_expression(const struct filter *filter);

/* TEXT (may be NULL) matches. */
bool filter_matches_text(const struct filter *filter, const char *text);

/* Function, source file or module of any frame of STACK matches. */
bool filter_matches_stack(struct filter *filter, uint32_t stack);

#endif
