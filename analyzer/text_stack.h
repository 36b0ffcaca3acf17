/* SPDX-License-Identifier: MIT */
/* Stacks and lines of rankings in text for people. */
#ifndef MP_TEXT_STACK_H
#define MP_TEXT_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "symbolize.h"
#include "term.h"

/*
 * One line for each of COUNT frames, innermost first, behind INDENT spaces, then what MARK (as profile_stack_mark())
 * says of the end. A long stack shows INNER frames and the outermost; SIZE_MAX: all.
 */
void text_stack_print(const struct term *term, const struct frame *frames, size_t count, uint32_t mark, size_t indent,
		      size_t inner);

/* The beginning of a line of a ranking: VALUE and SHARE ("" = none) in columns of their own. */
void text_rank_line(const struct term *term, size_t rank, const char *value, const char *share);

#endif
