/* SPDX-License-Identifier: MIT */
/* malloc and its family: record, and forward to the next allocator, whoever it is. */
#include "alloc_hook.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "boot.h"
#include "live_table.h"
#include "real.h"

/*
 * Every hook has the same shape. `enter` closes the gate; a hook that finds it shut (new thread, nested call, off,
 * fork child) asks the slow path, which answers with a thread or says "pass through". The gate stays shut during the
 * real call, so that what an allocator does inside itself is not counted twice. errno belongs to the real call: our
 * own work makes system calls only through os.h, which leaves it alone.
 */

static inline bool multiply(size_t a, size_t b, size_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

static MP_COLD void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

MP_EXPORT MP_HOT void *malloc(size_t size)
{
	struct thread *t = enter();
	void *p;

	if (unlikely(!t) && process_sampling) {
		p = real.malloc(size);
		if (likely(p != NULL))
			SAMPLE(p, size, false);
		return p;
	}
	if (unlikely(!t))
		return real_ready() ? unrecorded(real.malloc(size)) : boot_alloc(size, 16);
	p = real.malloc(size);
	if (likely(p != NULL))
		RECORD(t, p, size);
	leave(t);
	return p;
}

MP_EXPORT MP_HOT void *calloc(size_t count, size_t size)
{
	struct thread *t = enter();
	size_t bytes;
	void *p;

	if (unlikely(!t) && process_sampling) {
		p = real.calloc(count, size);
		if (likely(p != NULL))
			SAMPLE(p, count * size, false);
		return p;
	}
	if (unlikely(!t)) {
		if (real_ready())
			return unrecorded(real.calloc(count, size));
		return multiply(count, size, &bytes) ? boot_alloc(bytes, 16) : no_memory();
	}
	p = real.calloc(count, size);
	if (likely(p != NULL)) /* so the product did not overflow */
		RECORD(t, p, count * size);
	leave(t);
	return p;
}

/* Frees a block that is not recorded here. Boot memory is never given back. */
static MP_COLD void free_unrecorded(void *p)
{
	struct live_block own;

	if (process_is_setting_up())
		live_take((uint64_t)p, &own);
	else if (thread_is_paused())
		heap_free_paused((uint64_t)p);
	if (p && !boot_owns(p))
		real.free(p);
}

MP_EXPORT MP_HOT void free(void *p)
{
	struct thread *t;

	if (unlikely(!p))
		return;
	t = enter();
	if (unlikely(!t)) {
		if (process_sampling && unlikely(sample_may_know(p)))
			sample_free(p);
		if (likely(process_passive || process_sampling) && likely(!boot_owns(p)))
			real.free(p);
		else if (real_ready())
			free_unrecorded(p);
		return;
	}
	if (likely(heap_free(t, (uint64_t)p)))
		real.free(p);
	else
		free_unrecorded(p);
	leave(t);
}

/* A block of the boot arena moves to the real allocator; its size is known, its memory stays. */
static MP_COLD void *realloc_boot(void *old, size_t size)
{
	void *p = real_ready() ? real.malloc(size) : boot_alloc(size, 16);
	size_t keep = boot_size(old);

	if (p)
		__builtin_memcpy(p, old, keep < size ? keep : size);
	return p;
}

/*
 * The old block is taken out of the live table before the real call, because another thread may be given its address
 * the moment it is free; if the call fails, the old block still lives and is put back.
 */
static inline void *realloc_recorded(struct thread *t, const struct regs *regs, void *old, size_t size,
				     void *(*call)(void *, size_t, size_t), size_t count)
{
	struct resized from;
	size_t bytes;
	void *p;

	from.address = (uint64_t)old;
	from.known = heap_take(t, from.address, &from.block);
	if (unlikely(!from.known && boot_owns(old))) {
		p = multiply(count, size, &bytes) ? realloc_boot(old, bytes) : no_memory();
		if (p)
			heap_alloc(t, regs, (uint64_t)p, bytes, &from);
		return p;
	}
	p = call(old, count, size);
	/*
	 * NULL for a size other than 0 is failure. For size 0 glibc has freed the block and returns NULL; allocators
	 * that do not free return a pointer. So NULL with size 0 is a free.
	 */
	record_resized(t, regs, &from, p, size * count, /*freed=*/!size || !count);
	return p;
}

static void *call_realloc(void *old, size_t count, size_t size)
{
	(void)count;
	return real.realloc(old, size);
}

/*
 * glibc's reallocarray calls realloc, which comes back through our hook; so only what overflows is left to the real
 * one.
 */
static void *call_reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (multiply(count, size, &bytes))
		return real.realloc(old, bytes);
	return real.reallocarray ? real.reallocarray(old, count, size) : no_memory();
}

/* The old block may have been recorded, the new one is not to be. As in realloc_recorded() otherwise. */
static MP_COLD void *realloc_paused(void *old, size_t count, size_t size)
{
	struct live_block block;
	bool known = heap_take_paused((uint64_t)old, &block);
	void *p = call_reallocarray(old, count, size);

	if (known)
		heap_taken_paused((uint64_t)old, &block, /*freed=*/p || !size || !count);
	return unrecorded(p);
}

static MP_COLD void *realloc_unrecorded(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (!real_ready() || (old && boot_owns(old))) {
		if (!multiply(count, size, &bytes))
			return no_memory();
		return old ? realloc_boot(old, bytes) : boot_alloc(bytes, 16);
	}
	if (old && thread_is_paused())
		return realloc_paused(old, count, size);
	return unrecorded(count == 1 ? real.realloc(old, size) : call_reallocarray(old, count, size));
}

/* realloc and reallocarray in sampling mode. */
static MP_NOINLINE void *realloc_sampled(const struct regs *regs, void *old, size_t count, size_t size)
{
	struct live_block block;
	bool known = false;
	size_t bytes;
	void *p;

	if (unlikely(old && boot_owns(old))) {
		p = multiply(count, size, &bytes) ? realloc_boot(old, bytes) : no_memory();
	} else {
		known = old && unlikely(sample_may_know(old)) && sample_take(old, &block);
		p = call_reallocarray(old, count, size);
	}
	/* The product did not overflow if there is a block. Freed as in realloc_recorded(). */
	sample_resized(regs, old, known ? &block : NULL, p, count * size, /*freed=*/!size || !count);
	return p;
}

MP_EXPORT MP_HOT void *realloc(void *old, size_t size)
{
	struct thread *t = enter();
	struct regs regs;
	void *p;

	CALLER_REGS(&regs);
	if (unlikely(!t) && process_sampling)
		return realloc_sampled(&regs, old, 1, size);
	if (unlikely(!t))
		return realloc_unrecorded(old, 1, size);
	if (old) {
		p = realloc_recorded(t, &regs, old, size, call_realloc, 1);
	} else {
		p = real.realloc(NULL, size);
		if (p)
			heap_alloc(t, &regs, (uint64_t)p, size, NULL);
	}
	leave(t);
	return p;
}

MP_EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
	struct thread *t = enter();
	struct regs regs;
	void *p;

	CALLER_REGS(&regs);
	if (unlikely(!t) && process_sampling)
		return realloc_sampled(&regs, old, count, size);
	if (unlikely(!t))
		return realloc_unrecorded(old, count, size);
	if (old) {
		p = realloc_recorded(t, &regs, old, size, call_reallocarray, count);
	} else {
		p = call_reallocarray(NULL, count, size);
		if (p)
			heap_alloc(t, &regs, (uint64_t)p, count * size, NULL);
	}
	leave(t);
	return p;
}

/* --- aligned --- */

MP_EXPORT int posix_memalign(void **ret, size_t align, size_t size)
{
	struct thread *t = enter();
	int r;

	if (unlikely(!t) && process_sampling) {
		r = real.posix_memalign(ret, align, size);
		if (r == 0 && *ret)
			SAMPLE(*ret, size, false);
		return r;
	}
	if (unlikely(!t)) {
		void *p;

		if (real_ready()) {
			r = real.posix_memalign(ret, align, size);
			if (r == 0)
				unrecorded(*ret);
			return r;
		}
		if (align % sizeof(void *) || !align || align & (align - 1))
			return EINVAL;
		p = boot_alloc(size, align);
		if (!p)
			return ENOMEM;
		*ret = p;
		return 0;
	}
	r = real.posix_memalign(ret, align, size);
	if (r == 0 && *ret)
		RECORD(t, *ret, size);
	leave(t);
	return r;
}

/* aligned_alloc and memalign, valloc and pvalloc differ only in the function that is next. */
#define ALIGNED_HOOK(name, parameters, arguments, boot_align)                                                 \
	MP_EXPORT void *name parameters                                                                       \
	{                                                                                                     \
		struct thread *t = enter();                                                                   \
		void *p;                                                                                      \
                                                                                                              \
		if (unlikely(!t) && process_sampling) {                                                       \
			p = real.name arguments;                                                              \
			if (p)                                                                                \
				SAMPLE(p, size, false);                                                       \
			return p;                                                                             \
		}                                                                                             \
		if (unlikely(!t))                                                                             \
			return real_ready() ? unrecorded(real.name arguments) : boot_alloc(size, boot_align); \
		p = real.name arguments;                                                                      \
		if (p)                                                                                        \
			RECORD(t, p, size);                                                                   \
		leave(t);                                                                                     \
		return p;                                                                                     \
	}

/* Before the look-up is done, an alignment that is no power of two is rounded up, as memalign may. */
static size_t boot_alignment(size_t align)
{
	size_t power = 16;

	while (power < align && power < SIZE_MAX / 8)
		power *= 2;
	return power;
}

ALIGNED_HOOK(aligned_alloc, (size_t align, size_t size), (align, size), boot_alignment(align))
ALIGNED_HOOK(memalign, (size_t align, size_t size), (align, size), boot_alignment(align))
ALIGNED_HOOK(valloc, (size_t size), (size), 4096)
ALIGNED_HOOK(pvalloc, (size_t size), (size), 4096)

MP_EXPORT size_t malloc_usable_size(void *p)
{
	if (!p || !real_ready())
		return p ? boot_size(p) : 0;
	return unlikely(boot_owns(p)) ? boot_size(p) : real.malloc_usable_size(p);
}

/* No prototypes in the headers of glibc before 2.43. */
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

/*
 * C23. The next definition gets the size, if there is one; glibc has none before 2.43, and free() does the same.
 */
static void call_free_sized(void *p, size_t size)
{
	if (real.free_sized)
		real.free_sized(p, size);
	else
		(process_free_in_front ? process_free_in_front : real.free)(p);
}

static void call_free_aligned_sized(void *p, size_t align, size_t size)
{
	if (real.free_aligned_sized)
		real.free_aligned_sized(p, align, size);
	else
		(process_free_in_front ? process_free_in_front : real.free)(p);
}

MP_EXPORT void free_sized(void *p, size_t size)
{
	struct thread *t = p ? record_free(p) : NULL;

	if (p && real_ready() && !boot_owns(p))
		call_free_sized(p, size);
	if (t)
		leave(t);
}

MP_EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
	struct thread *t = p ? record_free(p) : NULL;

	if (p && real_ready() && !boot_owns(p))
		call_free_aligned_sized(p, align, size);
	if (t)
		leave(t);
}
