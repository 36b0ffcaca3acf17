/* SPDX-License-Identifier: MIT */
/*
 * syscall() is left by a jump that changes no register and no stack slot (of vfork, clone and their kin both matter),
 * except for the few numbers that are about futexes, which C code sees as it would any call: the sixth argument lies
 * where the seventh of a function does.
 */
	.text
	.globl syscall
	.type syscall, @function
syscall:
	.cfi_startproc
	endbr64
	cmpq $202, %rdi	/* futex */
	je 1f
	cmpq $449, %rdi	/* futex_waitv */
	je 1f
	cmpq $454, %rdi	/* futex_wake */
	je 1f
	cmpq $455, %rdi	/* futex_wait */
	je 1f
	cmpq $456, %rdi	/* futex_requeue */
	je 1f
	jmp *syscall_other(%rip)
1:	jmp *syscall_futex(%rip)
	.cfi_endproc
	.size syscall, . - syscall

/* What syscall() does in libc, for the time until that one is known. */
	.globl syscall_raw
	.hidden syscall_raw
	.type syscall_raw, @function
syscall_raw:
	.cfi_startproc
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	movq %r9, %r8
	movq 8(%rsp), %r9
	syscall
	cmpq $-4095, %rax
	jae 1f
	ret
1:	pushq %rax
	.cfi_adjust_cfa_offset 8
	call __errno_location@PLT
	popq %rdx
	.cfi_adjust_cfa_offset -8
	negl %edx
	movl %edx, (%rax)
	movq $-1, %rax
	ret
	.cfi_endproc
	.size syscall_raw, . - syscall_raw

	.section .note.GNU-stack, "", @progbits
