/* SPDX-License-Identifier: MIT */
/*
 * Every mapping of /proc/self/maps is taken for what it is. All that can be written is a root, but for
 *  - what is ours;
 *  - the heap: pages that live blocks lie on, brk's, and the arenas of glibc, whose free memory is full of stale
 *    pointers. Blocks are searched when something leads to them;
 *  - stacks below the stack pointer, and of threads that are over;
 *  - files that several processes share.
 */
#include "leak_roots.h"

#include <elf.h>
#include <link.h>
#include <stddef.h>

#include "boot.h"
#include "compiler.h"
#include "dump_map.h"
#include "fmt.h"
#include "init.h"
#include "leak_blocks.h"
#include "leak_graph.h"
#include "leak_interior.h"
#include "leak_pages.h"
#include "modules.h"

#define PAGE ((uint64_t)4096)
/* Memory that other processes write is not frozen, and is searched up to this size per mapping. */
#define SHARED_MAX (256ull << 20)
/*
 * Memory that the program has put out of reach, such as a store of keys, is searched up to this size per mapping. What
 * is larger is a reservation, of which asking what is in it takes milliseconds per GB.
 */
#define PROTECTED_MAX (1ull << 30)
/* glibc's arenas for threads start at multiples of this (32-bit programs aside). */
#define ARENA_BYTES (64ull << 20)

static struct roots *roots;

/* What is left out: sorted by start, and disjoint enough for a search from below. */
#define LEFT_OUT_MAX (4096u + 2 * ROOTS_RANGES_MAX + 64u)
static struct os_range left_out[LEFT_OUT_MAX];
static uint32_t left_out_count;

static void leave_out(uint64_t start, uint64_t end)
{
	uint32_t at;

	if (start >= end || left_out_count == LEFT_OUT_MAX)
		return;
	/* Nearly sorted as they come, since the kernel maps downwards or upwards. */
	for (at = left_out_count++; at && left_out[at - 1].start > start; at--)
		left_out[at] = left_out[at - 1];
	left_out[at] = (struct os_range){ start, end };
}

extern const ElfW(Ehdr) own_header __asm__("__ehdr_start") __attribute__((visibility("hidden")));

static void leave_out_own_data(void)
{
	uint64_t base = (uint64_t)&own_header;
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(base + own_header.e_phoff);

	for (unsigned i = 0; i < own_header.e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_W)
			leave_out(base + ph[i].p_vaddr, base + ph[i].p_vaddr + ph[i].p_memsz);
	}
}

/*
 * Is there still the descriptor of a thread at END? It begins with its own address. Else the memory has been given back
 * and may be anything by now, or nothing: libc keeps no more than 40 MiB of stacks.
 */
static bool is_stack_end(uint64_t end)
{
#if defined(__x86_64__)
	const volatile uint64_t *words = (const volatile uint64_t *)end;

	return os_readable((uint64_t)&words[0]) && os_readable((uint64_t)&words[2]) && words[0] == end &&
	       words[2] == end;
#else
	(void)end;
	return false;
#endif
}

static void collect_left_out(void)
{
	uint32_t count;
	const struct os_range *own = os_own_ranges(&count);

	left_out_count = 0;
	for (uint32_t i = 0; i < count; i++)
		leave_out(own[i].start, own[i].end);
	leave_out((uint64_t)dump_base, (uint64_t)dump_base + dump_mapped_bytes());
	leave_out_own_data();
	for (uint32_t i = 0; i < roots->dead_count; i++) {
		if (is_stack_end(roots->dead[i].end))
			leave_out(roots->dead[i].start, roots->dead[i].end);
	}
	/* A stack pointer elsewhere: a coroutine, or a signal handler's stack. Then all of the thread's own counts. */
	if (roots->sp >= roots->stack.start && roots->sp < roots->stack.end)
		leave_out(roots->stack.start, roots->sp);
}

typedef bool next_pages(uint64_t start, uint64_t end, uint64_t *ret_start, uint64_t *ret_end);

static inline void scan_pages(next_pages *next, uint64_t start, uint64_t end)
{
	uint64_t from;
	uint64_t upto;

	while (next(start, end, &from, &upto)) {
		roots->root_bytes += upto - from;
		graph_scan_root(from, upto);
		start = upto;
	}
}

static void scan_present(uint64_t start, uint64_t end)
{
	scan_pages(pages_next, start, end);
}

static void scan_resident(uint64_t start, uint64_t end)
{
	scan_pages(pages_next_shared, start, end);
}

static void scan_own_copies(uint64_t start, uint64_t end)
{
	scan_pages(pages_next_private, start, end);
}

/* Calls EACH for the parts of START .. END that are not left out. */
static void without_left_out(uint64_t start, uint64_t end, void (*each)(uint64_t start, uint64_t end))
{
	for (uint32_t i = 0; i < left_out_count && start < end; i++) {
		if (left_out[i].end <= start)
			continue;
		if (left_out[i].start >= end)
			break;
		if (left_out[i].start > start)
			each(start, left_out[i].start);
		start = left_out[i].end;
	}
	if (start < end)
		each(start, end);
}

/* The parts that no live block covers: by pages, or all there is when the heap counts too. */
static void scan_between_blocks(uint64_t start, uint64_t end)
{
	uint64_t unit = roots->heap_too ? 8 : PAGE;
	uint32_t i = blocks_first_from(start);

	/* The block before may reach into the range. */
	if (i > 0) {
		uint64_t over = (block_address(i - 1) + block_bytes(i - 1) + unit - 1) & ~(unit - 1);

		start = over > start ? over : start;
	}
	for (; i < blocks_count() && block_address(i) < end; i++) {
		uint64_t from = block_address(i) & ~(unit - 1);

		if (from > start)
			scan_present(start, from);
		from = (block_address(i) + block_bytes(i) + unit - 1) & ~(unit - 1);
		start = from > start ? from : start;
	}
	if (start < end)
		scan_present(start, end);
}

static void scan_writable(uint64_t start, uint64_t end)
{
	without_left_out(start, end, scan_between_blocks);
}

/*
 * Bytes of an arena of glibc's that starts at ADDRESS, 0 if none does: its head says where its arena's state is, how
 * much is used and how much may be written, which is all that the mapping has from there on.
 */
static uint64_t arena_bytes(uint64_t address, uint64_t end)
{
	const uint64_t *head = (const uint64_t *)address;
	uint64_t from;
	uint64_t upto;

	if (!pages_next(address, address + PAGE, &from, &upto) || !os_readable(address))
		return 0;
	if ((head[0] & (ARENA_BYTES - 1)) > 256 || !head[0] || head[2] > head[3] || head[3] > ARENA_BYTES ||
	    head[3] & (PAGE - 1) || address + head[3] > end)
		return 0;
	return head[3];
}

/* Anonymous memory, in which arenas may lie. */
static void scan_anonymous(uint64_t start, uint64_t end)
{
	for (uint64_t at = (start + ARENA_BYTES - 1) & ~(ARENA_BYTES - 1); at < end && !roots->heap_too;
	     at += ARENA_BYTES) {
		uint64_t bytes = arena_bytes(at, end);

		if (!bytes)
			continue;
		scan_writable(start, at);
		start = at + bytes;
	}
	scan_writable(start, end);
}

static bool starts_with(const char *text, const char *with)
{
	while (*with && *text == *with) {
		text++;
		with++;
	}
	return !*with;
}

static bool is_libc(const char *path)
{
	const char *name = path;

	for (const char *s = path; *s; s++)
		name = *s == '/' ? s + 1 : name;
	return starts_with(name, "libc.so") || starts_with(name, "libc-2");
}

static void scan_shared(const struct mapping *m)
{
	bool memory = starts_with(m->path, "/memfd:") || starts_with(m->path, "/dev/zero") ||
		      starts_with(m->path, "/SYSV") || starts_with(m->path, "/dev/shm/");

	if (!m->write)
		return;
	if (!memory || m->end - m->start > SHARED_MAX)
		roots->skipped_bytes += memory ? m->end - m->start : 0;
	else
		without_left_out(m->start, m->end, scan_resident);
}

/* First of all, because what a word may be is asked from the first root on. */
static void note_mapping(const struct mapping *m)
{
	if (m->inode && m->read && !m->write && m->execute)
		interior_note_code(m->start, m->end);
	else if (m->inode && m->read && !m->write)
		interior_note_constants(m->start, m->end);
}

static void scan_mapping(const struct mapping *m)
{
	static bool libc_data; /* the mapping before was libc's: what follows without a name is the rest of its data */
	bool anonymous = !m->inode && (!m->path[0] || starts_with(m->path, "[anon"));

	libc_data = m->inode ? is_libc(m->path) : libc_data && anonymous;
	if (m->start >= 1ull << 47 || starts_with(m->path, "[v"))
		return; /* vdso, vvar, vsyscall: the kernel's */
	if (!m->read) {
		if (anonymous && !m->shared && m->end - m->start <= PROTECTED_MAX)
			scan_writable(m->start, m->end);
		return;
	}
	if (m->shared) {
		scan_shared(m);
		return;
	}
	if (starts_with(m->path, "/dev/") && !starts_with(m->path, "/dev/zero"))
		return;
	if (!m->write) {
		without_left_out(m->start, m->end, scan_own_copies);
		return;
	}
	graph_ignore_chunk_ends(libc_data && !anonymous);
	if (starts_with(m->path, "[heap]")) {
		if (roots->heap_too)
			scan_writable(m->start, m->end);
	} else if (anonymous) {
		scan_anonymous(m->start, m->end);
	} else {
		scan_writable(m->start, m->end);
	}
	graph_ignore_chunk_ends(false);
	if (anonymous)
		libc_data = false;
}

static void scan_words(const uint64_t *words, uint32_t count)
{
	graph_scan_root((uint64_t)words, (uint64_t)(words + count));
}

bool roots_scan(struct roots *r)
{
	uint64_t start;
	uint64_t end;

	roots = r;
	pages_open();
	collect_left_out();
	scan_words(r->registers, ROOTS_REGISTERS);
	scan_words(r->words, r->word_count);
	graph_root_block(r->sp);
	for (uint32_t i = 0; boot_part(i, &start, &end); i++)
		scan_present(start, end);
	for (uint32_t i = 0; thread_starts_part(i, &start, &end); i++)
		scan_present(start, end);
	for (uint32_t i = 0; i < r->named_count; i++)
		scan_resident(r->named[i].start, r->named[i].end);
	return modules_for_each_mapping(note_mapping) && modules_for_each_mapping(scan_mapping);
}
