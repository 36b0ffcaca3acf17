/* SPDX-License-Identifier: MIT */
/* Unit tests of dump_read: right dumps are read whole, and no wrong byte does harm. */
#include "dump_read.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "aggregate.h"
#include "profile.h"
#include "unit_util.h"

Suite *suite_dump_read(void);

/* A dump and what was read of it. */
struct reading {
	struct unit_dump dump;
	struct profile profile;
	struct err err;
};

/* Reads a copy of just SIZE bytes, so that memory checkers see a read behind it. */
static bool read_bytes(struct reading *r, const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);
	bool read;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, size);
	r->err = (struct err){ 0 };
	profile_init(&r->profile, "test.bin");
	read = dump_read(copy, size, "test.bin", &r->profile, &r->err);
	free(copy);
	return read;
}

static bool read_dump(struct reading *r)
{
	return read_bytes(r, r->dump.bytes, r->dump.size);
}

static void end_reading(struct reading *r)
{
	profile_free(&r->profile);
	unit_dump_free(&r->dump);
}

static void assert_whole(const struct profile *profile)
{
	ck_assert_msg(!profile->partial && profile->warning_count == 0, "partial: %s",
		      profile->warning_count ? profile->warnings[0] : "(no warning)");
}

/* The profile may hold anything, but nothing that leads out of it. Aborts otherwise, or a memory checker does. */
static void walk(const struct profile *profile)
{
	uint32_t nodes[PROFILE_STACK_MAX];
	struct aggregate aggregate;
	size_t text = 0;

	for (size_t i = 1; i <= profile->node_count; i++) {
		size_t count = profile_stack(profile, (uint32_t)i, nodes);

		if (count > PROFILE_STACK_MAX || profile->nodes[i].parent >= i ||
		    profile->nodes[i].module > profile->module_count ||
		    profile_stack_mark(profile, (uint32_t)i) > MP_STACK_MARKS)
			abort();
	}
	for (size_t i = 0; i < profile->site_count; i++) {
		if (profile->sites[i].stack > profile->node_count)
			abort();
	}
	for (size_t i = 0; i < profile->lock_wait_count; i++) {
		if (profile->lock_waits[i].lock == 0 || profile->lock_waits[i].lock > profile->lock_count)
			abort();
	}
	for (size_t i = 0; i < profile->module_count; i++)
		text += profile->modules[i].path ? strlen(profile->modules[i].path) : 0;
	for (size_t i = 0; i < profile->process.argc; i++)
		text += strlen(profile->process.argv[i]);
	for (size_t i = 0; i < profile->warning_count; i++)
		text += strlen(profile->warnings[i]);
	if (text > (size_t)1 << 24)
		abort();
	aggregate_init(&aggregate, profile);
	aggregate_free(&aggregate);
}

START_TEST(a_dump_without_chunks_has_the_header_and_nothing_else)
{
	struct reading r = { 0 };

	unit_dump_begin(&r.dump);
	ck_assert_msg(read_dump(&r), "%s", r.err.text);
	assert_whole(&r.profile);
	ck_assert_uint_eq(r.profile.process.pid, 4711);
	ck_assert_int_eq(r.profile.process.ended, PROFILE_ENDED_EXIT);
	ck_assert_int_eq(r.profile.process.end_status, 0);
	ck_assert_uint_eq(profile_duration_ns(&r.profile), 1000000000);
	ck_assert_ptr_null(r.profile.process.exe);
	ck_assert_uint_eq(r.profile.process.argc + r.profile.node_count + r.profile.site_count + r.profile.lock_count,
			  0);
	walk(&r.profile);
	end_reading(&r);
}
END_TEST

START_TEST(text_and_code_are_read)
{
	struct reading r = { 0 };
	const struct profile *p = &r.profile;

	unit_dump_sample(&r.dump);
	ck_assert_msg(read_dump(&r), "%s", r.err.text);
	assert_whole(p);
	ck_assert_str_eq(p->process.exe, "/opt/sample/app");
	ck_assert_ptr_null(p->process.cwd);
	ck_assert_uint_eq(p->process.argc, 3);
	ck_assert_str_eq(p->process.argv[1], "--fast");
	ck_assert_str_eq(p->process.argv[2], "two words");
	ck_assert_uint_eq(p->module_count, 2);
	ck_assert_uint_eq(p->modules[0].number, 1);
	ck_assert_uint_eq(p->modules[0].build_id_bytes, 4);
	ck_assert_uint_eq(p->modules[0].build_id[3], 0xef);
	ck_assert_str_eq(p->modules[1].path, "/opt/sample/libplugin.so");
	ck_assert_ptr_null(p->modules[1].build_id);
	ck_assert_uint_eq(p->modules[1].generation, 2);
	ck_assert_uint_eq(p->modules[1].file_bytes, 12345);
	ck_assert_uint_eq(p->option_count, 2);
	ck_assert_str_eq(p->options[0].name, "MEMPROF_DEPTH");
	ck_assert_str_eq(p->options[0].value, "512");
	walk(p);
	end_reading(&r);
}
END_TEST

START_TEST(stacks_are_read_with_their_marks)
{
	struct reading r = { 0 };
	uint32_t nodes[PROFILE_STACK_MAX];

	unit_dump_sample(&r.dump);
	ck_assert(read_dump(&r));
	ck_assert_uint_eq(r.profile.nodes[UNIT_STACK_LOAD].module, 2);
	ck_assert(!r.profile.nodes[UNIT_STACK_LOAD].exact);
	ck_assert(r.profile.nodes[UNIT_STACK_SIGNAL].exact);
	ck_assert_uint_eq(r.profile.nodes[UNIT_STACK_SIGNAL].module, 1);
	ck_assert_uint_eq(profile_stack(&r.profile, UNIT_STACK_PARSE, nodes), 2);
	ck_assert_uint_eq(nodes[0], UNIT_STACK_PARSE);
	ck_assert_uint_eq(nodes[1], UNIT_STACK_MAIN);
	ck_assert_uint_eq(profile_stack_mark(&r.profile, UNIT_STACK_PARSE), 0);
	ck_assert_uint_eq(profile_stack(&r.profile, UNIT_STACK_SIGNAL, nodes), 1);
	ck_assert_uint_eq(profile_stack_mark(&r.profile, UNIT_STACK_SIGNAL), MP_MARK_DEPTH);
	ck_assert_uint_eq(profile_stack(&r.profile, 0, nodes), 0);
	ck_assert_uint_eq(profile_stack(&r.profile, 1000, nodes), 0);
	end_reading(&r);
}
END_TEST

START_TEST(only_rows_in_use_are_kept)
{
	struct reading r = { 0 };
	const struct profile *p = &r.profile;

	unit_dump_sample(&r.dump);
	ck_assert(read_dump(&r));
	ck_assert_uint_eq(p->site_count, 5);
	ck_assert_uint_eq(p->thread_count, 2);
	ck_assert_str_eq(p->threads[1].name, "worker");
	ck_assert_uint_eq(p->tick_count, 2);
	ck_assert_uint_eq(p->lock_count, 2);
	ck_assert_uint_eq(p->locks[0].number, 1);
	ck_assert_uint_eq(p->lock_share_count, 3);
	ck_assert_uint_eq(p->lock_wait_count, 2);
	ck_assert_uint_eq(p->loss_count, 1);
	ck_assert_uint_eq(p->losses[0].reason, MP_LOSS_NESTED);
	ck_assert_uint_eq(p->losses[0].count, 6);
	end_reading(&r);
}
END_TEST

/* Header fields that make a file unusable. */
static const struct {
	const char *what;
	size_t offset;
	uint8_t byte;
	bool names_offset; /* the error is at the field, not at the start */
} refused[] = {
	{ "magic", offsetof(struct mp_header, magic), 'm', false },
	{ "version", offsetof(struct mp_header, version), 99, true },
	{ "byte order", offsetof(struct mp_header, byte_order), 1, true },
};

START_TEST(unusable_headers_are_refused_with_their_place)
{
	struct reading r = { 0 };

	unit_dump_sample(&r.dump);
	r.dump.bytes[refused[_i].offset] = refused[_i].byte;
	ck_assert_msg(!read_dump(&r), "wrong %s", refused[_i].what);
	ck_assert(r.err.set);
	ck_assert_str_eq(r.err.path, "test.bin");
	ck_assert_uint_ne(r.err.text[0], 0);
	ck_assert_uint_eq(r.err.offset, refused[_i].names_offset ? refused[_i].offset : 0);
	end_reading(&r);
}
END_TEST

/* Header fields that cost something, but leave the rest readable. */
static const struct {
	const char *what;
	size_t offset;
	uint32_t value;
} partial[] = {
	{ "header size", offsetof(struct mp_header, header_bytes), 64 },
	{ "used_bytes too small", offsetof(struct mp_header, used_bytes), 17 },
	{ "used_bytes beyond the file", offsetof(struct mp_header, used_bytes), 0x40000000 },
	{ "how it ended", offsetof(struct mp_header, ended), 77 },
	{ "exe", offsetof(struct mp_header, exe), 8 },
	{ "exe beyond the file", offsetof(struct mp_header, exe), 0xfffffff0 },
	{ "argv", offsetof(struct mp_header, argv), 4096 },
};

START_TEST(doubtful_headers_make_the_profile_partial)
{
	struct reading r = { 0 };

	unit_dump_sample(&r.dump);
	memcpy(r.dump.bytes + partial[_i].offset, &partial[_i].value, sizeof(partial[_i].value));
	ck_assert_msg(read_dump(&r), "%s: %s", partial[_i].what, r.err.text);
	ck_assert_msg(r.profile.partial && r.profile.warning_count > 0, "wrong %s", partial[_i].what);
	ck_assert_uint_eq(r.profile.site_count, 5);
	walk(&r.profile);
	end_reading(&r);
}
END_TEST

START_TEST(no_file_and_other_files_are_no_dumps)
{
	static const struct {
		const char *bytes;
		size_t size;
	} files[] = { { "", 0 },          { "M", 1 },       { "MEMPROF", 7 },
		      { "MEMPROF\n", 8 }, { "\177ELF", 4 }, { "#!/bin/sh\n", 10 } };
	struct reading r = { 0 };

	for (size_t i = 0; i < UNIT_LENGTH(files); i++) {
		ck_assert(!read_bytes(&r, files[i].bytes, files[i].size));
		ck_assert(r.err.set);
		profile_free(&r.profile);
	}
}
END_TEST

START_TEST(a_dump_cut_at_any_length_is_refused_or_partial)
{
	struct reading r = { 0 };
	struct unit_dump *dump = &r.dump;

	unit_dump_sample(dump);
	for (size_t size = 0; size < dump->size; size++) {
		bool read = read_bytes(&r, dump->bytes, size);

		/* One assertion per length would take longer than the reading. */
		if (read != (size >= sizeof(struct mp_header)) || (read && !r.profile.partial) || read == r.err.set)
			ck_abort_msg("cut to %zu bytes: read %d, partial %d", size, read, r.profile.partial);
		walk(&r.profile);
		profile_free(&r.profile);
	}
	unit_dump_free(dump);
}
END_TEST

START_TEST(any_byte_changed_does_no_harm)
{
	static const uint8_t changes[] = { 0x01, 0x80, 0xff };
	struct reading r = { 0 };
	struct unit_dump *dump = &r.dump;

	unit_dump_sample(dump);
	for (size_t at = 0; at < dump->size; at++) {
		/* The header's page is mostly padding. */
		if (at > sizeof(struct mp_header) && at < MP_HEADER_BYTES)
			continue;
		dump->bytes[at] ^= changes[_i];
		if (read_dump(&r) == r.err.set)
			ck_abort_msg("byte %zu: neither read nor refused", at);
		walk(&r.profile);
		profile_free(&r.profile);
		dump->bytes[at] ^= changes[_i];
	}
	unit_dump_free(dump);
}
END_TEST

START_TEST(any_byte_set_to_an_extreme_does_no_harm)
{
	struct reading r = { 0 };
	struct unit_dump *dump = &r.dump;
	uint64_t old, extreme = _i ? 0 : UINT64_MAX;

	unit_dump_sample(dump);
	for (size_t at = MP_HEADER_BYTES; at < dump->size; at += 4) {
		size_t width = at % 8 ? 4 : 8;

		memcpy(&old, dump->bytes + at, width);
		memcpy(dump->bytes + at, &extreme, width);
		if (read_dump(&r) == r.err.set)
			ck_abort_msg("offset %zu: neither read nor refused", at);
		walk(&r.profile);
		profile_free(&r.profile);
		memcpy(dump->bytes + at, &old, width);
	}
	unit_dump_free(dump);
}
END_TEST

START_TEST(text_behind_used_bytes_is_not_looked_at)
{
	struct reading r = { 0 };

	unit_dump_sample(&r.dump);
	unit_dump_header(&r.dump)->ended = MP_ENDED_RUNNING;
	unit_dump_header(&r.dump)->end_ns = 0;
	r.dump.bytes = realloc(r.dump.bytes, r.dump.size + 4000);
	memset(r.dump.bytes + r.dump.size, 0xa5, 4000);
	r.dump.size += 4000;
	ck_assert(read_dump(&r));
	assert_whole(&r.profile);
	ck_assert_int_eq(r.profile.process.ended, PROFILE_ENDED_RUNNING);
	ck_assert_uint_eq(profile_duration_ns(&r.profile), 999000000);
	end_reading(&r);
}
END_TEST

START_TEST(unknown_kinds_and_longer_rows_are_skipped)
{
	struct {
		struct mp_loss loss;
		uint64_t later_field;
	} rows[] = { { { MP_LOSS_EARLY, 3 }, UINT64_MAX }, { { MP_LOSS_NESTED, 4 }, 1 } };
	struct reading r = { 0 };

	unit_dump_begin(&r.dump);
	unit_dump_chunk(&r.dump, 4242, "whatever", 1, 8, 7, 7);
	unit_dump_rows(&r.dump, LOSS, rows, 0, 0);
	ck_assert(read_dump(&r));
	assert_whole(&r.profile);
	ck_assert_uint_eq(r.profile.loss_count, 2);
	ck_assert_uint_eq(r.profile.losses[1].count, 4);
	end_reading(&r);
}
END_TEST

START_TEST(cycles_and_forward_references_of_nodes_end)
{
	const struct mp_node nodes[] = {
		{ .ip = 0x401000, .parent = 1 }, /* itself */
		{ .ip = 0x402000, .parent = 3 }, /* each other */
		{ .ip = 0x403000, .parent = 2 },
		{ .ip = 0x404000, .parent = 99 }, /* not there */
		{ .ip = 0x405000, .parent = 6 },  /* not in use */
		{ .ip = 0 },
	};
	const struct mp_site site = { .stack = 3, .alloc_count = 1 };
	struct reading r = { 0 };
	uint32_t path[PROFILE_STACK_MAX];

	unit_dump_begin(&r.dump);
	unit_dump_rows(&r.dump, NODE, nodes, 1, 0);
	unit_dump_chunk(&r.dump, MP_CHUNK_SITE, &site, sizeof(site), 1, 0, 1);
	ck_assert(read_dump(&r));
	ck_assert(r.profile.partial);
	walk(&r.profile);
	ck_assert_uint_le(profile_stack(&r.profile, 3, path), 3);
	ck_assert_uint_eq(r.profile.site_count, 1);
	end_reading(&r);
}
END_TEST

START_TEST(a_stack_deeper_than_any_is_cut)
{
	enum { COUNT = 3 * PROFILE_STACK_MAX };
	struct mp_node *nodes = calloc(COUNT, sizeof(*nodes));
	struct reading r = { 0 };
	uint32_t path[PROFILE_STACK_MAX];

	ck_assert_ptr_nonnull(nodes);
	for (uint32_t i = 0; i < COUNT; i++)
		nodes[i] = (struct mp_node){ .ip = 0x401000 + i, .parent = i };
	unit_dump_begin(&r.dump);
	unit_dump_chunk(&r.dump, MP_CHUNK_NODE, nodes, sizeof(*nodes), COUNT, 1, 0);
	free(nodes);
	ck_assert(read_dump(&r));
	ck_assert(r.profile.partial);
	ck_assert_uint_le(profile_stack(&r.profile, COUNT, path), PROFILE_STACK_MAX);
	end_reading(&r);
}
END_TEST

/* Counts and sizes in chunk headers that the bytes do not back up. */
static const struct {
	const char *what;
	size_t offset; /* in struct mp_chunk */
	uint64_t value;
	size_t bytes;
} claims[] = {
	{ "rows", offsetof(struct mp_chunk, rows), UINT64_MAX, 8 },
	{ "rows", offsetof(struct mp_chunk, rows), 1ull << 40, 8 },
	{ "rows", offsetof(struct mp_chunk, rows), 4, 8 },
	{ "bytes", offsetof(struct mp_chunk, bytes), UINT64_MAX, 8 },
	{ "bytes", offsetof(struct mp_chunk, bytes), 1ull << 40, 8 },
	{ "bytes", offsetof(struct mp_chunk, bytes), 0, 8 },
	{ "bytes", offsetof(struct mp_chunk, bytes), 65, 8 },
	{ "row_bytes", offsetof(struct mp_chunk, row_bytes), 0, 4 },
	{ "row_bytes", offsetof(struct mp_chunk, row_bytes), 1, 4 },
	{ "row_bytes", offsetof(struct mp_chunk, row_bytes), UINT32_MAX, 4 },
	{ "first", offsetof(struct mp_chunk, first), 0, 8 },
	{ "first", offsetof(struct mp_chunk, first), 1ull << 31, 8 },
	{ "first", offsetof(struct mp_chunk, first), UINT64_MAX, 8 },
};

START_TEST(claims_beyond_the_bytes_cost_only_their_chunk)
{
	const struct mp_node nodes[] = { { .ip = 0x401000 }, { .ip = 0x402000, .parent = 1 } };
	const struct mp_loss loss[] = { { MP_LOSS_NESTED, 5 } };
	struct reading r = { 0 };
	size_t chunk;

	unit_dump_begin(&r.dump);
	chunk = unit_dump_rows(&r.dump, NODE, nodes, 1, 0);
	unit_dump_rows(&r.dump, LOSS, loss, 0, 0);
	memcpy(r.dump.bytes + chunk + claims[_i].offset, &claims[_i].value, claims[_i].bytes);
	ck_assert(read_dump(&r));
	ck_assert_msg(r.profile.partial || claims[_i].value == 4, "wrong %s", claims[_i].what);
	ck_assert_msg(r.profile.loss_count == 1, "the chunk behind is lost by wrong %s", claims[_i].what);
	ck_assert_uint_eq(r.profile.losses[0].count, 5);
	walk(&r.profile);
	end_reading(&r);
}
END_TEST

START_TEST(rows_that_name_what_is_not_there_are_counted_without_it)
{
	const struct mp_node nodes[] = { { .ip = 0x401000, .module = 9 } };
	const struct mp_site sites[] = { { .stack = 1, .alloc_count = 1, .alloc_bytes = 10 },
					 { .stack = 500, .alloc_count = 2, .alloc_bytes = 20 } };
	const struct mp_lock_share shares[] = { { .lock = 7, .acquisitions = 1 } };
	struct reading r = { 0 };
	struct aggregate aggregate;

	unit_dump_begin(&r.dump);
	unit_dump_rows(&r.dump, NODE, nodes, 1, 0);
	unit_dump_rows(&r.dump, SITE, sites, 0, 1);
	unit_dump_rows(&r.dump, LOCK_SHARE, shares, 0, 1);
	ck_assert(read_dump(&r));
	ck_assert(r.profile.partial);
	ck_assert_uint_eq(r.profile.nodes[1].module, 0);
	ck_assert_uint_eq(r.profile.lock_share_count, 0);
	/* The numbers of a lost stack still belong to the totals. */
	aggregate_init(&aggregate, &r.profile);
	ck_assert_uint_eq(aggregate.totals.alloc_bytes, 30);
	aggregate_free(&aggregate);
	end_reading(&r);
}
END_TEST

START_TEST(numbers_given_twice_keep_the_first_row)
{
	const struct mp_node first[] = { { .ip = 0x401000 } };
	const struct mp_node second[] = { { .ip = 0x402000 } };
	struct reading r = { 0 };

	unit_dump_begin(&r.dump);
	unit_dump_rows(&r.dump, NODE, first, 1, 0);
	unit_dump_rows(&r.dump, NODE, second, 1, 0);
	ck_assert(read_dump(&r));
	ck_assert(r.profile.partial);
	ck_assert_uint_eq(r.profile.nodes[1].ip, 0x401000);
	end_reading(&r);
}
END_TEST

START_TEST(a_flood_of_defects_gives_few_warnings)
{
	struct reading r = { 0 };

	unit_dump_begin(&r.dump);
	for (int i = 0; i < 200; i++) {
		const struct mp_node nodes[] = { { .ip = 0x401000 } };

		/* Each chunk is wrong in its own way, at its own place. */
		unit_dump_chunk_at(&r.dump, unit_dump_rows(&r.dump, NODE, nodes, 1, 0))->row_bytes = (uint32_t)i % 16;
	}
	ck_assert(read_dump(&r));
	ck_assert(r.profile.partial);
	ck_assert_uint_le(r.profile.warning_count, 40);
	ck_assert_uint_gt(r.profile.warnings_left_out, 0);
	end_reading(&r);
}
END_TEST

START_TEST(ticks_out_of_order_are_left_out)
{
	const struct mp_tick ticks[] = {
		{ .time_ns = 5200000000, .live_bytes = 1 }, { .time_ns = 5100000000, .live_bytes = 2 },
		{ .time_ns = 5300000000, .live_bytes = 3 }, { .time_ns = 5300000000, .live_bytes = 4 },
		{ .time_ns = 17, .live_bytes = 5 },
	};
	struct reading r = { 0 };

	unit_dump_begin(&r.dump);
	unit_dump_rows(&r.dump, TIMELINE, ticks, 0, 0);
	ck_assert(read_dump(&r));
	ck_assert_uint_eq(r.profile.tick_count, 2);
	ck_assert_int_eq(r.profile.ticks[0].live_bytes, 1);
	ck_assert_int_eq(r.profile.ticks[1].live_bytes, 3);
	end_reading(&r);
}
END_TEST

START_TEST(the_ends_of_a_process_are_told_apart)
{
	static const struct {
		uint32_t ended;
		int32_t status;
		enum profile_ended want;
	} ends[] = {
		{ MP_ENDED_RUNNING, 0, PROFILE_ENDED_RUNNING },
		{ MP_ENDED_EXIT, 3, PROFILE_ENDED_EXIT },
		{ MP_ENDED_SIGNAL, 6, PROFILE_ENDED_SIGNAL },
		{ MP_ENDED_EXEC, 0, PROFILE_ENDED_EXEC },
	};
	struct reading r = { 0 };

	for (size_t i = 0; i < UNIT_LENGTH(ends); i++) {
		unit_dump_begin(&r.dump);
		unit_dump_header(&r.dump)->ended = ends[i].ended;
		unit_dump_header(&r.dump)->end_status = ends[i].status;
		ck_assert(read_dump(&r));
		ck_assert_int_eq(r.profile.process.ended, ends[i].want);
		ck_assert_int_eq(r.profile.process.end_status, ends[i].status);
		end_reading(&r);
	}
}
END_TEST

static TCase *damage_cases(void)
{
	TCase *damage = tcase_create("damage");

	tcase_add_loop_test(damage, unusable_headers_are_refused_with_their_place, 0, (int)UNIT_LENGTH(refused));
	tcase_add_loop_test(damage, doubtful_headers_make_the_profile_partial, 0, (int)UNIT_LENGTH(partial));
	tcase_add_test(damage, no_file_and_other_files_are_no_dumps);
	tcase_add_test(damage, a_dump_cut_at_any_length_is_refused_or_partial);
	tcase_add_loop_test(damage, any_byte_changed_does_no_harm, 0, 3);
	tcase_add_loop_test(damage, any_byte_set_to_an_extreme_does_no_harm, 0, 2);
	tcase_add_test(damage, cycles_and_forward_references_of_nodes_end);
	tcase_add_test(damage, a_stack_deeper_than_any_is_cut);
	tcase_add_loop_test(damage, claims_beyond_the_bytes_cost_only_their_chunk, 0, (int)UNIT_LENGTH(claims));
	tcase_add_test(damage, rows_that_name_what_is_not_there_are_counted_without_it);
	tcase_add_test(damage, numbers_given_twice_keep_the_first_row);
	tcase_add_test(damage, a_flood_of_defects_gives_few_warnings);
	tcase_add_test(damage, ticks_out_of_order_are_left_out);
	return damage;
}

Suite *suite_dump_read(void)
{
	Suite *suite = suite_create("dump_read");
	TCase *whole = tcase_create("whole");

	tcase_add_test(whole, a_dump_without_chunks_has_the_header_and_nothing_else);
	tcase_add_test(whole, text_and_code_are_read);
	tcase_add_test(whole, stacks_are_read_with_their_marks);
	tcase_add_test(whole, only_rows_in_use_are_kept);
	tcase_add_test(whole, text_behind_used_bytes_is_not_looked_at);
	tcase_add_test(whole, unknown_kinds_and_longer_rows_are_skipped);
	tcase_add_test(whole, the_ends_of_a_process_are_told_apart);
	suite_add_tcase(suite, whole);
	suite_add_tcase(suite, damage_cases());
	return suite;
}
