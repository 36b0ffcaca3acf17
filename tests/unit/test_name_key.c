/* SPDX-License-Identifier: MIT */
/* Unit tests of name_key: equal functions of different builds, and different ones. */
#include "name_key.h"

#include <check.h>
#include <string.h>

#include "unit_util.h"

Suite *suite_name_key(void);

static const struct {
	const char *function;
	const char *want;
} names[] = {
	{ "main", "main" },
	{ "", "" },
	{ "conn_new.part.0", "conn_new" },
	{ "conn_new.constprop.0.isra.0", "conn_new" },
	{ "conn_new.lto_priv.12", "conn_new" },
	{ "conn_new.cold", "conn_new" },
	{ "conn_new [clone .part.0]", "conn_new" },
	{ "caml.partner", "caml.partner" }, /* not a suffix of compilers */
	{ "f(int, char const*)", "f" },
	{ "f<int>(int)", "f" },
	{ "ns::C<std::map<int, long> >::f(int) const", "ns::C::f" },
	{ "std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector::push_back" },
	{ "(anonymous namespace)::helper(int)", "{anonymous}::helper" },
	{ "ns::{anonymous}::helper", "ns::{anonymous}::helper" },
	{ "main::{lambda(int)#1}::operator()(int) const", "main::{lambda}::operator()" },
	{ "main::{lambda(long, char)#7}::operator()(long, char) const", "main::{lambda}::operator()" },
	{ "run(int)::<lambda(auto:1)>", "run::{lambda}" },
	{ "run(int)::'lambda0'(int)::operator()(int) const", "run::{lambda}::operator()" },
	{ "f[abi:cxx11](int)", "f" },
	{ "operator<<(std::ostream&, A)", "operator<<" },
	{ "operator new(unsigned long)", "operator new" },
	{ "operator new[](unsigned long)", "operator new[]" },
	{ "A::operator->() const", "A::operator->" },
	{ "A::operator()<int>(int)", "A::operator()" },
	{ "bool operator< <int>(A<int>, A<int>)", "bool operator<" },
	{ "A::operator std::string[abi:cxx11]() const", "A::operator std::string" },
	{ "alloc::vec::Vec<T,A>::push", "alloc::vec::Vec::push" },
	{ "<alloc::vec::Vec<T> as core::clone::Clone>::clone", "<alloc::vec::Vec as core::clone::Clone>::clone" },
	{ "app::main::{{closure}}", "app::main::{closure}" },
	{ "app::main::{closure#3}", "app::main::{closure}" },
	{ "(anonymous function)", "(anonymous function)" }, /* nothing would be left */
	{ "broken<int", "broken" },
	{ "broken(", "broken" },
	{ "void f<&A::operator->>()", "void f" },
};

START_TEST(name_becomes_key)
{
	char key[256];
	size_t length = name_key(names[_i].function, key, sizeof(key));

	unit_assert_text(key, names[_i].want, names[_i].function);
	ck_assert_uint_eq(length, strlen(key));
}
END_TEST

/* Cut anywhere, the key still ends within its buffer. */
START_TEST(key_is_cut_at_the_end_of_the_buffer)
{
	char key[64];

	for (size_t size = 1; size < 20; size++) {
		memset(key, 'x', sizeof(key));
		ck_assert_uint_lt(name_key("ns::{anonymous}::some_function(int)", key, size), size);
		ck_assert_uint_lt(strlen(key), size);
		ck_assert_int_eq(key[size], 'x');
	}
}
END_TEST

static const struct {
	const char *path;
	const char *want;
} modules[] = {
	{ "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", "libz.so" },
	{ "libz.so", "libz.so" },
	{ "/usr/bin/git", "git" },
	{ "/opt/python3.11/lib/_ssl.cpython-311-x86_64-linux-gnu.so", "_ssl.cpython-311-x86_64-linux-gnu.so" },
	{ "", "" },
};

START_TEST(module_becomes_key)
{
	char key[256];

	name_key_of_module(modules[_i].path, key, sizeof(key));
	unit_assert_text(key, modules[_i].want, modules[_i].path);
}
END_TEST

START_TEST(starts_are_known)
{
	ck_assert(name_key_is_start("__libc_start_call_main"));
	ck_assert(name_key_is_start("start_thread"));
	ck_assert(!name_key_is_start("main"));
	ck_assert(!name_key_is_start("_start_of_mine"));
}
END_TEST

Suite *suite_name_key(void)
{
	Suite *suite = suite_create("name_key");
	TCase *tc = tcase_create("keys");

	tcase_add_loop_test(tc, name_becomes_key, 0, (int)UNIT_LENGTH(names));
	tcase_add_test(tc, key_is_cut_at_the_end_of_the_buffer);
	tcase_add_loop_test(tc, module_becomes_key, 0, (int)UNIT_LENGTH(modules));
	tcase_add_test(tc, starts_are_known);
	suite_add_tcase(suite, tc);
	return suite;
}
