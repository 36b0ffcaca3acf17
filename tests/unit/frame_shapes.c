/* SPDX-License-Identifier: MIT */
/* The frames that compilers, libc, signals and assembly make. */
#include "frame_shapes.h"

#include <alloca.h>
#include <check.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler.h"

/* Behind a call, it keeps the call from becoming a jump, which would leave no frame. */
#define STAY() __asm__ volatile("" ::: "memory")

static void touch(volatile char *p, size_t bytes)
{
	p[0] = 1;
	p[bytes - 1] = 1;
}

static MP_NOINLINE void plain(shape_callee *callee)
{
	callee();
	STAY();
}

static MP_NOINLINE void tail_call(shape_callee *callee)
{
	callee();
}

static MP_NOINLINE void large(shape_callee *callee)
{
	char room[5000];

	touch(room, sizeof(room));
	callee();
	touch(room, sizeof(room));
}

static MP_NOINLINE void variable(shape_callee *callee)
{
	static size_t next;
	size_t bytes = 1 + next++ % 300;
	char *room = alloca(bytes);

	touch(room, bytes);
	callee();
	touch(room, bytes);
}

static MP_NOINLINE void aligned(shape_callee *callee)
{
	_Alignas(64) char room[100];

	touch(room, sizeof(room));
	callee();
	touch(room, sizeof(room));
}

/* GCC finds the way back from such a frame through a saved pointer. */
static MP_NOINLINE void aligned_and_variable(shape_callee *callee)
{
	static size_t next;
	size_t bytes = 1 + next++ % 300;
	_Alignas(128) char room[100];
	char *more = alloca(bytes);

	touch(room, sizeof(room));
	touch(more, bytes);
	callee();
	touch(room, sizeof(room));
	touch(more, bytes);
}

static MP_NOINLINE uint64_t take_many(shape_callee *callee, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
				      uint64_t g, uint64_t h, uint64_t i, uint64_t j)
{
	callee();
	return b + c * d - e + f * g - h + i * j;
}

static MP_NOINLINE void many_arguments(shape_callee *callee)
{
	static volatile uint64_t sum;

	/* Values that live across the calls fill the registers that calls preserve. */
	uint64_t a = sum + 1, b = a * 3, c = b ^ a, d = c + b, e = d * 5;

	sum += take_many(callee, a, b, c, d, e, a, b, c, d);
	sum += a + b * c - d + e;
}

/* --- through libc, which has no frame pointers --- */

static shape_callee *passed;

static int compare_by_call(const void *a, const void *b)
{
	shape_callee *callee = passed;

	passed = NULL;
	if (callee)
		callee();
	return *(const int *)a - *(const int *)b;
}

static MP_NOINLINE void sorting(shape_callee *callee)
{
	int numbers[] = { 3, 1, 2 };

	passed = callee;
	qsort(numbers, ARRAY_LEN(numbers), sizeof(numbers[0]), compare_by_call);
	STAY();
}

static MP_NOINLINE void searching(shape_callee *callee)
{
	static const int numbers[] = { 1, 2, 3 };
	volatile const void *found;

	passed = callee;
	found = bsearch(&numbers[1], numbers, ARRAY_LEN(numbers), sizeof(numbers[0]), compare_by_call);
	(void)found;
}

/* --- a signal --- */

static void handle(int number)
{
	shape_callee *callee = passed;

	(void)number;
	passed = NULL;
	callee();
	STAY();
}

static MP_NOINLINE void in_handler(shape_callee *callee, int flags)
{
	struct sigaction action = { .sa_handler = handle, .sa_flags = SA_NODEFER | flags };
	struct sigaction before;

	ck_assert_int_eq(sigaction(SIGUSR2, &action, &before), 0);
	passed = callee;
	raise(SIGUSR2);
	ck_assert_int_eq(sigaction(SIGUSR2, &before, NULL), 0);
}

static MP_NOINLINE void signalled(shape_callee *callee)
{
	in_handler(callee, 0);
	STAY();
}

/* --- assembly --- */

#if defined(__x86_64__)

/*
 * shape_data_in_bp keeps something in rbp that has nothing to do with the stack. shape_cfa_in_rbx and shape_expression
 * find their way back by another register, plainly and by an expression, which compiled rules do not know.
 */
__asm__(".text\n"
	".type shape_data_in_bp, @function\n"
	"shape_data_in_bp:\n"
	"	.cfi_startproc\n"
	"	push	%rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset rbp, -16\n"
	"	mov	$0x1234567, %rbp\n"
	"	sub	$16, %rsp\n"
	"	.cfi_def_cfa_offset 32\n"
	"	call	*%rdi\n"
	"	add	$16, %rsp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	pop	%rbp\n"
	"	.cfi_def_cfa_offset 8\n"
	"	.cfi_restore rbp\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size shape_data_in_bp, . - shape_data_in_bp\n"

	".type shape_cfa_in_rbx, @function\n"
	"shape_cfa_in_rbx:\n"
	"	.cfi_startproc\n"
	"	push	%rbx\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset rbx, -16\n"
	"	lea	16(%rsp), %rbx\n"
	"	.cfi_def_cfa rbx, 0\n"
	"	sub	$32, %rsp\n"
	"	call	*%rdi\n"
	"	add	$32, %rsp\n"
	"	.cfi_def_cfa rsp, 16\n"
	"	pop	%rbx\n"
	"	.cfi_def_cfa_offset 8\n"
	"	.cfi_restore rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size shape_cfa_in_rbx, . - shape_cfa_in_rbx\n"

	/* DW_CFA_def_cfa_expression, 2 bytes: DW_OP_breg3 (rbx) 0 */
	".type shape_expression, @function\n"
	"shape_expression:\n"
	"	.cfi_startproc\n"
	"	push	%rbx\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset rbx, -16\n"
	"	lea	16(%rsp), %rbx\n"
	"	sub	$48, %rsp\n"
	"	.cfi_escape 0x0f, 2, 0x73, 0\n"
	"	call	*%rdi\n"
	"	add	$48, %rsp\n"
	"	.cfi_def_cfa rsp, 16\n"
	"	pop	%rbx\n"
	"	.cfi_def_cfa_offset 8\n"
	"	.cfi_restore rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size shape_expression, . - shape_expression\n"

	".globl frame_shape_without_info\n"
	".type frame_shape_without_info, @function\n"
	"frame_shape_without_info:\n"
	"	sub	$8, %rsp\n"
	"	call	*%rdi\n"
	"	add	$8, %rsp\n"
	"	ret\n"
	".size frame_shape_without_info, . - frame_shape_without_info\n"

	".globl frame_shape_other_stack\n"
	".type frame_shape_other_stack, @function\n"
	"frame_shape_other_stack:\n"
	"	.cfi_startproc\n"
	"	push	%rbx\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset rbx, -16\n"
	"	lea	16(%rsp), %rbx\n"
	"	.cfi_def_cfa rbx, 0\n"
	"	mov	%rsi, %rsp\n"
	"	and	$-16, %rsp\n"
	"	call	*%rdi\n"
	"	lea	-16(%rbx), %rsp\n"
	"	.cfi_def_cfa rsp, 16\n"
	"	pop	%rbx\n"
	"	.cfi_def_cfa_offset 8\n"
	"	.cfi_restore rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size frame_shape_other_stack, . - frame_shape_other_stack\n");

void shape_data_in_bp(shape_callee *callee);
void shape_cfa_in_rbx(shape_callee *callee);
void shape_expression(shape_callee *callee);

#endif

const struct shape frame_shapes[] = {
	{ "plain", plain },
	{ "tail call", tail_call },
	{ "large", large },
	{ "variable", variable },
	{ "aligned", aligned },
	{ "aligned and variable", aligned_and_variable },
	{ "many arguments", many_arguments },
	{ "sorting", sorting },
	{ "searching", searching },
	{ "signalled", signalled },
#if defined(__x86_64__)
	{ "data in bp", shape_data_in_bp },
	{ "CFA in rbx", shape_cfa_in_rbx },
	{ "expression", shape_expression },
#endif
};

const size_t frame_shape_count = ARRAY_LEN(frame_shapes);
