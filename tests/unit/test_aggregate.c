/* SPDX-License-Identifier: MIT */
/* Unit tests of profile, aggregate and filter: sums over shards, rankings, selections. */
#include "aggregate.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dump_read.h"
#include "filter.h"
#include "size_classes.h"
#include "stack_view.h"
#include "unit_util.h"

Suite *suite_aggregate(void);

/* The sample dump, see unit_util.c. */
static struct unit_dump dump;
static struct profile profile;
static struct aggregate aggregate;
static struct symbolizer *symbols;

static void read_sample(void)
{
	const struct symbolizer_options options = { .inlines = true, .enabled = false };
	struct err err = { 0 };

	unit_dump_sample(&dump);
	profile_init(&profile, "sample.bin");
	ck_assert_msg(dump_read(dump.bytes, dump.size, "sample.bin", &profile, &err), "%s", err.text);
	aggregate_init(&aggregate, &profile);
	symbols = symbolizer_new(&profile, &options);
}

static void free_sample(void)
{
	symbolizer_free(symbols);
	aggregate_free(&aggregate);
	profile_free(&profile);
	unit_dump_free(&dump);
}

static const struct site *find_site(uint32_t stack)
{
	for (size_t i = 0; i < aggregate.site_count; i++) {
		if (aggregate.sites[i].stack == stack)
			return &aggregate.sites[i];
	}
	ck_abort_msg("no site of stack %u", stack);
	return NULL;
}

START_TEST(shares_of_a_site_are_added)
{
	const struct site *parse = find_site(UNIT_STACK_PARSE);

	ck_assert_uint_eq(aggregate.site_count, 4);
	ck_assert_uint_eq(parse->alloc_count, 7);
	ck_assert_uint_eq(parse->alloc_bytes, 700);
	ck_assert_uint_eq(parse->free_count, 6);
	ck_assert_uint_eq(parse->free_bytes, 600);
	ck_assert_int_eq(parse->live_count, 1);
	ck_assert_int_eq(parse->live_bytes, 100);
	ck_assert_uint_eq(parse->realloc_count, 1);
}
END_TEST

/*
 * A row of the last peak's epoch brings its noted share. A row of an older epoch has not changed since, so its live
 * values are its share, whatever it noted for the older peak.
 */
START_TEST(shares_of_the_peak_follow_the_epoch)
{
	ck_assert_int_eq(find_site(UNIT_STACK_MAIN)->peak_bytes, 900);
	ck_assert_int_eq(find_site(UNIT_STACK_PARSE)->peak_bytes, 500 - 300);
	ck_assert_int_eq(find_site(UNIT_STACK_PARSE)->peak_count, 5 - 3);
	ck_assert_int_eq(find_site(UNIT_STACK_LOAD)->peak_bytes, 50);
	ck_assert_int_eq(find_site(UNIT_STACK_SIGNAL)->peak_bytes, 0);
	ck_assert_int_eq(aggregate.totals.peak_bytes, (int64_t)profile.peak_bytes);
	ck_assert_int_eq(aggregate.totals.peak_count, (int64_t)profile.peak_count);
}
END_TEST

START_TEST(totals_equal_those_of_the_threads)
{
	uint64_t alloc_count = 0, alloc_bytes = 0, free_count = 0, free_bytes = 0;

	for (size_t i = 0; i < profile.thread_count; i++) {
		alloc_count += profile.threads[i].alloc_count;
		alloc_bytes += profile.threads[i].alloc_bytes;
		free_count += profile.threads[i].free_count;
		free_bytes += profile.threads[i].free_bytes;
	}
	ck_assert_uint_eq(aggregate.totals.alloc_count, alloc_count);
	ck_assert_uint_eq(aggregate.totals.alloc_bytes, alloc_bytes);
	ck_assert_uint_eq(aggregate.totals.free_count, free_count);
	ck_assert_uint_eq(aggregate.totals.free_bytes, free_bytes);
	ck_assert_int_eq(aggregate.totals.live_bytes, profile.live_bytes);
	ck_assert_int_eq(aggregate.totals.live_count, profile.live_count);
	ck_assert_uint_eq(aggregate.totals.temporary_count, 4);
}
END_TEST

START_TEST(shares_and_waits_of_a_lock_are_added)
{
	const struct lock_sum *lock = &aggregate.locks[0];

	ck_assert_uint_eq(aggregate.lock_count, 2);
	ck_assert_uint_eq(lock->lock->number, 1);
	ck_assert_uint_eq(lock->acquisitions, 140);
	ck_assert_uint_eq(lock->contentions, 5);
	ck_assert_uint_eq(lock->wait_ns, 10000);
	ck_assert_uint_eq(lock->wait_max_ns, 6000);
	ck_assert_uint_eq(lock->waiter_count, 2);
	ck_assert_uint_eq(lock->waiters[0].stack, UNIT_STACK_MAIN); /* the longest wait first */
	ck_assert_uint_eq(lock->waiters[0].wait_ns, 7000);
	ck_assert_uint_eq(lock->waiters[1].count, 3);
	ck_assert_uint_eq(aggregate.locks[1].trylock_failures, 4);
	ck_assert_uint_eq(aggregate.locks[1].timeouts, 1);
	ck_assert_uint_eq(aggregate.locks[1].waiter_count, 0);
}
END_TEST

START_TEST(incomplete_stacks_are_summed_by_their_mark)
{
	ck_assert_uint_eq(aggregate.mark_count, 1);
	ck_assert_uint_eq(aggregate.marks[0].mark, MP_MARK_DEPTH);
	ck_assert_uint_eq(aggregate.marks[0].alloc_count, 2);
}
END_TEST

static const struct {
	enum site_key key;
	uint32_t order[4];
} rankings[] = {
	{ SITE_KEY_PEAK, { UNIT_STACK_MAIN, UNIT_STACK_PARSE, UNIT_STACK_LOAD, UNIT_STACK_SIGNAL } },
	{ SITE_KEY_BYTES, { UNIT_STACK_MAIN, UNIT_STACK_PARSE, UNIT_STACK_LOAD, UNIT_STACK_SIGNAL } },
	{ SITE_KEY_COUNT, { UNIT_STACK_MAIN, UNIT_STACK_PARSE, UNIT_STACK_SIGNAL, UNIT_STACK_LOAD } },
	{ SITE_KEY_LIVE, { UNIT_STACK_MAIN, UNIT_STACK_PARSE, UNIT_STACK_LOAD, UNIT_STACK_SIGNAL } },
	/* equals: by stack number */
	{ SITE_KEY_TEMPORARY, { UNIT_STACK_MAIN, UNIT_STACK_SIGNAL, UNIT_STACK_PARSE, UNIT_STACK_LOAD } },
	{ SITE_KEY_REALLOC, { UNIT_STACK_PARSE, UNIT_STACK_MAIN, UNIT_STACK_LOAD, UNIT_STACK_SIGNAL } },
};

START_TEST(every_key_ranks)
{
	const struct site *sites[4];

	for (size_t i = 0; i < UNIT_LENGTH(sites); i++)
		sites[i] = &aggregate.sites[3 - i];
	aggregate_rank_sites(sites, UNIT_LENGTH(sites), rankings[_i].key);
	for (size_t i = 0; i < UNIT_LENGTH(sites); i++)
		ck_assert_uint_eq(sites[i]->stack, rankings[_i].order[i]);
	for (size_t i = 1; i < UNIT_LENGTH(sites); i++)
		ck_assert_int_ge(site_value(sites[i - 1], rankings[_i].key), site_value(sites[i], rankings[_i].key));
}
END_TEST

/* Two rows of a stack with one class, a third with another, blocks of 0 bytes elsewhere; frees alone have no size. */
START_TEST(sizes_are_those_of_the_rows)
{
	const struct mp_site rows[] = {
		{ .stack = 2, .alloc_count = 3, .alloc_bytes = 3 * 64 },
		{ .stack = 1, .alloc_count = 5, .alloc_bytes = 4 },
		{ .stack = 2, .alloc_count = 1, .alloc_bytes = 1ull << 40 },
		{ .stack = 2, .free_count = 9, .free_bytes = 9 },
		{ .stack = 2, .alloc_count = 2, .alloc_bytes = 2 * 127 },
	};
	struct profile sized = { .sites = rows, .site_count = 5, .node_count = 2 };
	struct aggregate sums;

	sized.nodes = memory_zeroed(3, sizeof(*sized.nodes));
	sized.process.features = MP_FEATURE_SIZES;
	aggregate_init(&sums, &sized);
	ck_assert_uint_eq(sums.site_count, 2);
	ck_assert_uint_eq(sums.sites[0].size_count, 1);
	ck_assert_uint_eq(sums.sites[0].sizes[0].size_class, 0);
	ck_assert_uint_eq(sums.sites[0].sizes[0].count, 5);
	ck_assert_uint_eq(sums.sites[1].size_count, 2);
	ck_assert_uint_eq(sums.sites[1].sizes[0].size_class, 6);
	ck_assert_uint_eq(sums.sites[1].sizes[0].count, 5);
	ck_assert_uint_eq(sums.sites[1].sizes[0].bytes, 3 * 64 + 2 * 127);
	ck_assert_uint_eq(sums.sites[1].sizes[1].size_class, 40);
	ck_assert_uint_eq(sums.totals.size_count, 3);
	ck_assert_uint_eq(sums.totals.sizes[2].count, 1);
	ck_assert_uint_eq(size_class_from(0), 0);
	ck_assert_uint_eq(size_class_to(0), 1);
	ck_assert_uint_eq(size_class_from(6), 64);
	ck_assert_uint_eq(size_class_to(6), 127);
	ck_assert_uint_eq(size_class_to(63), UINT64_MAX);
	aggregate_free(&sums);

	/* A dump that was not made so. */
	sized.process.features = 0;
	aggregate_init(&sums, &sized);
	ck_assert_uint_eq(sums.sites[1].size_count, 0);
	ck_assert_uint_eq(sums.totals.size_count, 0);
	aggregate_free(&sums);
	free((void *)(uintptr_t)sized.nodes);
}
END_TEST

START_TEST(wrapped_sums_do_no_harm)
{
	const struct mp_node nodes[] = { { .ip = 0x401000 } };
	const struct mp_site sites[] = {
		{ .stack = 1,
		  .peak_epoch = 0,
		  .alloc_bytes = UINT64_MAX,
		  .peak_bytes = INT64_MIN,
		  .peak_count = INT32_MIN },
		{ .stack = 1, .peak_epoch = 0, .alloc_bytes = UINT64_MAX, .peak_bytes = INT64_MIN, .free_bytes = 1 },
	};
	struct unit_dump wrapped;
	struct profile wrapped_profile;
	struct aggregate wrapped_sums;
	struct err err = { 0 };

	unit_dump_begin(&wrapped);
	unit_dump_rows(&wrapped, NODE, nodes, 1, 0);
	unit_dump_rows(&wrapped, SITE, sites, 0, 1);
	profile_init(&wrapped_profile, NULL);
	ck_assert(dump_read(wrapped.bytes, wrapped.size, NULL, &wrapped_profile, &err));
	aggregate_init(&wrapped_sums, &wrapped_profile);
	ck_assert_uint_eq(wrapped_sums.totals.alloc_bytes, UINT64_MAX - 1);
	aggregate_free(&wrapped_sums);
	profile_free(&wrapped_profile);
	unit_dump_free(&wrapped);
}
END_TEST

START_TEST(warnings_are_kept_once)
{
	size_t before = profile.warning_count;

	profile_warn(&profile, "offset %d", 1);
	profile_warn(&profile, "offset %d", 1);
	profile_warn(&profile, "offset %d", 2);
	ck_assert_uint_eq(profile.warning_count, before + 2);
	ck_assert_str_eq(profile.warnings[before + 1], "offset 2");
}
END_TEST

START_TEST(numbers_of_the_dump_have_names)
{
	ck_assert_str_eq(profile_mark_name(MP_MARK_DEPTH), "DEPTH");
	ck_assert_ptr_nonnull(profile_mark_text(MP_MARK_OTHER));
	ck_assert_str_eq(profile_mode_name(MP_MODE_SAMPLE), "sample");
	ck_assert_str_eq(profile_ended_name(PROFILE_ENDED_KILLED), "killed");
	ck_assert_str_eq(profile_lock_kind_name(MP_LOCK_MUTEX), "mutex");
	ck_assert_str_eq(profile_lock_category(MP_LOCK_SEM), "coordination");
	ck_assert_str_eq(profile_loss_name(MP_LOSS_NESTED), "nested");
	ck_assert_ptr_nonnull(profile_loss_text(MP_LOSS_EARLY));
	ck_assert_ptr_null(profile_mark_name(4000));
	ck_assert_ptr_null(profile_mode_name(0));
	ck_assert_ptr_null(profile_mode_name(99));
	ck_assert_ptr_null(profile_lock_kind_name(0));
	ck_assert_ptr_null(profile_lock_category(999));
	ck_assert_ptr_null(profile_loss_name(999));
}
END_TEST

/* Without symbols only the names of the modules can match. */
static const struct {
	const char *expression;
	bool main, parse, load;
} filters[] = {
	{ "app", true, true, true },
	{ "libplugin", false, false, true },
	{ "^/opt/.*\\.so$", false, false, true },
	{ "(app|plugin)", true, true, true },
	{ "nowhere", false, false, false },
	{ "", true, true, true },
};

START_TEST(a_filter_takes_stacks_with_a_matching_frame)
{
	struct err err = { 0 };
	struct filter *filter = filter_new(filters[_i].expression, &profile, symbols, &err);

	ck_assert_ptr_nonnull(filter);
	ck_assert_str_eq(filter_expression(filter), filters[_i].expression);
	/* Twice: the second answer is a remembered one. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(filter_matches_stack(filter, UNIT_STACK_LOAD), filters[_i].load);
		ck_assert_int_eq(filter_matches_stack(filter, UNIT_STACK_PARSE), filters[_i].parse);
		ck_assert_int_eq(filter_matches_stack(filter, UNIT_STACK_MAIN), filters[_i].main);
		ck_assert(!filter_matches_stack(filter, 0));
	}
	ck_assert(!filter_matches_text(filter, NULL));
	ck_assert_int_eq(filter_matches_text(filter, "an app"), filters[_i].parse && filters[_i].expression[0] != '^');
	filter_free(filter);
}
END_TEST

START_TEST(a_wrong_expression_is_named)
{
	struct err err = { 0 };

	ck_assert_ptr_null(filter_new("a(b", &profile, symbols, &err));
	ck_assert(err.set);
	ck_assert_ptr_nonnull(strstr(err.text, "a(b"));
	filter_free(NULL);
}
END_TEST

START_TEST(a_stack_shows_its_frames_and_its_mark)
{
	struct stack_view view = { 0 };

	stack_view_fill(&view, &profile, symbols, UNIT_STACK_LOAD);
	ck_assert_uint_eq(view.frames.count, 2);
	ck_assert_str_eq(view.frames.list[0].module, "/opt/sample/libplugin.so");
	ck_assert_uint_eq(view.frames.list[0].address, 0x7f0000001100);
	ck_assert_uint_eq(view.mark, 0);
	stack_view_fill(&view, &profile, symbols, UNIT_STACK_SIGNAL);
	ck_assert_uint_eq(view.frames.count, 1);
	ck_assert_uint_eq(view.mark, MP_MARK_DEPTH);
	stack_view_fill(&view, &profile, symbols, 0);
	ck_assert_uint_eq(view.frames.count, 0);
	stack_view_free(&view);
	ck_assert_str_eq(stack_view_base_name("/a/b.c"), "b.c");
	ck_assert_str_eq(stack_view_base_name("b.c"), "b.c");
}
END_TEST

/* Two shards of one stack, sampled: 1000 blocks of 16 bytes each for a sample of weight 1000, more or less. */
static void read_sampled(void)
{
	static const struct mp_node nodes[] = { { .ip = 0x401010 }, { .ip = 0x401020, .parent = 1 } };
	static const struct mp_site sites[] = {
		{ .stack = 2,
		  .alloc_count = 3 * 1024 * 1000,
		  .alloc_bytes = 48000,
		  .free_count = 1024 * 1000,
		  .free_bytes = 16000,
		  .peak_epoch = 7,
		  .peak_bytes = 32000,
		  .peak_count = 2000 },
		{ .stack = 2,
		  .alloc_count = 512,
		  .alloc_bytes = 8,
		  .free_count = 1024 * 500 + 511,
		  .free_bytes = 8000 },
		{ .stack = 1, .alloc_count = 1023, .alloc_bytes = 5000000 },
	};
	static const struct mp_site_sample samples[] = {
		{ .stack = 2,
		  .alloc_samples = 3,
		  .temporary_count = 1024 * 1000,
		  .alloc_count_var = 3e6,
		  .alloc_bytes_var = 3e6 * 256,
		  .free_count_var = 1e6,
		  .free_bytes_var = 1e6 * 256 },
		{ .stack = 2, .free_samples = 1, .free_count_var = 1e6, .free_bytes_var = 1e6 * 256 },
		{ .stack = 1, .alloc_count_var = -1, .alloc_bytes_var = NAN, .free_count_var = 1e300 },
	};
	static const struct mp_thread threads[] = {
		{ .start_ns = 5000000001, .tid = 1, .threads = 1, .alloc_count = 3 * 1024 * 1000 + 511 }
	};
	struct err err = { 0 };

	unit_dump_begin(&dump);
	unit_dump_rows(&dump, NODE, nodes, 1, 0);
	unit_dump_rows(&dump, SITE, sites, 0, 1);
	unit_dump_rows(&dump, SITE_SAMPLE, samples, 0, 1);
	unit_dump_rows(&dump, THREAD, threads, 1, 0);
	unit_dump_header(&dump)->mode = MP_MODE_SAMPLE;
	unit_dump_header(&dump)->sample_bytes = 16000;
	unit_dump_header(&dump)->peak_epoch = 7;
	unit_dump_header(&dump)->peak_count = 1024 * 2000 + 512;
	unit_dump_header(&dump)->live_count = -1024 * 3 - 511;
	profile_init(&profile, "sampled.bin");
	ck_assert_msg(dump_read(dump.bytes, dump.size, "sampled.bin", &profile, &err), "%s", err.text);
	aggregate_init(&aggregate, &profile);
	symbols = NULL;
}

static void free_sampled(void)
{
	aggregate_free(&aggregate);
	profile_free(&profile);
	unit_dump_free(&dump);
}

START_TEST(sampled_counts_become_blocks)
{
	const struct site *site = find_site(2);

	ck_assert_uint_eq(site->alloc_count, 3001); /* 3000.5: rounded when all is added */
	ck_assert_uint_eq(site->free_count, 1500);
	ck_assert_int_eq(site->live_count, 1501);
	ck_assert_uint_eq(site->alloc_bytes, 48008);
	ck_assert_uint_eq(site->temporary_count, 1000);
	ck_assert_int_eq(site->peak_count, 2000 - 500);
	ck_assert_uint_eq(find_site(1)->alloc_count, 1);
	ck_assert_uint_eq(aggregate.totals.alloc_count, 3002);
	ck_assert_uint_eq(profile.threads[0].alloc_count, 3000);
	ck_assert_uint_eq(profile.peak_count, 2001);
	ck_assert_int_eq(profile.live_count, -3);
}
END_TEST

START_TEST(standard_errors_are_roots_of_the_sums)
{
	const struct site *site = find_site(2);

	ck_assert_uint_eq(site_value_error(site, SITE_KEY_COUNT), 1732);
	ck_assert_uint_eq(site_value_error(site, SITE_KEY_BYTES), 27713);
	ck_assert_uint_eq(site_value_error(site, SITE_KEY_LIVE), 16000);
	ck_assert_uint_eq(site_error(site->free_count_var), 1414);
	ck_assert_uint_eq(site_value_error(site, SITE_KEY_TEMPORARY), 1000);
	ck_assert_uint_eq(site_value_error(&aggregate.totals, SITE_KEY_COUNT), 1732);
	ck_assert_uint_eq(site_error(-1e-9), 0);
	ck_assert_uint_eq(site_error(1e100), INT64_MAX);
}
END_TEST

START_TEST(variances_that_cannot_be_are_left_out)
{
	ck_assert(profile.partial);
	ck_assert_uint_eq(site_value_error(find_site(1), SITE_KEY_COUNT), 0);
	ck_assert_uint_eq(site_value_error(find_site(1), SITE_KEY_BYTES), 0);
	ck_assert_uint_eq(site_error(find_site(1)->free_count_var), 0);
}
END_TEST

Suite *suite_aggregate(void)
{
	Suite *suite = suite_create("aggregate");
	TCase *sums = tcase_create("sums");
	TCase *selections = tcase_create("selections");
	TCase *sampled = tcase_create("sampled");

	tcase_add_checked_fixture(sums, read_sample, free_sample);
	tcase_add_test(sums, shares_of_a_site_are_added);
	tcase_add_test(sums, shares_of_the_peak_follow_the_epoch);
	tcase_add_test(sums, totals_equal_those_of_the_threads);
	tcase_add_test(sums, shares_and_waits_of_a_lock_are_added);
	tcase_add_test(sums, incomplete_stacks_are_summed_by_their_mark);
	tcase_add_loop_test(sums, every_key_ranks, 0, (int)UNIT_LENGTH(rankings));
	tcase_add_test(sums, sizes_are_those_of_the_rows);
	tcase_add_test(sums, wrapped_sums_do_no_harm);
	tcase_add_test(sums, warnings_are_kept_once);
	tcase_add_test(sums, numbers_of_the_dump_have_names);
	suite_add_tcase(suite, sums);
	tcase_add_checked_fixture(selections, read_sample, free_sample);
	tcase_add_loop_test(selections, a_filter_takes_stacks_with_a_matching_frame, 0, (int)UNIT_LENGTH(filters));
	tcase_add_test(selections, a_wrong_expression_is_named);
	tcase_add_test(selections, a_stack_shows_its_frames_and_its_mark);
	suite_add_tcase(suite, selections);
	tcase_add_checked_fixture(sampled, read_sampled, free_sampled);
	tcase_add_test(sampled, sampled_counts_become_blocks);
	tcase_add_test(sampled, standard_errors_are_roots_of_the_sums);
	tcase_add_test(sampled, variances_that_cannot_be_are_left_out);
	suite_add_tcase(suite, sampled);
	return suite;
}
