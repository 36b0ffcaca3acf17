/* SPDX-License-Identifier: MIT */
/* The arithmetic of sampling by bytes: distances between samples, and what a sample stands for. Needs no libm. */
#ifndef MP_POISSON_H
#define MP_POISSON_H

#include <stdint.h>

/*
 * Samples fall on the bytes that a thread allocates, independently of each other, one in MEAN on average. A block is
 * sampled if one falls on any of its bytes: with probability p = 1 - exp(-bytes / mean). A block of no bytes counts as
 * one of one byte. What a sampled block stands for is 1/p blocks, so that sums over the samples are right on average.
 */
struct poisson_weight {
	uint64_t count;   /* blocks that it stands for, in units of 1/MP_COUNT_UNITS */
	uint64_t bytes;   /* bytes that it stands for */
	double count_var; /* what it adds to the estimated variance of the sum of blocks, and of bytes */
	double bytes_var;
};

/* A function of its arguments alone: the free of a block takes away exactly what its allocation added. */
void poisson_weigh(uint64_t bytes, uint64_t mean, struct poisson_weight *ret_weight);

/* The distance to the next sample in bytes, 1 or more, and below 40 * MEAN + 1. MEAN: 1 to 2^50. */
int64_t poisson_draw(uint64_t *random_state, uint64_t mean);

/* One step of a generator with 64 bits of state, any of which will do to start with. */
uint64_t poisson_random(uint64_t *random_state);

/* 1 - exp(-x) for x >= 0, and the natural logarithm of a normal x > 0, with relative errors below 1e-12. */
double poisson_hit(double x);
double poisson_log(double x);

#endif
