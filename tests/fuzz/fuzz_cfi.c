/* SPDX-License-Identifier: MIT */
/* Fuzz target: the input is an object's unwind tables; whatever they hold, lookups read nothing else. */
#include "cfi_compile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input is the offset of .eh_frame_hdr, its length (16 bits each), and the bytes of the object. */
#define PREFIX_BYTES 4

/* Where the seeds have their function, seen from the first byte of the object. */
#define TEXT_AT 0x4000

static void ask(const struct cfi_tables *tables, uint64_t address)
{
	struct cfi_rule rule;
	bool worked = cfi_compile(tables, address, &rule);

	if (rule.kind > CFI_COMPLICATED || rule.bp_saved + rule.bp_at_bp + rule.bp_undefined > 1 ||
	    (!worked && rule.kind != CFI_NONE))
		abort();
}

/* The object's words as starts of functions: some of them are the rows of the search table. */
static void ask_by_table(const struct cfi_tables *tables)
{
	size_t bytes = (size_t)(tables->end - tables->eh_frame_hdr);

	for (size_t at = 12; at + sizeof(int32_t) <= bytes && at < 12 + 4 * 8; at += 8) {
		int32_t start;

		memcpy(&start, tables->eh_frame_hdr + at, sizeof(start));
		ask(tables, (uintptr_t)tables->eh_frame_hdr + (uint64_t)(int64_t)start);
		ask(tables, (uintptr_t)tables->eh_frame_hdr + (uint64_t)(int64_t)start + 9);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t offsets[] = { 0, 1, 4, 5, 0x80, 0xff, 0x100 };
	struct cfi_tables tables = { .text_end = UINT64_MAX };
	uint16_t header, header_bytes;
	uint8_t *object;

	if (size < PREFIX_BYTES)
		return 0;
	memcpy(&header, data, sizeof(header));
	memcpy(&header_bytes, data + 2, sizeof(header_bytes));
	size -= PREFIX_BYTES;
	/* Exactly as large as the object, so that AddressSanitizer sees every byte read past it. */
	object = malloc(size ? size : 1);
	if (!object)
		return 0;
	memcpy(object, data + PREFIX_BYTES, size);
	tables.start = object;
	tables.end = object + size;
	tables.eh_frame_hdr = object + (header < size ? header : size);
	tables.eh_frame_hdr_bytes = header_bytes;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		ask(&tables, (uintptr_t)object + TEXT_AT + offsets[i]);
	ask_by_table(&tables);
	free(object);
	return 0;
}
