/* SPDX-License-Identifier: MIT */
/* Runs the call frame instructions of .eh_frame for one address and keeps what a frame walk needs. */
#include "cfi_compile.h"

#include "cfi_cursor.h"
#include "cfi_fde.h"
#include "compiler.h"

/* DWARF numbers of the registers that rules speak about. */
#if defined(__x86_64__)
#define REG_BP         6
#define REG_SP         7
#define REG_RA         16
#define HAS_RA_SIGNING false
#elif defined(__aarch64__)
#define REG_BP         29
#define REG_SP         31
#define REG_RA         30
#define HAS_RA_SIGNING true /* whoever reads a saved return address strips its authentication code */
#else
#error "the DWARF register numbers of this architecture are missing"
#endif

/* Operators of location expressions that occur in frames this file understands. */
#define OP_DEREF 0x06
#define OP_BREG0 0x70

enum opcode {
	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE_LOC1 = 0x02,
	CFA_ADVANCE_LOC2 = 0x03,
	CFA_ADVANCE_LOC4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER_STATE = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_DEF_CFA_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_CFA_SF = 0x12,
	CFA_DEF_CFA_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_MIPS_ADVANCE_LOC8 = 0x1d,
	CFA_AARCH64_NEGATE_RA_STATE_WITH_PC = 0x2c,
	CFA_AARCH64_NEGATE_RA_STATE = 0x2d, /* on SPARC: GNU_window_save */
	CFA_GNU_ARGS_SIZE = 0x2e,
	CFA_GNU_NEGATIVE_OFFSET_EXTENDED = 0x2f,
	/* These three hold an operand in their low six bits. */
	CFA_ADVANCE_LOC = 0x40,
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
};

/* Where the value of the caller is to be found. */
enum how {
	HOW_UNSAID,
	HOW_SAME,
	HOW_UNDEFINED,
	HOW_AT_CFA,   /* *(CFA + offset) */
	HOW_AT_BP,    /* *(bp + offset) */
	HOW_SP,       /* the CFA only: sp + offset */
	HOW_BP,       /* the CFA only: bp + offset */
	HOW_REGISTER, /* the CFA only: another register + offset */
	HOW_OTHER,    /* anything else */
};

struct place {
	int32_t offset;
	uint8_t how; /* enum how */
};

struct row {
	struct place cfa;
	struct place sp; /* other than UNSAID: the caller's sp is not the CFA */
	struct place bp;
	struct place ra;
};

/* Compilers nest remember_state once or twice. */
#define SAVED_ROWS 8

struct machine {
	const struct cfi_cie *cie;
	uint64_t address;
	uint64_t location;
	struct cfi_cursor code;
	bool beyond;
	uint8_t saved_rows;
	struct row row;
	struct row initial; /* as the CIE left it */
	struct row saved[SAVED_ROWS];
};

static struct place *place_of(struct row *row, uint64_t reg)
{
	switch (reg) {
	case REG_SP:
		return &row->sp;
	case REG_BP:
		return &row->bp;
	case REG_RA:
		return &row->ra;
	default:
		return NULL;
	}
}

static void set_place(struct machine *m, uint64_t reg, enum how how, int32_t offset)
{
	struct place *place = place_of(&m->row, reg);

	if (place)
		*place = (struct place){ offset, how };
}

/* FACTOR * UNIT as an offset; one that does not fit ends the run: there are no frames of 2 GiB. */
static int32_t scaled(struct machine *m, int64_t factor, int64_t unit)
{
	int32_t offset;

	if (__builtin_mul_overflow(factor, unit, &offset)) {
		m->beyond = true;
		return 0;
	}
	return offset;
}

/* Numbers past INT64_MAX become INT64_MAX: neither fits an offset. */
static int64_t read_unsigned(struct machine *m)
{
	uint64_t value = cfi_cursor_uleb(&m->code);

	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static int32_t read_offset(struct machine *m)
{
	return scaled(m, read_unsigned(m), m->cie->data_align);
}

static int32_t read_offset_sf(struct machine *m)
{
	return scaled(m, cfi_cursor_sleb(&m->code), m->cie->data_align);
}

/* The rest of a block that is `bp + offset`, with DEREF also `*(bp + offset)`, and nothing else; HOW_OTHER if not. */
static struct place read_expression(struct machine *m, bool deref)
{
	struct cfi_cursor block = cfi_cursor_sub(&m->code, cfi_cursor_uleb(&m->code));
	struct place place = { 0, HOW_OTHER };
	int64_t offset;

	if (cfi_cursor_u8(&block) != OP_BREG0 + REG_BP)
		return place;
	offset = cfi_cursor_sleb(&block);
	if (deref && cfi_cursor_u8(&block) != OP_DEREF)
		return place;
	if (block.bad || cfi_cursor_left(&block))
		return place;
	place.how = HOW_AT_BP;
	place.offset = scaled(m, offset, 1);
	return place;
}

static enum how cfa_by(uint64_t reg)
{
	return reg == REG_SP ? HOW_SP : reg == REG_BP ? HOW_BP : HOW_REGISTER;
}

/* One half of a register and an offset is new. Some assembly code does that to an expression: the CFA is lost then. */
static void change_cfa(struct machine *m, enum how how, int32_t offset)
{
	struct place *cfa = &m->row.cfa;
	bool by_register = cfa->how == HOW_SP || cfa->how == HOW_BP || cfa->how == HOW_REGISTER;

	*cfa = by_register ? (struct place){ offset, how } : (struct place){ 0, HOW_OTHER };
}

static void run_cfa_opcode(struct machine *m, uint8_t opcode)
{
	struct place *cfa = &m->row.cfa;

	switch (opcode) {
	case CFA_DEF_CFA:
		cfa->how = cfa_by(cfi_cursor_uleb(&m->code));
		cfa->offset = scaled(m, read_unsigned(m), 1);
		return;
	case CFA_DEF_CFA_SF:
		cfa->how = cfa_by(cfi_cursor_uleb(&m->code));
		cfa->offset = read_offset_sf(m);
		return;
	case CFA_DEF_CFA_REGISTER:
		change_cfa(m, cfa_by(cfi_cursor_uleb(&m->code)), cfa->offset);
		return;
	case CFA_DEF_CFA_OFFSET:
		change_cfa(m, cfa->how, scaled(m, read_unsigned(m), 1));
		return;
	case CFA_DEF_CFA_OFFSET_SF:
		change_cfa(m, cfa->how, read_offset_sf(m));
		return;
	default: /* CFA_DEF_CFA_EXPRESSION */
		*cfa = read_expression(m, true);
		return;
	}
}

static void restore_register(struct machine *m, uint64_t reg)
{
	struct place *place = place_of(&m->row, reg);

	if (place)
		*place = *place_of(&m->initial, reg);
}

/* Opcodes with a register as their first operand. */
static void run_register_opcode(struct machine *m, uint8_t opcode)
{
	uint64_t reg = cfi_cursor_uleb(&m->code);
	struct place place;
	int64_t factor;
	int32_t offset;

	switch (opcode) {
	case CFA_OFFSET_EXTENDED:
		set_place(m, reg, HOW_AT_CFA, read_offset(m));
		return;
	case CFA_OFFSET_EXTENDED_SF:
		set_place(m, reg, HOW_AT_CFA, read_offset_sf(m));
		return;
	case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
		factor = read_unsigned(m);
		set_place(m, reg, HOW_AT_CFA, scaled(m, -factor, m->cie->data_align));
		return;
	case CFA_RESTORE_EXTENDED:
		restore_register(m, reg);
		return;
	case CFA_UNDEFINED:
		set_place(m, reg, HOW_UNDEFINED, 0);
		return;
	case CFA_SAME_VALUE:
		set_place(m, reg, HOW_SAME, 0);
		return;
	case CFA_REGISTER:
		cfi_cursor_uleb(&m->code);
		set_place(m, reg, HOW_OTHER, 0);
		return;
	case CFA_EXPRESSION:
		place = read_expression(m, false);
		set_place(m, reg, place.how, place.offset);
		return;
	case CFA_VAL_OFFSET:
	case CFA_VAL_OFFSET_SF:
		offset = opcode == CFA_VAL_OFFSET ? read_offset(m) : read_offset_sf(m);
		/* The caller's sp is the CFA anyway. */
		set_place(m, reg, reg == REG_SP && offset == 0 ? HOW_UNSAID : HOW_OTHER, 0);
		return;
	default: /* CFA_VAL_EXPRESSION */
		cfi_cursor_take(&m->code, cfi_cursor_uleb(&m->code));
		set_place(m, reg, HOW_OTHER, 0);
		return;
	}
}

static void save_row(struct machine *m)
{
	if (m->saved_rows == SAVED_ROWS)
		m->beyond = true;
	else
		m->saved[m->saved_rows++] = m->row;
}

static void restore_row(struct machine *m)
{
	if (m->saved_rows == 0)
		cfi_cursor_fail(&m->code);
	else
		m->row = m->saved[--m->saved_rows];
}

/* false: the rows from here on are for later addresses. */
static bool advance(struct machine *m, uint64_t factor)
{
	uint64_t delta;

	if (__builtin_mul_overflow(factor, m->cie->code_align, &delta) ||
	    __builtin_add_overflow(m->location, delta, &m->location))
		return false;
	return m->location <= m->address;
}

static bool set_location(struct machine *m)
{
	if (!cfi_fde_read_pointer(&m->code, m->cie->pointer_encoding, NULL, &m->location)) {
		m->beyond = !m->code.bad;
		return false;
	}
	return m->location <= m->address;
}

/* Opcodes with an operand in the opcode byte; the result is advance()'s. */
static bool run_short_opcode(struct machine *m, uint8_t opcode)
{
	uint8_t operand = opcode & 0x3f;

	if (opcode < CFA_OFFSET)
		return advance(m, operand);
	if (opcode < CFA_RESTORE)
		set_place(m, operand, HOW_AT_CFA, read_offset(m));
	else
		restore_register(m, operand);
	return true;
}

/* The result is advance()'s. */
static bool run_long_opcode(struct machine *m, uint8_t opcode)
{
	switch (opcode) {
	case CFA_NOP:
		return true;
	case CFA_SET_LOC:
		return set_location(m);
	case CFA_ADVANCE_LOC1:
		return advance(m, cfi_cursor_u8(&m->code));
	case CFA_ADVANCE_LOC2:
		return advance(m, cfi_cursor_u16(&m->code));
	case CFA_ADVANCE_LOC4:
		return advance(m, cfi_cursor_u32(&m->code));
	case CFA_MIPS_ADVANCE_LOC8:
		return advance(m, cfi_cursor_u64(&m->code));
	case CFA_REMEMBER_STATE:
		save_row(m);
		return true;
	case CFA_RESTORE_STATE:
		restore_row(m);
		return true;
	case CFA_DEF_CFA:
	case CFA_DEF_CFA_SF:
	case CFA_DEF_CFA_REGISTER:
	case CFA_DEF_CFA_OFFSET:
	case CFA_DEF_CFA_OFFSET_SF:
	case CFA_DEF_CFA_EXPRESSION:
		run_cfa_opcode(m, opcode);
		return true;
	case CFA_OFFSET_EXTENDED:
	case CFA_OFFSET_EXTENDED_SF:
	case CFA_GNU_NEGATIVE_OFFSET_EXTENDED:
	case CFA_RESTORE_EXTENDED:
	case CFA_UNDEFINED:
	case CFA_SAME_VALUE:
	case CFA_REGISTER:
	case CFA_EXPRESSION:
	case CFA_VAL_OFFSET:
	case CFA_VAL_OFFSET_SF:
	case CFA_VAL_EXPRESSION:
		run_register_opcode(m, opcode);
		return true;
	case CFA_GNU_ARGS_SIZE: /* matters to exception handlers only */
		cfi_cursor_uleb(&m->code);
		return true;
	case CFA_AARCH64_NEGATE_RA_STATE:
	case CFA_AARCH64_NEGATE_RA_STATE_WITH_PC:
		m->beyond = !HAS_RA_SIGNING;
		return true;
	default:
		m->beyond = true;
		return true;
	}
}

/* Runs PROGRAM to its end, or to the first row after m->address. The work is bounded by the bytes of the program. */
static enum cfi_outcome run_program(struct machine *m, const struct cfi_cursor *program)
{
	bool go_on = true;

	m->code = *program;
	m->saved_rows = 0;
	while (go_on && !m->beyond && cfi_cursor_left(&m->code)) {
		uint8_t opcode = cfi_cursor_u8(&m->code);

		go_on = opcode >= CFA_ADVANCE_LOC ? run_short_opcode(m, opcode) : run_long_opcode(m, opcode);
	}
	if (m->code.bad)
		return CFI_OUTCOME_MALFORMED;
	return m->beyond ? CFI_OUTCOME_BEYOND : CFI_OUTCOME_FOUND;
}

static enum cfi_kind kind_of_cfa(const struct place *cfa)
{
	switch (cfa->how) {
	case HOW_SP:
		return CFI_SP;
	case HOW_BP:
		return CFI_BP;
	case HOW_AT_BP:
		return CFI_BP_DEREF;
	default:
		return CFI_COMPLICATED;
	}
}

static struct cfi_rule rule_of_row(const struct row *row)
{
	struct cfi_rule rule = { .kind = kind_of_cfa(&row->cfa) };

	if (row->ra.how == HOW_UNDEFINED)
		return (struct cfi_rule){ .kind = CFI_END };
	if (rule.kind == CFI_COMPLICATED || row->ra.how != HOW_AT_CFA || row->sp.how != HOW_UNSAID ||
	    row->bp.offset < INT16_MIN || row->bp.offset > INT16_MAX)
		return (struct cfi_rule){ .kind = CFI_COMPLICATED };
	rule.cfa_offset = row->cfa.offset;
	rule.ra_offset = row->ra.offset;
	rule.bp_offset = (int16_t)row->bp.offset;
	rule.bp_saved = row->bp.how == HOW_AT_CFA;
	rule.bp_at_bp = row->bp.how == HOW_AT_BP;
	rule.bp_undefined = row->bp.how == HOW_UNDEFINED || row->bp.how == HOW_OTHER;
	return rule;
}

MP_NOINLINE static enum cfi_outcome compile_fde(const struct cfi_cie *cie, const struct cfi_fde *fde, uint64_t address,
						struct cfi_rule *ret_rule)
{
	struct machine m;
	enum cfi_outcome outcome;

	if (cie->signal_frame) {
		ret_rule->kind = CFI_SIGNAL;
		return CFI_OUTCOME_FOUND;
	}
	if (cie->ra_register != REG_RA)
		return CFI_OUTCOME_BEYOND;
	m.cie = cie;
	m.beyond = false;
	m.row = (struct row){ 0 };
	m.initial = (struct row){ 0 };
	m.location = 0;
	m.address = UINT64_MAX;
	outcome = run_program(&m, &cie->program);
	if (outcome != CFI_OUTCOME_FOUND)
		return outcome;
	m.initial = m.row;
	m.location = fde->start;
	m.address = address;
	outcome = run_program(&m, &fde->program);
	if (outcome == CFI_OUTCOME_FOUND)
		*ret_rule = rule_of_row(&m.row);
	return outcome;
}

bool cfi_compile(const struct cfi_tables *tables, uint64_t address, struct cfi_rule *ret_rule)
{
	enum cfi_outcome outcome;
	struct cfi_cie cie;
	struct cfi_fde fde;

	*ret_rule = (struct cfi_rule){ .kind = CFI_NONE };
	if (!tables->eh_frame_hdr || address < tables->text_start || address >= tables->text_end)
		return true;
	outcome = cfi_fde_find(tables, address, &cie, &fde);
	if (outcome == CFI_OUTCOME_FOUND)
		outcome = compile_fde(&cie, &fde, address, ret_rule);
	if (outcome == CFI_OUTCOME_BEYOND)
		ret_rule->kind = CFI_COMPLICATED;
	return outcome != CFI_OUTCOME_MALFORMED;
}
