/* SPDX-License-Identifier: MIT */
/* Bytes, counts, durations and shares as people read them, and numbers as people type them. */
#ifndef MP_UNITS_H
#define MP_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* A printed value, to be used in place: printf("%s", units_bytes(n).text). */
struct units {
	char text[40];
};

struct units units_bytes(int64_t bytes);                    /* "512 B", "1.50 KiB", "12.3 MiB"; powers of 1024 */
struct units units_count(int64_t count);                    /* "1,234,567" */
struct units units_plural(int64_t count, const char *noun); /* "1 block", "2 blocks" */
struct units units_duration(uint64_t ns);               /* "850 ns", "1.23 ms", "12.3 s", "2 min 05 s", "3 h 12 min" */
struct units units_share(int64_t part, uint64_t whole); /* "12.3 %"; "" when there is no whole */
struct units units_rate(double per_second);             /* "850/s", "1.23 M/s"; powers of 1000 */

/* Unsigned values beyond the signed range (only a corrupt file has them) are shown as the largest. */
int64_t units_signed(uint64_t value);

/* The whole of TEXT is a decimal number from MIN to MAX. */
bool units_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);

/*
 * Numbers with units, as in limits; decimal fractions are fine. Bytes: K, M, G, T, which may be followed by B or iB,
 * are powers of 1024 ("64K", "1.5 GiB"). Time: ns, us, ms, s or min ("250ms"); a unit must be given. Share: "2.5%" or
 * "2.5".
 */
bool units_parse_bytes(const char *text, uint64_t *ret_bytes);
bool units_parse_duration(const char *text, uint64_t *ret_ns);
bool units_parse_percent(const char *text, double *ret_percent);

#endif
