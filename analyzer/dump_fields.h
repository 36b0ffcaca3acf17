/* SPDX-License-Identifier: MIT */
/* The fields of every structure of a dump, for programs that show them raw. */
#ifndef MP_DUMP_FIELDS_H
#define MP_DUMP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "mp_dump.h"

enum dump_field_form { FIELD_NUMBER, FIELD_SIGNED, FIELD_HEX, FIELD_TEXT, FIELD_BYTES, FIELD_REAL };

struct dump_field {
	const char *name;
	size_t offset;
	size_t bytes;
	enum dump_field_form form;
};

struct dump_fields {
	const struct dump_field *list;
	size_t count;
	size_t key; /* index of the field that says whether a row is in use */
};

const struct dump_fields *dump_header_fields(void);

/* Fields of the rows of a kind of chunk; NULL for STRING, whose rows are bytes, and for unknown kinds. */
const struct dump_fields *dump_row_fields(uint32_t kind);

/* A row of ROW_BYTES has the field: those of earlier versions may be shorter. */
static inline bool dump_row_has(const struct dump_field *field, uint32_t row_bytes)
{
	return field->offset + field->bytes <= row_bytes;
}

/* The row at BYTES, which may lie at any alignment, is in use. */
bool dump_row_used(const struct dump_fields *fields, const uint8_t *bytes);

void dump_print_field(const struct dump_field *field, const uint8_t *bytes, FILE *out);

#endif
