/* SPDX-License-Identifier: MIT */
/* Unit tests of marks: their rows, which of many are kept, and what happens where there is no room. */
#include "mark.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "dump_map.h"
#include "preload_doubles.h"
#include "unit_util.h"

Suite *suite_mark(void);

#define MIB (1ull << 20)

static struct thread self = { .tid = 4711 };

static void setup(void)
{
	mark_forked();
	preload_new_dump(16 * MIB);
	preload_sum = (struct mp_thread){ 0 };
}

static const struct mp_mark_name *name_row(uint32_t number)
{
	return preload_row(MP_CHUNK_MARK_NAME, number, sizeof(struct mp_mark_name));
}

static const char *text_of(const struct mp_mark_name *name, size_t *ret_bytes)
{
	const struct mp_string *string = (const void *)(dump_base + name->text);

	*ret_bytes = string->bytes;
	return string->text;
}

/* The Nth row that is in use, from 0; NULL = there are not so many. */
static const struct mp_mark *mark_row(unsigned n)
{
	const struct mp_chunk *chunk = preload_chunk(MP_CHUNK_MARK, 0);
	const struct mp_mark *rows = (const void *)(chunk + 1);

	for (uint64_t i = 0; chunk && i < chunk->rows; i++) {
		if (rows[i].time_ns && n-- == 0)
			return &rows[i];
	}
	return NULL;
}

START_TEST(a_mark_has_the_totals_of_its_moment)
{
	const struct mp_mark *row;
	const char *text;
	size_t bytes;

	preload_sum = (struct mp_thread){
		.alloc_count = 10, .alloc_bytes = 1000, .free_count = 12, .free_bytes = 1300, .lock_wait_ns = 77
	};
	mark_add(&self, "loaded", MP_MARK_CONTROL);
	row = mark_row(0);
	ck_assert_ptr_nonnull(row);
	ck_assert_uint_eq(row->number, 1);
	ck_assert_uint_eq(row->flags, MP_MARK_CONTROL);
	/* A child of fork frees what it did not allocate. */
	ck_assert_int_eq(row->live_bytes, -300);
	ck_assert_int_eq(row->live_count, -2);
	ck_assert_uint_eq(row->alloc_count, 10);
	ck_assert_uint_eq(row->alloc_bytes, 1000);
	ck_assert_uint_eq(row->free_count, 12);
	ck_assert_uint_eq(row->lock_wait_ns, 77);
	ck_assert_uint_eq(row->tid, 4711);
	text = text_of(name_row(row->name), &bytes);
	ck_assert_uint_eq(bytes, 6);
	ck_assert_mem_eq(text, "loaded", 6);
	ck_assert_uint_eq(name_row(row->name)->last_ns, row->time_ns);
	ck_assert_ptr_null(mark_row(1));
}
END_TEST

START_TEST(equal_texts_are_one)
{
	char longer[300];
	const struct mp_mark_name *name;
	size_t bytes;

	mark_add(&self, "a", 0);
	mark_add(&self, "b", 0);
	mark_add(&self, "a", 0);
	mark_add(&self, "", 0);
	ck_assert_uint_eq(name_row(1)->count, 2);
	ck_assert_uint_eq(name_row(2)->count, 1);
	ck_assert_uint_eq(name_row(3)->count, 1);
	ck_assert_uint_eq(mark_row(2)->number, 2);
	/* What is longer than fits is the same as far as it is kept, and no character is cut in two. */
	memset(longer, 'x', sizeof(longer));
	memcpy(longer + MP_MARK_TEXT_MAX - 1, "\xc3\xa9", 2);
	longer[299] = '\0';
	mark_add(&self, longer, 0);
	longer[280] = '\0';
	mark_add(&self, longer, 0);
	name = name_row(4);
	ck_assert_uint_eq(name->count, 2);
	text_of(name, &bytes);
	ck_assert_uint_eq(bytes, MP_MARK_TEXT_MAX - 1);
	ck_assert_uint_eq(name_row(5)->text, 0);
}
END_TEST

/* Of a text with many marks those at even distances are kept, all of them; of a rare one all. */
START_TEST(many_marks_are_thinned_evenly)
{
	static const unsigned all = 5000;
	bool seen[5001] = { false };
	unsigned kept = 0, rare = 0;
	uint64_t stride;

	for (unsigned i = 0; i < all; i++) {
		mark_add(&self, "often", 0);
		if (i % 500 == 0)
			mark_add(&self, "rare", 0);
	}
	ck_assert_uint_eq(name_row(1)->count, all);
	ck_assert_uint_eq(name_row(2)->count, 10);
	ck_assert_uint_eq(name_row(2)->stride, 1);
	stride = name_row(1)->stride;
	ck_assert_uint_gt(stride, all / MP_MARKS_MAX - 1);
	ck_assert_uint_le(stride, 2 * all / MP_MARKS_MAX + 1);
	for (const struct mp_mark *row; (row = mark_row(kept + rare)) != NULL;) {
		if (row->name == 2) {
			rare++;
			continue;
		}
		kept++;
		ck_assert_uint_eq((row->number - 1) % stride, 0);
		ck_assert_uint_le(row->number, all);
		ck_assert(!seen[row->number]);
		seen[row->number] = true;
	}
	ck_assert_uint_eq(rare, 10);
	ck_assert_uint_eq(kept, (all - 1) / stride + 1);
}
END_TEST

START_TEST(texts_beyond_the_limit_are_counted)
{
	uint64_t before = preload_losses(MP_LOSS_MARKS_FULL);
	char text[32];

	for (unsigned i = 0; i < MP_MARK_NAMES_MAX + 3; i++) {
		snprintf(text, sizeof(text), "mark %u", i);
		mark_add(&self, text, 0);
	}
	ck_assert_uint_eq(preload_losses(MP_LOSS_MARKS_FULL) - before, 3);
	ck_assert_ptr_null(mark_row(MP_MARK_NAMES_MAX));
	mark_add(&self, "mark 7", 0);
	ck_assert_uint_eq(name_row(8)->count, 2);
	ck_assert_uint_eq(preload_losses(MP_LOSS_MARKS_FULL) - before, 3);
}
END_TEST

/* The texts find room, the rows do not: marks are counted by text still. In less there is no room for anything. */
START_TEST(a_full_dump_loses_marks_and_says_so)
{
	uint64_t before = preload_losses(MP_LOSS_MARKS_FULL);

	while (dump_string("x", 1))
		;
	mark_add(&self, "no room", 0);
	mark_add(&self, "no room", 0);
	ck_assert_uint_eq(preload_losses(MP_LOSS_MARKS_FULL) - before, 2);
	ck_assert_ptr_null(preload_chunk(MP_CHUNK_MARK, 0));
}
END_TEST

START_TEST(rows_that_find_no_room_leave_the_count)
{
	/* Room for a text is left, and less than the rows need. */
	ck_assert_uint_ne(dump_string("x", 1), 0);
	while (dump_chunk(MP_CHUNK_OPTION, 16, MP_MARKS_MAX * sizeof(struct mp_mark), 0, 0))
		;
	for (unsigned i = 0; i < 2 * MP_MARKS_MAX + 100; i++)
		mark_add(&self, "counted", 0);
	ck_assert_ptr_null(preload_chunk(MP_CHUNK_MARK, 0));
	ck_assert_uint_eq(name_row(1)->count, 2 * MP_MARKS_MAX + 100);
}
END_TEST

START_TEST(a_fork_child_has_marks_of_its_own)
{
	mark_add(&self, "parent", 0);
	mark_add(&self, "both", 0);
	preload_new_dump(16 * MIB);
	mark_forked();
	mark_add(&self, "both", 0);
	ck_assert_uint_eq(name_row(1)->count, 1);
	ck_assert_uint_eq(mark_row(0)->number, 1);
	ck_assert_ptr_null(mark_row(1));
}
END_TEST

/* Sites as hooks count them, in the dump. */
static struct mp_site *make_sites(unsigned count)
{
	struct mp_chunk *chunk = dump_chunk(MP_CHUNK_SITE, sizeof(struct mp_site),
					    sizeof(*chunk) + count * sizeof(struct mp_site), 0, 0);

	ck_assert_ptr_nonnull(chunk);
	return (struct mp_site *)(void *)(chunk + 1);
}

static const struct mp_mark_growth *growth_rows(unsigned text, uint64_t *ret_count)
{
	const struct mp_chunk *chunk = preload_chunk(MP_CHUNK_MARK_GROWTH, text);

	*ret_count = chunk ? chunk->rows : 0;
	return (const void *)(chunk + 1);
}

/* At up to 16 marks of each text, at even distances and not at the first, the largest sites are noted. */
START_TEST(sites_are_noted_at_some_marks)
{
	static const unsigned all = 1000;
	struct mp_site *sites = make_sites(MP_GROWTH_SITES + 10);
	bool seen[1001] = { false };
	unsigned points = 0;
	const struct mp_mark_growth *rows;
	uint64_t count;

	for (uint32_t i = 0; i < MP_GROWTH_SITES + 10; i++)
		sites[i] = (struct mp_site){ .stack = i + 1, .alloc_count = 2, .alloc_bytes = 1000 + i };
	sites[0].free_count = 2;
	sites[0].free_bytes = 1000;
	mark_add(&self, "once", 0);
	for (unsigned i = 1; i <= all; i++) {
		sites[MP_GROWTH_SITES + 9].alloc_bytes = 10000 + 8 * i;
		mark_add(&self, "loop", 0);
	}
	ck_assert_ptr_null(preload_chunk(MP_CHUNK_MARK_GROWTH, 1));
	rows = growth_rows(0, &count);
	ck_assert_uint_ge(count, MP_MARK_GROWTH_POINTS * MP_GROWTH_SITES);
	for (uint64_t i = 0; i < count; i++) {
		if (!rows[i].number)
			continue;
		ck_assert_uint_eq(rows[i].name, 2);
		ck_assert_uint_gt(rows[i].number, 1);
		ck_assert_uint_eq((rows[i].number - 1) % 64, 0);
		ck_assert_uint_eq(rows[i].cut, 1);
		/* The largest ones: not the first ten, and not what is all freed. */
		ck_assert_uint_gt(rows[i].stack, 10);
		if (rows[i].stack == MP_GROWTH_SITES + 10) {
			ck_assert_int_eq(rows[i].live_bytes, 10000 + 8 * (int64_t)rows[i].number);
			ck_assert_int_eq(rows[i].live_count, 2);
			ck_assert(!seen[rows[i].number]);
			seen[rows[i].number] = true;
			points++;
		}
	}
	ck_assert_uint_eq(points, all / 64);
}
END_TEST

START_TEST(sites_of_a_few_texts_are_noted)
{
	struct mp_site *sites = make_sites(1);
	char text[32];

	sites[0] = (struct mp_site){ .stack = 1, .alloc_count = 1, .alloc_bytes = 1 };
	for (unsigned i = 0; i < 2 * (MP_MARK_GROWTH_TEXTS + 4); i++) {
		snprintf(text, sizeof(text), "text %u", i / 2);
		mark_add(&self, text, 0);
	}
	ck_assert_ptr_nonnull(preload_chunk(MP_CHUNK_MARK_GROWTH, MP_MARK_GROWTH_TEXTS - 1));
	ck_assert_ptr_null(preload_chunk(MP_CHUNK_MARK_GROWTH, MP_MARK_GROWTH_TEXTS));
}
END_TEST

static void *set_many(void *text)
{
	for (unsigned i = 0; i < 4000; i++)
		mark_add(&self, text, 0);
	return NULL;
}

START_TEST(threads_set_marks_at_the_same_time)
{
	static char texts[2][8] = { "one", "two" };
	pthread_t threads[4];
	uint64_t counts[2];

	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, set_many, texts[i % 2]), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < 2; i++)
		counts[i] = name_row(i + 1)->count;
	ck_assert_uint_eq(counts[0], 8000);
	ck_assert_uint_eq(counts[1], 8000);
	for (unsigned i = 0; mark_row(i); i++)
		ck_assert_uint_eq((mark_row(i)->number - 1) % name_row(mark_row(i)->name)->stride, 0);
}
END_TEST

Suite *suite_mark(void)
{
	Suite *s = suite_create("mark");
	TCase *tc = tcase_create("mark");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_mark_has_the_totals_of_its_moment);
	tcase_add_test(tc, equal_texts_are_one);
	tcase_add_test(tc, many_marks_are_thinned_evenly);
	tcase_add_test(tc, texts_beyond_the_limit_are_counted);
	tcase_add_test(tc, a_full_dump_loses_marks_and_says_so);
	tcase_add_test(tc, rows_that_find_no_room_leave_the_count);
	tcase_add_test(tc, a_fork_child_has_marks_of_its_own);
	tcase_add_test(tc, sites_are_noted_at_some_marks);
	tcase_add_test(tc, sites_of_a_few_texts_are_noted);
	tcase_add_test(tc, threads_set_marks_at_the_same_time);
	suite_add_tcase(s, tc);
	return s;
}
