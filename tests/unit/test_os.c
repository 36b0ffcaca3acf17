/* SPDX-License-Identifier: MIT */
/* Unit tests of os: what the raw system calls say, compared with libc's. */
#include "os.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload_doubles.h"
#include "unit_util.h"

Suite *suite_os(void);

static char directory[512];
static char path[600];

static void setup(void)
{
	unit_make_directory(directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/file", directory);
	errno = 12345;
}

static void teardown(void)
{
	unit_remove_directory(directory);
}

/* Of all that these tests make, whatever became of it. */
static void assert_errno_untouched(void)
{
	ck_assert_int_eq(errno, 12345);
}

START_TEST(mapped_memory_is_zero_and_writable)
{
	unsigned char *p = os_map(100000);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < 100000; i++)
		ck_assert_uint_eq(p[i], 0);
	memset(p, 1, 100000);
	os_unmap(p, 100000);
	ck_assert_ptr_null(os_map((size_t)1 << 60));
	assert_errno_untouched();
}
END_TEST

START_TEST(wiped_memory_is_zero_in_a_child)
{
	uint32_t *wiped = os_map_wiped_on_fork(8192);
	uint32_t *kept = os_map(8192);
	pid_t child;
	int status;

	ck_assert(wiped && kept);
	wiped[0] = 1;
	wiped[2000] = 2;
	kept[0] = 3;
	child = fork();
	if (child == 0)
		_exit(wiped[0] == 0 && wiped[2000] == 0 && kept[0] == 3 ? 0 : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(wiped[0], 1);
	ck_assert_uint_eq(wiped[2000], 2);
	ck_assert_ptr_null(os_map_wiped_on_fork((size_t)1 << 60));
	os_unmap(wiped, 8192);
	os_unmap(kept, 8192);
}
END_TEST

START_TEST(files_are_made_new_and_private)
{
	struct stat st;
	mode_t mask = umask(0);
	int fd = os_create(path);

	umask(mask);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(os_create(path), -EEXIST);
	os_close(fd);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	errno = 12345;

	ck_assert_int_eq(os_unlink(path), 0);
	ck_assert_int_eq(os_unlink(path), -ENOENT);
	ck_assert_int_eq(os_create("/proc/no/such"), -ENOENT);
	assert_errno_untouched();
}
END_TEST

START_TEST(links_are_not_followed_where_we_write)
{
	char link_path[700];
	int fd;

	unit_write_file(path, "precious", 8);
	snprintf(link_path, sizeof(link_path), "%s/link", directory);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_eq(os_create(link_path), -EEXIST);
	ck_assert_int_eq(os_open_rw(link_path), -ELOOP);
	fd = os_open_read(link_path);
	ck_assert_int_ge(fd, 0);
	os_close(fd);
	ck_assert_int_eq(os_unlink(link_path), 0);
	ck_assert_int_eq(access(path, F_OK), 0);

	/* Where the target does not exist, none is made. */
	unlink(path);
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_eq(os_create(link_path), -EEXIST);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(files_are_read_as_far_as_there_is_room)
{
	char buf[16];

	unit_write_file(path, "0123456789", 10);
	ck_assert_int_eq(os_read_file(path, buf, sizeof(buf)), 10);
	ck_assert_str_eq(buf, "0123456789");
	ck_assert_int_eq(os_read_file(path, buf, 11), 10);
	ck_assert_str_eq(buf, "0123456789");
	ck_assert_int_eq(os_read_file(path, buf, 10), 9);
	ck_assert_str_eq(buf, "012345678");
	ck_assert_int_eq(os_read_file(path, buf, 1), 0);
	ck_assert_str_eq(buf, "");
	strcpy(buf, "old");
	ck_assert_int_eq(os_read_file("/no/such", buf, sizeof(buf)), -ENOENT);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(os_read_file(directory, buf, sizeof(buf)), 0);
	/* Files of /proc come in pieces. */
	char maps[65536];
	ck_assert_int_gt(os_read_file("/proc/self/maps", maps, sizeof(maps)), 4096);
}
END_TEST

/* A name in a directory that others may write to can be anything by now, and must not make us wait. */
START_TEST(only_plain_files_are_read_where_others_may_write)
{
	char link_path[700];
	char buf[16];

	snprintf(link_path, sizeof(link_path), "%s/link", directory);
	unit_write_file(path, "0123456789", 10);
	ck_assert_int_eq(os_read_plain_file(path, buf, sizeof(buf)), 10);
	ck_assert_str_eq(buf, "0123456789");
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_lt(os_read_plain_file(link_path, buf, sizeof(buf)), 0);
	unlink(link_path);
	ck_assert_int_eq(mkfifo(link_path, 0600), 0);
	ck_assert_int_lt(os_read_plain_file(link_path, buf, sizeof(buf)), 0);
	unlink(link_path);
	ck_assert_int_lt(os_read_plain_file("/dev/zero", buf, sizeof(buf)), 0);
	ck_assert_int_lt(os_read_plain_file(directory, buf, sizeof(buf)), 0);
}
END_TEST

START_TEST(memory_in_the_place_of_other_memory)
{
	char *p = os_map(8192);

	ck_assert_ptr_nonnull(p);
	memset(p, 1, 8192);
	ck_assert(os_map_over(p, 4096));
	ck_assert_int_eq(p[0], 0);
	ck_assert_int_eq(p[4095], 0);
	ck_assert_int_eq(p[4096], 1);
	p[0] = 2;
	ck_assert(!os_map_over(p + 1, 4096));
	ck_assert_int_eq(p[0], 2);
	os_unmap(p, 8192);
}
END_TEST

START_TEST(files_are_described_and_sized)
{
	struct os_file file;
	struct stat st;
	int fd = os_create(path);

	ck_assert_int_eq(os_truncate(fd, 5000), 0);
	ck_assert_int_eq(os_allocate(fd, 0, 4096), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	for (int by_path = 0; by_path < 2; by_path++) {
		ck_assert(by_path ? os_stat_path(path, &file) : os_stat(fd, &file));
		ck_assert_uint_eq(file.device, st.st_dev);
		ck_assert_uint_eq(file.inode, st.st_ino);
		ck_assert_uint_eq(file.bytes, 5000);
		ck_assert_uint_eq(file.mtime_ns,
				  (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec);
	}
	os_close(fd);
	errno = 12345;
	ck_assert(!os_stat(fd, &file));
	ck_assert(!os_stat_path("/no/such", &file));
	ck_assert_int_eq(os_truncate(fd, 1), -EBADF);
	ck_assert_int_eq(os_allocate(fd, 0, 1), -EBADF);
	ck_assert_ptr_null(os_map_file(fd, 4096));
	assert_errno_untouched();
}
END_TEST

START_TEST(shared_mappings_reach_the_file)
{
	const size_t bytes = 4 << 20;
	int fd = os_create(path);
	char buf[8];
	char *p;

	ck_assert_int_eq(os_truncate(fd, bytes), 0);
	p = os_map_file(fd, bytes);
	ck_assert_ptr_nonnull(p);
	if (os_populate(p, 8192) == 0) {
		memcpy(p, "shared", 6);
		ck_assert_int_eq(os_read_file(path, buf, 7), 6);
		ck_assert_str_eq(buf, "shared");
	}
	/* Past the end of the file: an answer, not SIGBUS. Well past it: pages may be mapped several at a time. */
	ck_assert_int_eq(os_truncate(fd, 4096), 0);
	ck_assert_int_lt(os_populate(p + bytes / 2, 4096), 0);
	os_unmap(p, bytes);
	os_close(fd);
	assert_errno_untouched();
}
END_TEST

START_TEST(the_process_is_the_one_that_libc_knows)
{
	char ours[4096];
	char theirs[4096];
	struct rlimit limit;

	ck_assert_uint_eq(os_pid(), (uint32_t)getpid());
	ck_assert_uint_eq(os_parent_pid(), (uint32_t)getppid());
	ck_assert_uint_eq(os_tid(), (uint32_t)syscall(SYS_gettid));

	ck_assert(os_hostname(ours, sizeof(ours)));
	ck_assert_int_eq(gethostname(theirs, sizeof(theirs)), 0);
	ck_assert_str_eq(ours, theirs);
	ck_assert(os_hostname(ours, 2));
	ck_assert_uint_eq(strlen(ours), strlen(theirs) ? 1 : 0);

	ck_assert_int_gt(os_cwd(ours, sizeof(ours)), 0);
	ck_assert_ptr_nonnull(getcwd(theirs, sizeof(theirs)));
	ck_assert_str_eq(ours, theirs);
	ck_assert_int_eq(os_cwd(ours, 1), -ERANGE);
	ck_assert_str_eq(ours, "");

	theirs[readlink("/proc/self/exe", theirs, sizeof(theirs) - 1)] = '\0';
	ck_assert_int_eq(os_readlink("/proc/self/exe", ours, sizeof(ours)), (long)strlen(theirs));
	ck_assert_str_eq(ours, theirs);
	ck_assert_int_eq(os_readlink("/proc/self/exe", ours, 5), 4);
	ck_assert_uint_eq(strlen(ours), 4);
	ck_assert_int_eq(os_readlink("/no/such", ours, sizeof(ours)), -ENOENT);
	ck_assert_str_eq(ours, "");

	prctl(PR_SET_NAME, "fifteen letters and more");
	os_thread_name(ours);
	ck_assert_str_eq(ours, "fifteen letters");
	prctl(PR_SET_NAME, "x");
	os_thread_name(ours);
	for (size_t i = 1; i < 16; i++)
		ck_assert_int_eq(ours[i], 0);

	ck_assert_int_eq(getrlimit(RLIMIT_STACK, &limit), 0);
	ck_assert_uint_eq(os_limit_stack_bytes(), limit.rlim_cur);
}
END_TEST

static void limit_file_size(const void *data)
{
	struct rlimit limit = { *(const rlim_t *)data, RLIM_INFINITY };

	setrlimit(RLIMIT_FSIZE, &limit);
	dprintf(2, "%llx", (unsigned long long)os_limit_file_bytes());
}

START_TEST(limits_are_told)
{
	rlim_t bytes = 0x123456;

	ck_assert_str_eq(preload_stderr(limit_file_size, &bytes), "123456");
	bytes = RLIM_INFINITY;
	ck_assert_str_eq(preload_stderr(limit_file_size, &bytes), "ffffffffffffffff");
}
END_TEST

static void say_and_exit(const void *data)
{
	os_write_stderr(data, strlen(data));
	os_exit(0);
	_exit(1);
}

START_TEST(text_goes_to_descriptor_2)
{
	ck_assert_str_eq(preload_stderr(say_and_exit, "said\n"), "said\n");
}
END_TEST

START_TEST(clocks_are_those_of_libc)
{
	struct timespec ts;
	uint64_t before = os_now_ns();

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ck_assert_uint_ge((uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec, before);
	ck_assert_uint_ge(os_now_ns(), (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
	clock_gettime(CLOCK_REALTIME, &ts);
	ck_assert_uint_le(os_realtime_ns() / 1000000000 - (uint64_t)ts.tv_sec, 60);
}
END_TEST

#define TURNS 50000

static struct os_lock lock;
static uint64_t shared;
static bool inside;
static unsigned intruders;

static void *take_turns(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < TURNS; i++) {
		if (i % 4 || !os_trylock(&lock))
			os_lock(&lock);
		intruders += inside;
		inside = true;
		shared++;
		/* Now and then long enough for the others to go to sleep. */
		if (i % 512 == 0)
			os_yield();
		inside = false;
		os_unlock(&lock);
	}
	return NULL;
}

static void open_and_die(void)
{
	for (;;)
		os_exit(os_open_read("/dev/null") < 0);
}

static long switches(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_nvcsw;
}

/* A fork sleeps again and again while descriptors are open: not for those of a child that is gone. */
START_TEST(a_borrower_that_died_keeps_no_fork_waiting)
{
	const size_t stack_bytes = 256 << 10;
	char *stack = os_map(stack_bytes);
	long child = os_borrow(open_and_die, stack + stack_bytes);
	long before;

	ck_assert_int_gt(child, 0);
	ck_assert(os_snapshot_reap(child, true));
	os_borrower_died();
	before = switches();
	os_fork_begins(/*in_hook=*/false);
	os_fork_over(false);
	ck_assert_int_lt(switches() - before, 50);
	os_unmap(stack, stack_bytes);
}
END_TEST

START_TEST(a_lock_is_held_by_one_thread)
{
	pthread_t threads[4];

	shared = 0;
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_turns, NULL), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(shared, 4 * TURNS);
	ck_assert_uint_eq(intruders, 0);
	ck_assert_uint_eq(lock.word, 0);
	ck_assert(os_trylock(&lock));
	ck_assert(!os_trylock(&lock));
	os_unlock(&lock);
}
END_TEST

Suite *suite_os(void)
{
	Suite *suite = suite_create("os");
	TCase *tcase = tcase_create("os");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, mapped_memory_is_zero_and_writable);
	tcase_add_test(tcase, wiped_memory_is_zero_in_a_child);
	tcase_add_test(tcase, files_are_made_new_and_private);
	tcase_add_test(tcase, links_are_not_followed_where_we_write);
	tcase_add_test(tcase, files_are_read_as_far_as_there_is_room);
	tcase_add_test(tcase, only_plain_files_are_read_where_others_may_write);
	tcase_add_test(tcase, memory_in_the_place_of_other_memory);
	tcase_add_test(tcase, files_are_described_and_sized);
	tcase_add_test(tcase, shared_mappings_reach_the_file);
	tcase_add_test(tcase, the_process_is_the_one_that_libc_knows);
	tcase_add_test(tcase, limits_are_told);
	tcase_add_test(tcase, text_goes_to_descriptor_2);
	tcase_add_test(tcase, clocks_are_those_of_libc);
	tcase_add_test(tcase, a_borrower_that_died_keeps_no_fork_waiting);
	tcase_add_test(tcase, a_lock_is_held_by_one_thread);
	suite_add_tcase(suite, tcase);
	return suite;
}
