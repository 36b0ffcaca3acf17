/* SPDX-License-Identifier: MIT */
/*
 * libunwind is used through its remote interface, with accessors of ours: so it sees our list of modules instead of
 * the loader's (whose lock a hook must never take), and reads only memory that we know to be readable.
 *
 * It is loaded at start, not linked: as a dependency it would be in the global scope, and its own versions of the C++
 * unwinder's functions (_Unwind_RaiseException...) would be found first by plugins of programs that are not C++
 * themselves.
 */
#include "frame_fallback.h"

#include <dlfcn.h>
#include <libunwind.h>
#include <stddef.h>

#include "compiler.h"
#include "os.h"
#include "rules.h"

#if defined(__x86_64__)
#define LIBRARY "libunwind-x86_64.so.8"
#else
#define LIBRARY "libunwind-aarch64.so.8"
#endif

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
/*
 * X(member, name in the library, type). The last is exported for ptrace and core dumps, but in no installed
 * header.
 */
#define UNWIND_FUNCTIONS(X)                                                                            \
	X(create_addr_space, unw_create_addr_space, unw_addr_space_t (*)(unw_accessors_t *, int))      \
	X(set_caching_policy, unw_set_caching_policy, int (*)(unw_addr_space_t, unw_caching_policy_t)) \
	X(init_remote, unw_init_remote, int (*)(unw_cursor_t *, unw_addr_space_t, void *))             \
	X(step, unw_step, int (*)(unw_cursor_t *))                                                     \
	X(get_reg, unw_get_reg, int (*)(unw_cursor_t *, int, unw_word_t *))                            \
	X(search_unwind_table, UNW_OBJ(dwarf_search_unwind_table),                                     \
	  int (*)(unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int, void *))

#define X(member, name, type) __typeof__((type)0) member;
static struct {
	UNWIND_FUNCTIONS(X)
} lib;
#undef X

/* Our own frames stand between the start and the frame asked for. */
#define STEPS_MAX 600

static unw_addr_space_t space;

struct state {
	struct thread *t;
	uint64_t stack_start;
	uint64_t stack_end;
	const struct module *module; /* of the frame being stepped */
	uint64_t regs[17];           /* by DWARF number; only callee-saved ones, sp and ip are meant */
};

static int find_proc_info(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *pi, int need, void *arg)
{
	struct state *s = arg;
	const struct module *m = rules_module(ip);
	unw_dyn_info_t di;
	const uint8_t *hdr;
	uint32_t entries;

	/* Version 1, table of sdata4 pairs relative to the header: what every linker writes. */
	if (!m || !m->tables.eh_frame_hdr || m->tables.eh_frame_hdr_bytes < 12)
		return -UNW_ENOINFO;
	hdr = m->tables.eh_frame_hdr;
	if (hdr[0] != 1 || hdr[2] != 0x03 || hdr[3] != 0x3b)
		return -UNW_ENOINFO;
	__builtin_memcpy(&entries, hdr + 8, sizeof(entries));
	if (entries > (m->tables.eh_frame_hdr_bytes - 12) / 8)
		return -UNW_ENOINFO;
	s->module = m;
	__builtin_memset(&di, 0, sizeof(di));
	di.format = UNW_INFO_FORMAT_REMOTE_TABLE;
	di.start_ip = m->start;
	di.end_ip = m->end;
	di.u.rti.segbase = (unw_word_t)hdr;
	di.u.rti.table_data = (unw_word_t)(hdr + 12);
	di.u.rti.table_len = (unw_word_t)entries * 8 / sizeof(unw_word_t);
	return lib.search_unwind_table(as, ip, &di, pi, need, arg);
}

/* libunwind frees what it has found by itself; this is for information out of tables of ours. */
static void put_unwind_info(unw_addr_space_t as, unw_proc_info_t *pi, void *arg)
{
	(void)as;
	(void)pi;
	(void)arg;
}

static int no_dyn_info(unw_addr_space_t as, unw_word_t *ret, void *arg)
{
	(void)as;
	(void)ret;
	(void)arg;
	return -UNW_ENOINFO;
}

static bool within(uint64_t address, uint64_t start, uint64_t end)
{
	return address >= start && address < end && end - address >= sizeof(unw_word_t);
}

static int access_mem(unw_addr_space_t as, unw_word_t address, unw_word_t *value, int write, void *arg)
{
	const struct state *s = arg;
	const struct module *m = s->module;

	(void)as;
	if (write)
		return -UNW_EINVAL;
	if (within(address, s->stack_start, s->stack_end) ||
	    (m && (within(address, m->start, m->end) ||
		   within(address, (uint64_t)m->tables.start, (uint64_t)m->tables.end)))) {
		__builtin_memcpy(value, (const void *)address, sizeof(*value));
		return 0;
	}
	return -UNW_EINVAL;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t reg, unw_word_t *value, int write, void *arg)
{
	const struct state *s = arg;

	(void)as;
	if (write || reg < 0 || (size_t)reg >= ARRAY_LEN(s->regs))
		return -UNW_EBADREG;
	*value = s->regs[reg];
	return 0;
}

static int no_fpreg(unw_addr_space_t as, unw_regnum_t reg, unw_fpreg_t *value, int write, void *arg)
{
	(void)as;
	(void)reg;
	(void)value;
	(void)write;
	(void)arg;
	return -UNW_EBADREG;
}

static int no_resume(unw_addr_space_t as, unw_cursor_t *cursor, void *arg)
{
	(void)as;
	(void)cursor;
	(void)arg;
	return -UNW_EINVAL;
}

static int no_proc_name(unw_addr_space_t as, unw_word_t address, char *buf, size_t bytes, unw_word_t *offset, void *arg)
{
	(void)as;
	(void)address;
	(void)buf;
	(void)bytes;
	(void)offset;
	(void)arg;
	return -UNW_ENOINFO;
}

/*
 * The first real call makes libunwind open a pipe, which it would use to test addresses of the local address space.
 * Ours is not that one, and the program must not see descriptors that it did not open: the pipe is closed at once. It
 * is the two lowest free descriptors, if they turn out to be one and the same file.
 */
static void set_policy(void)
{
	int a = os_open_read("/");
	int b = os_open_read("/");
	struct os_file first;
	struct os_file second;

	if (a >= 0)
		os_close(a);
	if (b >= 0)
		os_close(b);
	lib.set_caching_policy(space, UNW_CACHE_NONE);
	if (a < 0 || b < 0 || !os_stat(a, &first) || !os_stat(b, &second))
		return;
	if (first.device == second.device && first.inode == second.inode) {
		os_close_foreign(a);
		os_close_foreign(b);
	}
}

bool frame_fallback_init(void)
{
	static unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = no_dyn_info,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = no_fpreg,
		.resume = no_resume,
		.get_proc_name = no_proc_name,
	};

	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	bool complete = handle != NULL;

	if (!handle)
		return false;
#define X(member, name, type)                         \
	lib.member = (type)dlsym(handle, TEXT(name)); \
	complete = complete && lib.member;
	UNWIND_FUNCTIONS(X)
#undef X
	if (complete)
		space = lib.create_addr_space(&accessors, 0);
	if (space)
		set_policy();
	return space != NULL;
}

#if defined(__x86_64__)
/* The registers of this very function that its caller may rely on, and where it stands. */
#define HERE(regs)                                  \
	__asm__ volatile("movq %%rbx, 3*8(%0)\n\t"  \
			 "movq %%rbp, 6*8(%0)\n\t"  \
			 "movq %%rsp, 7*8(%0)\n\t"  \
			 "movq %%r12, 12*8(%0)\n\t" \
			 "movq %%r13, 13*8(%0)\n\t" \
			 "movq %%r14, 14*8(%0)\n\t" \
			 "movq %%r15, 15*8(%0)\n\t" \
			 "leaq 0(%%rip), %%rax\n\t" \
			 "movq %%rax, 16*8(%0)"     \
			 :                          \
			 : "r"(regs)                \
			 : "rax", "memory")
#define UNWIND_BP UNW_X86_64_RBP
#else
#define HERE(regs) __builtin_memset(regs, 0, 17 * sizeof(*(regs)))
#define UNWIND_BP  0
#endif

MP_NOINLINE bool frame_fallback_step(struct thread *t, const struct regs *regs, uint64_t stack_end,
				     struct regs *ret_next)
{
	struct state s = { .t = t, .stack_end = stack_end };
	unw_cursor_t cursor;
	bool found = false;

	if (!space)
		return false;
	HERE(s.regs);
	s.stack_start = s.regs[7];
	if (lib.init_remote(&cursor, space, &s) < 0)
		return false;
	for (int i = 0; i < STEPS_MAX; i++) {
		unw_word_t ip;
		unw_word_t sp;
		unw_word_t bp;

		if (lib.get_reg(&cursor, UNW_REG_IP, &ip) < 0 || lib.get_reg(&cursor, UNW_REG_SP, &sp) < 0)
			return false;
		if (found) {
			if (lib.get_reg(&cursor, UNWIND_BP, &bp) < 0)
				bp = 0;
			*ret_next = (struct regs){ .ip = ip, .sp = sp, .bp = bp };
			return ip != 0;
		}
		if (sp > regs->sp)
			return false;
		found = sp == regs->sp && ip == regs->ip;
		if (lib.step(&cursor) <= 0)
			return false;
	}
	return false;
}
