/* SPDX-License-Identifier: MIT */
/* The files below analyzer/html, as parts of the program. */
#ifndef MP_HTML_ASSETS_H
#define MP_HTML_ASSETS_H

/* X(name, file): in the order in which scripts have to stand in the page. */
#define HTML_STYLES(X)                               \
	X(uplot_style, "vendor/uplot/uPlot.min.css") \
	X(style, "report.css")
#define HTML_SCRIPTS(X)                                   \
	X(uplot_script, "vendor/uplot/uPlot.iife.min.js") \
	X(format_script, "format.js")                     \
	X(model_script, "model.js")                       \
	X(table_script, "table.js")                       \
	X(flame_script, "flame.js")                       \
	X(marks_script, "marks.js")                       \
	X(timeline_script, "timeline.js")                 \
	X(details_script, "details.js")                   \
	X(controls_script, "controls.js")                 \
	X(view_overview_script, "view_overview.js")       \
	X(view_flame_script, "view_flame.js")             \
	X(view_tree_script, "view_tree.js")               \
	X(view_tables_script, "view_tables.js")           \
	X(view_growth_script, "view_growth.js")           \
	X(view_diff_script, "view_diff.js")               \
	X(view_missing_script, "view_missing.js")         \
	X(main_script, "main.js")
#define HTML_ASSETS(X)                           \
	X(page, "report.html")                   \
	X(uplot_licence, "vendor/uplot/LICENSE") \
	HTML_STYLES(X)                           \
	HTML_SCRIPTS(X)

/* Texts, 0-terminated. */
#define X(name, file) extern const char html_asset_##name[];
HTML_ASSETS(X)
#undef X

#endif
