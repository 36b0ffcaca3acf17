/* SPDX-License-Identifier: MIT */
/* Exponential distances and inclusion probabilities, by short series. */
#include "poisson.h"

#include "mp_dump.h"

#define LN2 0.693147180559945309417

double poisson_hit(double x)
{
	unsigned halvings = 0;
	double p;

	if (x > 50)
		return 1;
	for (; x > 0.25; x /= 2)
		halvings++;
	/* 1 - exp(-x) as such would lose all digits where x is small: most blocks are small. */
	p = 1;
	for (int i = 11; i > 1; i--)
		p = 1 - x / i * p;
	p *= x;
	while (halvings--)
		p *= 2 - p; /* 1 - exp(-2x), by that of x */
	return p;
}

double poisson_log(double x)
{
	uint64_t bits;
	int exponent;
	double z, z2, sum;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	exponent = (int)(bits >> 52) - 1023;
	bits = (bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
	__builtin_memcpy(&x, &bits, sizeof(x)); /* now from 1 to 2 */
	if (x > 1.41421356) {
		x /= 2;
		exponent++;
	}
	/* ln x = 2 artanh z; z is at most 0.172, so the last term is below 1e-13 of the first. */
	z = (x - 1) / (x + 1);
	z2 = z * z;
	sum = 0;
	for (int i = 17; i > 0; i -= 2)
		sum = sum * z2 + 1.0 / i;
	return exponent * LN2 + 2 * z * sum;
}

uint64_t poisson_random(uint64_t *state)
{
	uint64_t h = *state += 0x9e3779b97f4a7c15ull;

	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ h >> 27) * 0x94d049bb133111ebull;
	return h ^ h >> 31;
}

int64_t poisson_draw(uint64_t *state, uint64_t mean)
{
	/* Above 0 and below 1: 2^-54 is the least, and -ln(2^-54) is 37.4. */
	double u = ((double)(poisson_random(state) >> 11) + 0.5) / 9007199254740992.0;

	/* Rounded up: the sample falls on the byte that the real number lies in. */
	return (int64_t)(-poisson_log(u) * (double)mean) + 1;
}

void poisson_weigh(uint64_t bytes, uint64_t mean, struct poisson_weight *ret)
{
	double size = (double)bytes;
	double weight = 1 / poisson_hit((bytes ? size : 1) / (double)mean);
	double variance = weight * (weight - 1);

	ret->count = (uint64_t)(weight * MP_COUNT_UNITS + 0.5);
	ret->bytes = weight > 1 ? (uint64_t)(size * weight + 0.5) : bytes;
	ret->count_var = variance;
	ret->bytes_var = size * size * variance;
}
