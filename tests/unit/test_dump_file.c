/* SPDX-License-Identifier: MIT */
/* Unit tests of dump_file and mapped_file: dumps on disk, of processes that live or not. */
#include "dump_file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mapped_file.h"
#include "unit_util.h"

Suite *suite_dump_file(void);

static char directory[512];
static char path[600];
static struct unit_dump dump;

static void setup(void)
{
	unit_make_directory(directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/one.bin", directory);
	unit_dump_sample(&dump);
}

static void teardown(void)
{
	unit_dump_free(&dump);
	unit_remove_directory(directory);
}

/* Makes the dump one that process PID is still writing, on this machine. START_TICKS 0 = not known. */
static void set_running(uint32_t pid, uint64_t start_ticks)
{
	struct mp_header *header = unit_dump_header(&dump);
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
	unsigned byte;

	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < sizeof(header->boot_id); i++) {
		ck_assert_int_eq(fscanf(file, "%*[-]"), 0);
		ck_assert_int_eq(fscanf(file, "%2x", &byte), 1);
		header->boot_id[i] = (uint8_t)byte;
	}
	fclose(file);
	header->pid = pid;
	header->pid_start_ticks = start_ticks;
	header->ended = MP_ENDED_RUNNING;
	header->end_ns = 0;
}

static enum profile_ended load_ended(void)
{
	struct profile profile;
	struct err err = { 0 };
	enum profile_ended ended;

	unit_write_file(path, dump.bytes, dump.size);
	profile_init(&profile, path);
	ck_assert_msg(dump_file_load(path, &profile, &err), "%s", err.text);
	ck_assert_uint_eq(profile.site_count, 5);
	ended = profile.process.ended;
	profile_free(&profile);
	return ended;
}

START_TEST(a_file_is_loaded_whole)
{
	ck_assert_int_eq(load_ended(), PROFILE_ENDED_EXIT);
}
END_TEST

START_TEST(a_process_without_an_end_is_running_or_was_killed)
{
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(0);
	set_running((uint32_t)getpid(), 0);
	ck_assert_int_eq(load_ended(), PROFILE_ENDED_RUNNING);
	/* Another process has the number now. */
	unit_dump_header(&dump)->pid_start_ticks = 1;
	ck_assert_int_eq(load_ended(), PROFILE_ENDED_KILLED);
	/* Written before the machine was started. */
	unit_dump_header(&dump)->pid_start_ticks = 0;
	unit_dump_header(&dump)->boot_id[3] ^= 1;
	ck_assert(!dump_file_is_this_boot(unit_dump_header(&dump)));
	ck_assert_int_eq(load_ended(), PROFILE_ENDED_KILLED);
	/* Dead, but nobody has waited for it. */
	set_running((uint32_t)child, 0);
	ck_assert(dump_file_is_this_boot(unit_dump_header(&dump)));
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(load_ended(), PROFILE_ENDED_KILLED);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_int_eq(load_ended(), PROFILE_ENDED_KILLED);
}
END_TEST

/* What cannot be loaded. */
static const struct {
	const char *what;
	const char *command; /* makes "one.bin" */
} unusable[] = {
	{ "missing file", "true" },
	{ "empty file", ": >one.bin" },
	{ "text", "echo hello >one.bin" },
	{ "directory", "mkdir one.bin" },
	{ "FIFO", "mkfifo one.bin" },
	{ "device", "ln -s /dev/zero one.bin" },
	{ "endless loop of links", "ln -s one.bin one.bin" },
};

START_TEST(what_is_no_dump_is_refused_by_name)
{
	struct profile profile;
	struct err err = { 0 };

	ck_assert(unit_run(directory, "%s", unusable[_i].command));
	profile_init(&profile, path);
	ck_assert_msg(!dump_file_load(path, &profile, &err), "%s was loaded", unusable[_i].what);
	ck_assert_str_eq(err.path, path);
	ck_assert_uint_ne(err.text[0], 0);
	profile_free(&profile);
}
END_TEST

START_TEST(room_held_ready_costs_nothing)
{
	struct profile profile;
	struct err err = { 0 };
	struct mapped_file file;

	unit_write_file(path, dump.bytes, dump.size);
	ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0);
	profile_init(&profile, path);
	ck_assert_msg(dump_file_load(path, &profile, &err), "%s", err.text);
	ck_assert(!profile.partial);
	profile_free(&profile);
	ck_assert(mapped_file_open(&file, path, &err));
	ck_assert_uint_eq(file.file_bytes, (uint64_t)1 << 40);
	mapped_file_close(&file);
}
END_TEST

START_TEST(a_snapshot_changes_only_where_it_is_refreshed)
{
	struct mapped_file file;
	struct err err = { 0 };

	unit_write_file(path, "first text", 10);
	ck_assert(mapped_file_open(&file, path, &err));
	ck_assert_uint_eq(file.size, 0);
	ck_assert(mapped_file_read(&file, 1000, &err));
	ck_assert_uint_eq(file.size, 10);
	unit_write_file(path, "later", 5);
	ck_assert_int_eq(memcmp(file.bytes, "first text", 10), 0);
	ck_assert(mapped_file_refresh(&file, 2, 1000, &err));
	ck_assert_int_eq(memcmp(file.bytes, "fiter text", 10), 0);
	ck_assert(mapped_file_refresh(&file, 50, 1, &err));
	ck_assert(mapped_file_read(&file, 0, &err));
	ck_assert_uint_eq(file.size, 0);
	mapped_file_close(&file);
}
END_TEST

START_TEST(a_directory_stands_for_its_dumps_in_order)
{
	struct dump_file_list list = { 0 };
	struct err err = { 0 };
	char two[600];

	ck_assert(!dump_file_list_add(&list, directory, &err));
	ck_assert(err.set);
	unit_write_file(path, dump.bytes, dump.size);
	snprintf(two, sizeof(two), "%s/a-two.bin", directory);
	unit_write_file(two, dump.bytes, dump.size);
	ck_assert(unit_run(directory, "echo text >other && mkdir deeper && mkfifo pipe"));
	err = (struct err){ 0 };
	ck_assert_msg(dump_file_list_add(&list, directory, &err), "%s", err.text);
	ck_assert_uint_eq(list.paths.count, 2);
	ck_assert_str_eq(list.paths.list[0], two);
	ck_assert_str_eq(list.paths.list[1], path);
	/* A path that is not there is told when it is loaded. */
	ck_assert(dump_file_list_add(&list, "/nonexistent/x", &err));
	ck_assert_uint_eq(list.paths.count, 3);
	dump_file_list_free(&list);
}
END_TEST

Suite *suite_dump_file(void)
{
	Suite *suite = suite_create("dump_file");
	TCase *tcase = tcase_create("dump_file");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_file_is_loaded_whole);
	tcase_add_test(tcase, a_process_without_an_end_is_running_or_was_killed);
	tcase_add_loop_test(tcase, what_is_no_dump_is_refused_by_name, 0, (int)UNIT_LENGTH(unusable));
	tcase_add_test(tcase, room_held_ready_costs_nothing);
	tcase_add_test(tcase, a_snapshot_changes_only_where_it_is_refreshed);
	tcase_add_test(tcase, a_directory_stands_for_its_dumps_in_order);
	suite_add_tcase(suite, tcase);
	return suite;
}
