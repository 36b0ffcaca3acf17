/* SPDX-License-Identifier: MIT */
/* Looks for blocks that the program can no longer reach. */
#ifndef MP_LEAK_SCAN_H
#define MP_LEAK_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "mp_dump.h"

/* Where the program stands: what its registers hold, and from where on its stack is in use. */
struct leak_context {
	uint64_t registers[8];
	uint64_t sp; /* 0 = of the caller of whoever takes this */
};

/* Callee-saved registers, as the calling function has them. */
#if defined(__x86_64__)
#define LEAK_CONTEXT(c)                                                                                           \
	__asm__ volatile("movq %%rbx, 0(%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\tmovq %%r13, 24(%0)\n\t" \
			 "movq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)\n\tmovq %%rsp, 64(%0)"                         \
			 :                                                                                        \
			 : "r"(c)                                                                                 \
			 : "memory")
#elif defined(__aarch64__)
#define LEAK_CONTEXT(c)                                                                               \
	__asm__ volatile("stp x19, x20, [%0]\n\tstp x21, x22, [%0, 16]\n\tstp x23, x24, [%0, 32]\n\t" \
			 "stp x25, x26, [%0, 48]\n\tmov x9, sp\n\tstr x9, [%0, 64]"                   \
			 :                                                                            \
			 : "r"(c)                                                                     \
			 : "x9", "memory")
#endif

/*
 * Searches, and writes what it finds to the dump. The calling thread waits; others go on. Returns the number of blocks
 * definitely lost, or a negative number if there is no verdict. One search at a time: a second one is refused.
 * Context: setup, gate closed.
 */
int64_t leak_scan(enum mp_scan_trigger trigger, const struct leak_context *context);

/* Set at start where a child cannot share our memory: tools that emulate the processor do not know such a clone(). */
extern bool leak_snapshots_only;

/* exit() is called, by the program, with this in its hands. Context: setup. */
void leak_exit_called(void);
/* The search at the end, if it is asked for. Context: setup, gate closed. */
void leak_scan_at_exit(void);

/* Memory that holds pointers, though it does not look like it. false: no room; or no such region. Context: any. */
bool leak_add_region(uint64_t start, uint64_t bytes);
bool leak_remove_region(uint64_t start, uint64_t bytes);

/* In a fork child. Context: setup. */
void leak_forked(void);

#endif
