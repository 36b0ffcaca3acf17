/* SPDX-License-Identifier: MIT */
/* Names that are there, and names that are not, beside what dlsym says. */
#include "elf_defined.h"

#include <check.h>
#include <dlfcn.h>
#include <link.h>
#include <string.h>

Suite *suite_elf_defined(void);

static const char *const names[] = {
	"malloc",
	"free",
	"pthread_cond_clockwait",
	"__libc_single_threaded",
	"_Znwm",
	"GOMP_barrier",
	"_vgnU_freeres",
	"__hwasan_init",
	"free_sized",
	"json_dumps",
	"malloc_",
	"mallo",
	"",
};

/* The program is left out: this module is part of it here. */
START_TEST(dlsym_agrees)
{
	bool there = dlsym(RTLD_NEXT, names[_i]) != NULL;

	ck_assert_msg(elf_defined(names[_i], ELF_LIBRARIES) == there, "%s", names[_i]);
	ck_assert_msg(elf_defined(names[_i], ELF_ALL) == there, "%s", names[_i]);
	dlerror();
}
END_TEST

START_TEST(a_search_in_vain_leaves_no_error)
{
	dlerror();
	ck_assert(!elf_defined("no_such_function_anywhere", ELF_ALL));
	ck_assert_ptr_null(dlerror());
}
END_TEST

/* Its addresses are not those of memory: the loader cannot write there. */
START_TEST(the_object_of_the_kernel_is_searched)
{
	ck_assert(elf_defined("__vdso_clock_gettime", ELF_ALL) || elf_defined("__kernel_clock_gettime", ELF_ALL));
}
END_TEST

/* --- objects as other systems have them --- */

static const char odd_strings[] = "\0only_in_the_odd_object";
static const ElfW(Sym) odd_symbols[] = { { 0 }, { .st_name = 1, .st_shndx = 1 } };
static const uint32_t odd_hash[] = { 1, 2, 1, 0, 0 };

static const struct odd {
	uint64_t linked_at; /* what lies at odd_strings has this address in the file */
	bool added;         /* the loader has added the base */
} odd_objects[] = {
	{ 0x1000, true },
	{ 0x1000, false },
	{ 0xffffffffff700000, false }, /* the kernel's own before Linux 3.16 */
	{ 0x7ffff0000000, true },      /* "prelinked", and then not loaded there */
};

START_TEST(an_odd_object_is_searched)
{
	const struct odd *o = &odd_objects[_i];
	uint64_t base = (uint64_t)odd_strings - o->linked_at;
	uint64_t taken = o->added ? 0 : base;
	ElfW(Dyn) dynamic[] = {
		{ .d_tag = DT_STRTAB, .d_un.d_ptr = (uint64_t)odd_strings - taken },
		{ .d_tag = DT_SYMTAB, .d_un.d_ptr = (uint64_t)odd_symbols - taken },
		{ .d_tag = DT_HASH, .d_un.d_ptr = (uint64_t)odd_hash - taken },
		{ .d_tag = DT_NULL },
	};
	static ElfW(Dyn) near[sizeof(dynamic) / sizeof(*dynamic)];
	struct link_map map = { .l_addr = base, .l_ld = near };
	struct link_map *last = _r_debug.r_map;

	memcpy(near, dynamic, sizeof(near));
	while (last->l_next)
		last = last->l_next;
	last->l_next = &map;
	ck_assert(elf_defined("only_in_the_odd_object", ELF_LIBRARIES));
	ck_assert(!elf_defined("in_no_object_at_all", ELF_LIBRARIES));
	last->l_next = NULL;
}
END_TEST

Suite *suite_elf_defined(void)
{
	Suite *suite = suite_create("elf_defined");
	TCase *tcase = tcase_create("names");

	tcase_add_loop_test(tcase, dlsym_agrees, 0, sizeof(names) / sizeof(*names));
	tcase_add_test(tcase, a_search_in_vain_leaves_no_error);
	tcase_add_test(tcase, the_object_of_the_kernel_is_searched);
	tcase_add_loop_test(tcase, an_odd_object_is_searched, 0, sizeof(odd_objects) / sizeof(*odd_objects));
	suite_add_tcase(suite, tcase);
	return suite;
}
