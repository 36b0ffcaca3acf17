/* SPDX-License-Identifier: MIT */
/*
 * Raw system calls, for the files that are os.h. libc's wrappers are not used: they set errno, are cancellation points,
 * or may be interposed by us. Results are the kernel's: negative errno values on failure.
 */
#ifndef MP_OS_SYSCALL_H
#define MP_OS_SYSCALL_H

#include <asm/unistd.h>
#include <stdbool.h>

#include "os.h"

#ifdef MP_FAULTS
#include "os_faults.h"
#define sys6 kernel
#endif

static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#else
#error "system calls of this architecture are not known"
#endif
}

#ifdef MP_FAULTS
#undef sys6

/* One byte on descriptor 9 for each call that fails on purpose: so a test knows when there was none left to fail. */
static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	long error = os_fault(nr);

	if (!error)
		return kernel(nr, a, b, c, d, e, f);
	kernel(__NR_write, 9, (long)"!", 1, 0, 0, 0);
	return error;
}
#endif

/* May a system call be made that a process restricted so far (os_restrict()) would not survive, or not be granted? */
bool os_allowed(enum os_restriction least);

#define SYS0(nr)                   sys6(nr, 0, 0, 0, 0, 0, 0)
#define SYS1(nr, a)                sys6(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(nr, a, b)             sys6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(nr, a, b, c)          sys6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(nr, a, b, c, d)       sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS6(nr, a, b, c, d, e, f) sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
