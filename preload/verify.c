/* SPDX-License-Identifier: MIT */
/* The judge is libunwind as it is, with its own tables and caches, not our rules behind its interface. */
#define UNW_LOCAL_ONLY
#include "verify.h"

#include <dlfcn.h>
#include <libunwind.h>

#include "atomic.h"
#include "compiler.h"
#include "dump_map.h"
#include "fmt.h"
#include "mp_dump.h"
#include "os.h"
#include "rules.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#define LOCAL_FUNCTIONS(X)                                                      \
	X(init_local, unw_init_local, int (*)(unw_cursor_t *, unw_context_t *)) \
	X(step, unw_step, int (*)(unw_cursor_t *))                              \
	X(get_reg, unw_get_reg, int (*)(unw_cursor_t *, int, unw_word_t *))     \
	X(getcontext, unw_tdep_getcontext, int (*)(unw_context_t *))

#ifndef unw_tdep_getcontext
#define unw_tdep_getcontext unw_getcontext
#endif

#define X(member, name, type) __typeof__((type)0) member;
static struct {
	LOCAL_FUNCTIONS(X)
	bool complete;
} lib;
#undef X

static struct mp_verify *rows;

/*
 * libunwind, and the loader behind it, take locks at every frame, so threads would mostly wait for each other: one at a
 * time compares, the others go on. A child of fork() would have such a lock held for ever; so a fork waits until nobody
 * compares, and if that takes too long, the child compares nothing.
 */
#define FORK_WAIT_NS 50000u
#define FORK_WAITS   2000u
static struct os_lock comparing;
static uint32_t forks; /* under way */
static const struct thread *forking; /* has the lock, and forks */

void verify_fork_begins(const struct thread *t)
{
	if (!rows)
		return;
	__atomic_add_fetch(&forks, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < FORK_WAITS; i++) {
		if (os_trylock(&comparing)) {
			store_relaxed(&forking, t);
			return;
		}
		os_sleep_ns(FORK_WAIT_NS);
	}
}

void verify_fork_over(const struct thread *t, bool child)
{
	bool mine = load_relaxed(&forking) == t;

	if (!rows)
		return;
	if (mine)
		store_relaxed(&forking, NULL);
	if (child) {
		forks = 0;
		forking = NULL;
		comparing.word = 0;
		lib.complete = lib.complete && mine;
		return;
	}
	__atomic_sub_fetch(&forks, 1, __ATOMIC_SEQ_CST);
	if (mine)
		os_unlock(&comparing);
}

void verify_add_rows(void)
{
	struct mp_chunk *chunk;

	rows = NULL;
	chunk = lib.complete ? dump_chunk(MP_CHUNK_VERIFY, sizeof(struct mp_verify), DUMP_PAGE, 0, 0) : NULL;
	if (!chunk)
		return;
	rows = (struct mp_verify *)(void *)(chunk + 1);
	for (uint32_t kind = 1; kind < MP_VERIFY_COUNT; kind++)
		store_release(&rows[kind - 1].kind, kind);
}

void verify_init(void)
{
	void *handle = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

	lib.complete = handle != NULL;
#define X(member, name, type)                                         \
	lib.member = handle ? (type)dlsym(handle, TEXT(name)) : NULL; \
	lib.complete = lib.complete && lib.member;
	LOCAL_FUNCTIONS(X)
#undef X
	if (!lib.complete) {
		fmt_warn("MEMPROF_VERIFY: libunwind.so.8 cannot be used; nothing is compared", NULL);
		return;
	}
	verify_add_rows();
}

static void count(struct thread *t, enum mp_verify_kind kind, uint32_t agreed, uint64_t ours, uint64_t theirs)
{
	struct mp_verify *row = &rows[kind - 1];

	(void)t;
	if (add_relaxed(&row->count, 1) != 1)
		return;
	row->frames = agreed;
	row->ours = ours;
	row->theirs = theirs;
}

/* The address of the Ith frame from the inside as libunwind gives it: after the call, or exact. */
static uint64_t ip_of(const struct thread *t, uint32_t i)
{
	uint32_t at = t->frame_count - 1 - i;

	return t->frame_pc[at] + !(i && RULE_KIND(t->frames[at + 1].rule) == CFI_SIGNAL);
}

static void compare(struct thread *t, unw_cursor_t *cursor)
{
	for (uint32_t i = 0;; i++) {
		unw_word_t ip = 0;
		bool theirs_over = lib.get_reg(cursor, UNW_REG_IP, &ip) < 0 || !ip;
		bool ours_over = i == t->frame_count;

		if (ours_over && theirs_over) {
			count(t, t->mark == MP_MARK_DEPTH ? MP_VERIFY_CUT_BY_DEPTH : MP_VERIFY_EQUAL, i, 0, 0);
			return;
		}
		if (ours_over && t->mark) {
			count(t, t->mark == MP_MARK_DEPTH ? MP_VERIFY_CUT_BY_DEPTH : MP_VERIFY_CUT_BY_US, i, 0, ip);
			return;
		}
		if (theirs_over) {
			count(t, MP_VERIFY_CUT_BY_LIBUNWIND, i, ip_of(t, i), 0);
			return;
		}
		if (ours_over || ip_of(t, i) != ip) {
			count(t, MP_VERIFY_DIFFERENT, i, ours_over ? 0 : ip_of(t, i), ip);
			return;
		}
		if (lib.step(cursor) <= 0) {
			if (i + 1 < t->frame_count)
				count(t, MP_VERIFY_CUT_BY_LIBUNWIND, i + 1, ip_of(t, i + 1), 0);
			else
				count(t, MP_VERIFY_EQUAL, i + 1, 0, 0);
			return;
		}
	}
}

/* Steps out of our own frames. */
static bool find_caller(struct thread *t, unw_cursor_t *cursor, const struct regs *regs)
{
	for (;;) {
		unw_word_t ip = 0;
		unw_word_t sp = 0;

		lib.get_reg(cursor, UNW_REG_IP, &ip);
		lib.get_reg(cursor, UNW_REG_SP, &sp);
		if (sp == regs->sp && ip == regs->ip)
			return true;
		if (sp > regs->sp || lib.step(cursor) <= 0) {
			count(t, MP_VERIFY_DIFFERENT, 0, regs->ip, ip);
			return false;
		}
	}
}

/* libunwind's structures are larger than a hook's frame should be; verify mode is for tests, on ordinary stacks. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wframe-larger-than="
MP_NOINLINE void verify_stack(struct thread *t, const struct regs *regs)
{
	unw_context_t context;
	unw_cursor_t cursor;

	if (!rows || __atomic_load_n(&forks, __ATOMIC_SEQ_CST) || !os_trylock(&comparing))
		return;
	if (lib.getcontext(&context) >= 0 && lib.init_local(&cursor, &context) >= 0 && find_caller(t, &cursor, regs))
		compare(t, &cursor);
	os_unlock(&comparing);
}
#pragma GCC diagnostic pop

void verify_memo_failed(void)
{
	if (rows)
		add_relaxed(&rows[MP_VERIFY_DIFFERENT - 1].count, 1);
}
