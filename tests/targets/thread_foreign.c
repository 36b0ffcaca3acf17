/* SPDX-License-Identifier: MIT */
/*
 * Threads that no hook of ours saw begin: timer helpers that libc makes, and raw clone and clone3 with their own or
 * shared TLS.
 */
#include <dlfcn.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "facts.h"

#define STACK_BYTES (256 * 1024)
#define TIMES       50
#define EXPIRIES    5

static int begun, expired;
static int cloned_tid = 1;

SITE static void *timer_here(void)
{
	return keep(malloc(70));
}

SITE static void *cloned_here(void)
{
	return keep(malloc(80));
}

static void on_timer(union sigval value)
{
	(void)value;
	/* Later ones may be under way when the program ends. */
	if (__atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED) >= EXPIRIES)
		return;
	free(timer_here());
	__atomic_add_fetch(&expired, 1, __ATOMIC_RELEASE);
}

static void timers(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_timer };
	struct itimerspec soon = { { 0, 2000000 }, { 0, 2000000 } };
	timer_t timer;

	require(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &soon, NULL) == 0);
	while (__atomic_load_n(&expired, __ATOMIC_ACQUIRE) < EXPIRIES)
		usleep(1000);
	timer_delete(timer);
}

static int cloned(void *name)
{
	if (name)
		prctl(PR_SET_NAME, name);
	for (int i = 0; i < TIMES; i++)
		free(cloned_here());
	/* Not return: libc would end the process's thread with handlers that this one does not have. */
	syscall(SYS_exit, 0);
	return 0;
}

/* One that has its parent's TLS, so the parent waits for it, as in vfork. */
static void clone_shared(char *stack)
{
	int pid = clone(cloned, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			CLONE_THREAD | CLONE_SYSVSEM, NULL);

	require(pid > 0);
}

#ifdef __x86_64__
#define FLAGS                                                                                                        \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |           \
	 CLONE_CHILD_CLEARTID)

/* libc has no function for it that others may call. -1: the kernel has none either, or a sandbox forbids it. */
static int clone3(char *stack, void *tls, char *name)
{
	struct clone_args args = { .flags = FLAGS, .stack = (uintptr_t)stack, .stack_size = STACK_BYTES,
				   .tls = (uintptr_t)tls, .child_tid = (uintptr_t)&cloned_tid };
	register int (*start)(void *) __asm__("r8") = cloned;
	register void *argument __asm__("r9") = name;
	long pid;

	__asm__ volatile("	syscall\n"
			 "	testq %%rax, %%rax\n"
			 "	jnz 1f\n"
			 "	xorl %%ebp, %%ebp\n"
			 "	movq %%r9, %%rdi\n"
			 "	call *%%r8\n"
			 "1:\n"
			 : "=a"(pid)
			 : "a"(SYS_clone3), "D"(&args), "S"(sizeof(args)), "r"(start), "r"(argument)
			 : "rcx", "r11", "memory");
	return pid > 0 ? (int)pid : -1;
}

/* One with TLS of its own, made as libc makes it; runs beside its parent. */
static int clone_own(char *stack, bool third)
{
	static char name[] = "cloned";
	void *(*make_tls)(void *) = (void *(*)(void *))dlsym(RTLD_DEFAULT, "_dl_allocate_tls");
	uint64_t *tcb = make_tls ? make_tls(NULL) : NULL;
	uint64_t *mine;
	int pid;

	if (!tcb)
		return 0;
	__asm__("movq %%fs:0, %0" : "=r"(mine));
	tcb[0] = (uint64_t)tcb; /* tcb, self; stack and pointer guards */
	tcb[2] = (uint64_t)tcb;
	tcb[5] = mine[5];
	tcb[6] = mine[6];
	cloned_tid = 1;
	pid = third ? clone3(stack, tcb, name)
		    : clone(cloned, stack + STACK_BYTES, FLAGS, name, NULL, tcb, &cloned_tid);
	if (pid < 0)
		return 0;
	while (__atomic_load_n(&cloned_tid, __ATOMIC_ACQUIRE) != 0)
		free(keep(malloc(33)));
	return 1;
}
#endif

int main(void)
{
	char *stack = mmap(NULL, 3 * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int clones = 1;
	int own = 0;

	require(stack != MAP_FAILED);
	timers();
	clone_shared(stack);
#ifdef __x86_64__
	own = clone_own(stack + STACK_BYTES, false);
	own += clone_own(stack + 2 * STACK_BYTES, true);
	clones += own;
	printf("%d\n", own);
#endif
	fact("thread cloned alloc_count=%d free_count=%d", own * TIMES, own * TIMES);
	fact("site timer_here alloc_count=%d free_count=%d", EXPIRIES, EXPIRIES);
	fact("site cloned_here alloc_count=%d free_count=%d live_count=0", clones * TIMES, clones * TIMES);
	puts("done");
	return 0;
}
