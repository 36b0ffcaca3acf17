/* SPDX-License-Identifier: MIT */
/* Threads, unloading, and the ways in which a process ends or becomes another program. */
#include <dlfcn.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <threads.h>
#include <unistd.h>

#include "compiler.h"
#include "fork_in_hook.h"
#include "heap.h"
#include "init.h"
#include "leak_scan.h"
#include "leak_stacks.h"
#include "os.h"
#include "real.h"
#include "rules.h"
#include "sync.h"
#include "thread.h"

/* --- pthread_create: the new thread is told the extent of its stack, which walks must not leave --- */

struct thread_start {
	void *(*routine)(void *);
	void *arg;
	uint64_t stack_start; /* 0 = libc allocates it */
	uint64_t stack_bytes;
	struct thread_start *next;
};

static struct os_lock starts_lock;
static struct thread_start *unused_starts;
/* A thread that is not running yet has its argument nowhere else, so a search for leaks looks here. */
static struct thread_start *start_pages[256];
static uint32_t start_page_count;

static struct thread_start *take_start(void)
{
	struct thread_start *s;

	os_lock(&starts_lock);
	if (!unused_starts) {
		s = start_page_count < ARRAY_LEN(start_pages) ? os_map(4096) : NULL;
		if (s)
			start_pages[start_page_count++] = s;
		for (unsigned i = 0; s && i < 4096 / sizeof(*s); i++) {
			s[i].next = unused_starts;
			unused_starts = &s[i];
		}
	}
	s = unused_starts;
	if (s)
		unused_starts = s->next;
	os_unlock(&starts_lock);
	return s;
}

static void give_start(struct thread_start *s)
{
	os_lock(&starts_lock);
	s->arg = NULL;
	s->next = unused_starts;
	unused_starts = s;
	os_unlock(&starts_lock);
}

bool thread_starts_part(uint32_t i, uint64_t *ret_start, uint64_t *ret_end)
{
	if (i >= start_page_count)
		return false;
	*ret_start = (uint64_t)start_pages[i];
	*ret_end = *ret_start + 4096;
	return true;
}

void thread_starts_forked(void)
{
	starts_lock.word = 0;
}

/*
 * Stack, thread-local storage and the thread's descriptor lie in one mapping, in this order; pthread_self() is the
 * address of the descriptor. Leaves by a tail call, so that no frame of ours stays on the stack.
 */
static void *begin_thread(void *arg)
{
	struct thread_start s = *(struct thread_start *)arg;
	uint64_t end = (uint64_t)pthread_self();

	give_start(arg);
	if (!s.stack_start)
		s.stack_start = end - s.stack_bytes + 2 * 4096; /* past the guard page, and the descriptor above END */
	if (s.stack_bytes >= 4 * 4096 && s.stack_start < end) {
		thread_set_stack(s.stack_start, end);
		stacks_used(s.stack_start, end);
	}
	join_thread_begins(end, (void (*)(void))s.routine);
	return s.routine(s.arg);
}

MP_EXPORT int pthread_create(pthread_t *ret, const pthread_attr_t *attr, void *(*routine)(void *), void *arg)
{
	struct thread_start *s;
	pthread_attr_t defaults;
	void *stack = NULL;
	size_t bytes = 0;
	int r;

	if (!real_ready() || !real.pthread_create)
		return EAGAIN;
	heap_before_sharing();
	s = process_ready() ? take_start() : NULL;
	if (!s)
		return real.pthread_create(ret, attr, routine, arg);
	if (attr) {
		if (pthread_attr_getstack(attr, &stack, &bytes) != 0 || !stack || (uint64_t)stack + bytes < 4096)
			stack = NULL;
		if (!stack)
			pthread_attr_getstacksize(attr, &bytes);
	} else if (pthread_getattr_default_np(&defaults) == 0) {
		pthread_attr_getstacksize(&defaults, &bytes);
		pthread_attr_destroy(&defaults);
	}
	*s = (struct thread_start){
		.routine = routine, .arg = arg, .stack_start = (uint64_t)stack, .stack_bytes = bytes
	};
	r = real.pthread_create(ret, attr, begin_thread, s);
	if (r != 0)
		give_start(s);
	return r;
}

/* C11 threads go around pthread_create. */
MP_EXPORT int thrd_create(thrd_t *ret, thrd_start_t routine, void *arg)
{
	if (!real_ready() || !real.thrd_create)
		return thrd_error;
	heap_before_sharing();
	return real.thrd_create(ret, routine, arg);
}

/* --- ends that may fail --- */

/* The file has said that the process ends, and it has not. */
static int after_failed(int r)
{
	int saved = errno;

	process_not_ending();
	errno = saved;
	return r;
}

/* --- fork without handlers, and the one that ends the parent --- */

pid_t _Fork(void); /* not declared before glibc 2.34 */

MP_EXPORT pid_t _Fork(void)
{
	pid_t child;

	if (!real_ready() || !real._Fork) {
		errno = ENOSYS;
		return -1;
	}
	process_before_fork();
	child = real._Fork();
	if (child)
		process_after_fork(false);
	else
		fork_in_hook_child(); /* if there is nothing to end, the first event comes soon enough */
	return child;
}

/* The parent ends inside of libc, where nobody hears of it; so the file says so beforehand, as for exec. */
MP_EXPORT int daemon(int keep_directory, int keep_streams)
{
	int r;

	if (!real_ready() || !real.daemon) {
		errno = ENOSYS;
		return -1;
	}
	process_ending(MP_ENDED_EXIT, 0);
	r = real.daemon(keep_directory, keep_streams);
	return r < 0 ? after_failed(r) : r;
}

/* --- sandboxes --- */

/*
 * A filter may be installed by another way than this function (libseccomp makes the system call itself), but none can
 * by a process without privileges that has not said first that it will never have any.
 */
MP_EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP)
		process_restrict(option == PR_SET_SECCOMP && a[0] == SECCOMP_MODE_STRICT ? OS_STRICT : OS_FILTERED);
	if (!real_is_ready() || !real.prctl) {
		/* An allocator that is just starting, and names its memory: a look-up could call it. */
		long r = os_prctl(option, a);

		if (r < 0)
			errno = (int)-r;
		return r < 0 ? -1 : (int)r;
	}
	return real.prctl(option, a[0], a[1], a[2], a[3]);
}

/* --- sanitizers --- */

const char *__asan_default_options(void);

/*
 * AddressSanitizer ends a program in which another library stands before its own. We only pass calls on there, which
 * harms nobody; it asks this function, unless the program defines it, for what to do otherwise than usual.
 */
MP_EXPORT const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}

/* --- unloading --- */

MP_EXPORT int dlclose(void *handle)
{
	int r;

	if (!real_ready() || !real.dlclose)
		return -1;
	r = real.dlclose(handle);
	if (process_ready()) {
		int saved = errno;

		rules_recheck();
		errno = saved;
	}
	return r;
}

/* --- ends --- */

/*
 * When main() returns, libc calls its own exit(); so whoever comes here is called by the program, whose frames and
 * registers still count.
 */
MP_EXPORT __attribute__((noreturn)) void exit(int status)
{
	leak_exit_called();
	if (real_ready() && real.exit)
		real.exit(status);
	for (;;)
		os_exit(status);
}

MP_EXPORT __attribute__((noreturn)) void _exit(int status)
{
	process_ending(MP_ENDED_EXIT, status & 0xff);
	if (real_ready() && real._exit)
		real._exit(status);
	for (;;)
		os_exit(status);
}

MP_EXPORT __attribute__((noreturn)) void _Exit(int status)
{
	_exit(status);
}

MP_EXPORT __attribute__((noreturn)) void quick_exit(int status)
{
	process_ending(MP_ENDED_EXIT, status & 0xff);
	if (real_ready() && real.quick_exit)
		real.quick_exit(status);
	_exit(status);
}

MP_EXPORT __attribute__((noreturn)) void abort(void)
{
	process_ending(MP_ENDED_SIGNAL, SIGABRT);
	if (real_ready() && real.abort)
		real.abort();
	for (;;)
		os_exit(128 + SIGABRT);
}

/*
 * exec: the file says so before, and takes it back if exec fails. In a vfork child, which shares our memory but is
 * not the process of the dump, process_ending() does nothing.
 */
static bool announce_exec(bool have)
{
	if (!real_ready() || !have) {
		errno = ENOSYS;
		return false;
	}
	process_ending(MP_ENDED_EXEC, 0);
	return true;
}

MP_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return announce_exec(real.execve) ? after_failed(real.execve(path, argv, envp)) : -1;
}

MP_EXPORT int execv(const char *path, char *const argv[])
{
	return announce_exec(real.execv) ? after_failed(real.execv(path, argv)) : -1;
}

MP_EXPORT int execvp(const char *file, char *const argv[])
{
	return announce_exec(real.execvp) ? after_failed(real.execvp(file, argv)) : -1;
}

MP_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return announce_exec(real.execvpe) ? after_failed(real.execvpe(file, argv, envp)) : -1;
}

MP_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	return announce_exec(real.fexecve) ? after_failed(real.fexecve(fd, argv, envp)) : -1;
}

/*
 * The variadic forms: arguments are gathered on the stack, as libc itself does, and passed to the form with an array.
 */
#define GATHER(first, ap, argv, extra)                                \
	do {                                                          \
		size_t n_ = 1;                                        \
		va_start(ap, first);                                  \
		while (va_arg(ap, char *))                            \
			n_++;                                         \
		va_end(ap);                                           \
		(argv) = __builtin_alloca((n_ + 1) * sizeof(char *)); \
		(argv)[0] = (char *)(uintptr_t)(first);               \
		va_start(ap, first);                                  \
		for (size_t i_ = 1; i_ <= n_; i_++)                   \
			(argv)[i_] = va_arg(ap, char *);              \
		extra;                                                \
		va_end(ap);                                           \
	} while (0)

MP_EXPORT int execl(const char *path, const char *first, ...)
{
	char **argv;
	va_list ap;

	GATHER(first, ap, argv, );
	return execv(path, argv);
}

MP_EXPORT int execlp(const char *file, const char *first, ...)
{
	char **argv;
	va_list ap;

	GATHER(first, ap, argv, );
	return execvp(file, argv);
}

MP_EXPORT int execle(const char *path, const char *first, ...)
{
	char **envp;
	char **argv;
	va_list ap;

	GATHER(first, ap, argv, envp = va_arg(ap, char **));
	return execve(path, argv, envp);
}
