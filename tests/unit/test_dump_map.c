/* SPDX-License-Identifier: MIT */
/* Unit tests of dump_map: names, files that are in the way, and disks that are full. */
#include "dump_map.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dump_read.h"
#include "options.h"
#include "preload_doubles.h"
#include "profile.h"
#include "unit_util.h"

Suite *suite_dump_map(void);

#define MIB (1ull << 20)

static char directory[512];
static char path[600];
static struct options defaults;

static void setup(void)
{
	unit_make_directory(directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/dump", directory);
	defaults = opt;
	dump_base = NULL;
}

static void teardown(void)
{
	unit_remove_directory(directory);
	opt = defaults;
	dump_base = NULL;
}

static uint64_t file_bytes(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

/* The whole file, as the analyzer sees it. */
static void read_back(struct profile *ret_profile)
{
	size_t size = file_bytes();
	char *bytes = malloc(size);
	FILE *file = fopen(path, "r");
	struct err err = { 0 };

	ck_assert(file && bytes);
	ck_assert_uint_eq(fread(bytes, 1, size, file), size);
	fclose(file);
	profile_init(ret_profile, path);
	ck_assert_msg(dump_read(bytes, size, path, ret_profile, &err), "%s", err.text);
	ck_assert_msg(!ret_profile->partial && ret_profile->warning_count == 0, "%s",
		      ret_profile->warning_count ? ret_profile->warnings[0] : "partial");
	free(bytes);
}

static struct mp_chunk *node_chunk(size_t bytes)
{
	return dump_chunk(MP_CHUNK_NODE, sizeof(struct mp_node), bytes, 1, 0);
}

/* --- names --- */

static const struct {
	const char *pattern;
	const char *program;
	const char *want; /* @ stands for the process id, # for the time */
} names[] = {
	{ "plain", "app", "plain" }, { "memprof.%e.%p.bin", "app", "memprof.app.@.bin" },
	{ "%e%e", "a b", "a ba b" }, { "%t", "app", "#" },
	{ "%p-%p", "app", "@-@" },   { "100%%", "app", "100%" },
	{ "%%p", "app", "%p" },      { "%x%", "app", "%x%" },
	{ "%", "app", "%" },         { "%é", "app", "%é" },
	{ "%e", "100%p", "100%p" },  { ".", "app", "memprof.app.@.bin" },
	{ "./", "app", "memprof.app.@.bin" },
};

/* Not time(), which may be a tick behind what the name is made of. */
static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

static bool is_there(const char *name, time_t time)
{
	char file[700];
	int used = snprintf(file, sizeof(file), "%s/", directory);

	for (const char *s = name; *s; s++) {
		if (*s == '@')
			used += snprintf(file + used, 32, "%d", getpid());
		else if (*s == '#')
			used += snprintf(file + used, 32, "%lld", (long long)time);
		else
			used += snprintf(file + used, 2, "%c", *s);
	}
	return access(file, F_OK) == 0;
}

START_TEST(patterns_are_filled_in)
{
	char pattern[600];
	time_t before = seconds();
	bool found = false;

	snprintf(pattern, sizeof(pattern), "%s/%s", directory, names[_i].pattern);
	ck_assert(dump_create(pattern, names[_i].program));
	/* The clock may have gone on meanwhile. */
	for (time_t after = seconds(); !found && before <= after; before++)
		found = is_there(names[_i].want, before);
	ck_assert_msg(found, "%s", names[_i].want);
}
END_TEST

START_TEST(a_new_dump_is_valid_and_private)
{
	const struct mp_header *h;
	struct profile profile;
	struct stat st;
	mode_t mask = umask(0);

	ck_assert(dump_create(path, "app"));
	umask(mask);
	h = dump_header();
	ck_assert_mem_eq(h->magic, MP_MAGIC, 8);
	ck_assert_uint_eq(h->version, MP_DUMP_VERSION);
	ck_assert_uint_eq(h->header_bytes, MP_HEADER_BYTES);
	ck_assert_uint_eq(h->byte_order, MP_BYTE_ORDER);
	ck_assert_uint_eq(h->used_bytes, MP_HEADER_BYTES);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(dump_mapped_bytes(), opt.max_dump);
	ck_assert(dump_is_linked());
	read_back(&profile);
	profile_free(&profile);
}
END_TEST

/* No descriptor is kept: the next one that anybody opens has the number that it would have had. */
START_TEST(no_descriptor_is_kept)
{
	int before = dup(0);
	int after;

	close(before);
	opt.max_dump = 64 * MIB;
	ck_assert(dump_create(path, "app"));
	while (dump_header()->used_bytes < 20 * MIB)
		ck_assert_ptr_nonnull(node_chunk(MIB));
	dump_trim();
	after = dup(0);
	close(after);
	ck_assert_int_eq(before, after);
}
END_TEST

/* --- names that are taken --- */

static void write_dump_of(uint32_t pid)
{
	struct mp_header h = { .magic = MP_MAGIC, .version = MP_DUMP_VERSION, .pid = pid };

	unit_write_file(path, &h, sizeof(h));
}

/* A process that has been there and is no more. */
static uint32_t dead_pid(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	return (uint32_t)child;
}

static uint64_t inode_of(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0 ? st.st_ino : 0;
}

/* Creates the dump; what stands at PATH must stay, and the dump have the process id and MORE as suffix. */
static void expect_suffix(const char *more)
{
	uint64_t inode = inode_of(path);
	char want[700];

	snprintf(want, sizeof(want), "%s.%d%s", path, getpid(), more);
	ck_assert_uint_eq(inode_of(want), 0);
	ck_assert(dump_create(path, "app"));
	ck_assert_uint_ne(inode_of(want), 0);
	ck_assert_uint_eq(inode_of(path), inode);
	dump_header()->pid = (uint32_t)getpid();
}

START_TEST(a_finished_dump_is_replaced)
{
	char suffixed[700];
	struct profile profile;

	write_dump_of(dead_pid());
	ck_assert(dump_create(path, "app"));
	snprintf(suffixed, sizeof(suffixed), "%s.%d", path, getpid());
	ck_assert_uint_eq(inode_of(suffixed), 0);
	read_back(&profile);
	profile_free(&profile);
}
END_TEST

START_TEST(an_empty_file_is_replaced)
{
	unit_write_file(path, "", 0);
	ck_assert(dump_create(path, "app"));
	ck_assert_uint_gt(file_bytes(), 0);
}
END_TEST

START_TEST(a_dump_in_use_keeps_its_name)
{
	write_dump_of((uint32_t)getppid());
	expect_suffix("");
	/* And so do those with a suffix. */
	expect_suffix(".1");
	expect_suffix(".2");
	ck_assert_uint_eq(file_bytes(), sizeof(struct mp_header));
}
END_TEST

START_TEST(a_file_that_is_no_dump_keeps_its_name)
{
	static const char almost[] = "MEMPROF\n, but too short to be one";

	unit_write_file(path, almost, sizeof(almost) - 1);
	expect_suffix("");
	ck_assert_uint_eq(file_bytes(), sizeof(almost) - 1);
}
END_TEST

START_TEST(a_directory_is_entered)
{
	char want[700];

	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(want, sizeof(want), "%s/memprof.app.%d.bin", path, getpid());
	ck_assert(dump_create(path, "app"));
	ck_assert_int_eq(unlink(want), 0);
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(a_link_is_neither_followed_nor_replaced)
{
	char target[700];

	/* To the dump of a finished process, which itself would be replaced; and to nothing. */
	write_dump_of(dead_pid());
	snprintf(target, sizeof(target), "%s/target", directory);
	ck_assert_int_eq(rename(path, target), 0);
	ck_assert_int_eq(symlink(target, path), 0);
	expect_suffix("");
	ck_assert_uint_eq(file_bytes(), sizeof(struct mp_header));
	unlink(target);
	expect_suffix(".1");
	ck_assert_uint_eq(inode_of(target), 0);
}
END_TEST

/* Reading from one would wait for ever. */
START_TEST(a_pipe_keeps_its_name)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_suffix("");
}
END_TEST

/* --- failures --- */

/* DATA: the pattern. Says whether there is a dump. */
static void create(const void *data)
{
	dprintf(2, "%s\n", dump_create(data, "app") ? "created" : "not created");
}

static void expect_failure(const char *pattern, const char *reason)
{
	char want[1200];

	snprintf(want, sizeof(want), "memprof: cannot write %s: %s; the program runs unrecorded\nnot created\n",
		 pattern, reason);
	unit_assert_text(preload_stderr(create, pattern), want, "output");
}

START_TEST(what_cannot_be_made_is_told_with_the_reason)
{
	char name[1000];

	snprintf(name, sizeof(name), "%s/no/such", directory);
	expect_failure(name, "no such directory");
	unit_write_file(path, "x", 1);
	snprintf(name, sizeof(name), "%s/below", path);
	expect_failure(name, "not a directory");
	snprintf(name, sizeof(name), "%s/%0300d", directory, 0);
	expect_failure(name, "name too long");
	expect_failure("/proc/self/dump", "no such directory");
}
END_TEST

/* As in MEMPROF_OUT=/dev/null, by root. */
START_TEST(a_device_is_refused)
{
	uint64_t inode;

	if (mknod(path, S_IFCHR | 0600, 1 << 8 | 3) != 0)
		return;
	inode = inode_of(path);
	expect_failure(path, "is a device");
	ck_assert_uint_eq(inode_of(path), inode);
}
END_TEST

START_TEST(a_pattern_without_end_is_refused)
{
	char pattern[4200];
	const char *text;

	memset(pattern, '/', sizeof(pattern) - 1);
	pattern[sizeof(pattern) - 1] = '\0';
	text = preload_stderr(create, pattern);
	ck_assert_ptr_nonnull(strstr(text, "memprof: cannot write /"));
	ck_assert_ptr_nonnull(strstr(text, "\nnot created\n"));
}
END_TEST

static void create_as_nobody(const void *data)
{
	if (setgid(65534) != 0 || setuid(65534) != 0)
		_exit(1);
	create(data);
}

START_TEST(a_directory_of_others_is_refused)
{
	char want[1000];

	if (getuid() != 0)
		return;
	snprintf(want, sizeof(want),
		 "memprof: cannot write %s: permission denied; the program runs unrecorded\n"
		 "not created\n",
		 path);
	unit_assert_text(preload_stderr(create_as_nobody, path), want, "output");
}
END_TEST

static void create_with_file_limit(const void *data)
{
	struct rlimit limit = { 50000, RLIM_INFINITY };

	setrlimit(RLIMIT_FSIZE, &limit);
	create(data);
}

START_TEST(a_file_limit_below_the_least_is_told)
{
	char want[1000];

	snprintf(want, sizeof(want),
		 "memprof: cannot write %s: file size limit; the program runs unrecorded\n"
		 "not created\n",
		 path);
	unit_assert_text(preload_stderr(create_with_file_limit, path), want, "output");
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* --- chunks --- */

/* Adds chunks until there is no more room, touching every byte; returns how many. */
static unsigned fill(size_t bytes)
{
	unsigned count = 0;
	struct mp_chunk *chunk;

	while ((chunk = node_chunk(bytes))) {
		if (chunk->bytes < bytes || chunk->rows != dump_rows(chunk->bytes, sizeof(struct mp_node)))
			_exit(10);
		for (const char *p = (const char *)(chunk + 1); p < (const char *)chunk + chunk->bytes; p++) {
			if (*p)
				_exit(11);
		}
		memset(chunk + 1, 0xff, chunk->bytes - sizeof(*chunk));
		count++;
	}
	return count;
}

/* Fills the dump and prints what became of it. DATA: size of a chunk. */
static void fill_and_tell(const void *data)
{
	size_t bytes = *(const size_t *)data;
	unsigned count;

	preload_losses(MP_LOSS_DUMP_FULL);
	if (!dump_create(path, "app"))
		return;
	count = fill(bytes);
	dprintf(2, "%u chunks, %llu bytes, dropped %llu, lost %llu", count,
		(unsigned long long)dump_header()->used_bytes, (unsigned long long)dump_header()->dropped_bytes,
		(unsigned long long)preload_losses(MP_LOSS_DUMP_FULL));
}

static void fill_with_file_limit(const void *data)
{
	struct rlimit limit = { 2 * MIB + 100, RLIM_INFINITY };

	/* The signal would end the program: it must never come. */
	setrlimit(RLIMIT_FSIZE, &limit);
	fill_and_tell(data);
}

START_TEST(a_file_limit_ends_the_growth)
{
	size_t bytes = 64 * 1024;

	/* 31 chunks beside the header fit 2 MiB. */
	unit_assert_text(preload_stderr(fill_with_file_limit, &bytes),
			 "31 chunks, 2035712 bytes, dropped 65536, lost 1", "output");
}
END_TEST

START_TEST(the_largest_size_ends_the_growth)
{
	size_t bytes = 300000; /* rounded up to 303104 */

	opt.max_dump = 3 * MIB;
	unit_assert_text(preload_stderr(fill_and_tell, &bytes), "10 chunks, 3035136 bytes, dropped 303104, lost 1",
			 "output");
	unlink(path);
	opt.max_dump = 40 * MIB; /* beyond what is held ready */
	bytes = MIB;
	unit_assert_text(preload_stderr(fill_and_tell, &bytes), "39 chunks, 40898560 bytes, dropped 1048576, lost 1",
			 "output");
}
END_TEST

static void limit_address_space(const void *data)
{
	struct rlimit limit = { 0, RLIM_INFINITY };
	char text[256];
	unsigned long pages;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (!statm || !fgets(text, sizeof(text), statm))
		_exit(1);
	fclose(statm);
	pages = strtoul(text, NULL, 10);
	limit.rlim_cur = pages * 4096 + 20 * MIB;
	setrlimit(RLIMIT_AS, &limit);
	fill_and_tell(data);
}

START_TEST(less_is_mapped_under_a_limit_of_address_space)
{
	size_t bytes = MIB;

	/* 256 MiB, halved until it fits into 20. */
	opt.max_dump = 256 * MIB;
	unit_assert_text(preload_stderr(limit_address_space, &bytes),
			 "15 chunks, 15732736 bytes, dropped 1048576, lost 1", "output");
}
END_TEST

static void write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);

	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
	close(fd);
}

/* Puts a file system of its own at DIRECTORY, seen by this process alone. Says so if there can be none. */
static bool mount_small_disk(const char *size)
{
	char users[64];
	char groups[64];

	if (unshare(CLONE_NEWNS) != 0) {
		snprintf(users, sizeof(users), "0 %d 1", (int)getuid());
		snprintf(groups, sizeof(groups), "0 %d 1", (int)getgid());
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
			dprintf(2, "no name space");
			return false;
		}
		write_text("/proc/self/uid_map", users);
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/gid_map", groups);
	}
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("none", directory, "tmpfs", 0, size) == 0)
		return true;
	dprintf(2, "no file system");
	return false;
}

static void fill_small_disk(const void *data)
{
	if (mount_small_disk("size=2m"))
		fill_and_tell(data);
}

/* An answer, never SIGBUS. */
START_TEST(a_full_disk_ends_the_growth)
{
	size_t bytes = 60 * 1024;
	const char *text = preload_stderr(fill_small_disk, &bytes);
	unsigned chunks;
	unsigned long long used;

	if (!strncmp(text, "no ", 3))
		return;
	ck_assert_msg(sscanf(text, "%u chunks, %llu bytes, dropped 61440, lost 1", &chunks, &used) == 2, "%s", text);
	/* All that there is but for the last chunk that does not fit. */
	ck_assert_uint_gt(used, 2 * MIB - 61440 - 4096);
}
END_TEST

static void create_on_full_disk(const void *data)
{
	if (!mount_small_disk("size=64k"))
		return;
	create(data);
	dprintf(2, "%s\n", access(data, F_OK) == 0 ? "left" : "removed");
}

START_TEST(a_disk_full_from_the_start_is_told)
{
	const char *text = preload_stderr(create_on_full_disk, path);
	char want[1000];

	if (!strncmp(text, "no ", 3))
		return;
	snprintf(want, sizeof(want),
		 "memprof: cannot write %s: no space left; the program runs unrecorded\n"
		 "not created\nremoved\n",
		 path);
	unit_assert_text(text, want, "output");
}
END_TEST

/* Every size around a page, many kinds; the analyzer finds each chunk. */
START_TEST(chunks_are_found_by_the_reader)
{
	struct profile profile;
	unsigned count = 0;

	opt.max_dump = 64 * MIB;
	ck_assert(dump_create(path, "app"));
	for (size_t bytes = 1; bytes < 100000; bytes += 1 + bytes / 3) {
		struct mp_chunk *chunk = node_chunk(bytes);
		struct mp_node *rows = (void *)(chunk + 1);

		ck_assert_ptr_nonnull(chunk);
		ck_assert_uint_eq((uintptr_t)chunk % DUMP_PAGE, 0);
		ck_assert_uint_eq(chunk->bytes, (bytes + DUMP_PAGE - 1) / DUMP_PAGE * DUMP_PAGE);
		chunk->first = count + 1;
		for (uint64_t i = 0; i < chunk->rows; i++)
			rows[i] = (struct mp_node){ .ip = 0x10000 + count++ };
		/* One of a kind that no reader knows. */
		ck_assert_ptr_nonnull(dump_chunk((enum mp_chunk_kind)4711, 24, bytes, 0, 0));
	}
	for (int trimmed = 0; trimmed < 2; trimmed++) {
		read_back(&profile);
		ck_assert_uint_eq(profile.node_count, count);
		for (unsigned i = 1; i <= count; i++)
			ck_assert_uint_eq(profile.nodes[i].ip, 0x10000 + i - 1);
		profile_free(&profile);
		dump_trim();
	}
}
END_TEST

/* --- strings --- */

static void assert_string(uint64_t ref, const char *text, size_t bytes)
{
	const struct mp_string *s = (const void *)(dump_base + ref);

	ck_assert_uint_ne(ref, 0);
	ck_assert_uint_eq(ref % 8, 0);
	ck_assert_uint_eq(s->bytes, bytes);
	ck_assert_mem_eq(s->text, text, bytes);
	ck_assert_int_eq(s->text[bytes], 0);
}

START_TEST(strings_are_kept_whole)
{
	static char text[60000];
	static uint64_t refs[2000];
	struct profile profile;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	opt.max_dump = 64 * MIB;
	ck_assert(dump_create(path, "app"));
	/* Some as long as a chunk, and longer. */
	for (size_t i = 0; i < UNIT_LENGTH(refs); i++)
		refs[i] = dump_string(text + i % 26, i % 100 ? i % 300 + 1 : i * 25 + 1);
	for (size_t i = 0; i < UNIT_LENGTH(refs); i++)
		assert_string(refs[i], text + i % 26, i % 100 ? i % 300 + 1 : i * 25 + 1);
	dump_header()->exe = refs[1];
	read_back(&profile);
	ck_assert_str_eq(profile.process.exe, "bc");
	profile_free(&profile);
}
END_TEST

START_TEST(a_string_without_room_is_none)
{
	static char text[300000];
	uint64_t ref;

	opt.max_dump = MIB;
	ck_assert(dump_create(path, "app"));
	fill(64 * 1024);
	memset(text, 'x', sizeof(text));
	ck_assert_uint_eq(dump_string(text, sizeof(text)), 0);
	/* Short ones may still fit. */
	while ((ref = dump_string("short", 5)))
		assert_string(ref, "short", 5);
	ck_assert_uint_le(dump_header()->used_bytes, MIB);
}
END_TEST

/* --- the end of the file --- */

START_TEST(a_trimmed_file_ends_where_its_chunks_end)
{
	opt.max_dump = 256 * MIB;
	ck_assert(dump_create(path, "app"));
	ck_assert_uint_eq(file_bytes(), 16 * MIB);
	ck_assert_ptr_nonnull(node_chunk(100000));
	dump_trim();
	ck_assert_uint_eq(file_bytes(), dump_header()->used_bytes);
	/* It grows again when something comes late. */
	for (unsigned i = 0; i < 50; i++) {
		struct mp_chunk *chunk = node_chunk(100000);

		ck_assert_ptr_nonnull(chunk);
		memset(chunk + 1, 0, chunk->bytes - sizeof(*chunk));
	}
	ck_assert_uint_ge(file_bytes(), dump_header()->used_bytes);
	dump_trim();
	ck_assert_uint_eq(file_bytes(), dump_header()->used_bytes);
}
END_TEST

/* What has taken the name meanwhile is not ours to change. */
START_TEST(another_file_of_that_name_is_left_alone)
{
	opt.max_dump = 64 * MIB;
	ck_assert(dump_create(path, "app"));
	ck_assert_int_eq(unlink(path), 0);
	unit_write_file(path, "other", 5);
	dump_trim();
	ck_assert_uint_eq(file_bytes(), 5);
	ck_assert_uint_eq(fill(MIB), 15); /* what was held ready, and no more */
	ck_assert_uint_eq(file_bytes(), 5);
	dump_unlink();
	ck_assert_uint_eq(file_bytes(), 5);
	ck_assert(!dump_is_linked());
}
END_TEST

START_TEST(a_dump_that_nobody_needs_is_removed)
{
	ck_assert(dump_create(path, "app"));
	ck_assert(dump_is_linked());
	dump_unlink();
	ck_assert(!dump_is_linked());
	ck_assert_int_eq(access(path, F_OK), -1);
	/* The mapping is still there. */
	ck_assert_ptr_nonnull(node_chunk(5000));
	dump_trim();
	dump_unlink();
}
END_TEST

START_TEST(a_second_dump_starts_anew)
{
	char second[700];

	ck_assert(dump_create(path, "app"));
	ck_assert_uint_ne(dump_string("first", 5), 0);
	snprintf(second, sizeof(second), "%s/second", directory);
	ck_assert(dump_create(second, "app"));
	ck_assert_uint_eq(dump_header()->used_bytes, MP_HEADER_BYTES);
	assert_string(dump_string("second", 6), "second", 6);
	ck_assert_uint_lt(dump_string("third", 5), dump_header()->used_bytes);
}
END_TEST

static void add_names(Suite *suite)
{
	TCase *tcase = tcase_create("names");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, patterns_are_filled_in, 0, (int)UNIT_LENGTH(names));
	tcase_add_test(tcase, a_new_dump_is_valid_and_private);
	tcase_add_test(tcase, no_descriptor_is_kept);
	tcase_add_test(tcase, a_finished_dump_is_replaced);
	tcase_add_test(tcase, an_empty_file_is_replaced);
	tcase_add_test(tcase, a_dump_in_use_keeps_its_name);
	tcase_add_test(tcase, a_file_that_is_no_dump_keeps_its_name);
	tcase_add_test(tcase, a_directory_is_entered);
	tcase_add_test(tcase, a_link_is_neither_followed_nor_replaced);
	tcase_add_test(tcase, a_pipe_keeps_its_name);
	suite_add_tcase(suite, tcase);
}

static void add_limits(Suite *suite)
{
	TCase *tcase = tcase_create("limits");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_cannot_be_made_is_told_with_the_reason);
	tcase_add_test(tcase, a_device_is_refused);
	tcase_add_test(tcase, a_pattern_without_end_is_refused);
	tcase_add_test(tcase, a_directory_of_others_is_refused);
	tcase_add_test(tcase, a_file_limit_below_the_least_is_told);
	tcase_add_test(tcase, a_file_limit_ends_the_growth);
	tcase_add_test(tcase, the_largest_size_ends_the_growth);
	tcase_add_test(tcase, less_is_mapped_under_a_limit_of_address_space);
	tcase_add_test(tcase, a_full_disk_ends_the_growth);
	tcase_add_test(tcase, a_disk_full_from_the_start_is_told);
	suite_add_tcase(suite, tcase);
}

Suite *suite_dump_map(void)
{
	Suite *suite = suite_create("dump_map");
	TCase *tcase = tcase_create("contents");

	/* First, for those who run all tests in one process: after a success, failures are silent. */
	add_limits(suite);
	add_names(suite);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, chunks_are_found_by_the_reader);
	tcase_add_test(tcase, strings_are_kept_whole);
	tcase_add_test(tcase, a_string_without_room_is_none);
	tcase_add_test(tcase, a_trimmed_file_ends_where_its_chunks_end);
	tcase_add_test(tcase, another_file_of_that_name_is_left_alone);
	tcase_add_test(tcase, a_dump_that_nobody_needs_is_removed);
	tcase_add_test(tcase, a_second_dump_starts_anew);
	suite_add_tcase(suite, tcase);
	return suite;
}
