/* SPDX-License-Identifier: MIT */
/* Text within XML and HTML. */
#ifndef MP_MARKUP_H
#define MP_MARKUP_H

#include <stdio.h>

/* TEXT with markup escaped; what XML cannot hold at all becomes '?', and bytes that are not UTF-8 U+FFFD. */
void markup_text(const char *text, FILE *out);

#endif
