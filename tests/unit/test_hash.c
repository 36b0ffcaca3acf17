/* SPDX-License-Identifier: MIT */
/* Unit tests of hash and strtab: maps and interned strings. */
#include "hash.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "strtab.h"
#include "unit_util.h"

Suite *suite_hash(void);

#define KEYS 5000u

/* Neighbours, multiples of a power of two, and both ends. */
static uint64_t key(uint64_t i)
{
	switch (i % 4) {
	case 0:
		return i;
	case 1:
		return i << 40;
	case 2:
		return UINT64_MAX - i;
	default:
		return i * 4096 + 1;
	}
}

START_TEST(every_key_finds_its_value)
{
	struct hash_map map = { 0 };
	bool is_new;

	ck_assert_ptr_null(hash_map_find(&map, 0));
	for (uint64_t i = 0; i < KEYS; i++) {
		*hash_map_put(&map, key(i), &is_new) = i;
		ck_assert(is_new);
	}
	for (uint64_t i = 0; i < KEYS; i++) {
		ck_assert_uint_eq(*hash_map_find(&map, key(i)), i);
		ck_assert_uint_eq(*hash_map_put(&map, key(i), &is_new), i);
		ck_assert(!is_new);
	}
	ck_assert_uint_eq(map.used_count, KEYS);
	ck_assert_ptr_null(hash_map_find(&map, 12345678901));
	hash_map_free(&map);
	ck_assert_ptr_null(hash_map_find(&map, 0));
}
END_TEST

START_TEST(a_new_key_has_the_value_0)
{
	struct hash_map map = { 0 };

	ck_assert_uint_eq(*hash_map_put(&map, 0, NULL), 0);
	ck_assert_ptr_nonnull(hash_map_find(&map, 0));
	hash_map_free(&map);
}
END_TEST

START_TEST(bytes_hash_by_content_and_length)
{
	ck_assert_uint_eq(hash_bytes("abc", 3), hash_bytes("abcd", 3));
	ck_assert_uint_ne(hash_bytes("abc", 3), hash_bytes("abc", 4));
	ck_assert_uint_ne(hash_bytes("abc", 3), hash_bytes("acb", 3));
	ck_assert_uint_ne(hash_u64(1), hash_u64(2));
}
END_TEST

START_TEST(equal_texts_become_the_same_pointer)
{
	struct strtab table = { 0 };
	const char *first[1000];
	char text[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "name %d", i);
		first[i] = strtab_intern(&table, text);
		ck_assert_ptr_ne(first[i], text);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "name %d", i);
		ck_assert_ptr_eq(strtab_intern(&table, text), first[i]);
		ck_assert_str_eq(first[i], text);
	}
	ck_assert_uint_eq(table.used_count, 1000);
	strtab_free(&table);
}
END_TEST

START_TEST(texts_with_zero_bytes_are_told_apart)
{
	struct strtab table = { 0 };
	const char *text = strtab_intern_bytes(&table, "a\0b", 3);

	ck_assert_int_eq(memcmp(text, "a\0b", 4), 0);
	ck_assert_ptr_ne(text, strtab_intern_bytes(&table, "a\0c", 3));
	ck_assert_ptr_ne(text, strtab_intern(&table, "a"));
	ck_assert_ptr_eq(text, strtab_intern_bytes(&table, "a\0b", 3));
	ck_assert_str_eq(strtab_intern(&table, ""), "");
	ck_assert_ptr_eq(strtab_intern(&table, ""), strtab_intern_bytes(&table, "x", 0));
	strtab_free(&table);
}
END_TEST

Suite *suite_hash(void)
{
	Suite *suite = suite_create("hash");
	TCase *map = tcase_create("map");
	TCase *strings = tcase_create("strtab");

	tcase_add_test(map, every_key_finds_its_value);
	tcase_add_test(map, a_new_key_has_the_value_0);
	tcase_add_test(map, bytes_hash_by_content_and_length);
	suite_add_tcase(suite, map);
	tcase_add_test(strings, equal_texts_become_the_same_pointer);
	tcase_add_test(strings, texts_with_zero_bytes_are_told_apart);
	suite_add_tcase(suite, strings);
	return suite;
}
