/* SPDX-License-Identifier: MIT */
/* What the benchmark programs share: clocks, arguments, and results as lines of "name value" on standard output. */
#ifndef MP_BENCH_H
#define MP_BENCH_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A function that keeps its own frame, and a call that is not turned into a jump. */
#ifdef __clang__
#define BENCH_FRAME __attribute__((noinline))
#else
#define BENCH_FRAME __attribute__((noinline, noclone, noipa))
#endif
#define BENCH_FRAME_END() __asm__ volatile("" ::: "memory")

/* The compiler must take P as used and changed. */
#define BENCH_USE(p) __asm__ volatile("" : "+r"(p)::"memory")

static inline double bench_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline double bench_wall_ns(void)
{
	return bench_clock_ns(CLOCK_MONOTONIC);
}

/* User and system time of all threads of this process. */
static inline double bench_cpu_ns(void)
{
	return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static inline void bench_print(const char *name, double value)
{
	printf("%s %.9g\n", name, value);
}

/* A fixed sequence that looks random: no run differs from another. */
static inline uint32_t bench_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static inline void bench_usage(const char *text)
{
	fprintf(stderr, "usage: %s\n", text);
	exit(2);
}

/* Argument AT as a number. Ends the program if it is missing or none. */
static inline uint64_t bench_number(int argc, char **argv, int at, const char *usage)
{
	char *end;
	uint64_t value;

	if (at >= argc)
		bench_usage(usage);
	value = strtoull(argv[at], &end, 10);
	if (end == argv[at] || *end != '\0')
		bench_usage(usage);
	return value;
}

#endif
