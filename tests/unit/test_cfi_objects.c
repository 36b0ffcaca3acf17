/* SPDX-License-Identifier: MIT */
/* Unit tests of cfi_compile: its reading of the system's own libraries against that of elfutils' libdw. */
#include <check.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cfi_compile.h"
#include "cfi_rule_text.h"
#include "compiler.h"

TCase *tcase_cfi_objects(void);

/* Which registers matter is decided with the numbers of x86-64. */
#if defined(__x86_64__)

/* An ELF file laid out as the loader would, read-only, at an address of its own. */
struct image {
	uint8_t *memory;
	size_t size;
	uint64_t bias; /* address in memory - address in the file */
	struct cfi_tables tables;
};

static bool map_segments(int fd, Elf *elf, size_t count, struct image *image)
{
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr))
			return false;
		if (phdr.p_type == PT_LOAD &&
		    pread(fd, image->memory + (phdr.p_vaddr + image->bias - (uintptr_t)image->memory), phdr.p_filesz,
			  (off_t)phdr.p_offset) != (ssize_t)phdr.p_filesz)
			return false;
	}
	return true;
}

/* Finds the tables and the executable segments of a mapped image. */
static bool find_tables(Elf *elf, size_t count, struct image *image)
{
	struct cfi_tables *tables = &image->tables;
	GElf_Phdr header = { 0 };

	tables->text_start = UINT64_MAX;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;

		gelf_getphdr(elf, (int)i, &phdr);
		if (phdr.p_type == PT_GNU_EH_FRAME)
			header = phdr;
		if (phdr.p_type != PT_LOAD || !(phdr.p_flags & PF_X))
			continue;
		if (phdr.p_vaddr + image->bias < tables->text_start)
			tables->text_start = phdr.p_vaddr + image->bias;
		if (phdr.p_vaddr + phdr.p_memsz + image->bias > tables->text_end)
			tables->text_end = phdr.p_vaddr + phdr.p_memsz + image->bias;
	}
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;

		gelf_getphdr(elf, (int)i, &phdr);
		if (phdr.p_type != PT_LOAD || header.p_vaddr - phdr.p_vaddr >= phdr.p_filesz)
			continue;
		tables->start = image->memory + (phdr.p_vaddr + image->bias - (uintptr_t)image->memory);
		tables->end = tables->start + phdr.p_filesz;
	}
	tables->eh_frame_hdr = image->memory + (header.p_vaddr + image->bias - (uintptr_t)image->memory);
	tables->eh_frame_hdr_bytes = header.p_memsz;
	return header.p_memsz && tables->start;
}

static bool image_map(int fd, Elf *elf, struct image *ret_image)
{
	uint64_t low = UINT64_MAX, high = 0;
	size_t count;

	*ret_image = (struct image){ 0 };
	if (elf_getphdrnum(elf, &count) != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_LOAD)
			continue;
		low = phdr.p_vaddr < low ? phdr.p_vaddr : low;
		high = phdr.p_vaddr + phdr.p_memsz > high ? phdr.p_vaddr + phdr.p_memsz : high;
	}
	if (low >= high)
		return false;
	ret_image->size = high - low;
	ret_image->memory = mmap(NULL, high - low, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ret_image->memory == MAP_FAILED) {
		ret_image->memory = NULL;
		return false;
	}
	ret_image->bias = (uintptr_t)ret_image->memory - low;
	if (map_segments(fd, elf, count, ret_image) && find_tables(elf, count, ret_image))
		return true;
	munmap(ret_image->memory, ret_image->size);
	ret_image->memory = NULL;
	return false;
}

/* The place of register REG in FRAME, in the words of struct cfi_rule. */
enum libdw_place { LIBDW_SAME, LIBDW_UNDEFINED, LIBDW_AT_CFA, LIBDW_AT_BP, LIBDW_IS_CFA, LIBDW_OTHER };

static enum libdw_place libdw_register(Dwarf_Frame *frame, int reg, int64_t *ret_offset)
{
	Dwarf_Op memory[3];
	Dwarf_Op *ops;
	size_t count;

	*ret_offset = 0;
	if (dwarf_frame_register(frame, reg, memory, &ops, &count) != 0)
		return LIBDW_OTHER;
	if (count == 0)
		return ops == memory ? LIBDW_UNDEFINED : LIBDW_SAME;
	if (ops[0].atom != DW_OP_call_frame_cfa)
		return LIBDW_OTHER;
	if (count == 1)
		return LIBDW_AT_CFA;
	if (count == 2 && ops[1].atom == DW_OP_stack_value)
		return LIBDW_IS_CFA;
	if (count == 2 && ops[1].atom == DW_OP_breg6) {
		/* An expression begins with the CFA on its stack; this one leaves it there, unused. */
		*ret_offset = (int64_t)ops[1].number;
		return LIBDW_AT_BP;
	}
	if (count != 2 || ops[1].atom != DW_OP_plus_uconst)
		return LIBDW_OTHER;
	*ret_offset = (int64_t)ops[1].number;
	return LIBDW_AT_CFA;
}

static struct cfi_rule libdw_rule(Dwarf_Frame *frame)
{
	struct cfi_rule rule = { .kind = CFI_COMPLICATED };
	enum libdw_place ra, bp, sp;
	int64_t ra_offset, bp_offset, sp_offset;
	Dwarf_Op *ops;
	size_t count;
	bool is_signal;

	if (dwarf_frame_info(frame, NULL, NULL, &is_signal) >= 0 && is_signal)
		return (struct cfi_rule){ .kind = CFI_SIGNAL };
	ra = libdw_register(frame, 16, &ra_offset);
	bp = libdw_register(frame, 6, &bp_offset);
	sp = libdw_register(frame, 7, &sp_offset);
	if (ra == LIBDW_UNDEFINED)
		return (struct cfi_rule){ .kind = CFI_END };
	if (dwarf_frame_cfa(frame, &ops, &count) != 0 || ra != LIBDW_AT_CFA || sp != LIBDW_IS_CFA)
		return rule;
	if (count == 1 && ops[0].atom == DW_OP_bregx && ops[0].number == 7)
		rule.kind = CFI_SP;
	else if (count == 1 && ops[0].atom == DW_OP_bregx && ops[0].number == 6)
		rule.kind = CFI_BP;
	else if (count == 2 && ops[0].atom == DW_OP_breg6 && ops[1].atom == DW_OP_deref)
		rule.kind = CFI_BP_DEREF;
	else
		return rule;
	rule.cfa_offset = (int32_t)(rule.kind == CFI_BP_DEREF ? ops[0].number : ops[0].number2);
	rule.ra_offset = (int32_t)ra_offset;
	rule.bp_saved = bp == LIBDW_AT_CFA;
	rule.bp_at_bp = bp == LIBDW_AT_BP;
	rule.bp_undefined = bp == LIBDW_UNDEFINED || bp == LIBDW_OTHER || bp == LIBDW_IS_CFA;
	rule.bp_offset = (int16_t)bp_offset;
	return rule;
}

/* What a comparison found, over all objects. */
struct comparison {
	const char *path;
	const struct cfi_tables *tables;
	uint64_t bias;
	Dwarf_CFI *cfi;
	size_t addresses;
	size_t differences;
	size_t kinds[CFI_COMPLICATED + 1];
};

/* Compares one address of the file; *ret_row_end is where libdw's row ends, ADDRESS + 1 where there is none. */
static bool compare_address(struct comparison *c, uint64_t address, uint64_t *ret_row_end)
{
	struct cfi_rule expected = { .kind = CFI_NONE };
	Dwarf_Addr start, end = address + 1;
	Dwarf_Frame *frame = NULL;
	struct cfi_rule rule;
	bool worked, found;
	char text[2][128];

	found = dwarf_cfi_addrframe(c->cfi, address, &frame) == 0;
	if (found) {
		bool is_signal;

		dwarf_frame_info(frame, &start, &end, &is_signal);
		expected = libdw_rule(frame);
		free(frame);
	}
	*ret_row_end = end;
	worked = cfi_compile(c->tables, address + c->bias, &rule);
	c->addresses++;
	c->kinds[rule.kind]++;
	if (!worked || !cfi_rules_equal(&rule, &expected)) {
		c->differences++;
		fprintf(stderr, "%s: %#lx: got %s%s, libdw has %s\n", c->path, (unsigned long)address,
			worked ? "" : "malformed ", cfi_rule_text(&rule, text[0], 128),
			cfi_rule_text(&expected, text[1], 128));
	}
	return found;
}

/* Walks the rows of each FDE in the search table: first and last address of each row, and the address behind it. */
static void compare_functions(struct comparison *c)
{
	const uint8_t *header = c->tables->eh_frame_hdr;
	uint32_t count;

	memcpy(&count, header + 8, sizeof(count));
	for (uint32_t i = 0; i < count; i++) {
		uint64_t address, row_end;
		int32_t starts[2] = { 0, INT32_MAX };

		memcpy(&starts[0], header + 12 + (size_t)i * 8, 4);
		if (i + 1 < count)
			memcpy(&starts[1], header + 20 + (size_t)i * 8, 4);
		address = (uintptr_t)header + (uint64_t)(int64_t)starts[0] - c->bias;
		if (starts[0] == starts[1])
			continue;
		while (address + c->bias < (uintptr_t)header + (uint64_t)(int64_t)starts[1]) {
			if (!compare_address(c, address, &row_end))
				break;
			if (row_end - address > 1)
				compare_address(c, row_end - 1, &(uint64_t){ 0 });
			address = row_end;
		}
	}
}

/* An object of the system that is open for comparison. */
struct object {
	int fd;
	Elf *elf;
	struct image image;
};

static void object_close(struct object *object)
{
	if (object->image.memory)
		munmap(object->image.memory, object->image.size);
	if (object->elf)
		elf_end(object->elf);
	if (object->fd >= 0)
		close(object->fd);
}

/* false: the file is not there, or does not have the usual search table. */
static bool object_open(const char *path, struct object *ret_object)
{
	struct object *o = ret_object;

	elf_version(EV_CURRENT);
	*o = (struct object){ .fd = open(path, O_RDONLY | O_CLOEXEC) };
	o->elf = o->fd >= 0 ? elf_begin(o->fd, ELF_C_READ_MMAP, NULL) : NULL;
	if (o->elf && image_map(o->fd, o->elf, &o->image) &&
	    memcmp(o->image.tables.eh_frame_hdr, "\x01\x1b\x03\x3b", 4) == 0)
		return true;
	object_close(o);
	return false;
}

/* Counts are added to *C. */
static void compare_object(const char *path, struct object *object, struct comparison *c)
{
	c->path = path;
	c->tables = &object->image.tables;
	c->bias = object->image.bias;
	c->cfi = dwarf_getcfi_elf(object->elf);
	if (c->cfi)
		compare_functions(c);
	dwarf_cfi_end(c->cfi);
}

/* Takes the table's encoding out of the header for each second lookup, which then walks. Some functions are enough. */
static void compare_walk(struct image *image)
{
	uint8_t *header = image->memory + (image->tables.eh_frame_hdr - image->memory);
	uint32_t count;

	memcpy(&count, header + 8, sizeof(count));
	for (uint32_t i = 0; i < count; i += count / 64 + 1) {
		struct cfi_rule by_table, by_walk;
		uint64_t address;
		int32_t start;

		memcpy(&start, header + 12 + (size_t)i * 8, 4);
		address = (uintptr_t)header + (uint64_t)(int64_t)start;
		ck_assert(cfi_compile(&image->tables, address, &by_table));
		header[3] = DW_EH_PE_omit;
		ck_assert(cfi_compile(&image->tables, address, &by_walk));
		header[3] = DW_EH_PE_datarel | DW_EH_PE_sdata4;
		ck_assert_int_ne(by_table.kind, CFI_NONE);
		ck_assert(cfi_rules_equal(&by_table, &by_walk));
	}
}

static const char *const system_objects[] = {
	"/lib/x86_64-linux-gnu/libc.so.6",
	"/lib64/ld-linux-x86-64.so.2",
	"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
};

START_TEST(rules_of_system_libraries_equal_those_of_libdw)
{
	struct comparison c = { 0 };
	struct object object;

	if (!object_open(system_objects[_i], &object)) {
		printf("skipped: %s is missing or has no search table\n", system_objects[_i]);
		return;
	}
	compare_object(system_objects[_i], &object, &c);
	object_close(&object);
	ck_assert_uint_gt(c.addresses, 0);
	ck_assert_uint_eq(c.differences, 0);
}
END_TEST

START_TEST(a_walk_gives_the_rules_of_the_search_table)
{
	struct object object;

	if (!object_open(system_objects[_i], &object)) {
		printf("skipped: %s is missing or has no search table\n", system_objects[_i]);
		return;
	}
	compare_walk(&object.image);
	object_close(&object);
}
END_TEST

#endif /* __x86_64__ */

TCase *tcase_cfi_objects(void)
{
	TCase *objects = tcase_create("objects");

#if defined(__x86_64__)
	tcase_add_loop_test(objects, rules_of_system_libraries_equal_those_of_libdw, 0, (int)ARRAY_LEN(system_objects));
	tcase_add_loop_test(objects, a_walk_gives_the_rules_of_the_search_table, 0, (int)ARRAY_LEN(system_objects));
#endif
	return objects;
}
