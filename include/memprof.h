/* SPDX-License-Identifier: MIT */
/* What a program can tell memprof, and ask it. Without the preload all of it does nothing. */
#ifndef MEMPROF_H
#define MEMPROF_H

/*
 * Needs no library: the functions are weak references that libmemprof.so fills in when it is preloaded. For C (C99) and
 * C++, on Linux. Position-independent executables and libraries only, which is what compilers make by default.
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MEMPROF_WEAK __attribute__((weak))

/* The functions that libmemprof.so has. Call those below, which work without it too. */
MEMPROF_WEAK int mp_active(void);
MEMPROF_WEAK long mp_check_leaks(void);
MEMPROF_WEAK void mp_mark(const char *text);
MEMPROF_WEAK void mp_pause(void);
MEMPROF_WEAK void mp_resume(void);
MEMPROF_WEAK void mp_name_lock(const void *lock, const char *name);
MEMPROF_WEAK void mp_ignore_block(const void *block);
MEMPROF_WEAK void mp_ignore_begin(void);
MEMPROF_WEAK void mp_ignore_end(void);
MEMPROF_WEAK void mp_add_root_region(const void *start, size_t bytes);
MEMPROF_WEAK void mp_remove_root_region(const void *start, size_t bytes);

/* 1: memprof records this process. */
static inline int memprof_active(void)
{
	return mp_active ? mp_active() : 0;
}

/*
 * Searches for lost blocks now, and notes what it finds in the dump; a second search at exit is made all the same.
 * Returns the number of blocks definitely lost, -1 if there is no verdict (or no memprof). The calling thread waits,
 * others go on. Not from a signal handler.
 */
static inline long memprof_check_leaks(void)
{
	return mp_check_leaks ? mp_check_leaks() : -1;
}

/*
 * Names this moment: the report shows it on the timeline, with what was live then. TEXT (UTF-8, 255 bytes at most, what
 * is longer is cut) is copied. The same text again and again marks iterations, whose growth is judged. The marks of 256
 * texts are kept; of a text with many marks, at even distances. Not from a signal handler.
 */
static inline void memprof_mark(const char *text)
{
	if (mp_mark)
		mp_mark(text);
}

/*
 * What this thread allocates and waits for from here to the matching resume is left out; pairs may be nested. Frees
 * count as ever: of a block recorded before as its free, of one left out as nothing. Not from a signal handler.
 */
static inline void memprof_pause(void)
{
	if (mp_pause)
		mp_pause();
}

static inline void memprof_resume(void)
{
	if (mp_resume)
		mp_resume();
}

/*
 * What reports call the lock, of any kind (of a std::mutex or mtx_t as of a pthread_mutex_t; the address of the word
 * that is waited for, of a futex). To be called behind its initialisation. The name (63 bytes of UTF-8, copied) is gone
 * when the lock is destroyed or its heap block is freed. 4096 locks with a name at a time, 1024 different names.
 */
static inline void memprof_name_lock(const void *lock, const char *name)
{
	if (mp_name_lock)
		mp_name_lock(lock, name);
}

/* The block (as malloc returned it) is not a leak, and neither is what it leads to. */
static inline void memprof_ignore_block(const void *block)
{
	if (mp_ignore_block)
		mp_ignore_block(block);
}

/* The same for all that this thread allocates from here to the matching end; pairs may be nested. */
static inline void memprof_ignore_begin(void)
{
	if (mp_ignore_begin)
		mp_ignore_begin();
}

static inline void memprof_ignore_end(void)
{
	if (mp_ignore_end)
		mp_ignore_end();
}

/* Memory that holds pointers and is not searched otherwise, such as a file mapped by several processes. */
static inline void memprof_add_root_region(const void *start, size_t bytes)
{
	if (mp_add_root_region)
		mp_add_root_region(start, bytes);
}

/* START and BYTES as they were added. */
static inline void memprof_remove_root_region(const void *start, size_t bytes)
{
	if (mp_remove_root_region)
		mp_remove_root_region(start, bytes);
}

#ifdef __cplusplus
}
#endif

#endif
