/* SPDX-License-Identifier: MIT */
/* The next definition of every function that we interpose, whoever provides it. */
#ifndef MP_REAL_H
#define MP_REAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <threads.h>
#include <time.h>

/*
 * X(name, result, parameters). All are looked up in one pass with dlsym(RTLD_NEXT): so a program's own jemalloc or
 * tcmalloc is called when it comes next, and libc only when it is next.
 */
#define REAL_FUNCTIONS(X)                                                                        \
	X(malloc, void *, (size_t))                                                              \
	X(free, void, (void *))                                                                  \
	X(calloc, void *, (size_t, size_t))                                                      \
	X(realloc, void *, (void *, size_t))                                                     \
	X(reallocarray, void *, (void *, size_t, size_t))                                        \
	X(posix_memalign, int, (void **, size_t, size_t))                                        \
	X(aligned_alloc, void *, (size_t, size_t))                                               \
	X(memalign, void *, (size_t, size_t))                                                    \
	X(valloc, void *, (size_t))                                                              \
	X(pvalloc, void *, (size_t))                                                             \
	X(malloc_usable_size, size_t, (void *))                                                  \
	X(free_sized, void, (void *, size_t))                                                    \
	X(free_aligned_sized, void, (void *, size_t, size_t))                                    \
	X(pthread_mutex_lock, int, (pthread_mutex_t *))                                          \
	X(pthread_mutex_trylock, int, (pthread_mutex_t *))                                       \
	X(pthread_mutex_timedlock, int, (pthread_mutex_t *, const struct timespec *))            \
	X(pthread_mutex_clocklock, int, (pthread_mutex_t *, clockid_t, const struct timespec *)) \
	X(pthread_mutex_unlock, int, (pthread_mutex_t *))                                        \
	X(pthread_mutex_init, int, (pthread_mutex_t *, const pthread_mutexattr_t *))             \
	X(pthread_mutex_destroy, int, (pthread_mutex_t *))                                       \
	X(pthread_create, int, (pthread_t *, const pthread_attr_t *, void *(*)(void *), void *)) \
	X(thrd_create, int, (thrd_t *, thrd_start_t, void *))                                    \
	X(prctl, int, (int, ...))                                                                \
	X(_Fork, pid_t, (void))                                                                  \
	X(dlclose, int, (void *))                                                                \
	X(_exit, void, (int))                                                                    \
	X(_Exit, void, (int))                                                                    \
	X(quick_exit, void, (int))                                                               \
	X(abort, void, (void))                                                                   \
	X(execve, int, (const char *, char *const[], char *const[]))                             \
	X(execv, int, (const char *, char *const[]))                                             \
	X(execvp, int, (const char *, char *const[]))                                            \
	X(execvpe, int, (const char *, char *const[], char *const[]))                            \
	X(fexecve, int, (int, char *const[], char *const[]))

#define X(name, result, parameters) result(*name) parameters;
struct real {
	REAL_FUNCTIONS(X)
};
#undef X

/* Valid once real_ready(); NULL = nobody else defines it (allowed for newer functions). */
extern struct real real;

/*
 * false: the pointers cannot be used yet, because this very call comes from inside the look-up (on any thread): the
 * caller serves itself from boot.h. true: look-up done, now or earlier. Context: any.
 */
bool real_ready(void);

/*
 * Has the process had one thread only, so far? Libc knows (glibc 2.32 and later; before, the answer is always no),
 * and relies on it in the same way. Context: any.
 */
extern const char *real_single_threaded_flag;
static inline bool real_single_threaded(void)
{
	return *(const volatile char *)real_single_threaded_flag != 0;
}

/* Next definition of NAME outside this library, also in libraries that are loaded but not global. NULL: none. */
void *real_find(const char *name);
/* Does ADDRESS lie in an object whose file name contains NAME? Context: setup. */
bool real_lies_in(const void *address, const char *name);

#endif
