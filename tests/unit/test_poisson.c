/* SPDX-License-Identifier: MIT */
/* Unit tests of the arithmetic of sampling, against libm and against what chance must give. */
#include "poisson.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>

#include "mp_dump.h"
#include "unit_util.h"

Suite *suite_poisson(void);

START_TEST(logarithms_are_those_of_libm)
{
	for (double x = 1e-17; x < 1e6; x *= 1.00037) {
		double want = log(x);

		ck_assert_double_eq_tol(poisson_log(x), want, 1e-12 * fabs(want) + 1e-15);
	}
	ck_assert_double_eq_tol(poisson_log(1), 0, 1e-300);
}
END_TEST

START_TEST(probabilities_are_those_of_libm)
{
	for (double x = 1e-13; x < 100; x *= 1.00037) {
		double want = -expm1(-x);

		ck_assert_double_eq_tol(poisson_hit(x), want, 1e-12 * want);
	}
	ck_assert_double_eq(poisson_hit(0), 0);
	ck_assert_double_eq(poisson_hit(1e9), 1);
}
END_TEST

static const struct {
	uint64_t bytes, mean;
	double weight;
} weights[] = {
	{ 1, 1, 1.5819767068693265 },
	{ 0, 1, 1.5819767068693265 }, /* like one byte */
	{ 16, 524288, 32768.500005086264 },
	{ 524288, 524288, 1.5819767068693265 },
	{ 5242880, 524288, 1.0000454019910097 },
	{ 1ull << 40, 524288, 1 },
	{ 1, 1ull << 40, 1099511627776.5 },
};

START_TEST(a_sample_stands_for_the_inverse_of_its_probability)
{
	uint64_t bytes = weights[_i].bytes;
	double want = weights[_i].weight;
	double size = (double)bytes;
	struct poisson_weight w;

	poisson_weigh(bytes, weights[_i].mean, &w);
	ck_assert_double_eq_tol((double)w.count, want * MP_COUNT_UNITS, 0.51 + want * 1e-9);
	ck_assert_double_eq_tol((double)w.bytes, want * size, 0.51 + want * size * 1e-9);
	ck_assert_double_eq_tol(w.count_var, want * (want - 1), 1e-9 * (want * want) + 1e-9);
	ck_assert_double_eq_tol(w.bytes_var, size * size * want * (want - 1),
				1e-9 * (size * size * want * want) + 1e-9);
	ck_assert(w.count_var >= 0);
}
END_TEST

/* Mean, variance, and the share of draws up to a limit, each within 4 standard errors; the seeds are fixed. */
START_TEST(distances_are_exponential)
{
	static const uint64_t means[] = { 1000, 524288, 1ull << 40 };
	const double n = 200000;
	uint64_t state = 12345 + (uint64_t)_i;
	double mean = (double)means[_i];
	double sum = 0, squares = 0;
	unsigned classes[20] = { 0 };
	double chi = 0;

	for (int i = 0; i < (int)n; i++) {
		int64_t draw = poisson_draw(&state, means[_i]);
		double x = ((double)draw - 0.5) / mean;
		unsigned class = (unsigned)(-expm1(-x) * 20);

		ck_assert_int_ge(draw, 1);
		ck_assert(x < 40);
		sum += x;
		squares += x * x;
		classes[class < 20 ? class : 19]++;
	}
	ck_assert_double_eq_tol(sum / n, 1, 4 / sqrt(n));
	ck_assert_double_eq_tol(squares / n, 2, 4 * sqrt(20 / n));
	for (unsigned i = 0; i < 20; i++)
		chi += (classes[i] - n / 20) * (classes[i] - n / 20) / (n / 20);
	ck_assert_msg(chi < 43.8, "chi-square %f of 19 degrees of freedom", chi); /* 0.1 % */
}
END_TEST

/* Runs the countdown of the hooks over blocks of one size. */
static double estimate(uint64_t *state, uint64_t bytes, unsigned blocks, uint64_t mean, double *ret_variance)
{
	int64_t countdown = poisson_draw(state, mean);
	struct poisson_weight w;
	double sum = 0;

	*ret_variance = 0;
	poisson_weigh(bytes, mean, &w);
	for (unsigned i = 0; i < blocks; i++) {
		countdown -= (int64_t)bytes;
		if (countdown > 0)
			continue;
		countdown = poisson_draw(state, mean);
		sum += (double)w.count / MP_COUNT_UNITS;
		*ret_variance += w.count_var;
	}
	return sum;
}

START_TEST(estimates_are_unbiased_and_know_their_error)
{
	static const uint64_t sizes[] = { 1, 7, 100, 1000, 5000 };
	const uint64_t mean = 1000;
	const unsigned runs = 2000;
	unsigned blocks = 400000 / (unsigned)sizes[_i];
	uint64_t state = 99 + (uint64_t)_i;
	unsigned covered = 0;
	double sum = 0, squares = 0, variances = 0;

	for (unsigned i = 0; i < runs; i++) {
		double variance;
		double got = estimate(&state, sizes[_i], blocks, mean, &variance);

		sum += got;
		squares += (got - blocks) * (got - blocks);
		variances += variance;
		covered += fabs(got - blocks) <= 1.96 * sqrt(variance) + 1e-6;
	}
	ck_assert_double_eq_tol(sum / runs, blocks, 4 * sqrt(squares / runs / runs));
	ck_assert_double_eq_tol(variances / squares, 1, 0.15);
	/* The blocks of 5000 bytes miss few samples: there, steps of whole blocks are coarser than the interval. */
	ck_assert_msg(covered >= (sizes[_i] == 5000 ? 0.6 : 0.93) * runs, "%u of %u", covered, runs);
}
END_TEST

Suite *suite_poisson(void)
{
	Suite *suite = suite_create("poisson");
	TCase *tcase = tcase_create("poisson");

	tcase_add_test(tcase, logarithms_are_those_of_libm);
	tcase_add_test(tcase, probabilities_are_those_of_libm);
	tcase_add_loop_test(tcase, a_sample_stands_for_the_inverse_of_its_probability, 0, UNIT_LENGTH(weights));
	tcase_add_loop_test(tcase, distances_are_exponential, 0, 3);
	tcase_add_loop_test(tcase, estimates_are_unbiased_and_know_their_error, 0, 5);
	suite_add_tcase(suite, tcase);
	return suite;
}
