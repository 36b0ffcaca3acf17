/* SPDX-License-Identifier: MIT */
/* /proc/self/pagemap tells without touching anything; without it (no /proc, a sandbox), mincore. */
#include "leak_pages.h"

#include <stddef.h>

#include "compiler.h"
#include "os.h"

#define PAGE    ((uint64_t)PAGES_BYTES)
#define WINDOW  512u /* pages asked about at once, at most: one page of the kernel's answers */
#define LEAST   32u  /* and at least, since ranges asked about are often near each other */
#define PRESENT (1ull << 63)
#define SWAPPED (1ull << 62)
#define OF_FILE (1ull << 61)

static int pagemap = -1;
static uint64_t words[WINDOW];
static uint64_t window_start; /* first page number of what words[] holds */
static uint64_t window_count;

static int memory = -1;
static const char *data; /* of the page DATA_PAGE */
static uint64_t data_page;
static uint64_t unreadable;

void pages_open(void)
{
	pagemap = os_open_read("/proc/self/pagemap");
	memory = os_open_read("/proc/self/mem");
	window_count = 0;
	data = NULL;
	unreadable = 0;
}

void pages_close(void)
{
	if (pagemap >= 0)
		os_close(pagemap);
	if (memory >= 0)
		os_close(memory);
	pagemap = -1;
	memory = -1;
}

/*
 * In a child the first look at a page can be dear: under a hypervisor without nested paging it takes as long as a
 * fault. So what is searched there is read through the kernel: pages and more at once; and where the search goes by
 * addresses, all, because what comes next is in the same window. Else blocks of less than a page share pages, and a
 * system call for each costs more than it spares.
 */
#define COPY_LEAST PAGE
static bool in_snapshot;
static bool ahead;
static uint64_t copy_start;
static uint64_t copy_bytes;

void pages_in_snapshot(bool yes)
{
	in_snapshot = yes;
	copy_bytes = 0;
}

void pages_read_ahead(bool on)
{
	ahead = on;
	copy_bytes = 0;
}

const char *pages_copy(uint64_t start, uint64_t bytes, uint64_t *ret_bytes)
{
	static char window[PAGES_COPY_BYTES];
	uint64_t left;

	if (!in_snapshot || memory < 0 || (bytes < COPY_LEAST && !ahead))
		return NULL;
	if (!ahead || start - copy_start >= copy_bytes) {
		long n = os_pread(memory, window, ahead || bytes > sizeof(window) ? sizeof(window) : bytes, start);

		copy_start = start;
		copy_bytes = n > 0 ? (uint64_t)n & ~7ull : 0;
	}
	left = copy_start + copy_bytes - start;
	*ret_bytes = bytes < left ? bytes : left;
	return copy_bytes ? window + (start - copy_start) : NULL;
}

/* Tries the very byte that is wanted: the caller may have prefetched it, and any other would be one more miss. */
static MP_NOINLINE const char *load_data(uint64_t address)
{
	static char copy[PAGES_BYTES];
	uint64_t page = address & ~(PAGE - 1);

	data_page = page;
	data = (const char *)page;
	if (likely(os_readable(address)))
		return data;
	data = copy;
	/* Debuggers read like this, whatever the protection says. */
	if (memory < 0 || os_pread(memory, copy, PAGE, page) != (long)PAGE) {
		__builtin_memset(copy, 0, sizeof(copy));
		unreadable++;
	}
	return data;
}

const char *pages_data(uint64_t address)
{
	return (address & ~(PAGE - 1)) == data_page && data ? data : load_data(address);
}

uint64_t pages_word(uint64_t address)
{
	return address & 7 ? 0 : *(const volatile uint64_t *)(pages_data(address) + (address & (PAGE - 1)));
}

uint64_t pages_unreadable(void)
{
	return unreadable;
}

/* false: not to be had, and words[] means nothing. */
static bool load(uint64_t page, uint64_t end, bool shared)
{
	static uint8_t resident[WINDOW];
	uint64_t pages = (end + PAGE - 1) / PAGE - page;
	uint64_t ask = pages < LEAST ? LEAST : pages < WINDOW ? pages : WINDOW;
	long n = pagemap >= 0 && !shared ? os_pread(pagemap, words, ask * 8, page * 8) : -1;

	window_start = page;
	window_count = n > 0 ? (uint64_t)n / 8 : 0;
	if (window_count)
		return true;
	pages = pages < WINDOW ? pages : WINDOW;
	if (!os_resident(page * PAGE, pages * PAGE, resident))
		return false;
	for (unsigned i = 0; i < pages; i++)
		words[i] = resident[i] & 1 ? PRESENT | OF_FILE : 0;
	window_count = pages;
	return true;
}

/* Pages of the kinds WANT and not of the kinds WITHOUT. */
struct wanted {
	uint64_t want;
	uint64_t without;
	bool shared;
};

static bool next(uint64_t start, uint64_t end, struct wanted w, uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t from = 0;
	bool inside = false;

	for (uint64_t page = start / PAGE; start < end && page * PAGE < end; page++) {
		bool match;

		if (page - window_start >= window_count && !load(page, end, w.shared)) {
			/* Not told: all, or for private pages nothing. */
			if (w.without && !inside)
				return false;
			*ret_start = inside ? from : start;
			*ret_end = w.without ? page * PAGE : end;
			return true;
		}
		match = words[page - window_start] & w.want && !(words[page - window_start] & w.without);
		if (match && !inside)
			from = page * PAGE > start ? page * PAGE : start;
		if (!match && inside) {
			*ret_start = from;
			*ret_end = page * PAGE;
			return true;
		}
		inside = match;
	}
	*ret_start = from;
	*ret_end = end;
	return inside;
}

bool pages_next(uint64_t start, uint64_t end, uint64_t *ret_start, uint64_t *ret_end)
{
	return next(start, end, (struct wanted){ .want = PRESENT | SWAPPED }, ret_start, ret_end);
}

bool pages_next_shared(uint64_t start, uint64_t end, uint64_t *ret_start, uint64_t *ret_end)
{
	bool found;

	window_count = 0; /* of the other kind of answers */
	found = next(start, end, (struct wanted){ .want = PRESENT, .shared = true }, ret_start, ret_end);
	window_count = 0;
	return found;
}

bool pages_next_private(uint64_t start, uint64_t end, uint64_t *ret_start, uint64_t *ret_end)
{
	return next(start, end, (struct wanted){ .want = PRESENT | SWAPPED, .without = OF_FILE }, ret_start, ret_end);
}
