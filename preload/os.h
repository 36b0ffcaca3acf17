/* SPDX-License-Identifier: MIT */
/* The only place of the preload that enters the kernel: raw system calls, named by intent; errno is never touched. */
#ifndef MP_OS_H
#define MP_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All functions: any context, async-signal-safe. int results are >= 0, or a negative errno value. */

/*
 * Programs that shut themselves into a seccomp filter are killed for a system call that it does not know, also for one
 * of ours. So they are told of it beforehand, and from then on the functions here do without: they fail as the kernel
 * could make them fail, os_pid() keeps its last answer and os_tid() makes one up.
 */
enum os_restriction {
	OS_FILTERED = 1, /* only mmap, munmap and futex, which allocators and threads cannot do without */
	OS_STRICT = 2,   /* none at all */
};
void os_restrict(enum os_restriction restriction);
#define OS_TID_MADE_UP 0x80000000u /* and what follows; no kernel gives out such numbers */

/* Private zeroed memory, rounded up to pages. NULL: none to be had. */
void *os_map(size_t bytes);
/* The same for what will be touched all over at once: a fault for each page costs more than all pages together. */
void *os_map_filled(size_t bytes);
void os_unmap(void *p, size_t bytes);
/*
 * The ranges that os_map and its kin hold, in no order; *ret_count of them, more than fit are not listed. They may
 * change meanwhile.
 */
struct os_range {
	uint64_t start;
	uint64_t end;
};
const struct os_range *os_own_ranges(uint32_t *ret_count);
void os_forked(void); /* in a child: no thread of the parent is inside of os_map() here */
/* Address space that os_map and its kin hold now, bytes; what was never touched counts too. */
uint64_t os_mapped_bytes(void);
/*
 * Like os_map, at a multiple of OS_HUGE_PAGE and with huge pages where the kernel has any. BYTES: a multiple of it
 * too.
 */
#define OS_HUGE_PAGE (2u << 20)
void *os_map_huge(size_t bytes);
/* Private zeroed memory that reads as zero again in a fork child. NULL: none to be had, or the kernel cannot do it. */
void *os_map_wiped_on_fork(size_t bytes);
/* Shared mapping of FD; address space only, no page is touched. */
void *os_map_file(int fd, size_t bytes);
void os_unmap_file(void *p, size_t bytes);
/* Whether the pages may be read and written, or not at all. false: as before. */
bool os_protect(void *p, size_t bytes, bool access);
/* Private zeroed memory in the place of what is mapped there. false: none to be had, and all is as before. */
bool os_map_over(void *p, size_t bytes);
/*
 * Makes the pages present and writable, with space behind them: -EFAULT when the file system is full (never SIGBUS),
 * -EINVAL on kernels before 5.14.
 */
int os_populate(void *p, size_t bytes);

int os_create(const char *path);  /* new, read-write, mode 0600, never through a symbolic link */
int os_open_rw(const char *path); /* existing, never through a symbolic link */
int os_open_read(const char *path);
int os_open_directory(const char *path);
void os_close(int fd);
void os_close_foreign(int fd); /* one that was not opened here: libunwind's, or in a child its parent's */
/* Before a fork: waits a little until no thread has a descriptor open in here; and after it, in both processes. */
void os_fork_begins(bool in_hook);
void os_fork_over(bool child);
int os_unlink(const char *path);
int os_truncate(int fd, uint64_t bytes);
int os_allocate(int fd, uint64_t offset, uint64_t bytes);
long os_read(int fd, void *buf, size_t bytes);
/* Device and inode number, size and modification time; false on any error. */
struct os_file {
	uint64_t device;
	uint64_t inode;
	uint64_t bytes;
	uint64_t mtime_ns;
};
bool os_stat(int fd, struct os_file *ret_file);
bool os_stat_path(const char *path, struct os_file *ret_file);
bool os_is_directory(const char *path);
bool os_is_device(const char *path);
/* Reads a small file whole (as in /proc); returns the bytes read, always 0-terminated, or a negative errno value. */
long os_read_file(const char *path, char *buf, size_t bytes);
/* The same for what can be done without; -EAGAIN while another thread forks. */
long os_read_file_unless_forking(const char *path, char *buf, size_t bytes);
/* The same of a file in a directory that others may write to: no link, device or pipe; never waits for anybody. */
long os_read_plain_file(const char *path, char *buf, size_t bytes);
long os_readlink(const char *path, char *buf, size_t bytes);
int os_cwd(char *buf, size_t bytes);
void os_write_stderr(const char *text, size_t bytes);

bool os_hostname(char *buf, size_t bytes);
void os_exit(int status); /* of the whole process, at once */

/*
 * A snapshot: a child process with a copy of all private memory, made without any handler of the program's and without
 * any signal to it, of which a plain wait() sees nothing. Returns 0 in the child, the child's id, or a negative errno
 * value; signals are blocked in the child from its first instant, and the caller's come back before it returns.
 */
long os_snapshot(void);
bool os_may_snapshot(void); /* false: a system call filter of the program's may end it for trying */
/*
 * The same without a copy: a child that shares all memory, and so costs nothing per page; the caller must be the only
 * thread, and wait. It runs BODY on the stack that ends at STACK_END, and BODY does not return. Its descriptors and
 * signal handlers are its own.
 */
long os_borrow(void (*body)(void), void *stack_end);
/* It has been killed, in the middle of anything: what it held of ours is free again. Context: setup. */
void os_borrower_died(void);
/*
 * Makes the child unobtrusive: no descriptors, first victim of a shortage of memory unless it BORROWS its memory, ends
 * with its parent thread, no core. os_readable() works from here on.
 */
void os_snapshot_settle(bool borrows);
/* Can the byte at ADDRESS be read? */
bool os_readable(uint64_t address);
/* Is the child over? WAIT: once it is. true: it is, and has been reaped. */
bool os_snapshot_reap(long child, bool wait);
void *os_map_shared(size_t bytes); /* zeroed, and shared with children */
void os_unmap_shared(void *p, size_t bytes);
/* Sleeps until *WORD (in memory shared with other processes) is not VALUE, or the time is over. */
void os_wait_shared(uint32_t *word, uint32_t value, uint64_t timeout_ns);
void os_wake_shared(uint32_t *word);
void os_sleep_ns(uint64_t ns);
long os_pread(int fd, void *buf, size_t bytes, uint64_t offset);
/* Entries of the directory FD into BUF, as getdents64 gives them. */
long os_list(int fd, void *buf, size_t bytes);
/* One byte per page, bit 0: in memory. false: not to be had. */
bool os_resident(uint64_t address, uint64_t bytes, uint8_t *ret);

uint32_t os_pid(void);
uint32_t os_parent_pid(void);
uint32_t os_tid(void);
void os_thread_name(char ret_name[16]);              /* of the calling thread */
long os_prctl(int option, const unsigned long a[4]); /* the program's own call; a negative errno */
uint64_t os_limit_file_bytes(void);                  /* RLIMIT_FSIZE, UINT64_MAX = none */
uint64_t os_limit_stack_bytes(void);                 /* RLIMIT_STACK, UINT64_MAX = none */
void os_yield(void);

/* nanoseconds; the vDSO answers, no system call as a rule */
uint64_t os_now_ns(void);
uint64_t os_realtime_ns(void);
uint64_t os_cpu_ns(void); /* of this process so far; a system call */

/*
 * A lock for slow paths: spins a little, then sleeps in the kernel. A fork child must not unlock or wait for one: it
 * re-initialises the words (0 = free).
 */
struct os_lock {
	uint32_t word; /* 0 free, 1 held, 2 held and somebody sleeps */
};
void os_lock(struct os_lock *lock);
bool os_trylock(struct os_lock *lock);
void os_unlock(struct os_lock *lock);

#endif
