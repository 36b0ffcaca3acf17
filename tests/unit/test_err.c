/* SPDX-License-Identifier: MIT */
/* Unit tests of err: the first error wins and says where. */
#include "err.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unit_util.h"

Suite *suite_err(void);

static void assert_printed(const struct err *err, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	err_print(err, out);
	fclose(out);
	ck_assert_str_eq(text, want);
	free(text);
}

START_TEST(the_first_error_is_kept)
{
	struct err err = { 0 };

	ck_assert(!err_set(&err, "a.bin", 16, "value %d", 7));
	ck_assert(!err_set(&err, "b.bin", 32, "later"));
	ck_assert(!err_errno(&err, ENOENT, "c.bin", "later"));
	ck_assert(err.set);
	ck_assert_uint_eq(err.offset, 16);
	assert_printed(&err, "a.bin: offset 0x10: value 7");
}
END_TEST

START_TEST(what_is_unknown_is_not_printed)
{
	struct err usage = { 0 }, file = { 0 };

	err_set(&usage, NULL, ERR_NO_OFFSET, "no dump given");
	assert_printed(&usage, "no dump given");
	err_errno(&file, ENOENT, "x", "cannot be opened");
	assert_printed(&file, "x: cannot be opened: No such file or directory");
}
END_TEST

START_TEST(long_paths_keep_their_end_and_long_texts_are_cut)
{
	struct err err = { 0 };
	char path[5000], text[5000];

	memset(path, 'p', sizeof(path));
	memcpy(path + sizeof(path) - 5, ".bin", 5);
	memset(text, 't', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	err_errno(&err, ENOENT, path, "%s", text);
	ck_assert_str_eq(err.path + strlen(err.path) - 4, ".bin");
	ck_assert_uint_lt(strlen(err.text), sizeof(err.text));
}
END_TEST

Suite *suite_err(void)
{
	Suite *suite = suite_create("err");
	TCase *tcase = tcase_create("err");

	tcase_add_test(tcase, the_first_error_is_kept);
	tcase_add_test(tcase, what_is_unknown_is_not_printed);
	tcase_add_test(tcase, long_paths_keep_their_end_and_long_texts_are_cut);
	suite_add_tcase(suite, tcase);
	return suite;
}
