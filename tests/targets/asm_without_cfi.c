/* SPDX-License-Identifier: MIT */
/*
 * Hand-written assembly that calls malloc and tells unwinders nothing: no CFI at all, and one that moves the stack
 * pointer and keeps data in the frame pointer meanwhile.
 */
#include "facts.h"

SITE static void *asm_target_here(void)
{
	return keep(malloc(35));
}

__attribute__((used)) static void *call_back(void)
{
	return asm_target_here();
}

#if defined(__x86_64__)
__asm__(".text\n"
	".type silent, @function\n"
	"silent:\n"
	"	subq $24, %rsp\n"
	"	call call_back\n"
	"	addq $24, %rsp\n"
	"	ret\n"
	".size silent, . - silent\n"
	".type wild, @function\n"
	"wild:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	movq %rsp, %rbx\n"
	"	movq $0x5a5a5a5a, %rbp\n"
	"	subq $4096, %rsp\n"
	"	andq $-64, %rsp\n"
	"	call call_back\n"
	"	movq %rbx, %rsp\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size wild, . - wild\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	"silent:\n"
	"wild:\n"
	"	stp x29, x30, [sp, #-16]!\n"
	"	bl call_back\n"
	"	ldp x29, x30, [sp], #16\n"
	"	ret\n");
#endif

void *silent(void);
void *wild(void);

int main(void)
{
	for (int i = 0; i < 500; i++) {
		free(silent());
		free(wild());
	}
	/* Cut, and said to be so: that is what a report must do here. */
	fact("site asm_target_here alloc_count=1000 free_count=1000 frames=1..8 cut=no_unwind_info");
	puts("done");
	return 0;
}
