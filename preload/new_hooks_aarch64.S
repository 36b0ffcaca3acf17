/* SPDX-License-Identifier: MIT */
/* Each operator is one jump through a pointer; see the x86-64 file. */
#include "new_hooks.h"

#define STUB(symbol)                                \
	.globl symbol;                              \
	.type symbol, %function;                    \
symbol:                                             \
	.cfi_startproc;                             \
	hint #34;                                   \
	adrp x16, new_target_##symbol;              \
	ldr x16, [x16, #:lo12:new_target_##symbol]; \
	br x16;                                     \
	.cfi_endproc;                               \
	.size symbol, . - symbol;

	.text
NEW_FUNCTIONS(STUB)
DELETE_FUNCTIONS(STUB)

	.section .note.GNU-stack, "", %progbits
