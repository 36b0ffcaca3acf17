/* SPDX-License-Identifier: MIT */
/* The registers a frame is known by, and where to find those of a hook's caller. */
#ifndef MP_REGS_H
#define MP_REGS_H

#include <stdint.h>

struct regs {
	uint64_t ip;
	uint64_t sp;
	uint64_t bp;
};

/*
 * Registers of the function that called the hook in which this macro stands, as they will be after the return. Needs
 * the frame pointer (the preload is built with it): hooks must not be inlined into each other.
 */
#if defined(__x86_64__)
#define CALLER_REGS(regs)                                            \
	do {                                                         \
		const uint64_t *frame_ = __builtin_frame_address(0); \
		(regs)->bp = frame_[0];                              \
		(regs)->ip = frame_[1];                              \
		(regs)->sp = (uint64_t)(frame_ + 2);                 \
	} while (0)
#elif defined(__aarch64__)
/* The frame record lies at the bottom of the frame; the caller's sp is the CFA, which GCC gives. */
#define CALLER_REGS(regs)                                            \
	do {                                                         \
		const uint64_t *frame_ = __builtin_frame_address(0); \
		(regs)->bp = frame_[0];                              \
		(regs)->ip = frame_[1] & 0x0000ffffffffffffull;      \
		(regs)->sp = (uint64_t)__builtin_dwarf_cfa();        \
	} while (0)
#else
#error "frames of this architecture are not known"
#endif

/*
 * Offsets in the frame that the kernel builds for a signal: SP is the stack pointer inside the restorer, that is of the
 * handler's caller. x86-64: struct ucontext lies at SP; gregs follow uc_flags, uc_link and uc_stack.
 */
#if defined(__x86_64__)
#define SIGNAL_BP_AT(sp) ((sp) + 120)
#define SIGNAL_SP_AT(sp) ((sp) + 160)
#define SIGNAL_IP_AT(sp) ((sp) + 168)
#elif defined(__aarch64__)
/* siginfo (128 bytes), then ucontext: mcontext at +176, fault_address, then x0..x30, sp, pc. */
#define SIGNAL_BP_AT(sp) ((sp) + 128 + 176 + 8 + 29 * 8)
#define SIGNAL_SP_AT(sp) ((sp) + 128 + 176 + 8 + 31 * 8)
#define SIGNAL_IP_AT(sp) ((sp) + 128 + 176 + 8 + 32 * 8)
#endif

#endif
