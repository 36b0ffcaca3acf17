/* SPDX-License-Identifier: MIT */
/*
 * syscall() for what is no futex (P19, P31): six arguments, results, errno, call-saved registers, a child that returns
 * from it on another stack, one that shares our memory, and futex calls that fail.
 */
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "facts.h"

static volatile int child_ran;

/* Where the new stack makes syscall() return to, in the child. Must not return itself. */
static void child(void)
{
	child_ran = 1;
	syscall(SYS_exit, 33);
	__builtin_unreachable();
}

static void six_arguments(void)
{
	FILE *file = tmpfile();
	const char *p;

	require(file && fseek(file, 4096, SEEK_SET) == 0 && fputs("sixth", file) >= 0 && fflush(file) == 0);
	p = (const char *)syscall(SYS_mmap, NULL, 4096L, (long)PROT_READ, (long)MAP_PRIVATE, (long)fileno(file), 4096L);
	require(p != MAP_FAILED && strcmp(p, "sixth") == 0);
	require(syscall(SYS_munmap, p, 4096L) == 0);
	fclose(file);
}

static void errors(void)
{
	errno = 0;
	require(syscall(SYS_close, -1L) == -1 && errno == EBADF);
	require(syscall(999999L) == -1 && errno == ENOSYS);
	errno = 55;
	require(syscall(SYS_getpid) == getpid() && errno == 55);
}

#if defined(__x86_64__)
/* Callee-saved registers, as seen around the call itself. */
static void registers(long number)
{
	unsigned long rbx = 0x1111, r12 = 0x2222, r13 = 0x3333, r14 = 0x4444, r15 = 0x5555;
	register unsigned long in_rbx __asm__("rbx") = rbx;
	register unsigned long in_r12 __asm__("r12") = r12;
	register unsigned long in_r13 __asm__("r13") = r13;
	register unsigned long in_r14 __asm__("r14") = r14;
	register unsigned long in_r15 __asm__("r15") = r15;

	__asm__ volatile("mov %[number], %%rdi\n\txor %%esi, %%esi\n\txor %%edx, %%edx\n\txor %%ecx, %%ecx\n\t"
			 "sub $128, %%rsp\n\tcall syscall@PLT\n\tadd $128, %%rsp"
			 : "+r"(in_rbx), "+r"(in_r12), "+r"(in_r13), "+r"(in_r14), "+r"(in_r15)
			 : [number] "m"(number)
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	require(in_rbx == rbx && in_r12 == r12 && in_r13 == r13 && in_r14 == r14 && in_r15 == r15);
}

static void other_stack(long flags)
{
	static uint64_t stack[8192] __attribute__((aligned(16)));
	uint64_t *top = stack + 8192 - 2;
	int status;
	long pid;

	*top = (uint64_t)child;
	child_ran = 0;
	pid = syscall(SYS_clone, flags | SIGCHLD, top, NULL, NULL, NULL);
	require(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid);
	require(WIFEXITED(status) && WEXITSTATUS(status) == 33);
	require(child_ran == ((flags & CLONE_VM) != 0));
}
#else
static void registers(long number)
{
	(void)number;
}

static void other_stack(long flags)
{
	(void)flags;
	(void)child;
}
#endif

static void forks(void)
{
	int status;
	long pid = syscall(SYS_clone, (long)SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(syscall(SYS_getpid) == getpid() ? 21 : 22);
	require(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid);
	require(WIFEXITED(status) && WEXITSTATUS(status) == 21);
}

static uint32_t the_word = 5, other_word;

static void failing_futexes(void)
{
	struct timespec none = { 0, 0 };

	errno = 66;
	require(syscall(SYS_futex, &the_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0 && errno == 66);
	require(syscall(SYS_futex, &the_word, FUTEX_WAIT_PRIVATE, 4, NULL, NULL, 0) == -1 && errno == EAGAIN);
	require(syscall(SYS_futex, &the_word, FUTEX_WAIT_PRIVATE, 5, &none, NULL, 0) == -1 && errno == ETIMEDOUT);
	require(syscall(SYS_futex, NULL, FUTEX_WAIT, 4, NULL, NULL, 0) == -1 && errno == EFAULT);
	require(syscall(SYS_futex, &the_word, 77, 4, NULL, NULL, 0) == -1 && errno == ENOSYS);
	require(syscall(SYS_futex, &the_word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1L, &other_word, 4) == -1 &&
		errno == EAGAIN);
	require(syscall(SYS_futex, &the_word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 1L, &other_word, 5) == 0);
	/* EAGAIN is not a wait (P32). */
	fact("lock the_word kind=futex contentions=1 timeouts=1");
	fact("lock other_word contentions=0");
}

int main(void)
{
	six_arguments();
	errors();
	registers(SYS_getppid);
	registers(SYS_futex);
	other_stack(0);
	other_stack(CLONE_VM);
	other_stack(CLONE_VM | CLONE_VFORK);
	forks();
	failing_futexes();
	puts("ok");
	return 0;
}
