/* SPDX-License-Identifier: MIT */
/* Columns of text, as wide as their widest cell. */
#ifndef MP_TABLE_H
#define MP_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "term.h"
#include "vec.h"

#define TABLE_COLUMNS_MAX 12

struct table_column {
	const char *title;
	bool right;    /* numbers: aligned at their end */
	bool flexible; /* gives way when the terminal is too narrow; at most one */
};

struct table {
	const struct table_column *columns; /* the caller's */
	size_t column_count;
	VEC(const char *) cells; /* row by row */
	struct arena arena;
};

void table_init(struct table *table, const struct table_column *columns, size_t column_count);

/* Fills the next cell, left to right, row by row. The text is copied. */
void table_cell(struct table *table, const char *text);

/* Prints the titles and the complete rows, each behind INDENT spaces. */
void table_print(const struct table *table, const struct term *term, size_t indent);
void table_free(struct table *table);

#endif
