/* SPDX-License-Identifier: MIT */
/* syscall() by a jump that changes nothing, but for futexes; see the x86-64 file. x16 is free for such jumps. */
	.text
	.globl syscall
	.type syscall, %function
syscall:
	.cfi_startproc
	hint #34
	cmp x0, #98	/* futex */
	b.eq 1f
	cmp x0, #449	/* futex_waitv */
	b.eq 1f
	cmp x0, #454	/* futex_wake */
	b.eq 1f
	cmp x0, #455	/* futex_wait */
	b.eq 1f
	cmp x0, #456	/* futex_requeue */
	b.eq 1f
	adrp x16, syscall_other
	ldr x16, [x16, #:lo12:syscall_other]
	br x16
1:	adrp x16, syscall_futex
	ldr x16, [x16, #:lo12:syscall_futex]
	br x16
	.cfi_endproc
	.size syscall, . - syscall

/* What syscall() does in libc, for the time until that one is known. */
	.globl syscall_raw
	.hidden syscall_raw
	.type syscall_raw, %function
syscall_raw:
	.cfi_startproc
	hint #34
	mov x8, x0
	mov x0, x1
	mov x1, x2
	mov x2, x3
	mov x3, x4
	mov x4, x5
	mov x5, x6
	svc #0
	cmn x0, #4095
	b.hs 1f
	ret
1:	stp x29, x30, [sp, #-32]!
	.cfi_adjust_cfa_offset 32
	.cfi_rel_offset x29, 0
	.cfi_rel_offset x30, 8
	str x0, [sp, #16]
	bl __errno_location
	ldr x1, [sp, #16]
	neg w1, w1
	str w1, [x0]
	mov x0, #-1
	ldp x29, x30, [sp], #32
	.cfi_adjust_cfa_offset -32
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
	.size syscall_raw, . - syscall_raw

	.section .note.GNU-stack, "", %progbits
