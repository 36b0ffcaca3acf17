/* SPDX-License-Identifier: MIT */
/* MP_FAULT=N in the environment fails the Nth call, N+ that one and all behind it. */
#include "os_faults.h"

#include <asm/unistd.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern char **environ;

static uint64_t count;
static uint64_t first; /* 0 = none fails */
static bool and_all;   /* behind it */
static bool know;

static void read_environment(void)
{
	static const char name[] = "MP_FAULT=";

	know = environ != NULL;
	for (char **e = environ; e && *e; e++) {
		const char *s = *e;
		unsigned i = 0;

		while (name[i] && s[i] == name[i])
			i++;
		if (name[i])
			continue;
		for (s += i; *s >= '0' && *s <= '9'; s++)
			first = first * 10 + (uint64_t)(*s - '0');
		and_all = *s == '+';
	}
}

/* For each call an error that the kernel documents for it. */
static long error_of(long nr)
{
	switch (nr) {
	case __NR_mmap:
	case __NR_madvise:
		return -ENOMEM;
	case __NR_openat:
		return -EMFILE;
	case __NR_ftruncate:
	case __NR_fallocate:
		return -ENOSPC;
	case __NR_read:
	case __NR_write:
		return -EIO;
	case __NR_futex:
		return -EAGAIN;
	default:
		return -EPERM;
	}
}

long os_fault(long nr)
{
	uint64_t number;

	if (!know)
		read_environment();
	switch (nr) {
	case __NR_exit_group: /* a process must be able to end */
	case __NR_getpid:     /* these cannot fail, whatever the kernel */
	case __NR_gettid:
	case __NR_getppid:
	case __NR_sched_yield:
		return 0;
	}
	number = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	return first && (number == first || (number > first && and_all)) ? error_of(nr) : 0;
}
