/* SPDX-License-Identifier: MIT */
/* Sites whose live memory grows as long as the program runs: the verdict for programs that do not end. */
#ifndef MP_GROWTH_VIEW_H
#define MP_GROWTH_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile.h"

struct growth {
	uint32_t stack;
	/* Per second; or from one mark to the next. */
	double bytes_per_s;     /* median of the slopes between all pairs of points */
	double bytes_per_s_low; /* lower end of the interval that holds the slope in 95 % of cases */
	double blocks_per_s;
	double score;         /* pairs of points where it grew less those where it shrank, of all: up to 1 */
	uint64_t grown_bytes; /* from the first of the points to the last, along the slope */
	uint64_t live_bytes;  /* at the last point, and blocks */
	uint64_t live_count;
};

struct growth_view {
	size_t points;           /* that were judged; the warm-up is not */
	uint64_t from_ns, to_ns; /* of these; or numbers of marks */
	bool judged;             /* false: too few points, and no list */
	struct growth *list;     /* that grow, fastest first */
	size_t count;
};

/*
 * Marks of one text as iterations of a loop: what live memory gains from one to the next, by the same measures. The
 * first quarter of them is warm-up.
 */
struct growth_marks {
	bool judged;      /* false: too few of them, and nothing else is told */
	bool grows;       /* nearly all later ones have more than earlier ones, and the slope is above 0 */
	double bytes;     /* per mark */
	double bytes_low; /* lower end of the interval, as above */
	double blocks;
	double score;
};

/* NAME: number of the text. */
void growth_of_marks(const struct profile *profile, uint32_t name, struct growth_marks *ret_growth);

/*
 * The stacks that grow from one mark of the text NAME to the next, by the same measures, those that grow most first.
 * Where too few marks have their sites, none is judged. growth_view_free() frees it.
 */
void growth_stacks_of_marks(const struct profile *profile, uint32_t name, struct growth_view *view);

/* What searches for leaks tell of them: the first and the last one made between judged marks. */
struct growth_leaked {
	bool judged;                         /* false: there are no two */
	double bytes[MP_LEAK_REACHABLE + 1]; /* by enum mp_leak_class: gained per mark; may be negative */
};
void growth_leaked_of_marks(const struct profile *profile, uint32_t name, struct growth_leaked *ret_leaked);

void growth_view_init(struct growth_view *view, const struct profile *profile);
void growth_view_free(struct growth_view *view);

#endif
