/* SPDX-License-Identifier: MIT */
/* Each heuristic asks for more than an offset: for a length, a count or a table of functions at the right place. */
#include "leak_interior.h"

#include <stdbool.h>

#include "leak_blocks.h"
#include "leak_pages.h"
#include "mp_dump.h"

#define RANGES_MAX 4096u

struct range {
	uint64_t start;
	uint64_t end;
};

static struct range code[RANGES_MAX];
static uint32_t code_count;
static struct range constants[RANGES_MAX];
static uint32_t constants_count;

void interior_init(void)
{
	code_count = 0;
	constants_count = 0;
}

static void note(struct range *list, uint32_t *count, uint64_t start, uint64_t end)
{
	if (*count < RANGES_MAX)
		list[(*count)++] = (struct range){ start, end };
}

void interior_note_code(uint64_t start, uint64_t end)
{
	note(code, &code_count, start, end);
}

void interior_note_constants(uint64_t start, uint64_t end)
{
	note(constants, &constants_count, start, end);
}

static bool in_ranges(const struct range *list, uint32_t count, uint64_t address)
{
	for (uint32_t i = 0; i < count; i++) {
		if (address >= list[i].start && address < list[i].end)
			return true;
	}
	return false;
}

/* A table in read-only data that starts with addresses of code, or zero (pure virtual, or of a class never made). */
static bool is_vtable(uint64_t address)
{
	if (address & 7 || !in_ranges(constants, constants_count, address))
		return false;
	return in_ranges(code, code_count, pages_word(address));
}

uint32_t interior_recognise(uint32_t i, uint64_t offset)
{
	uint64_t start = block_address(i);
	uint64_t bytes = block_bytes(i);

	/* A colour or type in the low bits: allocators align to 16. */
	if (offset < 8)
		return MP_SCAN_HEURISTIC_TAG;
	/* Characters behind their length, capacity and use count: std::string of the older ABI. */
	if (offset == 24 && bytes > 24 && pages_word(start) <= pages_word(start + 8) &&
	    pages_word(start + 8) <= bytes - 25 && (int64_t)pages_word(start + 16) >= -1 &&
	    pages_word(start + 16) < 1u << 31)
		return MP_SCAN_HEURISTIC_STDSTRING;
	/* Data behind its size, as sqlite's allocator has it. */
	if (offset == 8 && pages_word(start) == bytes - 8)
		return MP_SCAN_HEURISTIC_LENGTH64;
	/* new T[n] where T has a destructor. */
	if (offset == 8 && pages_word(start) && pages_word(start) <= bytes - 8 && (bytes - 8) % pages_word(start) == 0)
		return MP_SCAN_HEURISTIC_NEWARRAY;
	/* A base class that is not the first: both parts begin with a table of functions. */
	if (offset % 8 == 0 && offset + 8 <= bytes && is_vtable(pages_word(start)) &&
	    is_vtable(pages_word(start + offset)))
		return MP_SCAN_HEURISTIC_MULTIPLE_INHERITANCE;
	return INTERIOR_NONE;
}
