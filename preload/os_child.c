/* SPDX-License-Identifier: MIT */
/* Children that look at our memory: with a copy of it, or sharing it, and surviving what they cannot read. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "os_syscall.h"

#define SIGNAL_SET_BYTES 8

bool os_may_snapshot(void)
{
	return os_allowed(OS_FILTERED);
}

long os_snapshot(void)
{
	uint64_t all = ~0ull;
	uint64_t old;
	long pid;

	SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGNAL_SET_BYTES);
	pid = SYS6(__NR_clone, 0, 0, 0, 0, 0, 0); /* no exit signal */
	if (pid)
		SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &old, NULL, SIGNAL_SET_BYTES);
	return pid;
}

#define OWN_CHILD_FLAGS CLONE_VM

/* clone() into BODY on another stack: what returns twice cannot be written in C. */
static long clone_onto(void *stack_end, void (*body)(void))
{
#if defined(__x86_64__)
	long ret;
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "callq *%[body]\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(ret)
			 : "0"((long)__NR_clone), "D"((long)OWN_CHILD_FLAGS), "S"(stack_end), "d"(0l), "r"(r10),
			   "r"(r8), [body] "b"(body)
			 : "rcx", "r11", "memory", "cc");
	return ret;
#else
	register long x8 __asm__("x8") = __NR_clone;
	register long x0 __asm__("x0") = OWN_CHILD_FLAGS;
	register void *x1 __asm__("x1") = stack_end;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;
	register void (*x20)(void) __asm__("x20") = body;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "blr %[body]\n\t"
			 "brk #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [body] "r"(x20)
			 : "memory", "cc");
	return x0;
#endif
}

long os_borrow(void (*body)(void), void *stack_end)
{
	uint64_t all = ~0ull;
	uint64_t old;
	long pid;

	SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGNAL_SET_BYTES);
	pid = clone_onto((void *)((uint64_t)stack_end & ~(uint64_t)15), body);
	SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &old, NULL, SIGNAL_SET_BYTES);
	return pid;
}

/* Reads a byte; where that faults, on_fault() makes it go on at the second label. */
bool os_try_read(uint64_t address) __attribute__((visibility("hidden")));
extern const char os_read_failed[] __attribute__((visibility("hidden")));
__asm__(".text\n"
	".hidden os_try_read\n"
	".globl os_try_read\n"
	".type os_try_read, @function\n"
	".hidden os_read_failed\n"
	".globl os_read_failed\n"
#if defined(__x86_64__)
	"os_try_read:\n"
	"\tmovb (%rdi), %al\n"
	"\tmovl $1, %eax\n"
	"\tret\n"
	"os_read_failed:\n"
	"\txorl %eax, %eax\n"
	"\tret\n"
#else
	"os_try_read:\n"
	"\tldrb w0, [x0]\n"
	"\tmov w0, #1\n"
	"\tret\n"
	"os_read_failed:\n"
	"\tmov w0, #0\n"
	"\tret\n"
#endif
	".size os_try_read, . - os_try_read\n");

bool os_readable(uint64_t address)
{
	return os_try_read(address);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;

	(void)signal;
	(void)info;
#if defined(__x86_64__)
	if ((uint64_t)m->gregs[REG_RIP] != (uint64_t)os_try_read)
		os_exit(1);
	m->gregs[REG_RIP] = (greg_t)os_read_failed;
#else
	if (m->pc != (uint64_t)os_try_read)
		os_exit(1);
	m->pc = (uint64_t)os_read_failed;
#endif
}

/* What the kernel takes, unlike libc's struct sigaction. */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
#if defined(__x86_64__)
	void (*restorer)(void);
#endif
	uint64_t mask;
};

#if defined(__x86_64__)
#define SIGNAL_RESTORER 0x04000000

void os_signal_return(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
	".hidden os_signal_return\n"
	".globl os_signal_return\n"
	".type os_signal_return, @function\n"
	"os_signal_return:\n"
	"\tmov $15, %eax\n"
	"\tsyscall\n"
	".size os_signal_return, . - os_signal_return\n");
#endif

static void catch_faults(void)
{
	static char alternate[65536];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct kernel_sigaction action = {
		.handler = on_fault,
		.flags = SA_SIGINFO | SA_ONSTACK,
#if defined(__x86_64__)
		.restorer = os_signal_return,
#endif
	};
	uint64_t open = 1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1);

#if defined(__x86_64__)
	action.flags |= SIGNAL_RESTORER;
#endif
	SYS2(__NR_sigaltstack, &stack, NULL);
	SYS4(__NR_rt_sigaction, SIGSEGV, &action, NULL, SIGNAL_SET_BYTES);
	SYS4(__NR_rt_sigaction, SIGBUS, &action, NULL, SIGNAL_SET_BYTES);
	SYS4(__NR_rt_sigprocmask, SIG_UNBLOCK, &open, NULL, SIGNAL_SET_BYTES);
}

void os_snapshot_settle(bool borrows)
{
	static const struct rlimit no_core;
	long fd;

	if (!borrows)
		os_forked();
	SYS2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
	SYS4(__NR_prlimit64, 0, RLIMIT_CORE, &no_core, NULL);
	if (SYS3(__NR_close_range, 0, ~0u, 0) < 0) {
		for (int i = 0; i < 1024; i++)
			SYS1(__NR_close, i);
	}
	/* The score belongs to the memory, and so to all that share it. */
	fd = borrows ? -1 : SYS4(__NR_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
	if (fd >= 0) {
		SYS3(__NR_write, fd, "1000", 4);
		SYS1(__NR_close, fd);
	}
	catch_faults();
}

bool os_snapshot_reap(long child, bool wait)
{
	long r;

	do {
		r = SYS4(__NR_wait4, child, NULL, __WALL | (wait ? 0 : WNOHANG), NULL);
	} while (r == -EINTR);
	return r != 0; /* its id; or an error: somebody else has reaped it */
}
