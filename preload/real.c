/* SPDX-License-Identifier: MIT */
/* Symbol look-up in one pass; the calls that dlsym itself makes meanwhile are served by the boot arena. */
#include "real.h"

#include <dlfcn.h>
#include <stdint.h>

#include "atomic.h"
#include "compiler.h"
#include "elf_defined.h"
#include "fmt.h"

struct real real;

static const char unknown_threads;
const char *real_single_threaded_flag = &unknown_threads;

enum { UNRESOLVED, RESOLVING, RESOLVED };
static uint32_t state;

static bool is_ours(const void *p)
{
	Dl_info here;
	Dl_info there;

	return dladdr((const void *)is_ours, &here) && dladdr(p, &there) && here.dli_fbase == there.dli_fbase;
}

/*
 * A dlsym that finds nothing would call malloc and free, and spoil what dlerror() tells the program: not before its
 * main, when its allocator may not bear that. Later, other threads may unload what elf_defined() looks at.
 */
static void *next(const char *name)
{
	return real_is_ready() || elf_defined(name, ELF_LIBRARIES) ? dlsym(RTLD_NEXT, name) : NULL;
}

void *real_find(const char *name)
{
	void *p = next(name);

	if (!p && name[0] == '_' && name[1] == 'Z') {
		/* A plugin brought the C++ library without making it global, so that RTLD_NEXT does not see it. */
		void *handle = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);

		if (handle)
			p = dlsym(handle, name);
	}
	return p && is_ours(p) ? NULL : p;
}

void *real_find_sync(const char *name)
{
	static const char cond[] = "pthread_cond_";
	void *p = NULL;
	size_t i = 0;

	while (cond[i] && name[i] == cond[i])
		i++;
	/* pthread_cond_clockwait is of a later time, and there is one only. */
	if (!cond[i] && name[i] != 'c')
		p = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
	return p ? p : next(name);
}

bool real_lies_in(const void *address, const char *name)
{
	Dl_info info;
	size_t n = fmt_strlen(name);

	if (!dladdr(address, &info) || !info.dli_fname)
		return false;
	for (const char *s = info.dli_fname; *s; s++) {
		size_t i = 0;

		while (i < n && s[i] == name[i])
			i++;
		if (i == n)
			return true;
	}
	return false;
}

/*
 * One that is missing makes dlsym allocate, and the next dlsym free: what an allocator in front of us needs for that,
 * its locks, has to be known by then, since dlsym bears no second one while it frees.
 */
static MP_COLD bool resolve(void)
{
	uint32_t expected = UNRESOLVED;
	const char *flag;

	/* Waiting for another thread's look-up could deadlock on the loader's lock; serving from the arena cannot. */
	if (!cas_acquire(&state, &expected, RESOLVING))
		return expected == RESOLVED;
#define X(name, result, parameters, arguments) store_relaxed(&real.name, (__typeof__(real.name))real_find_sync(#name));
	REAL_SYNC_FUNCTIONS(X)
#undef X
#define X(name, result, parameters) store_relaxed(&real.name, (__typeof__(real.name))next(#name));
	REAL_CANCEL_FUNCTIONS(X)
	REAL_FUNCTIONS(X)
#undef X
	real.syscall = (__typeof__(real.syscall))dlsym(RTLD_NEXT, "syscall");
	flag = elf_defined("__libc_single_threaded", ELF_ALL) ? dlsym(RTLD_DEFAULT, "__libc_single_threaded") : NULL;
	if (flag)
		real_single_threaded_flag = flag;
	store_release(&state, RESOLVED);
	return true;
}

bool real_is_ready(void)
{
	return load_acquire(&state) == RESOLVED;
}

bool real_ready(void)
{
	return likely(load_acquire(&state) == RESOLVED) || resolve();
}
