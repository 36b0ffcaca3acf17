/* SPDX-License-Identifier: MIT */
/*
 * Each operator is one jump through a pointer. It leads to a C function that finds out who is next; when that is the
 * C++ library, whose operators call malloc and free, the pointer is then set to the library's own, so that the stack
 * which malloc sees is the program's, without a frame of ours.
 */
#include "new_hooks.h"

#define STUB(symbol)                    \
	.globl symbol;                  \
	.type symbol, @function;        \
symbol:                                 \
	.cfi_startproc;                 \
	endbr64;                        \
	jmp *new_target_##symbol(%rip); \
	.cfi_endproc;                   \
	.size symbol, . - symbol;

	.text
NEW_FUNCTIONS(STUB)
DELETE_FUNCTIONS(STUB)

	.section .note.GNU-stack, "", @progbits
