/* SPDX-License-Identifier: MIT */
/* Unit tests of cfi_compile: hand-made tables, whole and damaged. test_cfi_objects.c holds those with real objects. */
#include "cfi_compile.h"

#include <check.h>
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "cfi_rule_text.h"
#include "compiler.h"

Suite *suite_cfi_compile(void);
TCase *tcase_cfi_objects(void); /* in test_cfi_objects.c */

/* The hand-made tables speak of DWARF's register numbers of x86-64. */
#if defined(__x86_64__)

/* A string literal as bytes, without its terminator. */
#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

struct bytes {
	const char *data;
	size_t size;
};

/* The one function of a hand-made object covers [TEXT_AT, TEXT_AT + TEXT_BYTES), seen from the object's first byte. */
#define TEXT_AT    0x4000
#define TEXT_BYTES 0x100

/* What a hand-made object consists of. Zeroed fields stand for what GNU tools write. */
struct recipe {
	uint8_t frame_encoding; /* of .eh_frame_hdr; 0: pcrel|sdata4 */
	uint8_t count_encoding; /* 0: udata4 */
	uint8_t table_encoding; /* 0: datarel|sdata4 */
	uint8_t header_version; /* 0: 1 */
	uint32_t more_rows;     /* claimed in the count, but not there */
	bool unpadded;          /* entries end with the last byte of their program */
	bool wide;              /* entries with 64-bit lengths */
	uint8_t cie_version;    /* 0: 1 */
	const char *augmentation;
	struct bytes
		cie_data; /* behind the augmentation's length; not used if the augmentation does not begin with z */
	uint8_t fde_encoding;
	struct bytes fde_data;
	uint8_t code_align;       /* 0: 1 */
	uint8_t data_align;       /* 0: -8 */
	uint8_t ra_register;      /* 0: 16 */
	struct bytes cie_program; /* none: CFA = rsp + 8, RA at CFA - 8 */
	struct bytes fde_program;
};

/* An object under construction for the address BASE. Counts past the room of BYTES. */
struct object {
	uint64_t base;
	size_t size;
	uint8_t bytes[1024];
};

static void put(struct object *o, const void *data, size_t size)
{
	ck_assert_uint_le(o->size + size, sizeof(o->bytes));
	memcpy(o->bytes + o->size, data, size);
	o->size += size;
}

static void put_u8(struct object *o, uint8_t value)
{
	put(o, &value, sizeof(value));
}

static void put_u32(struct object *o, uint32_t value)
{
	put(o, &value, sizeof(value));
}

static void put_leb(struct object *o, uint64_t value, bool is_signed)
{
	int64_t left = (int64_t)value;
	bool more;

	do {
		uint8_t byte = (uint8_t)left & 0x7f;

		left = is_signed ? left >> 7 : (int64_t)((uint64_t)left >> 7);
		more = is_signed ? !((left == 0 && !(byte & 0x40)) || (left == -1 && byte & 0x40)) : left != 0;
		put_u8(o, byte | (more ? 0x80 : 0));
	} while (more);
}

static void put_pointer(struct object *o, uint8_t encoding, uint64_t value)
{
	uint64_t base = 0;

	if ((encoding & 0x70) == DW_EH_PE_pcrel)
		base = o->base + o->size;
	else if ((encoding & 0x70) == DW_EH_PE_datarel)
		base = o->base;
	value -= base;
	switch (encoding & 0x0f) {
	case DW_EH_PE_uleb128:
		put_leb(o, value, false);
		break;
	case DW_EH_PE_sleb128:
		put_leb(o, value, true);
		break;
	case DW_EH_PE_udata2:
	case DW_EH_PE_sdata2:
		put(o, &value, 2);
		break;
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		put(o, &value, 4);
		break;
	default:
		put(o, &value, 8);
		break;
	}
}

static void put_bytes(struct object *o, struct bytes bytes)
{
	if (bytes.size)
		put(o, bytes.data, bytes.size);
}

/* Begins an entry of .eh_frame with the id field ID; returns where its length stands. */
static size_t begin_entry(struct object *o, bool wide, uint64_t id)
{
	size_t at = o->size;

	put_u32(o, wide ? UINT32_MAX : 0);
	if (wide)
		put(o, &(uint64_t){ 0 }, 8);
	put(o, &id, wide ? 8 : 4);
	return at;
}

static void end_entry(struct object *o, const struct recipe *r, size_t at)
{
	size_t body = at + (r->wide ? 12 : 4);
	uint64_t length;

	while (!r->unpadded && (o->size - body) % 8 != 4)
		put_u8(o, DW_CFA_nop);
	length = o->size - body;
	memcpy(o->bytes + body - (r->wide ? 8 : 4), &length, r->wide ? 8 : 4);
}

static void put_cie(struct object *o, const struct recipe *r)
{
	size_t at = begin_entry(o, r->wide, 0);

	put_u8(o, r->cie_version ? r->cie_version : 1);
	put(o, r->augmentation, strlen(r->augmentation) + 1);
	if (r->cie_version == 4)
		put(o, "\x08\x00", 2);
	put_u8(o, r->code_align ? r->code_align : 1);
	put_u8(o, r->data_align ? r->data_align : 0x78);
	put_u8(o, r->ra_register ? r->ra_register : 16);
	if (r->augmentation[0] == 'z') {
		put_u8(o, (uint8_t)r->cie_data.size);
		put_bytes(o, r->cie_data);
	}
	if (r->cie_program.size)
		put_bytes(o, r->cie_program);
	else
		put(o, "\x0c\x07\x08\x90\x01", 5);
	end_entry(o, r, at);
}

static void put_fde(struct object *o, const struct recipe *r, size_t cie)
{
	size_t id_at = o->size + (r->wide ? 12 : 4);
	size_t at = begin_entry(o, r->wide, id_at - cie);

	put_pointer(o, r->fde_encoding, o->base + TEXT_AT);
	put_pointer(o, r->fde_encoding & 0x0f, TEXT_BYTES);
	if (r->augmentation[0] == 'z') {
		put_u8(o, (uint8_t)r->fde_data.size);
		put_bytes(o, r->fde_data);
	}
	put_bytes(o, r->fde_program);
	end_entry(o, r, at);
}

static void build(const struct recipe *r, uint64_t base, struct object *ret_object)
{
	struct object *o = ret_object;
	uint8_t frame_encoding = r->frame_encoding ? r->frame_encoding : DW_EH_PE_pcrel | DW_EH_PE_sdata4;
	uint8_t count_encoding = r->count_encoding ? r->count_encoding : DW_EH_PE_udata4;
	uint8_t table_encoding = r->table_encoding ? r->table_encoding : DW_EH_PE_datarel | DW_EH_PE_sdata4;
	size_t row_at, cie;
	uint32_t fde;

	o->base = base;
	o->size = 0;
	put_u8(o, r->header_version ? r->header_version : 1);
	put_u8(o, frame_encoding);
	put_u8(o, count_encoding);
	put_u8(o, table_encoding);
	put_pointer(o, frame_encoding, base + 32);
	put_pointer(o, count_encoding, 1 + r->more_rows);
	put_u32(o, TEXT_AT);
	row_at = o->size;
	put_u32(o, 0);
	while (o->size < 32)
		put_u8(o, 0);
	cie = o->size;
	put_cie(o, r);
	fde = (uint32_t)o->size;
	put_fde(o, r, cie);
	memcpy(o->bytes + row_at, &fde, sizeof(fde));
	put_u32(o, 0);
}

/* An object in memory of exactly its size, so that AddressSanitizer sees every read past it. */
struct loaded {
	uint8_t *bytes;
	struct cfi_tables tables;
};

static struct loaded load_bytes(const uint8_t *bytes, size_t size)
{
	struct loaded loaded = { .bytes = malloc(size ? size : 1) };

	ck_assert_ptr_nonnull(loaded.bytes);
	memcpy(loaded.bytes, bytes, size);
	loaded.tables = (struct cfi_tables){
		.start = loaded.bytes,
		.end = loaded.bytes + size,
		.eh_frame_hdr = loaded.bytes,
		.eh_frame_hdr_bytes = 32,
		.text_start = (uintptr_t)loaded.bytes + TEXT_AT - 0x1000,
		.text_end = (uintptr_t)loaded.bytes + TEXT_AT + 0x1000,
	};
	return loaded;
}

static struct loaded load_recipe(const struct recipe *recipe)
{
	struct object object;
	struct loaded loaded;

	build(recipe, 0, &object);
	loaded = load_bytes(object.bytes, object.size);
	/* Numbers without a fixed size may be longer for this address: such an object gets memory anew. */
	for (;;) {
		size_t size = object.size;

		build(recipe, (uintptr_t)loaded.bytes, &object);
		if (object.size == size)
			break;
		free(loaded.bytes);
		loaded = load_bytes(object.bytes, object.size);
	}
	memcpy(loaded.bytes, object.bytes, object.size);
	return loaded;
}

static void expect_rule(const char *name, const struct cfi_rule *got, const struct cfi_rule *expected)
{
	char text[2][128];

	ck_assert_msg(cfi_rules_equal(got, expected), "%s: got %s, expected %s", name, cfi_rule_text(got, text[0], 128),
		      cfi_rule_text(expected, text[1], 128));
}

/* Shorthands for expected rules; RA is at CFA - 8. */
#define RULE_SP(cfa)                                                 \
	{                                                            \
		.kind = CFI_SP, .cfa_offset = (cfa), .ra_offset = -8 \
	}
#define RULE_SP_BP(cfa, bp)                                                                               \
	{                                                                                                 \
		.kind = CFI_SP, .cfa_offset = (cfa), .ra_offset = -8, .bp_saved = true, .bp_offset = (bp) \
	}
#define RULE_BP(cfa)                                                 \
	{                                                            \
		.kind = CFI_BP, .cfa_offset = (cfa), .ra_offset = -8 \
	}
#define RULE_LOST(cfa)                                                                     \
	{                                                                                  \
		.kind = CFI_SP, .cfa_offset = (cfa), .ra_offset = -8, .bp_undefined = true \
	}
#define RULE_KIND(name)        \
	{                      \
		.kind = (name) \
	}

#define ADVANCE4   "\x44"
#define CFA_RSP_16 "\x0c\x07\x10"

/* The instructions of an FDE, an offset into its function, and the rule expected there. */
struct program_case {
	const char *name;
	struct bytes program;
	unsigned at;
	bool malformed;
	struct cfi_rule expected;
};

static const struct program_case program_cases[] = {
	{ "no instructions", BYTES(""), 0, false, RULE_SP(8) },
	{ "nop", BYTES("\x00\x00\x0e\x10"), 0, false, RULE_SP(16) },
	{ "unknown opcode", BYTES("\x17"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "unknown opcode after the address", BYTES(ADVANCE4 "\x17"), 3, false, RULE_SP(8) },
	{ "advance_loc: before", BYTES(ADVANCE4 "\x0e\x10"), 3, false, RULE_SP(8) },
	{ "advance_loc: at", BYTES(ADVANCE4 "\x0e\x10"), 4, false, RULE_SP(16) },
	{ "advance_loc: last byte", BYTES(ADVANCE4 "\x0e\x10"), 255, false, RULE_SP(16) },
	{ "advance_loc1: before", BYTES("\x02\xf0\x0e\x10"), 0xef, false, RULE_SP(8) },
	{ "advance_loc1: at", BYTES("\x02\xf0\x0e\x10"), 0xf0, false, RULE_SP(16) },
	{ "advance_loc2: before", BYTES("\x03\x80\x00\x0e\x10"), 0x7f, false, RULE_SP(8) },
	{ "advance_loc2: at", BYTES("\x03\x80\x00\x0e\x10"), 0x80, false, RULE_SP(16) },
	{ "advance_loc4: before", BYTES("\x04\x80\x00\x00\x00\x0e\x10"), 0x7f, false, RULE_SP(8) },
	{ "advance_loc4: at", BYTES("\x04\x80\x00\x00\x00\x0e\x10"), 0x80, false, RULE_SP(16) },
	{ "MIPS_advance_loc8: before", BYTES("\x1d\x80\0\0\0\0\0\0\0\x0e\x10"), 0x7f, false, RULE_SP(8) },
	{ "MIPS_advance_loc8: at", BYTES("\x1d\x80\0\0\0\0\0\0\0\x0e\x10"), 0x80, false, RULE_SP(16) },
	{ "MIPS_advance_loc8: does not wrap", BYTES("\x1d\xff\xff\xff\xff\xff\xff\xff\xff\x0e\x10"), 255, false,
	  RULE_SP(8) },

	{ "def_cfa rbp", BYTES("\x0c\x06\x10"), 0, false, RULE_BP(16) },
	{ "def_cfa rsp", BYTES("\x0c\x07\xc0\x02"), 0, false, RULE_SP(320) },
	{ "def_cfa r10", BYTES("\x0c\x0a\x00"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa: offset past 31 bits", BYTES("\x0c\x07\x80\x80\x80\x80\x08"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa: largest offset", BYTES("\x0c\x07\xff\xff\xff\xff\x07"), 0, false, RULE_SP(INT32_MAX) },
	{ "def_cfa: offset of 64 bits", BYTES("\x0c\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa: offset past 64 bits", BYTES("\x0c\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), 0, true,
	  RULE_KIND(CFI_NONE) },
	{ "def_cfa: offset of eleven bytes", BYTES("\x0c\x07\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), 0, true,
	  RULE_KIND(CFI_NONE) },
	{ "def_cfa: padded offset", BYTES("\x0c\x07\x90\x80\x80\x00"), 0, false, RULE_SP(16) },
	{ "def_cfa_sf", BYTES("\x12\x06\x7e"), 0, false, RULE_BP(16) },
	{ "def_cfa_register", BYTES("\x0d\x06"), 0, false, RULE_BP(8) },
	{ "def_cfa_register: there and back", BYTES("\x0e\x20\x0d\x0a\x0d\x07"), 0, false, RULE_SP(32) },
	{ "def_cfa_offset", BYTES("\x0e\x20"), 0, false, RULE_SP(32) },
	{ "def_cfa_offset_sf", BYTES("\x13\x7c"), 0, false, RULE_SP(32) },
	{ "def_cfa_offset_sf: longest number", BYTES("\x13\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 0, false,
	  RULE_SP(8) },
	{ "def_cfa_offset_sf: sign missing", BYTES("\x13\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0, true,
	  RULE_KIND(CFI_NONE) },
	{ "def_cfa_expression *(rbp - 40)",
	  BYTES("\x0f\x03\x76\x58\x06"),
	  0,
	  false,
	  { .kind = CFI_BP_DEREF, .cfa_offset = -40, .ra_offset = -8 } },
	{ "def_cfa_expression rbp - 40", BYTES("\x0f\x02\x76\x58"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_expression *(rsp + 8)", BYTES("\x0f\x03\x77\x08\x06"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_expression *(rbp - 40) + 8", BYTES("\x0f\x05\x76\x58\x06\x23\x08"), 0, false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_expression of the linker's PLT", BYTES("\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22"), 0,
	  false, RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_expression: empty", BYTES("\x0f\x00"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_expression: cut number", BYTES("\x0f\x02\x76\x80"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_expression: longer than the entry", BYTES("\x0f\x7f\x76\x58\x06"), 0, true, RULE_KIND(CFI_NONE) },
	{ "def_cfa_offset after an expression", BYTES("\x0f\x03\x76\x58\x06\x0e\x10"), 0, false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_offset_sf after an expression", BYTES("\x0f\x03\x76\x58\x06\x13\x10"), 0, false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_register after an expression", BYTES("\x0f\x03\x76\x58\x06\x0d\x06"), 0, false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "def_cfa_offset before any CFA, then def_cfa", BYTES("\x0f\x00\x0e\x10\x0c\x07\x18"), 0, false, RULE_SP(24) },
	{ "def_cfa after an expression", BYTES("\x0f\x03\x76\x58\x06\x0c\x07\x08"), 0, false, RULE_SP(8) },

	{ "offset rbp", BYTES(CFA_RSP_16 "\x86\x02"), 0, false, RULE_SP_BP(16, -16) },
	{ "offset rbp: smallest", BYTES(CFA_RSP_16 "\x86\x80\x20"), 0, false, RULE_SP_BP(16, INT16_MIN) },
	{ "offset rbp: past 16 bits", BYTES(CFA_RSP_16 "\x86\x81\x20"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "offset rbx", BYTES(CFA_RSP_16 "\x83\x02"), 0, false, RULE_SP(16) },
	{ "offset rsp", BYTES(CFA_RSP_16 "\x87\x02"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "offset RA", BYTES(CFA_RSP_16 "\x90\x03"), 0, false, { .kind = CFI_SP, .cfa_offset = 16, .ra_offset = -24 } },
	{ "offset RA: past 31 bits", BYTES("\x90\x81\x80\x80\x80\x01"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "offset_extended", BYTES(CFA_RSP_16 "\x05\x06\x02"), 0, false, RULE_SP_BP(16, -16) },
	{ "offset_extended: register number past 8 bits", BYTES(CFA_RSP_16 "\x05\x86\x02\x02"), 0, false, RULE_SP(16) },
	{ "offset_extended_sf", BYTES(CFA_RSP_16 "\x11\x06\x7f"), 0, false, RULE_SP_BP(16, 8) },
	{ "GNU_negative_offset_extended", BYTES(CFA_RSP_16 "\x2f\x06\x02"), 0, false, RULE_SP_BP(16, 16) },
	{ "restore rbp", BYTES("\x86\x02\xc6"), 0, false, RULE_SP(8) },
	{ "restore rbx", BYTES("\xc3"), 0, false, RULE_SP(8) },
	{ "restore_extended RA", BYTES("\x07\x10\x06\x10"), 0, false, RULE_SP(8) },
	{ "restore_extended: register number past 8 bits", BYTES("\x86\x02\x06\x86\x02"), 0, false,
	  RULE_SP_BP(8, -16) },
	{ "undefined rbp", BYTES("\x07\x06"), 0, false, RULE_LOST(8) },
	{ "undefined RA", BYTES("\x07\x10"), 0, false, RULE_KIND(CFI_END) },
	{ "undefined RA with any CFA", BYTES("\x0c\x0a\x00\x07\x10"), 0, false, RULE_KIND(CFI_END) },
	{ "same_value rbp", BYTES("\x86\x02\x08\x06"), 0, false, RULE_SP(8) },
	{ "same_value RA", BYTES("\x08\x10"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "register rbp", BYTES("\x09\x06\x0a"), 0, false, RULE_LOST(8) },
	{ "register RA", BYTES("\x09\x10\x01"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "register rsp", BYTES("\x09\x07\x08"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "register rbx", BYTES("\x09\x03\x06"), 0, false, RULE_SP(8) },
	{ "expression rbp = *(rbp)",
	  BYTES("\x10\x06\x02\x76\x00"),
	  0,
	  false,
	  { .kind = CFI_SP, .cfa_offset = 8, .ra_offset = -8, .bp_at_bp = true } },
	{ "expression rbp = *(rbp - 16)",
	  BYTES("\x10\x06\x02\x76\x70"),
	  0,
	  false,
	  { .kind = CFI_SP, .cfa_offset = 8, .ra_offset = -8, .bp_at_bp = true, .bp_offset = -16 } },
	{ "expression rbp = *(rsp)", BYTES("\x10\x06\x02\x77\x00"), 0, false, RULE_LOST(8) },
	{ "expression RA", BYTES("\x10\x10\x02\x76\x00"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "expression rbx", BYTES("\x10\x03\x02\x76\x00"), 0, false, RULE_SP(8) },
	{ "realigned frame of GCC",
	  BYTES("\x10\x06\x02\x76\x00\x0f\x03\x76\x58\x06"),
	  0,
	  false,
	  { .kind = CFI_BP_DEREF, .cfa_offset = -40, .ra_offset = -8, .bp_at_bp = true } },
	{ "val_offset rbp", BYTES("\x14\x06\x00"), 0, false, RULE_LOST(8) },
	{ "val_offset RA", BYTES("\x14\x10\x01"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "val_offset rsp = CFA", BYTES("\x14\x07\x00"), 0, false, RULE_SP(8) },
	{ "val_offset rsp = CFA - 8", BYTES("\x14\x07\x01"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "val_offset_sf rbp", BYTES("\x15\x06\x7f"), 0, false, RULE_LOST(8) },
	{ "val_offset_sf rsp = CFA", BYTES("\x15\x07\x00"), 0, false, RULE_SP(8) },
	{ "val_expression rbp", BYTES("\x16\x06\x02\x76\x00"), 0, false, RULE_LOST(8) },
	{ "val_expression RA", BYTES("\x16\x10\x02\x76\x00"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "val_expression rbx", BYTES("\x16\x03\x02\x76\x00"), 0, false, RULE_SP(8) },
	{ "GNU_args_size", BYTES("\x2e\x80\x01\x0e\x10"), 0, false, RULE_SP(16) },
	{ "GNU_window_save", BYTES("\x2d"), 0, false, RULE_KIND(CFI_COMPLICATED) },

	{ "remember and restore", BYTES("\x86\x02\x0a\x0d\x06\x08\x06\x07\x10\x0b"), 0, false, RULE_SP_BP(8, -16) },
	{ "restored expression",
	  BYTES("\x0f\x03\x76\x58\x06\x0a\x0c\x07\x08\x0b"),
	  0,
	  false,
	  { .kind = CFI_BP_DEREF, .cfa_offset = -40, .ra_offset = -8 } },
	{ "eight rows remembered",
	  BYTES("\x0e\x10\x0a\x0e\x18\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0e\x20\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"), 0, false,
	  RULE_SP(16) },
	{ "nine rows remembered", BYTES("\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a\x0a"), 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "restore_state without a row", BYTES("\x0b"), 0, true, RULE_KIND(CFI_NONE) },
	{ "malformed after the address", BYTES(ADVANCE4 "\x0b"), 3, false, RULE_SP(8) },
};

static struct recipe recipe_of(const struct program_case *c)
{
	return (struct recipe){
		.augmentation = "zR",
		.cie_data = BYTES("\x1b"),
		.fde_encoding = DW_EH_PE_pcrel | DW_EH_PE_sdata4,
		.fde_program = c->program,
	};
}

static void expect_at(const char *name, const struct loaded *loaded, unsigned at, bool malformed,
		      const struct cfi_rule *expected)
{
	struct cfi_rule rule;
	bool worked;

	memset(&rule, 0xee, sizeof(rule));
	worked = cfi_compile(&loaded->tables, (uintptr_t)loaded->bytes + TEXT_AT + at, &rule);
	ck_assert_msg(worked != malformed, "%s: cfi_compile() returned %d", name, worked);
	expect_rule(name, &rule, expected);
}

START_TEST(every_instruction_gives_its_rule)
{
	const struct program_case *c = &program_cases[_i];
	struct recipe recipe = recipe_of(c);
	struct loaded loaded = load_recipe(&recipe);

	expect_at(c->name, &loaded, c->at, c->malformed, &c->expected);
	free(loaded.bytes);
}
END_TEST

/* Forms of .eh_frame_hdr, CIE and FDE. Their program pushes rbp at once, except where it says something else. */
struct form_case {
	const char *name;
	struct recipe recipe;
	unsigned at;
	bool malformed;
	struct cfi_rule expected;
};

#define PUSHED BYTES(CFA_RSP_16 "\x86\x02")
#define ENCODING(literal, value, ...) \
	.augmentation = "zR", .cie_data = BYTES(literal), .fde_encoding = (value), .fde_program = __VA_ARGS__
#define PROGRAM(literal) ENCODING("\x1b", 0x1b, BYTES(literal))
#define ZR               ENCODING("\x1b", 0x1b, PUSHED)

static const struct form_case form_cases[] = {
	{ "zR", { ZR }, 0, false, RULE_SP_BP(16, -16) },
	{ "no augmentation", { .augmentation = "", .fde_program = PUSHED }, 0, false, RULE_SP_BP(16, -16) },
	{ "z only", { .augmentation = "z", .fde_program = PUSHED }, 0, false, RULE_SP_BP(16, -16) },
	{ "zPLR",
	  { .augmentation = "zPLR",
	    .cie_data = BYTES("\x9b\x11\x22\x33\x44\x1b\x1b"),
	    .fde_encoding = 0x1b,
	    .fde_data = BYTES("\x11\x22\x33\x44"),
	    .fde_program = PUSHED },
	  0,
	  false,
	  RULE_SP_BP(16, -16) },
	{ "zPR: absolute personality",
	  { .augmentation = "zPR",
	    .cie_data = BYTES("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x1b"),
	    .fde_encoding = 0x1b,
	    .fde_program = PUSHED },
	  0,
	  false,
	  RULE_SP_BP(16, -16) },
	{ "zPR: aligned personality",
	  { .augmentation = "zPR",
	    .cie_data = BYTES("\x50\x11\x22\x33\x44\x55\x66\x77\x88\x1b"),
	    .fde_encoding = 0x1b,
	    .fde_program = PUSHED },
	  0,
	  false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "zPR: cut personality",
	  { .augmentation = "zPR", .cie_data = BYTES("\x1b\x11\x22"), .fde_encoding = 0x1b, .fde_program = PUSHED },
	  0,
	  true,
	  RULE_KIND(CFI_NONE) },
	{ "zR: data longer than what is known",
	  { .augmentation = "zR", .cie_data = BYTES("\x1b\x11\x22"), .fde_encoding = 0x1b, .fde_program = PUSHED },
	  0,
	  false,
	  RULE_SP_BP(16, -16) },
	{ "zR: data too short",
	  { .augmentation = "zR", .cie_data = BYTES(""), .fde_encoding = 0x1b, .fde_program = PUSHED },
	  0,
	  true,
	  RULE_KIND(CFI_NONE) },
	{ "zRS: signal frame",
	  { .augmentation = "zRS", .cie_data = BYTES("\x1b"), .fde_encoding = 0x1b, .fde_program = PUSHED },
	  0,
	  false,
	  RULE_KIND(CFI_SIGNAL) },
	{ "zRB: key of another architecture",
	  { .augmentation = "zRB", .cie_data = BYTES("\x1b"), .fde_encoding = 0x1b, .fde_program = PUSHED },
	  0,
	  false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "zRX: unknown letter",
	  { .augmentation = "zRX", .cie_data = BYTES("\x1b"), .fde_encoding = 0x1b, .fde_program = PUSHED },
	  0,
	  false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "augmentation of sixteen letters",
	  { .augmentation = "zRSSSSSSSSSSSSSS",
	    .cie_data = BYTES("\x1b"),
	    .fde_encoding = 0x1b,
	    .fde_program = PUSHED },
	  0,
	  false,
	  RULE_KIND(CFI_SIGNAL) },
	{ "augmentation without an end in sight",
	  { .augmentation = "zRSSSSSSSSSSSSSSS",
	    .cie_data = BYTES("\x1b"),
	    .fde_encoding = 0x1b,
	    .fde_program = PUSHED },
	  0,
	  false,
	  RULE_KIND(CFI_COMPLICATED) },
	{ "eh: GCC 2", { .augmentation = "eh", .fde_program = PUSHED }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "CIE version 3", { ZR, .cie_version = 3 }, 0, false, RULE_SP_BP(16, -16) },
	{ "CIE version 4", { ZR, .cie_version = 4 }, 0, false, RULE_SP_BP(16, -16) },
	{ "CIE version 2", { ZR, .cie_version = 2 }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "64-bit lengths", { ZR, .wide = true }, 0, false, RULE_SP_BP(16, -16) },
	{ "return address register 15", { ZR, .ra_register = 15 }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "return address register of one byte", { ZR, .ra_register = 0x90 }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "return address register that goes on",
	  { ZR, .cie_version = 3, .ra_register = 0x90 },
	  0,
	  true,
	  RULE_KIND(CFI_NONE) },
	{ "positive data alignment",
	  { ZR, .data_align = 8 },
	  0,
	  false,
	  { .kind = CFI_SP, .cfa_offset = 16, .ra_offset = 8, .bp_saved = true, .bp_offset = 16 } },
	{ "FDE: absolute", { ENCODING("\x00", 0x00, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: uleb128", { ENCODING("\x01", 0x01, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: udata8", { ENCODING("\x04", 0x04, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: sleb128", { ENCODING("\x09", 0x09, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: sdata8", { ENCODING("\x0c", 0x0c, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: pcrel absptr", { ENCODING("\x10", 0x10, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: pcrel uleb128", { ENCODING("\x11", 0x11, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: pcrel udata2", { ENCODING("\x12", 0x12, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: pcrel udata4", { ENCODING("\x13", 0x13, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: pcrel udata8", { ENCODING("\x14", 0x14, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: pcrel sleb128", { ENCODING("\x19", 0x19, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: pcrel sdata2", { ENCODING("\x1a", 0x1a, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: pcrel sdata8", { ENCODING("\x1c", 0x1c, PUSHED) }, 0, false, RULE_SP_BP(16, -16) },
	{ "FDE: relative to data", { ENCODING("\x3b", 0x3b, PUSHED) }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "FDE: indirect", { ENCODING("\x9b", 0x9b, PUSHED) }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "FDE: unknown format", { ENCODING("\x17", 0x17, PUSHED) }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "header: absolute .eh_frame", { ZR, .frame_encoding = 0x04 }, 0, false, RULE_SP_BP(16, -16) },
	{ "header: .eh_frame relative to the header", { ZR, .frame_encoding = 0x3b }, 0, false, RULE_SP_BP(16, -16) },
	{ "header: unknown .eh_frame", { ZR, .frame_encoding = 0xff }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "header: unknown version", { ZR, .header_version = 2 }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "header: no table", { ZR, .table_encoding = 0xff }, 0, false, RULE_SP_BP(16, -16) },
	{ "header: no count", { ZR, .count_encoding = 0xff }, 0, false, RULE_SP_BP(16, -16) },
	{ "header: other table", { ZR, .table_encoding = 0x1b }, 0, false, RULE_SP_BP(16, -16) },
	{ "header: count of one byte", { ZR, .count_encoding = 0x01 }, 0, false, RULE_SP_BP(16, -16) },
	{ "header: count past its end", { ZR, .more_rows = 5 }, 0, true, RULE_KIND(CFI_NONE) },
	{ "header: no table, unknown CIE is passed over",
	  { .augmentation = "eh", .fde_program = PUSHED, .table_encoding = 0xff },
	  0,
	  false,
	  RULE_KIND(CFI_NONE) },
	{ "header: no table, 64-bit lengths",
	  { ZR, .table_encoding = 0xff, .wide = true },
	  0,
	  false,
	  RULE_SP_BP(16, -16) },
	{ "code alignment 4: before", { PROGRAM(ADVANCE4 "\x0e\x10"), .code_align = 4 }, 15, false, RULE_SP(8) },
	{ "code alignment 4: at", { PROGRAM(ADVANCE4 "\x0e\x10"), .code_align = 4 }, 16, false, RULE_SP(16) },
	{ "cut operand", { PROGRAM("\x03\x00"), .unpadded = true }, 0, true, RULE_KIND(CFI_NONE) },
	{ "cut number", { PROGRAM("\x0e\x80"), .unpadded = true }, 0, true, RULE_KIND(CFI_NONE) },
	{ "CIE: no CFA", { PROGRAM(""), .cie_program = BYTES("\x90\x01") }, 0, false, RULE_KIND(CFI_COMPLICATED) },
	{ "CIE: advance is ignored",
	  { PROGRAM(""), .cie_program = BYTES("\x0c\x07\x08\x90\x01\x44\x0e\x10") },
	  0,
	  false,
	  RULE_SP(16) },
	{ "CIE: its rule is what restore gives back",
	  { PROGRAM("\x08\x06\xc6"), .cie_program = BYTES("\x0c\x07\x08\x90\x01\x86\x02") },
	  0,
	  false,
	  RULE_SP_BP(8, -16) },
	{ "CIE: rows remembered there are gone",
	  { PROGRAM("\x0b"), .cie_program = BYTES("\x0c\x07\x08\x90\x01\x0a") },
	  0,
	  true,
	  RULE_KIND(CFI_NONE) },
	{ "CIE: malformed", { PROGRAM(""), .cie_program = BYTES("\x0b") }, 0, true, RULE_KIND(CFI_NONE) },
};

START_TEST(every_form_of_the_tables_is_read)
{
	const struct form_case *c = &form_cases[_i];
	struct loaded loaded = load_recipe(&c->recipe);

	expect_at(c->name, &loaded, c->at, c->malformed, &c->expected);
	free(loaded.bytes);
}
END_TEST

START_TEST(addresses_outside_the_function_have_no_rule)
{
	static const uint8_t table_encodings[] = { 0, DW_EH_PE_omit };
	static const struct cfi_rule none = RULE_KIND(CFI_NONE);
	static const struct cfi_rule inside = RULE_SP_BP(16, -16);

	for (size_t i = 0; i < ARRAY_LEN(table_encodings); i++) {
		struct recipe recipe = { ZR, .table_encoding = table_encodings[i] };
		struct loaded loaded = load_recipe(&recipe);

		expect_at("one before", &loaded, (unsigned)-1, false, &none);
		expect_at("first", &loaded, 0, false, &inside);
		expect_at("last", &loaded, TEXT_BYTES - 1, false, &inside);
		expect_at("one behind", &loaded, TEXT_BYTES, false, &none);
		expect_at("below the text", &loaded, (unsigned)-0x1001, false, &none);
		expect_at("above the text", &loaded, 0x1000, false, &none);
		loaded.tables.text_start += 0x1001;
		expect_at("text begins later", &loaded, 0, false, &none);
		loaded.tables.eh_frame_hdr = NULL;
		expect_at("no tables", &loaded, 1, false, &none);
		free(loaded.bytes);
	}
}
END_TEST

START_TEST(set_loc_takes_an_encoded_address)
{
	struct recipe recipe = { ENCODING("\x1a", 0x1a, PUSHED) };
	static const struct cfi_rule before = RULE_SP(8);
	static const struct cfi_rule behind = RULE_SP(16);
	struct loaded loaded;
	uint8_t *at;
	int16_t distance;

	recipe.fde_program = (struct bytes)BYTES("\x01\xab\xcd\x0e\x10");
	loaded = load_recipe(&recipe);
	for (at = loaded.bytes; at[0] != 0xab || at[1] != 0xcd; at++)
		continue;
	distance = (int16_t)(loaded.bytes + TEXT_AT + 16 - at);
	memcpy(at, &distance, sizeof(distance));
	expect_at("before", &loaded, 15, false, &before);
	expect_at("at", &loaded, 16, false, &behind);
	free(loaded.bytes);
}
END_TEST

/* Asks for a few addresses; the answers may be anything that keeps the promises of the header. */
static void ask_around(const struct loaded *loaded)
{
	static const unsigned offsets[] = { 0, 1, 4, 0x80, TEXT_BYTES - 1, TEXT_BYTES, (unsigned)-1 };

	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		struct cfi_rule rule;
		bool worked = cfi_compile(&loaded->tables, (uintptr_t)loaded->bytes + TEXT_AT + offsets[i], &rule);
		char text[128];

		if (rule.kind > CFI_COMPLICATED || rule.bp_saved + rule.bp_at_bp + rule.bp_undefined > 1 ||
		    (!worked && rule.kind != CFI_NONE))
			ck_abort_msg("returned %d with %s", worked, cfi_rule_text(&rule, text, sizeof(text)));
	}
}

/* Every table of the cases above; false behind the last. */
static bool nth_recipe(size_t i, struct recipe *ret_recipe)
{
	if (i < ARRAY_LEN(program_cases))
		*ret_recipe = recipe_of(&program_cases[i]);
	else if (i < ARRAY_LEN(program_cases) + ARRAY_LEN(form_cases))
		*ret_recipe = form_cases[i - ARRAY_LEN(program_cases)].recipe;
	else
		return false;
	return true;
}

START_TEST(tables_cut_anywhere_are_survived)
{
	struct recipe recipe;

	for (size_t i = 0; nth_recipe(i, &recipe); i++) {
		struct loaded whole = load_recipe(&recipe);
		size_t size = (size_t)(whole.tables.end - whole.tables.start);

		for (size_t cut = 0; cut <= size; cut++) {
			struct loaded loaded = load_bytes(whole.bytes, cut);

			ask_around(&loaded);
			free(loaded.bytes);
		}
		free(whole.bytes);
	}
}
END_TEST

START_TEST(tables_with_any_byte_changed_are_survived)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x0b, 0x0f, 0x7f, 0x80, 0x9b, 0xff };
	struct recipe recipe;

	for (size_t i = 0; nth_recipe(i, &recipe); i++) {
		struct loaded loaded = load_recipe(&recipe);

		for (uint8_t *at = loaded.bytes; at < loaded.tables.end; at++) {
			uint8_t kept = *at;

			for (size_t v = 0; v < ARRAY_LEN(values); v++) {
				*at = values[v];
				ask_around(&loaded);
			}
			*at = kept;
		}
		free(loaded.bytes);
	}
}
END_TEST

START_TEST(tables_outside_the_mapping_are_malformed)
{
	struct recipe recipe = { ZR };
	struct loaded loaded = load_recipe(&recipe);
	static const struct cfi_rule none = RULE_KIND(CFI_NONE);
	struct cfi_tables kept = loaded.tables;

	loaded.tables.start += 1;
	expect_at("header before the mapping", &loaded, 0, true, &none);
	loaded.tables = kept;
	loaded.tables.eh_frame_hdr = loaded.tables.end + 1;
	expect_at("header behind the mapping", &loaded, 0, true, &none);
	loaded.tables = kept;
	loaded.tables.eh_frame_hdr_bytes = 11;
	expect_at("header too short", &loaded, 0, true, &none);
	free(loaded.bytes);
}
END_TEST

#endif /* __x86_64__ */

Suite *suite_cfi_compile(void)
{
	Suite *suite = suite_create("cfi_compile");

#if defined(__x86_64__)
	TCase *tables = tcase_create("tables");

	tcase_add_loop_test(tables, every_instruction_gives_its_rule, 0, (int)ARRAY_LEN(program_cases));
	tcase_add_loop_test(tables, every_form_of_the_tables_is_read, 0, (int)ARRAY_LEN(form_cases));
	tcase_add_test(tables, addresses_outside_the_function_have_no_rule);
	tcase_add_test(tables, set_loc_takes_an_encoded_address);
	tcase_add_test(tables, tables_cut_anywhere_are_survived);
	tcase_add_test(tables, tables_with_any_byte_changed_are_survived);
	tcase_add_test(tables, tables_outside_the_mapping_are_malformed);
	suite_add_tcase(suite, tables);
	suite_add_tcase(suite, tcase_cfi_objects());
#endif
	return suite;
}
