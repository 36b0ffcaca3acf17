/* SPDX-License-Identifier: MIT */
/* Unit tests of demangle: names of C++, Rust and D, and things that only look like them. */
#include "demangle.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "unit_util.h"

Suite *suite_demangle(void);

static const struct {
	const char *symbol;
	const char *want; /* NULL = not mangled */
} names[] = {
	{ NULL, NULL },
	{ "", NULL },
	{ "malloc", NULL },
	{ "_start", NULL },
	{ "__libc_start_main", NULL },
	{ "main.cold", NULL },
	{ "i", NULL }, /* a type code of C++, not a symbol */
	/* C++ */
	{ "_Z3foov", "foo()" },
	{ "_ZN3foo3barEv", "foo::bar()" },
	{ "_Z1fIiEvT_", "f<int>(int)" },
	{ "_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo()" },
	{ "_Znwm", "operator new(unsigned long)" },
	{ "_ZdaPv", "operator delete[](void*)" },
	{ "_ZNKSt8functionIFPviEEclEi", "std::function<void* (int)>::operator()(int) const" },
	{ "_ZN3FooC2Ei", "Foo::Foo(int)" },
	{ "_ZN3FooD1Ev", "Foo::~Foo()" },
	{ "_ZTV3Foo", "vtable for Foo" },
	{ "_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()(int) const" },
	{ "_Z3foov.cold", "foo() [clone .cold]" },
	{ "_Z3foov.constprop.0", "foo() [clone .constprop.0]" },
	{ "_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back(int const&)" },
	/* Rust, before its own scheme */
	{ "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt" },
	{ "_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
	  "std::rt::lang_start::{{closure}}" },
	{ "_ZN5alloc5alloc8box_free17h0123456789abcdefE.llvm.1234", "alloc::alloc::box_free" },
	/* Rust v0 */
	{ "_RNvCs4fqI2P2rA04_13const_generic4main", "const_generic::main" },
	{ "_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar" },
	{ "_RINvCs1234_7mycrate3fooiE", "mycrate::foo::<isize>" },
	/* D */
	{ "_D3foo3barFiZv", "foo.bar(int)" },
	{ "_Dmain", "D main" },
	{ "_DYNAMIC", NULL },
	/* damaged */
	{ "_Z", NULL },
	{ "_R", NULL },
	{ "_D", NULL },
	{ "_D3", NULL },
	{ "_ZN", NULL },
	{ "_ZN99999999999999999999foo", NULL },
	{ "_Z3foov\x01\xff", NULL },
	{ "_RNvNvNvNvNv", NULL },
	{ "_ZN3foo17hXXXXXXXXXXXXXXXXE", "foo::hXXXXXXXXXXXXXXXX" },
	{ "_GLOBAL_OFFSET_TABLE_", NULL },
};

START_TEST(names_become_readable)
{
	char *got = demangle(names[_i].symbol);

	unit_assert_text(got, names[_i].want, names[_i].symbol ? names[_i].symbol : "(NULL)");
	free(got);
}
END_TEST

START_TEST(endless_and_deep_names_end)
{
	static const char *const patterns[] = { "P", "N", "I", "S_", "T_", "F", "A1_", "KR", "Nv", "INv" };
	char *symbol = malloc(200000);

	ck_assert_ptr_nonnull(symbol);
	for (size_t i = 0; i < UNIT_LENGTH(patterns); i++) {
		static const char *const prefixes[] = { "_Z1f", "_R", "_D1f", "_ZN" };

		for (size_t p = 0; p < UNIT_LENGTH(prefixes); p++) {
			for (size_t limit = 1000; limit < 200000; limit *= 10) {
				size_t used = strlen(prefixes[p]);

				strcpy(symbol, prefixes[p]);
				while (used < limit) {
					strcpy(symbol + used, patterns[i]);
					used += strlen(patterns[i]);
				}
				free(demangle(symbol));
			}
		}
	}
	free(symbol);
}
END_TEST

START_TEST(a_changed_byte_does_no_harm)
{
	char symbol[256];

	if (!names[_i].symbol || strlen(names[_i].symbol) >= sizeof(symbol))
		return;
	for (size_t at = 0; at < strlen(names[_i].symbol); at++) {
		for (int byte = 1; byte < 256; byte += 5) {
			strcpy(symbol, names[_i].symbol);
			symbol[at] = (char)byte;
			free(demangle(symbol));
		}
	}
}
END_TEST

Suite *suite_demangle(void)
{
	Suite *suite = suite_create("demangle");
	TCase *tcase = tcase_create("demangle");

	tcase_add_loop_test(tcase, names_become_readable, 0, (int)UNIT_LENGTH(names));
	tcase_add_loop_test(tcase, a_changed_byte_does_no_harm, 0, (int)UNIT_LENGTH(names));
	tcase_add_test(tcase, endless_and_deep_names_end);
	suite_add_tcase(suite, tcase);
	return suite;
}
