/* SPDX-License-Identifier: MIT */
/* Turns the unwind tables of one loaded object into a small rule per return address. */
#ifndef MP_CFI_COMPILE_H
#define MP_CFI_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The part of the register state of a frame that rules speak about. x86-64: sp = rsp, bp = rbp. aarch64: sp, x29; its
 * return address register has no rule of its own, ra_offset says where the address was saved.
 */

enum cfi_kind {
	CFI_NONE,        /* no FDE covers the address */
	CFI_END,         /* outermost frame: the return address is undefined */
	CFI_SP,          /* CFA = sp + cfa_offset */
	CFI_BP,          /* CFA = bp + cfa_offset */
	CFI_BP_DEREF,    /* CFA = *(bp + cfa_offset): realigned stack frames of GCC */
	CFI_SIGNAL,      /* signal frame: the registers lie in the ucontext that the kernel pushed */
	CFI_COMPLICATED, /* valid, but beyond these: left to libunwind */
};

struct cfi_rule {
	uint8_t kind;       /* enum cfi_kind */
	bool bp_saved;      /* caller's bp = *(CFA + bp_offset) */
	int16_t bp_offset;  /* bytes */
	int32_t cfa_offset; /* bytes */
	int32_t ra_offset;  /* return address = *(CFA + ra_offset); -8 on x86-64 */
	bool bp_at_bp;      /* caller's bp = *(bp + bp_offset): realigned stack frames of GCC */
	bool bp_undefined;  /* the tables do not say where the caller's bp is; rules that need it do not apply */
	/* At most one of the three bp_ flags is set; none: bp is unchanged in the caller. Other kinds than SP, BP and
	 * BP_DEREF have only the kind, the rest is 0. */
};

/* Readable memory that holds the unwind tables of one object. Every read stays inside [start, end). */
struct cfi_tables {
	const uint8_t *start; /* the object's readable mapping that holds .eh_frame_hdr and .eh_frame */
	const uint8_t *end;
	const uint8_t *eh_frame_hdr; /* NULL: the object has none, every lookup answers CFI_NONE */
	size_t eh_frame_hdr_bytes;
	uint64_t text_start; /* addresses outside answer CFI_NONE */
	uint64_t text_end;
};

/*
 * The rule in force at ADDRESS, which must lie *inside* the call instruction (return address - 1) or be the exact
 * interrupted address. Finds the FDE by binary search in .eh_frame_hdr (by a linear walk of .eh_frame where the search
 * table is absent), runs the CIE's and the FDE's instructions up to ADDRESS.
 * false: the tables are malformed at some point that was needed; *ret_rule is then CFI_NONE.
 * Context: hook. Bounded work, no allocation, no lock, no stack beyond 1 KiB; the bytes may be hostile.
 */
bool cfi_compile(const struct cfi_tables *tables, uint64_t address, struct cfi_rule *ret_rule);

#endif
