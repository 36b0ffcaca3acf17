/* SPDX-License-Identifier: MIT */
/* Memory, files, clocks, locks and what else the rest asks the kernel for, by raw system calls. */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "atomic.h"
#include "compiler.h"
#include "os_syscall.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

/*
 * What system calls are left to us, see os_restrict(). The others then fail here, without the kernel hearing of them.
 */
static uint32_t restricted;

bool os_allowed(enum os_restriction least)
{
	return load_relaxed(&restricted) < least;
}

static void *map(size_t bytes, int prot, int flags, int fd)
{
	long p = -EPERM;

	if (os_allowed(OS_STRICT))
		p = SYS6(__NR_mmap, NULL, bytes, prot, flags, fd, 0);
	return p < 0 && p > -4096 ? NULL : (void *)p;
}

static uint64_t mapped_bytes;

uint64_t os_mapped_bytes(void)
{
	return load_relaxed(&mapped_bytes);
}

/* --- what is ours, so that a search of the program's memory leaves it out --- */

#define OWN_MAX 4096u

static struct os_range own[OWN_MAX];
static uint32_t own_count;
static struct os_lock own_lock;

const struct os_range *os_own_ranges(uint32_t *ret_count)
{
	*ret_count = load_acquire(&own_count);
	return own;
}

void os_forked(void)
{
	own_lock.word = 0;
}

static void own_add(uint64_t start, uint64_t end)
{
	os_lock(&own_lock);
	for (uint32_t i = own_count; i-- > 0;) {
		if (own[i].start != end && own[i].end != start)
			continue;
		if (own[i].start == end)
			store_relaxed(&own[i].start, start);
		else
			store_relaxed(&own[i].end, end);
		os_unlock(&own_lock);
		return;
	}
	if (own_count < OWN_MAX) {
		own[own_count] = (struct os_range){ start, end };
		store_release(&own_count, own_count + 1);
	}
	os_unlock(&own_lock);
}

static void own_remove(uint64_t start, uint64_t end)
{
	os_lock(&own_lock);
	for (uint32_t i = 0; i < own_count; i++) {
		struct os_range r = own[i];

		if (start < r.start || end > r.end)
			continue;
		if (start == r.start) {
			store_relaxed(&own[i].start, end);
		} else {
			store_relaxed(&own[i].end, start);
			if (end < r.end && own_count < OWN_MAX) {
				own[own_count] = (struct os_range){ end, r.end };
				store_release(&own_count, own_count + 1);
			}
		}
		if (own[i].start == own[i].end) {
			own[i] = own[own_count - 1];
			store_release(&own_count, own_count - 1);
		}
		break;
	}
	os_unlock(&own_lock);
}

static uint64_t in_pages(size_t bytes)
{
	return (bytes + 4095) & ~(uint64_t)4095;
}

static void *map_private(size_t bytes, int flags)
{
	void *p = map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1);

	if (p) {
		add_relaxed(&mapped_bytes, bytes);
		own_add((uint64_t)p, (uint64_t)p + in_pages(bytes));
	}
	return p;
}

void *os_map(size_t bytes)
{
	return map_private(bytes, 0);
}

void *os_map_filled(size_t bytes)
{
	return map_private(bytes, MAP_POPULATE);
}

bool os_protect(void *p, size_t bytes, bool access)
{
	return os_allowed(OS_FILTERED) &&
	       SYS3(__NR_mprotect, p, bytes, access ? PROT_READ | PROT_WRITE : PROT_NONE) == 0;
}

bool os_map_over(void *p, size_t bytes)
{
	long r = SYS6(__NR_mmap, p, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return r >= 0 || r <= -4096;
}

void os_unmap_file(void *p, size_t bytes)
{
	if (os_allowed(OS_STRICT))
		SYS2(__NR_munmap, p, bytes);
}

static long advise(void *p, size_t bytes, int advice)
{
	return os_allowed(OS_FILTERED) ? SYS3(__NR_madvise, p, bytes, advice) : -EPERM;
}

void os_unmap(void *p, size_t bytes)
{
	own_remove((uint64_t)p, (uint64_t)p + in_pages(bytes));
	os_unmap_file(p, bytes);
	add_relaxed(&mapped_bytes, -(uint64_t)bytes);
}

void *os_map_huge(size_t bytes)
{
	char *p = os_map(bytes + OS_HUGE_PAGE);
	size_t before;

	if (!p)
		return NULL;
	before = -(size_t)p & (OS_HUGE_PAGE - 1);
	if (before)
		os_unmap(p, before);
	os_unmap(p + before + bytes, OS_HUGE_PAGE - before);
	advise(p + before, bytes, MADV_HUGEPAGE);
	return p + before;
}

void *os_map_wiped_on_fork(size_t bytes)
{
	void *p = os_map(bytes);

	if (p && advise(p, bytes, MADV_WIPEONFORK) < 0) {
		os_unmap(p, bytes);
		return NULL;
	}
	return p;
}

void *os_map_file(int fd, size_t bytes)
{
	void *p = map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

	/* Otherwise the first touch of a page reads the holes behind it ahead, for megabytes. */
	if (p)
		advise(p, bytes, MADV_RANDOM);
	return p;
}

int os_populate(void *p, size_t bytes)
{
	int r;

	do {
		r = (int)advise(p, bytes, MADV_POPULATE_WRITE);
	} while (r == -EINTR || r == -EAGAIN);
	return r;
}

/*
 * --- descriptors ---
 *
 * They are open for microseconds, but a child of another thread's fork would have them for good. So a fork waits until
 * there are none, and who wants one waits until the fork is over, if it cannot do without; neither for ever, because
 * what it waits for may itself wait for a lock that the other one has. The program's locks, or those of libc, may be
 * held by who wants a descriptor; those of ours that who has one may want can be held by who forks in a hook only. A
 * thread that gets no processor, or is being debugged, may well keep a descriptor for some tenths of a second; one that
 * was cancelled in a hook, or has left it by longjmp, keeps it for ever, and only one fork waits for that.
 */
#define FORK_WAIT_NS             50000u
#define DESCRIPTOR_WAIT_MAX_NS   20000000u
#define FORK_WAIT_MAX_NS         500000000u
#define FORK_WAIT_MAX_IN_HOOK_NS 5000000u

static uint32_t descriptors; /* open, or about to be */
static uint32_t abandoned;   /* of these, so many were waited for in vain */
static uint32_t forks;       /* under way */

void os_fork_begins(bool in_hook)
{
	uint64_t max_ns = in_hook ? FORK_WAIT_MAX_IN_HOOK_NS : FORK_WAIT_MAX_NS;
	uint64_t start_ns = 0;
	uint32_t open;

	__atomic_add_fetch(&forks, 1, __ATOMIC_SEQ_CST);
	while ((open = __atomic_load_n(&descriptors, __ATOMIC_SEQ_CST)) > load_relaxed(&abandoned)) {
		uint64_t now_ns = os_now_ns();

		if (!start_ns)
			start_ns = now_ns;
		if (now_ns - start_ns > max_ns) {
			if (!in_hook)
				store_relaxed(&abandoned, open);
			return;
		}
		os_sleep_ns(FORK_WAIT_NS);
	}
}

void os_fork_over(bool child)
{
	if (child) {
		forks = 0;
		descriptors = 0;
		abandoned = 0;
	} else {
		__atomic_sub_fetch(&forks, 1, __ATOMIC_SEQ_CST);
	}
}

void os_borrower_died(void)
{
	own_lock.word = 0;
	descriptors = 0;
	abandoned = 0;
}

/* In a child, a hook that a fork interrupted may close what is not counted any more. */
static void descriptor_gone(void)
{
	uint32_t open = load_relaxed(&descriptors);

	while (open && !__atomic_compare_exchange_n(&descriptors, &open, open - 1, /*weak=*/true, __ATOMIC_SEQ_CST,
						    __ATOMIC_RELAXED))
		;
	if (open && load_relaxed(&abandoned) > open - 1)
		store_relaxed(&abandoned, open - 1);
}

/* Waits for a fork under way, but not for longer than that. false: it is not over. */
static bool announce_descriptor(uint64_t max_ns)
{
	uint64_t start_ns = 0;

	for (;;) {
		uint64_t now_ns;

		__atomic_add_fetch(&descriptors, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&forks, __ATOMIC_SEQ_CST))
			return true;
		now_ns = os_now_ns();
		if (!start_ns)
			start_ns = now_ns;
		if (now_ns - start_ns >= max_ns)
			return false; /* announced nevertheless */
		descriptor_gone();
		os_sleep_ns(FORK_WAIT_NS);
	}
}

static int open_announced(const char *path, int flags, int mode)
{
	int fd;

	do {
		fd = (int)SYS4(__NR_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
	} while (fd == -EINTR);
	if (fd < 0)
		descriptor_gone();
	return fd;
}

static int open_file(const char *path, int flags, int mode)
{
	if (!os_allowed(OS_FILTERED))
		return -EPERM;
	announce_descriptor(DESCRIPTOR_WAIT_MAX_NS);
	return open_announced(path, flags, mode);
}

int os_create(const char *path)
{
	return open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

int os_open_rw(const char *path)
{
	return open_file(path, O_RDWR | O_NOFOLLOW, 0);
}

int os_open_read(const char *path)
{
	return open_file(path, O_RDONLY, 0);
}

int os_open_directory(const char *path)
{
	return open_file(path, O_RDONLY | O_DIRECTORY, 0);
}

void os_close_foreign(int fd)
{
	SYS1(__NR_close, fd);
}

void os_close(int fd)
{
	SYS1(__NR_close, fd);
	descriptor_gone();
}

int os_unlink(const char *path)
{
	return os_allowed(OS_FILTERED) ? (int)SYS3(__NR_unlinkat, AT_FDCWD, path, 0) : -EPERM;
}

int os_truncate(int fd, uint64_t bytes)
{
	return (int)SYS2(__NR_ftruncate, fd, bytes);
}

int os_allocate(int fd, uint64_t offset, uint64_t bytes)
{
	return (int)SYS4(__NR_fallocate, fd, 0, offset, bytes);
}

long os_read(int fd, void *buf, size_t bytes)
{
	long n;

	do {
		n = SYS3(__NR_read, fd, buf, bytes);
	} while (n == -EINTR);
	return n;
}

static void file_from_stat(const struct stat *st, struct os_file *ret_file)
{
	ret_file->device = st->st_dev;
	ret_file->inode = st->st_ino;
	ret_file->bytes = (uint64_t)st->st_size;
	ret_file->mtime_ns = (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec;
}

bool os_stat(int fd, struct os_file *ret_file)
{
	struct stat st;

	if (SYS2(__NR_fstat, fd, &st) < 0)
		return false;
	file_from_stat(&st, ret_file);
	return true;
}

static bool stat_path(const char *path, struct stat *st)
{
	return os_allowed(OS_FILTERED) && SYS4(__NR_newfstatat, AT_FDCWD, path, st, 0) >= 0;
}

bool os_stat_path(const char *path, struct os_file *ret_file)
{
	struct stat st;

	if (!stat_path(path, &st))
		return false;
	file_from_stat(&st, ret_file);
	return true;
}

bool os_is_directory(const char *path)
{
	struct stat st;

	return stat_path(path, &st) && S_ISDIR(st.st_mode);
}

bool os_is_device(const char *path)
{
	struct stat st;

	return stat_path(path, &st) && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode));
}

static long read_whole(int fd, char *buf, size_t bytes)
{
	size_t have = 0;

	while (have + 1 < bytes) {
		long n = os_read(fd, buf + have, bytes - 1 - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	buf[have] = '\0';
	os_close(fd);
	return (long)have;
}

long os_read_file(const char *path, char *buf, size_t bytes)
{
	int fd = os_open_read(path);

	buf[0] = '\0';
	return fd < 0 ? fd : read_whole(fd, buf, bytes);
}

long os_read_file_unless_forking(const char *path, char *buf, size_t bytes)
{
	int fd = -EPERM;

	buf[0] = '\0';
	if (!os_allowed(OS_FILTERED))
		return fd;
	if (announce_descriptor(0)) {
		fd = open_announced(path, O_RDONLY, 0);
	} else {
		descriptor_gone();
		fd = -EAGAIN;
	}
	return fd < 0 ? fd : read_whole(fd, buf, bytes);
}

long os_read_plain_file(const char *path, char *buf, size_t bytes)
{
	struct stat st;
	int fd;

	/* Opening a device or a pipe may already do something. */
	if (!os_allowed(OS_FILTERED) || SYS4(__NR_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return -EINVAL;
	/* Who may write to the directory may put one into its place now. */
	fd = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	if (SYS2(__NR_fstat, fd, &st) == 0 && S_ISREG(st.st_mode))
		return read_whole(fd, buf, bytes);
	os_close(fd);
	return -EINVAL;
}

long os_readlink(const char *path, char *buf, size_t bytes)
{
	long n = os_allowed(OS_FILTERED) ? SYS4(__NR_readlinkat, AT_FDCWD, path, buf, bytes - 1) : -EPERM;

	buf[n < 0 ? 0 : n] = '\0';
	return n;
}

int os_cwd(char *buf, size_t bytes)
{
	int n = os_allowed(OS_FILTERED) ? (int)SYS2(__NR_getcwd, buf, bytes) : -EPERM;

	if (n <= 0)
		buf[0] = '\0';
	return n;
}

void os_write_stderr(const char *text, size_t bytes)
{
	if (os_allowed(OS_FILTERED))
		SYS3(__NR_write, 2, text, bytes);
}

bool os_hostname(char *buf, size_t bytes)
{
	struct utsname u;
	size_t n = 0;

	if (!os_allowed(OS_FILTERED) || SYS1(__NR_uname, &u) < 0)
		return false;
	for (; u.nodename[n] && n + 1 < bytes && n < sizeof(u.nodename); n++)
		buf[n] = u.nodename[n];
	buf[n] = '\0';
	return true;
}

void os_exit(int status)
{
	SYS1(__NR_exit_group, status);
}

/* --- memory shared with children --- */

void *os_map_shared(size_t bytes)
{
	void *p = map(bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	if (p)
		own_add((uint64_t)p, (uint64_t)p + in_pages(bytes));
	return p;
}

void os_unmap_shared(void *p, size_t bytes)
{
	own_remove((uint64_t)p, (uint64_t)p + in_pages(bytes));
	SYS2(__NR_munmap, p, bytes);
}

static struct timespec as_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
}

void os_wait_shared(uint32_t *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec timeout = as_timespec(timeout_ns);

	SYS4(__NR_futex, word, FUTEX_WAIT, value, &timeout);
}

void os_wake_shared(uint32_t *word)
{
	if (os_allowed(OS_STRICT))
		SYS3(__NR_futex, word, FUTEX_WAKE, 1);
}

void os_sleep_ns(uint64_t ns)
{
	struct timespec time = as_timespec(ns);

	if (!os_allowed(OS_FILTERED))
		return;
	while (SYS2(__NR_nanosleep, &time, &time) == -EINTR)
		;
}

long os_pread(int fd, void *buf, size_t bytes, uint64_t offset)
{
	return SYS4(__NR_pread64, fd, buf, bytes, offset);
}

long os_list(int fd, void *buf, size_t bytes)
{
	return SYS3(__NR_getdents64, fd, buf, bytes);
}

bool os_resident(uint64_t address, uint64_t bytes, uint8_t *ret)
{
	return SYS3(__NR_mincore, address, bytes, ret) == 0;
}

static uint32_t last_pid;

uint32_t os_pid(void)
{
	if (os_allowed(OS_FILTERED))
		store_relaxed(&last_pid, (uint32_t)SYS0(__NR_getpid));
	return load_relaxed(&last_pid);
}

uint32_t os_parent_pid(void)
{
	return os_allowed(OS_FILTERED) ? (uint32_t)SYS0(__NR_getppid) : 0;
}

uint32_t os_tid(void)
{
	static uint32_t made_up = OS_TID_MADE_UP;

	return os_allowed(OS_FILTERED) ? (uint32_t)SYS0(__NR_gettid) : add_relaxed(&made_up, 1);
}

void os_thread_name(char ret_name[16])
{
	char name[16] = "";

	if (os_allowed(OS_FILTERED))
		SYS2(__NR_prctl, PR_GET_NAME, name);
	name[15] = '\0';
	__builtin_memcpy(ret_name, name, 16);
}

long os_prctl(int option, const unsigned long a[4])
{
	return SYS6(__NR_prctl, option, a[0], a[1], a[2], a[3], 0);
}

static uint64_t limit(int which)
{
	struct rlimit r;

	if (!os_allowed(OS_FILTERED) || SYS4(__NR_prlimit64, 0, which, NULL, &r) < 0 || r.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return r.rlim_cur;
}

uint64_t os_limit_file_bytes(void)
{
	return limit(RLIMIT_FSIZE);
}

uint64_t os_limit_stack_bytes(void)
{
	return limit(RLIMIT_STACK);
}

void os_yield(void)
{
	if (os_allowed(OS_FILTERED))
		SYS0(__NR_sched_yield);
}

/* clock_gettime never allocates, locks or fails for these clocks; with valid arguments it leaves errno alone. */
static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t os_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t os_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t os_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

bool os_trylock(struct os_lock *lock)
{
	uint32_t free = 0;

	return cas_acquire(&lock->word, &free, 1);
}

void os_lock(struct os_lock *lock)
{
	/* Sections are shorter than a microsecond, so a short spin nearly always suffices. */
	for (int i = 0; i < 100; i++) {
		if (os_trylock(lock))
			return;
		cpu_relax();
	}
	while (exchange_acquire(&lock->word, 2) != 0) {
		if (os_allowed(OS_STRICT))
			SYS4(__NR_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, NULL);
	}
}

void os_unlock(struct os_lock *lock)
{
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2 && os_allowed(OS_STRICT))
		SYS3(__NR_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1);
}

void os_restrict(enum os_restriction restriction)
{
	os_pid();
	if (os_allowed(restriction))
		store_relaxed(&restricted, (uint32_t)restriction);
}
