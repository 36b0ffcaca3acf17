/* SPDX-License-Identifier: MIT */
/* Unit tests of arena and vec: growing memory. */
#include "arena.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit_util.h"
#include "vec.h"

Suite *suite_arena(void);

static bool is_filled(const unsigned char *bytes, size_t size, unsigned char value)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != value)
			return false;
	}
	return true;
}

START_TEST(objects_are_zeroed_aligned_and_apart)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 100, 4096, 5000, 3000000, 1 };
	unsigned char *objects[UNIT_LENGTH(sizes)];
	struct arena arena = { 0 };

	for (size_t i = 0; i < UNIT_LENGTH(sizes); i++) {
		objects[i] = arena_alloc(&arena, sizes[i]);
		ck_assert_uint_eq((uintptr_t)objects[i] % _Alignof(max_align_t), 0);
		ck_assert(is_filled(objects[i], sizes[i], 0));
		memset(objects[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < UNIT_LENGTH(sizes); i++)
		ck_assert(is_filled(objects[i], sizes[i], (unsigned char)(i + 1)));
	arena_free(&arena);
}
END_TEST

START_TEST(a_freed_arena_is_empty_and_can_be_used_again)
{
	struct arena arena = { 0 };

	arena_free(&arena);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 10));
	arena_free(&arena);
	ck_assert_ptr_nonnull(arena_alloc(&arena, 10));
	arena_free(&arena);
}
END_TEST

START_TEST(copies_are_equal_and_strings_end)
{
	static const char text[] = "cut here";
	struct arena arena = { 0 };

	ck_assert_str_eq(arena_copy(&arena, text, sizeof(text)), text);
	ck_assert_str_eq(arena_string(&arena, text, 3), "cut");
	ck_assert_str_eq(arena_string(&arena, text, 0), "");
	ck_assert_ptr_nonnull(arena_copy(&arena, NULL, 0));
	arena_free(&arena);
}
END_TEST

START_TEST(an_impossible_array_ends_the_program_with_status_2)
{
	struct arena arena = { 0 };

	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	arena_array(&arena, uint64_t, SIZE_MAX / 4);
}
END_TEST

START_TEST(an_impossible_resize_ends_the_program_with_status_2)
{
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	memory_resize(NULL, SIZE_MAX / 4, 8);
}
END_TEST

START_TEST(a_vec_keeps_what_was_pushed)
{
	VEC(uint64_t) vec = { 0 };

	for (uint64_t i = 0; i < 10000; i++)
		vec_push(&vec) = i * i;
	ck_assert_uint_eq(vec.count, 10000);
	ck_assert_uint_ge(vec.capacity, vec.count);
	for (uint64_t i = 0; i < 10000; i += 7)
		ck_assert_uint_eq(vec.list[i], i * i);
	vec_free(&vec);
	ck_assert_ptr_null(vec.list);
	ck_assert_uint_eq(vec.count + vec.capacity, 0);
}
END_TEST

START_TEST(a_reserve_makes_room_without_using_it)
{
	VEC(char) vec = { 0 };

	vec_reserve(&vec, 1000);
	ck_assert_uint_eq(vec.count, 0);
	ck_assert_uint_ge(vec.capacity, 1000);
	memset(vec.list, 'x', 1000);
	vec_free(&vec);
}
END_TEST

Suite *suite_arena(void)
{
	Suite *suite = suite_create("arena");
	TCase *memory = tcase_create("memory");

	tcase_add_test(memory, objects_are_zeroed_aligned_and_apart);
	tcase_add_test(memory, a_freed_arena_is_empty_and_can_be_used_again);
	tcase_add_test(memory, copies_are_equal_and_strings_end);
	/* These end the process, so they need one of their own. */
	if (!getenv("CK_FORK") || strcmp(getenv("CK_FORK"), "no") != 0) {
		tcase_add_exit_test(memory, an_impossible_array_ends_the_program_with_status_2, 2);
		tcase_add_exit_test(memory, an_impossible_resize_ends_the_program_with_status_2, 2);
	}
	tcase_add_test(memory, a_vec_keeps_what_was_pushed);
	tcase_add_test(memory, a_reserve_makes_room_without_using_it);
	suite_add_tcase(suite, memory);
	return suite;
}
