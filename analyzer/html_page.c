/* SPDX-License-Identifier: MIT */
/* The page: report.html with a part put in at each {{NAME}}. */
#include <string.h>

#include "base64_stream.h"
#include "export.h"
#include "gz_stream.h"
#include "html.h"
#include "html_assets.h"
#include "markup.h"
#include "units.h"

static bool write_title(const struct html *html, struct err *err)
{
	char *command = export_command(html->reports[0]->profile);

	(void)err;
	markup_text(command, html->out);
	free(command);
	return true;
}

/* What stands there until the scripts have read the data, and stays where a viewer runs none. */
static bool write_summary(const struct html *html, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < html->count; i++) {
		const struct report *report = html->reports[i];
		const struct site *totals = &report->aggregate->totals;
		char *command = export_command(report->profile);

		fputs("<p><code>", html->out);
		markup_text(command, html->out);
		fprintf(html->out, "</code>: %s allocated", units_bytes(units_signed(totals->alloc_bytes)).text);
		fprintf(html->out, " in %s,", units_plural(units_signed(totals->alloc_count), "allocation").text);
		fprintf(html->out, " %s at the peak,", units_bytes(units_signed(report->profile->peak_bytes)).text);
		fprintf(html->out, " %s not freed,", units_bytes(totals->live_bytes).text);
		fprintf(html->out, " %s waited for locks.</p>\n",
			units_duration(report->lock_classes->contention_ns).text);
		free(command);
	}
	return true;
}

static bool write_styles(const struct html *html, struct err *err)
{
	(void)err;
#define X(name, file) fprintf(html->out, "<style>\n%s</style>\n", html_asset_##name);
	HTML_STYLES(X)
#undef X
	return true;
}

static bool write_scripts(const struct html *html, struct err *err)
{
	(void)err;
#define X(name, file) fprintf(html->out, "<script>\n%s</script>\n", html_asset_##name);
	HTML_SCRIPTS(X)
#undef X
	return true;
}

static bool write_licences(const struct html *html, struct err *err)
{
	(void)err;
	fprintf(html->out, "uPlot %s", html_asset_uplot_licence);
	return true;
}

static bool write_data(const struct html *html, struct err *err)
{
	FILE *base64 = base64_stream_open(html->out);
	FILE *gz = base64 ? gz_stream_open(base64) : NULL;

	if (gz)
		html_write_data(html, gz);
	/* Errors below show again as those of html->out. */
	if (gz)
		fclose(gz);
	if (base64)
		fclose(base64);
	return gz || err_set(err, NULL, ERR_NO_OFFSET, "no memory for compression");
}

static const struct part {
	const char *name;
	bool (*write)(const struct html *html, struct err *err);
} parts[] = {
	{ "title", write_title },     { "summary", write_summary },   { "styles", write_styles },
	{ "scripts", write_scripts }, { "licences", write_licences }, { "data", write_data },
};

static bool write_part(const char *name, size_t length, const struct html *html, struct err *err)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (strlen(parts[i].name) == length && memcmp(parts[i].name, name, length) == 0)
			return parts[i].write(html, err);
	}
	return err_set(err, NULL, ERR_NO_OFFSET, "report.html: no part is called '%.*s'", (int)length, name);
}

bool html_write_page(const struct html *html, struct err *err)
{
	const char *at = html_asset_page;
	const char *mark;

	while ((mark = strstr(at, "{{")) != NULL) {
		size_t length = strcspn(mark + 2, "}");

		fwrite(at, 1, (size_t)(mark - at), html->out);
		if (!write_part(mark + 2, length, html, err))
			return false;
		at = mark + 2 + length + 2;
	}
	fputs(at, html->out);
	return true;
}
