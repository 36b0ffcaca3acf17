/* SPDX-License-Identifier: MIT */
/* Finds the entries of .eh_frame that speak about an address: its FDE, and the CIE that FDE refers to. */
#ifndef MP_CFI_FDE_H
#define MP_CFI_FDE_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi_compile.h"
#include "cfi_cursor.h"

/* What became of reading some part of the tables. */
enum cfi_outcome {
	CFI_OUTCOME_FOUND,
	CFI_OUTCOME_NONE,   /* no FDE covers the address */
	CFI_OUTCOME_BEYOND, /* well-formed as far as we can tell, but not understood here */
	CFI_OUTCOME_MALFORMED,
};

struct cfi_cie {
	const uint8_t *at; /* NULL: nothing read yet */
	struct cfi_cursor program;
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra_register;
	uint8_t pointer_encoding;
	bool sized_augmentation; /* FDEs carry augmentation data, after its length */
	bool signal_frame;
};

struct cfi_fde {
	uint64_t start;
	uint64_t length;
	struct cfi_cursor program;
};

/*
 * The FDE that covers ADDRESS, by the search table of .eh_frame_hdr or, where that is absent or of an unusual form, by
 * a walk through .eh_frame. Both results are meaningful only with CFI_OUTCOME_FOUND.
 * Context: hook; as cfi_compile().
 */
enum cfi_outcome cfi_fde_find(const struct cfi_tables *tables, uint64_t address, struct cfi_cie *ret_cie,
			      struct cfi_fde *ret_fde);

/*
 * Reads a pointer encoded as the DW_EH_PE_* byte ENCODING says. false: the bytes ended (the cursor's error is set) or
 * the encoding is not understood (it is not). DATA_BASE is NULL where none is known.
 */
bool cfi_fde_read_pointer(struct cfi_cursor *cursor, uint8_t encoding, const uint8_t *data_base, uint64_t *ret_value);

#endif
