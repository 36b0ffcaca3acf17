/* SPDX-License-Identifier: MIT */
/* How a target program tells, on file descriptor 3, what the report about it must contain. */
#ifndef MP_FACTS_H
#define MP_FACTS_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * One line per fact: PID PROGRAM KIND [NAME] KEY=VALUE...  A value is a word, a number, or a range A..B, A.., ..B.
 *   site FUNCTION    sums over the sites whose stack holds FUNCTION, and with not=OTHER does not hold OTHER; also
 *                    sites=how many, frames=of the longest stack, outer=a function that is further out in all,
 *                    cut=why the stacks are not whole, sorted, with commas between; "whole" is that of those that are
 *   lock NAME        one lock; a lock that the report does not list counts as all zero
 *   waiter NAME      count and wait_ns of the waiters of lock NAME; with in=FUNCTION only of those
 *   culprit NAME     the same of those who made threads wait for lock NAME
 *   pair A:B         blocks and bytes that threads named A allocated and threads named B freed, "*" all of them; also
 *                    pairs=how many
 *   realloc FUNCTION what reallocs did whose stack holds FUNCTION
 *   mark TEXT        count and stride of marks, fields of the last one that was kept; rows=how many were kept
 *   thread NAME      sums over the threads of that name
 *   total, process, loss    fields of these objects of the report; a loss that is not listed is 0
 * KEY may be KEY+LOSS: the sum with what was counted as lost for that reason.
 * tests/e2e/facts.jq compares them. Nothing here allocates.
 */

/* A function that keeps its own frame and name in every build. */
#ifdef __clang__
#define SITE __attribute__((noinline))
#else
#define SITE __attribute__((noipa)) /* nor may two that look the same become one */
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Hides from the compiler what happens to POINTER, so that it can neither drop the allocation nor make a tail call. */
static inline void *keep(void *pointer)
{
	__asm__ volatile("" : "+r"(pointer) : : "memory");
	return pointer;
}

/* A size that the compiler cannot know, for calls that it would warn about. */
static inline size_t any_size(size_t size)
{
	__asm__ volatile("" : "+r"(size));
	return size;
}

__attribute__((format(printf, 2, 3))) static inline void fact_of(int pid, const char *format, ...)
{
	char line[600];
	va_list args;
	int start = snprintf(line, sizeof(line), "%d %s ", pid, program_invocation_short_name);
	int length;

	va_start(args, format);
	length = vsnprintf(line + start, sizeof(line) - (size_t)start - 1, format, args);
	va_end(args);
	line[start + length] = '\n';
	if (write(3, line, (size_t)(start + length) + 1) < 0)
		return; /* nobody listens */
}

#define fact(...) fact_of(getpid(), __VA_ARGS__)

static inline uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* Ends the program with the reason when something that must hold without memprof does not. */
#define require(condition)                                                                        \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			_exit(99);                                                                \
		}                                                                                 \
	} while (0)

#ifdef __cplusplus
}
#endif

#endif
