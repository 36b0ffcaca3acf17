/* SPDX-License-Identifier: MIT */
/*
 * Raw system calls. libc's wrappers are not used: they set errno, are cancellation points, or may be interposed by
 * us.
 */
#include "os.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#include "atomic.h"
#include "compiler.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

#ifdef MP_FAULTS
#include "os_faults.h"
#define sys6 kernel
#endif

static inline long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
#else
#error "system calls of this architecture are not known"
#endif
}

#ifdef MP_FAULTS
#undef sys6

/* One byte on descriptor 9 for each call that fails on purpose: so a test knows when there was none left to fail. */
static long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	long error = os_fault(nr);

	if (!error)
		return kernel(nr, a, b, c, d, e, f);
	kernel(__NR_write, 9, (long)"!", 1, 0, 0, 0);
	return error;
}
#endif

/*
 * What system calls are left to us, see os_restrict(). The others then fail here, without the kernel hearing of them.
 */
static uint32_t restricted;

static bool allowed(enum os_restriction least)
{
	return load_relaxed(&restricted) < least;
}

#define SYS0(nr)                   sys6(nr, 0, 0, 0, 0, 0, 0)
#define SYS1(nr, a)                sys6(nr, (long)(a), 0, 0, 0, 0, 0)
#define SYS2(nr, a, b)             sys6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYS3(nr, a, b, c)          sys6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(nr, a, b, c, d)       sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYS6(nr, a, b, c, d, e, f) sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static void *map(size_t bytes, int prot, int flags, int fd)
{
	long p = -EPERM;

	if (allowed(OS_STRICT))
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

void *os_map(size_t bytes)
{
	void *p = map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	if (p) {
		add_relaxed(&mapped_bytes, bytes);
		own_add((uint64_t)p, (uint64_t)p + in_pages(bytes));
	}
	return p;
}

bool os_protect(void *p, size_t bytes, bool access)
{
	return allowed(OS_FILTERED) && SYS3(__NR_mprotect, p, bytes, access ? PROT_READ | PROT_WRITE : PROT_NONE) == 0;
}

bool os_map_over(void *p, size_t bytes)
{
	long r = SYS6(__NR_mmap, p, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	return r >= 0 || r <= -4096;
}

void os_unmap_file(void *p, size_t bytes)
{
	if (allowed(OS_STRICT))
		SYS2(__NR_munmap, p, bytes);
}

static long advise(void *p, size_t bytes, int advice)
{
	return allowed(OS_FILTERED) ? SYS3(__NR_madvise, p, bytes, advice) : -EPERM;
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
 * there are none, and who wants one waits until the fork is over; neither for longer than this, because what it waits
 * for may itself wait for a lock that the other one has.
 */
#define FORK_WAIT_NS 50000u
#define FORK_WAITS   100u

static uint32_t descriptors; /* open, or about to be */
static uint32_t forks;       /* under way */

void os_fork_begins(void)
{
	__atomic_add_fetch(&forks, 1, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; __atomic_load_n(&descriptors, __ATOMIC_SEQ_CST) && i < FORK_WAITS; i++)
		os_sleep_ns(FORK_WAIT_NS);
}

void os_fork_over(bool child)
{
	if (child) {
		forks = 0;
		descriptors = 0;
	} else {
		__atomic_sub_fetch(&forks, 1, __ATOMIC_SEQ_CST);
	}
}

static void descriptor_gone(void)
{
	__atomic_sub_fetch(&descriptors, 1, __ATOMIC_SEQ_CST);
}

static void announce_descriptor(void)
{
	for (unsigned i = 0;; i++) {
		__atomic_add_fetch(&descriptors, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&forks, __ATOMIC_SEQ_CST) || i == FORK_WAITS)
			return;
		descriptor_gone();
		os_sleep_ns(FORK_WAIT_NS);
	}
}

static int open_file(const char *path, int flags, int mode)
{
	int fd;

	if (!allowed(OS_FILTERED))
		return -EPERM;
	announce_descriptor();
	do {
		fd = (int)SYS4(__NR_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
	} while (fd == -EINTR);
	if (fd < 0)
		descriptor_gone();
	return fd;
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

void os_close_inherited(int fd)
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
	return allowed(OS_FILTERED) ? (int)SYS3(__NR_unlinkat, AT_FDCWD, path, 0) : -EPERM;
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

bool os_stat_path(const char *path, struct os_file *ret_file)
{
	struct stat st;

	if (!allowed(OS_FILTERED) || SYS4(__NR_newfstatat, AT_FDCWD, path, &st, 0) < 0)
		return false;
	file_from_stat(&st, ret_file);
	return true;
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

long os_read_plain_file(const char *path, char *buf, size_t bytes)
{
	struct stat st;
	int fd;

	/* Opening a device or a pipe may already do something. */
	if (!allowed(OS_FILTERED) || SYS4(__NR_newfstatat, AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
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
	long n = allowed(OS_FILTERED) ? SYS4(__NR_readlinkat, AT_FDCWD, path, buf, bytes - 1) : -EPERM;

	buf[n < 0 ? 0 : n] = '\0';
	return n;
}

int os_cwd(char *buf, size_t bytes)
{
	int n = allowed(OS_FILTERED) ? (int)SYS2(__NR_getcwd, buf, bytes) : -EPERM;

	if (n <= 0)
		buf[0] = '\0';
	return n;
}

void os_write_stderr(const char *text, size_t bytes)
{
	if (allowed(OS_FILTERED))
		SYS3(__NR_write, 2, text, bytes);
}

bool os_hostname(char *buf, size_t bytes)
{
	struct utsname u;
	size_t n = 0;

	if (!allowed(OS_FILTERED) || SYS1(__NR_uname, &u) < 0)
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

/* --- snapshots --- */

#define SIGNAL_SET_BYTES 8

bool os_may_snapshot(void)
{
	return allowed(OS_FILTERED);
}

long os_snapshot(void)
{
	uint64_t all = ~0ull;
	uint64_t old;
	long pid;

	SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGNAL_SET_BYTES);
	pid = SYS6(__NR_clone, 0, 0, 0, 0, 0, 0); /* no exit signal */
	if (pid)
		SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &old, NULL, SIGNAL_SET_BYTES);
	return pid;
}

#define OWN_CHILD_FLAGS CLONE_VM

/* clone() into BODY on another stack: what returns twice cannot be written in C. */
static long clone_onto(void *stack_end, void (*body)(void))
{
#if defined(__x86_64__)
	long ret;
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "callq *%[body]\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(ret)
			 : "0"((long)__NR_clone), "D"((long)OWN_CHILD_FLAGS), "S"(stack_end), "d"(0l), "r"(r10),
			   "r"(r8), [body] "b"(body)
			 : "rcx", "r11", "memory", "cc");
	return ret;
#else
	register long x8 __asm__("x8") = __NR_clone;
	register long x0 __asm__("x0") = OWN_CHILD_FLAGS;
	register void *x1 __asm__("x1") = stack_end;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;
	register void (*x20)(void) __asm__("x20") = body;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "blr %[body]\n\t"
			 "brk #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), [body] "r"(x20)
			 : "memory", "cc");
	return x0;
#endif
}

long os_borrow(void (*body)(void), void *stack_end)
{
	uint64_t all = ~0ull;
	uint64_t old;
	long pid;

	SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGNAL_SET_BYTES);
	pid = clone_onto((void *)((uint64_t)stack_end & ~(uint64_t)15), body);
	SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &old, NULL, SIGNAL_SET_BYTES);
	return pid;
}

/* Reads a byte; where that faults, on_fault() makes it go on at the second label. */
bool os_try_read(uint64_t address) __attribute__((visibility("hidden")));
extern const char os_read_failed[] __attribute__((visibility("hidden")));
__asm__(".text\n"
	".hidden os_try_read\n"
	".globl os_try_read\n"
	".type os_try_read, @function\n"
	".hidden os_read_failed\n"
	".globl os_read_failed\n"
#if defined(__x86_64__)
	"os_try_read:\n"
	"\tmovb (%rdi), %al\n"
	"\tmovl $1, %eax\n"
	"\tret\n"
	"os_read_failed:\n"
	"\txorl %eax, %eax\n"
	"\tret\n"
#else
	"os_try_read:\n"
	"\tldrb w0, [x0]\n"
	"\tmov w0, #1\n"
	"\tret\n"
	"os_read_failed:\n"
	"\tmov w0, #0\n"
	"\tret\n"
#endif
	".size os_try_read, . - os_try_read\n");

bool os_readable(uint64_t address)
{
	return os_try_read(address);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;

	(void)signal;
	(void)info;
#if defined(__x86_64__)
	if ((uint64_t)m->gregs[REG_RIP] != (uint64_t)os_try_read)
		os_exit(1);
	m->gregs[REG_RIP] = (greg_t)os_read_failed;
#else
	if (m->pc != (uint64_t)os_try_read)
		os_exit(1);
	m->pc = (uint64_t)os_read_failed;
#endif
}

/* What the kernel takes, unlike libc's struct sigaction. */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
#if defined(__x86_64__)
	void (*restorer)(void);
#endif
	uint64_t mask;
};

#if defined(__x86_64__)
#define SIGNAL_RESTORER 0x04000000

void os_signal_return(void) __attribute__((visibility("hidden")));
__asm__(".text\n"
	".hidden os_signal_return\n"
	".globl os_signal_return\n"
	".type os_signal_return, @function\n"
	"os_signal_return:\n"
	"\tmov $15, %eax\n"
	"\tsyscall\n"
	".size os_signal_return, . - os_signal_return\n");
#endif

static void catch_faults(void)
{
	static char alternate[65536];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct kernel_sigaction action = {
		.handler = on_fault,
		.flags = SA_SIGINFO | SA_ONSTACK,
#if defined(__x86_64__)
		.restorer = os_signal_return,
#endif
	};
	uint64_t open = 1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1);

#if defined(__x86_64__)
	action.flags |= SIGNAL_RESTORER;
#endif
	SYS2(__NR_sigaltstack, &stack, NULL);
	SYS4(__NR_rt_sigaction, SIGSEGV, &action, NULL, SIGNAL_SET_BYTES);
	SYS4(__NR_rt_sigaction, SIGBUS, &action, NULL, SIGNAL_SET_BYTES);
	SYS4(__NR_rt_sigprocmask, SIG_UNBLOCK, &open, NULL, SIGNAL_SET_BYTES);
}

void os_snapshot_settle(bool borrows)
{
	static const struct rlimit no_core;
	int fd;

	if (!borrows)
		os_forked();
	SYS2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
	SYS4(__NR_prlimit64, 0, RLIMIT_CORE, &no_core, NULL);
	if (SYS3(__NR_close_range, 0, ~0u, 0) < 0) {
		for (int i = 0; i < 1024; i++)
			SYS1(__NR_close, i);
	}
	/* The score belongs to the memory, and so to all that share it. */
	fd = borrows ? -1 : open_file("/proc/self/oom_score_adj", O_WRONLY, 0);
	if (fd >= 0) {
		SYS3(__NR_write, fd, "1000", 4);
		os_close(fd);
	}
	catch_faults();
}

bool os_snapshot_reap(long child, bool wait)
{
	long r;

	do {
		r = SYS4(__NR_wait4, child, NULL, __WALL | (wait ? 0 : WNOHANG), NULL);
	} while (r == -EINTR);
	return r != 0; /* its id; or an error: somebody else has reaped it */
}

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
	SYS3(__NR_futex, word, FUTEX_WAKE, 1);
}

void os_sleep_ns(uint64_t ns)
{
	struct timespec time = as_timespec(ns);

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
	if (allowed(OS_FILTERED))
		store_relaxed(&last_pid, (uint32_t)SYS0(__NR_getpid));
	return load_relaxed(&last_pid);
}

uint32_t os_parent_pid(void)
{
	return allowed(OS_FILTERED) ? (uint32_t)SYS0(__NR_getppid) : 0;
}

uint32_t os_tid(void)
{
	static uint32_t made_up = OS_TID_MADE_UP;

	return allowed(OS_FILTERED) ? (uint32_t)SYS0(__NR_gettid) : add_relaxed(&made_up, 1);
}

void os_thread_name(char ret_name[16])
{
	char name[16] = "";

	if (allowed(OS_FILTERED))
		SYS2(__NR_prctl, PR_GET_NAME, name);
	name[15] = '\0';
	__builtin_memcpy(ret_name, name, 16);
}

static uint64_t limit(int which)
{
	struct rlimit r;

	if (!allowed(OS_FILTERED) || SYS4(__NR_prlimit64, 0, which, NULL, &r) < 0 || r.rlim_cur == RLIM_INFINITY)
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
	if (allowed(OS_FILTERED))
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
		if (allowed(OS_STRICT))
			SYS4(__NR_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, NULL);
	}
}

void os_unlock(struct os_lock *lock)
{
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2 && allowed(OS_STRICT))
		SYS3(__NR_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1);
}

void os_restrict(enum os_restriction restriction)
{
	os_pid();
	if (allowed(restriction))
		store_relaxed(&restricted, (uint32_t)restriction);
}
