/* SPDX-License-Identifier: MIT */
/*
 * C++ operator new and delete. Where the next definition is the C++ library's, calls go straight to it and come back
 * to us as malloc and free. Where another allocator (jemalloc, tcmalloc) defines them, they never reach malloc, and
 * are recorded here; exceptions pass through, with the gate opened again on their way.
 */
#include "new_hooks.h"

#include <stddef.h>
#include <stdlib.h>

#include "compiler.h"
#include "dump_map.h"
#include "fmt.h"
#include "heap.h"
#include "init.h"
#include "real.h"
#include "regs.h"
#include "sample.h"
#include "thread.h"

/*
 * All operators fit one shape: new takes up to three words and returns a pointer, delete takes up to three and
 * returns nothing.
 */
typedef void *operator_function(uintptr_t a, uintptr_t b, uintptr_t c);

#define X(symbol)                                                                                      \
	static operator_function first_##symbol;                                                       \
	__attribute__((visibility("hidden"))) operator_function *new_target_##symbol = first_##symbol; \
	static operator_function *real_##symbol;
NEW_FUNCTIONS(X)
DELETE_FUNCTIONS(X)
#undef X

static struct thread *enter(void)
{
	struct thread *t = thread_self;

	if (gate_enter(t))
		return t;
	return process_passive || process_sampling ? NULL : thread_enter_slow();
}

static void leave(struct thread **at)
{
	struct thread *t = *at;

	if (!t)
		return;
	gate_leave(t);
	if (t != thread_self)
		thread_leave_slow(t);
}

static void *call_paused(operator_function *call, uintptr_t a, uintptr_t b, uintptr_t c)
{
	/* Run by the unwinder too. */
	struct sample_pause pause __attribute__((cleanup(sample_resume), unused)) = sample_pause(SAMPLE_NONE);

	return call(a, b, c);
}

static void *record_new(operator_function *call, const struct regs *regs, uintptr_t a, uintptr_t b, uintptr_t c)
{
	/* Run by the unwinder too, when operator new throws. */
	struct thread *t __attribute__((cleanup(leave))) = enter();
	void *p;

	if (!t && process_sampling) {
		p = call_paused(call, a, b, c);
		if (p && sample_due(a))
			sample_alloc(regs, p, a, false);
		return p;
	}
	p = call(a, b, c);
	if (t && p)
		heap_alloc(t, regs, (uint64_t)p, a, NULL);
	else if (!t)
		heap_own(p);
	return p;
}

static void *record_delete(operator_function *call, uintptr_t a, uintptr_t b, uintptr_t c)
{
	struct thread *t __attribute__((cleanup(leave))) = enter();

	if (t && a)
		heap_free(t, a);
	else if (process_sampling && a && sample_may_know((const void *)a))
		sample_free((void *)a);
	else if (a && !t && thread_is_paused())
		heap_free_paused(a);
	return call(a, b, c);
}

/*
 * Nobody else defines the operator: a C++ library that is neither global nor named as usual. Its new is malloc; without
 * memory it would throw, which C cannot.
 */
static void *fallback_new(uintptr_t a, uintptr_t b, uintptr_t c)
{
	void *p;

	(void)b;
	(void)c;
	p = malloc(a ? a : 1);
	if (!p) {
		fmt_warn("operator new failed, and no C++ library was found that could throw", NULL);
		abort();
	}
	return p;
}

static void *fallback_new_aligned(uintptr_t a, uintptr_t b, uintptr_t c)
{
	void *p = NULL;

	(void)c;
	if (posix_memalign(&p, b < sizeof(void *) ? sizeof(void *) : b, a ? a : 1) != 0)
		return NULL;
	return p;
}

static void *fallback_delete(uintptr_t a, uintptr_t b, uintptr_t c)
{
	(void)b;
	(void)c;
	free((void *)a);
	return NULL;
}

static bool contains(const char *text, const char *part)
{
	for (; *text; text++) {
		size_t i = 0;

		while (part[i] && text[i] == part[i])
			i++;
		if (!part[i])
			return true;
	}
	return false;
}

enum provider { PROVIDER_LIBRARY, PROVIDER_OTHER };

/* Finds the next definition of SYMBOL into *REAL, and tells whether calls of it reach malloc by themselves. */
static MP_COLD enum provider resolve(const char *symbol, bool is_new, operator_function **real_function)
{
	operator_function *next = (operator_function *)real_find(symbol);

	if (next) {
		*real_function = next;
		if (real_lies_in((const void *)next, "libstdc++") || real_lies_in((const void *)next, "libc++"))
			return PROVIDER_LIBRARY;
		if (dump_base)
			__atomic_or_fetch(&dump_header()->features, MP_FEATURE_FOREIGN_NEW, __ATOMIC_RELAXED);
		return PROVIDER_OTHER;
	}
	if (!is_new)
		*real_function = fallback_delete;
	else
		*real_function = contains(symbol, "align_val_t") ? fallback_new_aligned : fallback_new;
	return PROVIDER_LIBRARY;
}

#define X(symbol)                                                                    \
	static MP_HOT void *recorded_##symbol(uintptr_t a, uintptr_t b, uintptr_t c) \
	{                                                                            \
		struct regs regs;                                                    \
                                                                                     \
		CALLER_REGS(&regs);                                                  \
		return record_new(real_##symbol, &regs, a, b, c);                    \
	}                                                                            \
	static void *first_##symbol(uintptr_t a, uintptr_t b, uintptr_t c)           \
	{                                                                            \
		if (resolve(#symbol, true, &real_##symbol) == PROVIDER_LIBRARY)      \
			new_target_##symbol = real_##symbol;                         \
		else                                                                 \
			new_target_##symbol = recorded_##symbol;                     \
		return new_target_##symbol(a, b, c);                                 \
	}
NEW_FUNCTIONS(X)
#undef X

#define X(symbol)                                                                    \
	static MP_HOT void *recorded_##symbol(uintptr_t a, uintptr_t b, uintptr_t c) \
	{                                                                            \
		return record_delete(real_##symbol, a, b, c);                        \
	}                                                                            \
	static void *first_##symbol(uintptr_t a, uintptr_t b, uintptr_t c)           \
	{                                                                            \
		if (resolve(#symbol, false, &real_##symbol) == PROVIDER_LIBRARY)     \
			new_target_##symbol = real_##symbol;                         \
		else                                                                 \
			new_target_##symbol = recorded_##symbol;                     \
		return new_target_##symbol(a, b, c);                                 \
	}
DELETE_FUNCTIONS(X)
#undef X
