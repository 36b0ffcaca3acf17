/* SPDX-License-Identifier: MIT */
/* The report as one page that needs nothing but itself: assets from analyzer/html, and the data, compressed. */
#ifndef MP_HTML_H
#define MP_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"
#include "out.h"

struct html {
	const struct report *const *reports;
	size_t count;
	bool diff; /* there are two, the older first, to be compared */
	FILE *out; /* the caller looks for errors of the stream */
};

/* Writes the page. false: ERR says why. */
bool html_write_page(const struct html *html, struct err *err);

/* Writes the data that the scripts of the page read, as JSON; html_data.c says what is in it. */
void html_write_data(const struct html *html, FILE *out);

#endif
