/* SPDX-License-Identifier: MIT */
/* Through a stream in memory, as wide as the screen. */
#include "tui_pages.h"

#include <stdlib.h>
#include <string.h>

#include "tui_screen.h"

void tui_pages_free(struct tui_pages *pages)
{
	vec_free(&pages->lines);
	free(pages->text);
	*pages = (struct tui_pages){ 0 };
}

struct term tui_pages_begin(struct tui_pages *pages, const char *title)
{
	struct term term;

	tui_pages_free(pages);
	snprintf(pages->title, sizeof(pages->title), "%s", title);
	term_init(&term, open_memstream(&pages->text, &pages->bytes), TERM_COLOR_NEVER,
		  (size_t)(tui_screen_width() > 40 ? tui_screen_width() - 1 : 39));
	term.utf8 = true; /* tui_text() replaces what the terminal cannot show */
	return term;
}

void tui_pages_end(struct tui_pages *pages, FILE *stream)
{
	fclose(stream);
	for (char *at = pages->text; at && *at;) {
		size_t length = strcspn(at, "\n");
		bool more = at[length] != 0;

		at[length] = 0;
		vec_push(&pages->lines) = at;
		at += length + more;
	}
	if (pages->lines.count == 0)
		vec_push(&pages->lines) = "";
}
