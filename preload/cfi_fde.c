/* SPDX-License-Identifier: MIT */
/* Reads .eh_frame_hdr and the heads of the entries of .eh_frame. */
#include "cfi_fde.h"

#include <stddef.h>

#include "compiler.h"

/* Letters of augmentations that belong to aarch64: B, return addresses are signed with key B; G, frames are tagged. */
#if defined(__aarch64__)
#define HAS_AARCH64_LETTERS true
#else
#define HAS_AARCH64_LETTERS false
#endif

/* Pointer encodings: a format, what it is relative to, and a flag that it points at the pointer. */
#define PE_FORMAT  0x0f
#define PE_ABSPTR  0x00
#define PE_ULEB128 0x01
#define PE_UDATA2  0x02
#define PE_UDATA4  0x03
#define PE_UDATA8  0x04
#define PE_SLEB128 0x09
#define PE_SDATA2  0x0a
#define PE_SDATA4  0x0b
#define PE_SDATA8  0x0c
#define PE_PCREL   0x10
#define PE_DATAREL 0x30
#define PE_ALIGNED 0x50

/* A longer augmentation is not understood. The limit bounds the work per CIE, so that of a walk is linear. */
#define AUGMENTATION_LETTERS 16

bool cfi_fde_read_pointer(struct cfi_cursor *cursor, uint8_t encoding, const uint8_t *data_base, uint64_t *ret_value)
{
	uint64_t base = 0;
	uint64_t value;

	switch (encoding & ~PE_FORMAT) {
	case 0:
		break;
	case PE_PCREL:
		base = (uintptr_t)cursor->pos;
		break;
	case PE_DATAREL:
		if (!data_base)
			return false;
		base = (uintptr_t)data_base;
		break;
	default:
		return false;
	}
	switch (encoding & PE_FORMAT) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8:
		value = cfi_cursor_u64(cursor);
		break;
	case PE_ULEB128:
		value = cfi_cursor_uleb(cursor);
		break;
	case PE_SLEB128:
		value = (uint64_t)cfi_cursor_sleb(cursor);
		break;
	case PE_UDATA2:
		value = cfi_cursor_u16(cursor);
		break;
	case PE_SDATA2:
		value = (uint64_t)(int16_t)cfi_cursor_u16(cursor);
		break;
	case PE_UDATA4:
		value = cfi_cursor_u32(cursor);
		break;
	case PE_SDATA4:
		value = (uint64_t)(int32_t)cfi_cursor_u32(cursor);
		break;
	default:
		return false;
	}
	*ret_value = base + value;
	return !cursor->bad;
}

/* What a failed cfi_fde_read_pointer() comes to. */
static enum cfi_outcome pointer_failure(const struct cfi_cursor *cursor)
{
	return cursor->bad ? CFI_OUTCOME_MALFORMED : CFI_OUTCOME_BEYOND;
}

/* One entry of .eh_frame. */
struct entry {
	uint64_t id; /* 0: a CIE; an FDE: the distance from here back to its CIE */
	const uint8_t *id_at;
	struct cfi_cursor rest; /* what follows the id */
};

/*
 * Steps over one entry. false: that was the terminator, or (the section's error is set) the bytes ended. The id of an
 * entry with a 64-bit length has 64 bits, as libunwind, elfutils and binutils read it; no tool writes such entries.
 */
static bool read_entry(struct cfi_cursor *section, struct entry *ret_entry)
{
	uint64_t bytes = cfi_cursor_u32(section);
	bool wide = bytes == UINT32_MAX;

	if (wide)
		bytes = cfi_cursor_u64(section);
	ret_entry->rest = cfi_cursor_sub(section, bytes);
	if (bytes == 0)
		return false;
	ret_entry->id_at = ret_entry->rest.pos;
	ret_entry->id = wide ? cfi_cursor_u64(&ret_entry->rest) : cfi_cursor_u32(&ret_entry->rest);
	if (ret_entry->rest.bad)
		cfi_cursor_fail(section);
	return !section->bad;
}

static enum cfi_outcome read_augmentation(struct cfi_cursor *entry, const uint8_t *text, struct cfi_cie *cie)
{
	struct cfi_cursor data;
	uint64_t personality;

	if (!*text)
		return CFI_OUTCOME_FOUND;
	if (*text != 'z')
		return CFI_OUTCOME_BEYOND;
	cie->sized_augmentation = true;
	data = cfi_cursor_sub(entry, cfi_cursor_uleb(entry));
	while (*++text) {
		switch (*text) {
		case 'R':
			cie->pointer_encoding = cfi_cursor_u8(&data);
			break;
		case 'P': {
			uint8_t encoding = cfi_cursor_u8(&data);

			/* Only its size matters, so it does not matter what it is relative to. */
			if (encoding != PE_ALIGNED)
				encoding &= PE_FORMAT;
			if (!cfi_fde_read_pointer(&data, encoding, NULL, &personality))
				return pointer_failure(&data);
			break;
		}
		case 'L':
			cfi_cursor_u8(&data);
			break;
		case 'S':
			cie->signal_frame = true;
			break;
		case 'B':
		case 'G':
			if (!HAS_AARCH64_LETTERS)
				return CFI_OUTCOME_BEYOND;
			break;
		default:
			return CFI_OUTCOME_BEYOND;
		}
	}
	return data.bad ? CFI_OUTCOME_MALFORMED : CFI_OUTCOME_FOUND;
}

/* Steps over the letters; false: no end in sight. */
static bool read_letters(struct cfi_cursor *entry)
{
	for (size_t i = 0; i <= AUGMENTATION_LETTERS; i++) {
		if (!cfi_cursor_u8(entry))
			return true;
	}
	return false;
}

static enum cfi_outcome read_cie(const struct cfi_tables *tables, const uint8_t *at, struct cfi_cie *ret_cie)
{
	struct cfi_cursor section = { at, tables->end, false };
	enum cfi_outcome outcome;
	const uint8_t *letters;
	struct entry entry;
	uint8_t version;

	*ret_cie = (struct cfi_cie){ .at = at };
	if (!read_entry(&section, &entry) || entry.id != 0)
		return CFI_OUTCOME_MALFORMED;
	version = cfi_cursor_u8(&entry.rest);
	letters = entry.rest.pos;
	if ((version != 1 && version != 3 && version != 4) || !read_letters(&entry.rest))
		return entry.rest.bad ? CFI_OUTCOME_MALFORMED : CFI_OUTCOME_BEYOND;
	if (version == 4) {
		uint8_t address_bytes = cfi_cursor_u8(&entry.rest);
		uint8_t segment_bytes = cfi_cursor_u8(&entry.rest);

		if (!entry.rest.bad && (address_bytes != sizeof(void *) || segment_bytes != 0))
			return CFI_OUTCOME_BEYOND;
	}
	ret_cie->code_align = cfi_cursor_uleb(&entry.rest);
	ret_cie->data_align = cfi_cursor_sleb(&entry.rest);
	ret_cie->ra_register = version == 1 ? cfi_cursor_u8(&entry.rest) : cfi_cursor_uleb(&entry.rest);
	if (entry.rest.bad)
		return CFI_OUTCOME_MALFORMED;
	outcome = read_augmentation(&entry.rest, letters, ret_cie);
	ret_cie->program = entry.rest;
	return entry.rest.bad ? CFI_OUTCOME_MALFORMED : outcome;
}

/* *CIE is read anew only if it is not the one that ENTRY refers to. */
static enum cfi_outcome read_fde(const struct cfi_tables *tables, struct entry *entry, struct cfi_cie *cie,
				 struct cfi_fde *ret_fde)
{
	struct cfi_cursor *rest = &entry->rest;

	if (entry->id > (uint64_t)(entry->id_at - tables->start))
		return CFI_OUTCOME_MALFORMED;
	if (cie->at != entry->id_at - entry->id) {
		enum cfi_outcome outcome = read_cie(tables, entry->id_at - entry->id, cie);

		if (outcome != CFI_OUTCOME_FOUND) {
			cie->at = NULL;
			return outcome;
		}
	}
	if (!cfi_fde_read_pointer(rest, cie->pointer_encoding, NULL, &ret_fde->start) ||
	    !cfi_fde_read_pointer(rest, cie->pointer_encoding & PE_FORMAT, NULL, &ret_fde->length))
		return pointer_failure(rest);
	if (cie->sized_augmentation)
		cfi_cursor_take(rest, cfi_cursor_uleb(rest));
	ret_fde->program = *rest;
	return rest->bad ? CFI_OUTCOME_MALFORMED : CFI_OUTCOME_FOUND;
}

static bool fde_covers(const struct cfi_fde *fde, uint64_t address)
{
	return address - fde->start < fde->length;
}

/* Looks at every entry from AT up to the terminator. An FDE with a CIE that is not understood is passed over. */
static enum cfi_outcome find_by_walk(const struct cfi_tables *tables, uint64_t at, uint64_t address,
				     struct cfi_cie *ret_cie, struct cfi_fde *ret_fde)
{
	struct cfi_cursor section = { tables->start, tables->end, false };
	struct entry entry;

	cfi_cursor_take(&section, at - (uintptr_t)tables->start);
	while (cfi_cursor_left(&section) && read_entry(&section, &entry)) {
		enum cfi_outcome outcome;

		if (entry.id == 0)
			continue;
		outcome = read_fde(tables, &entry, ret_cie, ret_fde);
		if (outcome == CFI_OUTCOME_MALFORMED || (outcome == CFI_OUTCOME_FOUND && fde_covers(ret_fde, address)))
			return outcome;
	}
	return section.bad ? CFI_OUTCOME_MALFORMED : CFI_OUTCOME_NONE;
}

/* One row of the search table; both numbers are relative to the start of .eh_frame_hdr. */
struct table_row {
	int32_t start;
	int32_t fde;
};

static inline struct table_row table_row_at(const uint8_t *table, size_t i)
{
	struct table_row row;

	__builtin_memcpy(&row, table + i * sizeof(row), sizeof(row));
	return row;
}

static enum cfi_outcome find_by_table(const struct cfi_tables *tables, const uint8_t *table, size_t rows,
				      uint64_t address, struct cfi_cie *ret_cie, struct cfi_fde *ret_fde)
{
	int64_t wanted = (int64_t)(address - (uintptr_t)tables->eh_frame_hdr);
	struct cfi_cursor section = { tables->start, tables->end, false };
	size_t low = 0, high = rows;
	enum cfi_outcome outcome;
	struct entry entry;
	int64_t offset;

	/* All rows below `low` start at or before the address, all from `high` on after it. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table_row_at(table, middle).start <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return CFI_OUTCOME_NONE;
	offset = tables->eh_frame_hdr - tables->start + (int64_t)table_row_at(table, low - 1).fde;
	if (offset < 0 || !cfi_cursor_take(&section, (uint64_t)offset) || !read_entry(&section, &entry) ||
	    entry.id == 0)
		return CFI_OUTCOME_MALFORMED;
	outcome = read_fde(tables, &entry, ret_cie, ret_fde);
	if (outcome == CFI_OUTCOME_FOUND && !fde_covers(ret_fde, address))
		return CFI_OUTCOME_NONE;
	return outcome;
}

enum cfi_outcome cfi_fde_find(const struct cfi_tables *tables, uint64_t address, struct cfi_cie *ret_cie,
			      struct cfi_fde *ret_fde)
{
	const uint8_t *base = tables->eh_frame_hdr;
	struct cfi_cursor header = { base, tables->end, false };
	uint8_t version, frame_encoding, count_encoding, table_encoding;
	uint64_t frame, count;

	ret_cie->at = NULL;
	if (base < tables->start || base > tables->end)
		return CFI_OUTCOME_MALFORMED;
	if (tables->eh_frame_hdr_bytes < cfi_cursor_left(&header))
		header.end = base + tables->eh_frame_hdr_bytes;
	version = cfi_cursor_u8(&header);
	frame_encoding = cfi_cursor_u8(&header);
	count_encoding = cfi_cursor_u8(&header);
	table_encoding = cfi_cursor_u8(&header);
	if (header.bad)
		return CFI_OUTCOME_MALFORMED;
	if (version != 1)
		return CFI_OUTCOME_BEYOND;
	if (!cfi_fde_read_pointer(&header, frame_encoding, base, &frame))
		return pointer_failure(&header);
	if (table_encoding != (PE_DATAREL | PE_SDATA4) ||
	    !cfi_fde_read_pointer(&header, count_encoding, base, &count)) {
		if (header.bad)
			return CFI_OUTCOME_MALFORMED;
		return find_by_walk(tables, frame, address, ret_cie, ret_fde);
	}
	if (count > cfi_cursor_left(&header) / sizeof(struct table_row))
		return CFI_OUTCOME_MALFORMED;
	return find_by_table(tables, header.pos, (size_t)count, address, ret_cie, ret_fde);
}
