/* SPDX-License-Identifier: MIT */
/* The next definition of every function that we interpose, whoever provides it. */
#ifndef MP_REAL_H
#define MP_REAL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <threads.h>
#include <time.h>

#include "atomic.h"

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
	X(daemon, int, (int, int))                                                               \
	X(dlclose, int, (void *))                                                                \
	X(exit, void, (int))                                                                     \
	X(_exit, void, (int))                                                                    \
	X(_Exit, void, (int))                                                                    \
	X(quick_exit, void, (int))                                                               \
	X(abort, void, (void))                                                                   \
	X(execve, int, (const char *, char *const[], char *const[]))                             \
	X(execv, int, (const char *, char *const[]))                                             \
	X(execvp, int, (const char *, char *const[]))                                            \
	X(execvpe, int, (const char *, char *const[], char *const[]))                            \
	X(fexecve, int, (int, char *const[], char *const[]))                                     \
	/* Those that may be missing come last: see resolve(). */                                \
	X(free_sized, void, (void *, size_t))                                                    \
	X(free_aligned_sized, void, (void *, size_t, size_t))

/*
 * X(name, result, parameters, arguments): what waits, and what ends waits, beyond mutexes. Of the condition variables
 * glibc on x86-64 has two sets with objects that differ; the one meant is GLIBC_2.3.2, and dlsym before glibc 2.36
 * would give the other.
 */
#define REAL_COND_FUNCTIONS(X)                                                                                  \
	X(pthread_cond_init, int, (pthread_cond_t * c, const pthread_condattr_t *attr), (c, attr))              \
	X(pthread_cond_destroy, int, (pthread_cond_t * c), (c))                                                 \
	X(pthread_cond_signal, int, (pthread_cond_t * c), (c))                                                  \
	X(pthread_cond_broadcast, int, (pthread_cond_t * c), (c))                                               \
	X(pthread_cond_wait, int, (pthread_cond_t * c, pthread_mutex_t * m), (c, m))                            \
	X(pthread_cond_timedwait, int, (pthread_cond_t * c, pthread_mutex_t * m, const struct timespec *until), \
	  (c, m, until))
#define REAL_SYNC_FUNCTIONS(X)                                                                                      \
	REAL_COND_FUNCTIONS(X)                                                                                      \
	X(pthread_cond_clockwait, int,                                                                              \
	  (pthread_cond_t * c, pthread_mutex_t * m, clockid_t clock, const struct timespec *until),                 \
	  (c, m, clock, until))                                                                                     \
	X(pthread_rwlock_init, int, (pthread_rwlock_t * l, const pthread_rwlockattr_t *attr), (l, attr))            \
	X(pthread_rwlock_destroy, int, (pthread_rwlock_t * l), (l))                                                 \
	X(pthread_rwlock_rdlock, int, (pthread_rwlock_t * l), (l))                                                  \
	X(pthread_rwlock_wrlock, int, (pthread_rwlock_t * l), (l))                                                  \
	X(pthread_rwlock_tryrdlock, int, (pthread_rwlock_t * l), (l))                                               \
	X(pthread_rwlock_trywrlock, int, (pthread_rwlock_t * l), (l))                                               \
	X(pthread_rwlock_timedrdlock, int, (pthread_rwlock_t * l, const struct timespec *until), (l, until))        \
	X(pthread_rwlock_timedwrlock, int, (pthread_rwlock_t * l, const struct timespec *until), (l, until))        \
	X(pthread_rwlock_clockrdlock, int, (pthread_rwlock_t * l, clockid_t clock, const struct timespec *until),   \
	  (l, clock, until))                                                                                        \
	X(pthread_rwlock_clockwrlock, int, (pthread_rwlock_t * l, clockid_t clock, const struct timespec *until),   \
	  (l, clock, until))                                                                                        \
	X(pthread_rwlock_unlock, int, (pthread_rwlock_t * l), (l))                                                  \
	X(pthread_spin_init, int, (pthread_spinlock_t * s, int shared), (s, shared))                                \
	X(pthread_spin_destroy, int, (pthread_spinlock_t * s), (s))                                                 \
	X(pthread_spin_lock, int, (pthread_spinlock_t * s), (s))                                                    \
	X(pthread_spin_trylock, int, (pthread_spinlock_t * s), (s))                                                 \
	X(pthread_spin_unlock, int, (pthread_spinlock_t * s), (s))                                                  \
	X(sem_init, int, (sem_t * s, int shared, unsigned value), (s, shared, value))                               \
	X(sem_destroy, int, (sem_t * s), (s))                                                                       \
	X(sem_wait, int, (sem_t * s), (s))                                                                          \
	X(sem_trywait, int, (sem_t * s), (s))                                                                       \
	X(sem_timedwait, int, (sem_t * s, const struct timespec *until), (s, until))                                \
	X(sem_clockwait, int, (sem_t * s, clockid_t clock, const struct timespec *until), (s, clock, until))        \
	X(sem_post, int, (sem_t * s), (s))                                                                          \
	X(pthread_barrier_init, int, (pthread_barrier_t * b, const pthread_barrierattr_t *attr, unsigned count),    \
	  (b, attr, count))                                                                                         \
	X(pthread_barrier_destroy, int, (pthread_barrier_t * b), (b))                                               \
	X(pthread_barrier_wait, int, (pthread_barrier_t * b), (b))                                                  \
	X(pthread_once, int, (pthread_once_t * once, void (*routine)(void)), (once, routine))                       \
	X(call_once, void, (once_flag * once, void (*routine)(void)), (once, routine))                              \
	X(pthread_join, int, (pthread_t thread, void **ret), (thread, ret))                                         \
	X(pthread_tryjoin_np, int, (pthread_t thread, void **ret), (thread, ret))                                   \
	X(pthread_timedjoin_np, int, (pthread_t thread, void **ret, const struct timespec *until),                  \
	  (thread, ret, until))                                                                                     \
	X(pthread_clockjoin_np, int, (pthread_t thread, void **ret, clockid_t clock, const struct timespec *until), \
	  (thread, ret, clock, until))                                                                              \
	X(thrd_join, int, (thrd_t thread, int *ret), (thread, ret))                                                 \
	X(mtx_init, int, (mtx_t * m, int type), (m, type))                                                          \
	X(mtx_destroy, void, (mtx_t * m), (m))                                                                      \
	X(mtx_lock, int, (mtx_t * m), (m))                                                                          \
	X(mtx_timedlock, int, (mtx_t * m, const struct timespec *until), (m, until))                                \
	X(mtx_trylock, int, (mtx_t * m), (m))                                                                       \
	X(mtx_unlock, int, (mtx_t * m), (m))                                                                        \
	X(cnd_init, int, (cnd_t * c), (c))                                                                          \
	X(cnd_destroy, void, (cnd_t * c), (c))                                                                      \
	X(cnd_wait, int, (cnd_t * c, mtx_t * m), (c, m))                                                            \
	X(cnd_timedwait, int, (cnd_t * c, mtx_t * m, const struct timespec *until), (c, m, until))                  \
	X(cnd_signal, int, (cnd_t * c), (c))                                                                        \
	X(cnd_broadcast, int, (cnd_t * c), (c))

/* Not interposed, but needed by hooks of cancellation points. */
#define REAL_CANCEL_FUNCTIONS(X)                                                                     \
	X(pthread_testcancel, void, (void))                                                          \
	X(_pthread_cleanup_push, void, (struct _pthread_cleanup_buffer *, void (*)(void *), void *)) \
	X(_pthread_cleanup_pop, void, (struct _pthread_cleanup_buffer *, int))

#define X(name, result, parameters, ...) result(*name) parameters;
struct real {
	REAL_FUNCTIONS(X)
	REAL_SYNC_FUNCTIONS(X)
	REAL_CANCEL_FUNCTIONS(X)
	long (*syscall)(long number, ...);
};
#undef X

/* Valid once real_ready(); NULL = nobody else defines it (allowed for newer functions). */
extern struct real real;

/*
 * The function NAME if it is known so far, though the look-up of all has not ended: it is this very call that comes
 * from inside it, or from another thread meanwhile. NULL: not yet. Context: any.
 */
#define REAL_SO_FAR(name) load_relaxed(&real.name)

/*
 * false: the pointers cannot be used yet, because this very call comes from inside the look-up (on any thread): the
 * caller serves itself from boot.h. true: look-up done, now or earlier. Context: any.
 */
bool real_ready(void);
/* Is the look-up done? Does not begin it. Context: any. */
bool real_is_ready(void);

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
/* The same for the functions of REAL_SYNC_FUNCTIONS, in the version meant. Context: setup, before real_ready(). */
void *real_find_sync(const char *name);
/* Does ADDRESS lie in an object whose file name contains NAME? Context: setup. */
bool real_lies_in(const void *address, const char *name);

#endif
