/* SPDX-License-Identifier: MIT */
/* The atomic operations that the preload uses, with the memory order in the name. */
#ifndef MP_ATOMIC_H
#define MP_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#define load_relaxed(p)        __atomic_load_n((p), __ATOMIC_RELAXED)
#define load_acquire(p)        __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_relaxed(p, v)    __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define store_release(p, v)    __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define add_relaxed(p, v)      __atomic_add_fetch((p), (v), __ATOMIC_RELAXED)
#define exchange_acquire(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQUIRE)
/* true: *p was *expected and is now v (acquire). false: *expected holds what *p was. */
#define cas_acquire(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define cas_acq_rel(p, expected, v) \
	__atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* Orders our stores against a signal handler on the same thread; costs no instruction. */
#define signal_fence() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/*
 * One writer: a plain addition whose store is a single instruction, so that a reader (or the file after a SIGKILL)
 * never sees half of it. Not for words that two threads write.
 */
#define bump(p, v) store_relaxed((p), (__typeof__(*(p)))(load_relaxed(p) + (v)))

static inline void bump_double(double *p, double v)
{
	double sum = *p + v;

	__atomic_store(p, &sum, __ATOMIC_RELAXED);
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#endif
