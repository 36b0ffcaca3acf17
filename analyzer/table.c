/* SPDX-License-Identifier: MIT */
/* Columns of text. */
#include "table.h"

#include <assert.h>
#include <string.h>

#define GAP          2u /* columns between columns */
#define FLEXIBLE_MIN 16u

void table_init(struct table *table, const struct table_column *columns, size_t column_count)
{
	assert(column_count > 0 && column_count <= TABLE_COLUMNS_MAX);
	*table = (struct table){ .columns = columns, .column_count = column_count };
}

void table_cell(struct table *table, const char *text)
{
	vec_push(&table->cells) = arena_string(&table->arena, text, strlen(text));
}

void table_free(struct table *table)
{
	vec_free(&table->cells);
	arena_free(&table->arena);
}

static void find_widths(const struct table *table, const struct term *term, size_t indent, size_t *ret_widths)
{
	size_t total = indent;

	for (size_t i = 0; i < table->column_count; i++)
		ret_widths[i] = strlen(table->columns[i].title);
	for (size_t i = 0; i < table->cells.count; i++) {
		size_t columns = term_columns(term, table->cells.list[i]);

		if (columns > ret_widths[i % table->column_count])
			ret_widths[i % table->column_count] = columns;
	}
	for (size_t i = 0; i < table->column_count; i++)
		total += ret_widths[i] + (i > 0 ? GAP : 0);
	for (size_t i = 0; i < table->column_count && term->width > 0 && total > term->width; i++) {
		size_t over = total - term->width;

		if (table->columns[i].flexible)
			ret_widths[i] = ret_widths[i] > over + FLEXIBLE_MIN ? ret_widths[i] - over : FLEXIBLE_MIN;
	}
}

static void print_row(const struct table *table, const struct term *term, size_t indent, const size_t *widths,
		      const char *const *cells)
{
	fprintf(term->out, "%*s", (int)indent, "");
	for (size_t i = 0; i < table->column_count; i++) {
		size_t columns = term_columns(term, cells[i]);
		bool last = i + 1 == table->column_count;
		size_t space = columns < widths[i] ? widths[i] - columns : 0;

		if (table->columns[i].right)
			fprintf(term->out, "%*s", (int)space, "");
		term_text(term, cells[i], widths[i], table->columns[i].right || last ? 0 : widths[i], false);
		if (!last)
			fprintf(term->out, "%*s", (int)GAP, "");
	}
}

void table_print(const struct table *table, const struct term *term, size_t indent)
{
	size_t widths[TABLE_COLUMNS_MAX];
	const char *titles[TABLE_COLUMNS_MAX];

	find_widths(table, term, indent, widths);
	for (size_t i = 0; i < table->column_count; i++)
		titles[i] = table->columns[i].title;
	term_style(term, TERM_DIM);
	print_row(table, term, indent, widths, titles);
	term_style(term, TERM_PLAIN);
	fputc('\n', term->out);
	for (size_t i = 0; i + table->column_count <= table->cells.count; i += table->column_count) {
		print_row(table, term, indent, widths, table->cells.list + i);
		fputc('\n', term->out);
	}
}
