/* SPDX-License-Identifier: MIT */
/*
 * The functions that jemalloc has beyond malloc's, with flags. A program linked to it calls them directly, and gives
 * the blocks to free and realloc as well.
 */
#include "jemalloc_hooks.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "alloc_hook.h"
#include "atomic.h"
#include "live_table.h"
#include "os.h"
#include "real.h"

/* X(name, result, parameters) */
#define JEMALLOC_FUNCTIONS(X)                                               \
	X(mallocx, void *, (size_t size, int flags))                        \
	X(rallocx, void *, (void *old, size_t size, int flags))             \
	X(xallocx, size_t, (void *p, size_t size, size_t extra, int flags)) \
	X(sallocx, size_t, (const void *p, int flags))                      \
	X(dallocx, void, (void *p, int flags))                              \
	X(sdallocx, void, (void *p, size_t size, int flags))                \
	X(nallocx, size_t, (size_t size, int flags))

#define X(name, result, parameters) MP_EXPORT result name parameters;
JEMALLOC_FUNCTIONS(X)
#undef X
#define X(name, result, parameters) result(*name) parameters;
struct jemalloc {
	JEMALLOC_FUNCTIONS(X)
};
#undef X

/* --- without jemalloc --- */

/*
 * A program that asks with a weak symbol whether jemalloc is there finds ours. So all of them work without it: as
 * malloc and free do, whose hooks then record.
 */
#define ALIGNMENT(flags) ((size_t)1 << ((flags)&63)) /* MALLOCX_LG_ALIGN */
#define ZERO             0x40                        /* MALLOCX_ZERO */
#define MALLOC_ALIGNMENT 16

/* As in jemalloc, what counts is the real size of a block: a later call finds what lies behind the size asked for. */
static void *cleared_from(void *p, size_t start)
{
	size_t end = p ? malloc_usable_size(p) : 0;

	if (start < end)
		__builtin_memset((char *)p + start, 0, end - start);
	return p;
}

static void *without_mallocx(size_t size, int flags)
{
	void *p = NULL;

	if (ALIGNMENT(flags) <= MALLOC_ALIGNMENT)
		return flags & ZERO ? calloc(1, size) : malloc(size);
	if (posix_memalign(&p, ALIGNMENT(flags), size) != 0)
		return NULL;
	return flags & ZERO ? cleared_from(p, 0) : p;
}

static void *moved(void *old, size_t kept, size_t size, int flags)
{
	void *p = without_mallocx(size, flags & ~ZERO);
	size_t room = p ? malloc_usable_size(p) : 0;

	if (p) {
		__builtin_memcpy(p, old, kept < room ? kept : room);
		free(old);
	}
	return p;
}

static void *without_rallocx(void *old, size_t size, int flags)
{
	size_t kept = malloc_usable_size(old);
	void *p = ALIGNMENT(flags) <= MALLOC_ALIGNMENT ? realloc(old, size) : moved(old, kept, size, flags);

	return flags & ZERO ? cleared_from(p, kept) : p;
}

/* Never larger or smaller where it is, which is one of the answers that this function may give. */
static size_t without_xallocx(void *p, size_t size, size_t extra, int flags)
{
	(void)size;
	(void)extra;
	(void)flags;
	return malloc_usable_size(p);
}

static size_t without_sallocx(const void *p, int flags)
{
	(void)flags;
	return malloc_usable_size((void *)(uintptr_t)p);
}

static void without_dallocx(void *p, int flags)
{
	(void)flags;
	free(p);
}

static void without_sdallocx(void *p, size_t size, int flags)
{
	(void)size;
	(void)flags;
	free(p);
}

/* What the block will have at least; the caller may use all of it. */
static size_t without_nallocx(size_t size, int flags)
{
	(void)flags;
	return size;
}

/* --- whose functions --- */

static struct os_lock lock; /* with */
static struct jemalloc with;
static enum { UNKNOWN, WITH, WITHOUT } state;

void jemalloc_forked(void)
{
	lock.word = 0;
}

static bool find_all(void *handle, struct jemalloc *ret)
{
	bool all = true;

#define X(name, result, parameters)                                           \
	ret->name = all ? (__typeof__(ret->name))dlsym(handle, #name) : NULL; \
	all = all && ret->name && ret->name != name;
	JEMALLOC_FUNCTIONS(X)
#undef X
	return all;
}

/* The next ones, or those of the library that CALLER is linked to, if it is not global. Context: gate open. */
static MP_COLD void find_next(void *caller)
{
	int saved = errno;
	struct jemalloc found;
	void *handle;
	Dl_info info;
	bool all = find_all(RTLD_NEXT, &found);

	if (!all && dladdr(caller, &info) && info.dli_fname) {
		/* Stays open: what it leads to is used for ever. */
		handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
		all = handle && find_all(handle, &found);
	}
	os_lock(&lock);
	if (state == UNKNOWN) {
		with = found;
		store_release(&state, all ? WITH : WITHOUT);
	}
	os_unlock(&lock);
	errno = saved;
}

/* Is there a jemalloc that is to be called? Stands in the hook itself, for its caller's sake. */
#define HAVE_NEXT()                                             \
	({                                                      \
		if (unlikely(load_acquire(&state) == UNKNOWN))  \
			find_next(__builtin_return_address(0)); \
		likely(load_relaxed(&state) == WITH);           \
	})

/* --- the hooks --- */

MP_EXPORT MP_HOT void *mallocx(size_t size, int flags)
{
	struct thread *t;
	void *p;

	if (!HAVE_NEXT())
		return without_mallocx(size, flags);
	t = enter();
	p = with.mallocx(size, flags);
	if (!t && process_sampling) {
		if (p)
			SAMPLE(p, size, false);
		return p;
	}
	if (!t)
		return unrecorded(p);
	if (p)
		RECORD(t, p, size);
	leave(t);
	return p;
}

/* The old block is taken out before the real call, and put back if that fails: see alloc_hooks.c. */
static void *rallocx_recorded(struct thread *t, const struct regs *regs, void *old, size_t size, int flags)
{
	struct resized from = { .address = (uint64_t)old };
	void *p;

	from.known = heap_take(t, from.address, &from.block);
	p = with.rallocx(old, size, flags);
	record_resized(t, regs, &from, p, size, /*freed=*/false);
	return p;
}

static MP_NOINLINE void *rallocx_sampled(const struct regs *regs, void *old, size_t size, int flags)
{
	struct live_block block;
	bool known = sample_may_know(old) && sample_take(old, &block);
	void *p = with.rallocx(old, size, flags);

	sample_resized(regs, old, known ? &block : NULL, p, size, /*freed=*/false);
	return p;
}

static MP_COLD void *rallocx_unrecorded(void *old, size_t size, int flags)
{
	struct live_block block;
	bool known = thread_is_paused() && heap_take_paused((uint64_t)old, &block);
	void *p = with.rallocx(old, size, flags);

	if (known)
		heap_taken_paused((uint64_t)old, &block, /*freed=*/p != NULL);
	return unrecorded(p);
}

MP_EXPORT MP_HOT void *rallocx(void *old, size_t size, int flags)
{
	struct thread *t;
	struct regs regs;
	void *p;

	if (!HAVE_NEXT())
		return without_rallocx(old, size, flags);
	t = enter();
	CALLER_REGS(&regs);
	if (!t)
		return (process_sampling ? rallocx_sampled(&regs, old, size, flags)
					 : rallocx_unrecorded(old, size, flags));
	p = rallocx_recorded(t, &regs, old, size, flags);
	leave(t);
	return p;
}

/* A resize in place, which another thread cannot see half done. What it came to counts as asked for, up to EXTRA. */
MP_EXPORT size_t xallocx(void *p, size_t size, size_t extra, int flags)
{
	struct resized from = { .address = (uint64_t)p };
	struct thread *t;
	struct regs regs;
	bool known;
	size_t got;
	size_t bytes;

	if (!HAVE_NEXT())
		return without_xallocx(p, size, extra, flags);
	t = enter();
	CALLER_REGS(&regs);
	got = with.xallocx(p, size, extra, flags);
	bytes = got - size < extra ? got : size + extra; /* if it is that large at all */
	if (!t) {
		if (process_sampling && got >= size) {
			known = sample_may_know(p) && sample_take(p, &from.block);
			sample_resized(&regs, p, known ? &from.block : NULL, p, bytes, /*freed=*/false);
		}
		return got;
	}
	from.known = got >= size && heap_take(t, from.address, &from.block);
	if (from.known)
		record_resized(t, &regs, &from, p, bytes, /*freed=*/false);
	leave(t);
	return got;
}

MP_EXPORT void dallocx(void *p, int flags)
{
	struct thread *t;

	if (!HAVE_NEXT()) {
		without_dallocx(p, flags);
		return;
	}
	t = record_free(p);
	with.dallocx(p, flags);
	if (t)
		leave(t);
}

MP_EXPORT MP_HOT void sdallocx(void *p, size_t size, int flags)
{
	struct thread *t;

	if (!HAVE_NEXT()) {
		without_sdallocx(p, size, flags);
		return;
	}
	t = record_free(p);
	with.sdallocx(p, size, flags);
	if (t)
		leave(t);
}

MP_EXPORT size_t sallocx(const void *p, int flags)
{
	return HAVE_NEXT() ? with.sallocx(p, flags) : without_sallocx(p, flags);
}

MP_EXPORT size_t nallocx(size_t size, int flags)
{
	return HAVE_NEXT() ? with.nallocx(size, flags) : without_nallocx(size, flags);
}
