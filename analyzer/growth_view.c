/* SPDX-License-Identifier: MIT */
/*
 * A site grows if nearly all later points are higher than earlier ones (Kendall), if a slope of zero lies outside of
 * what chance would do (Theil and Sen, with the interval of Kendall's variance), and if there are more blocks, too: a
 * buffer that doubles now and then is no leak. The first quarter of the run is left out, when programs fill caches.
 */
#include "growth_view.h"

#include <math.h>
#include <stdlib.h>

#include "arena.h"
#include "vec.h"

#define POINTS_MIN 6u
#define POINTS_MAX 256u /* a damaged file may have any number */
#define SCANS_MAX  256u /* the same */
#define SCORE_MIN  0.8
#define GROWTH_MIN 0.1 /* of what is live in the end; less is a large cache that has not quite filled up */
#define NS_PER_S   1e9
#define SIGMAS_95  1.96
#define BYTES_MAX  9e18 /* more is damage; so much fits any integer of 64 bits */

struct point {
	uint64_t time_ns; /* or number of a mark */
	bool cut;         /* what is not in it may have been there */
};

struct series {
	size_t count;
	double time_s[POINTS_MAX];
	double bytes[POINTS_MAX];
	double blocks[POINTS_MAX];
};

static int compare_points(const void *a, const void *b)
{
	const struct point *x = a;
	const struct point *y = b;

	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Fastest first. */
static int compare_growths(const void *a, const void *b)
{
	const struct growth *x = a;
	const struct growth *y = b;

	if (x->bytes_per_s != y->bytes_per_s)
		return x->bytes_per_s > y->bytes_per_s ? -1 : 1;
	return (x->stack > y->stack) - (x->stack < y->stack);
}

/* All times of ROWS, ascending; returns how many. */
static size_t list_points(const struct mp_growth *rows, size_t row_count, struct point *points)
{
	size_t count = 0;
	size_t kept = 0;
	struct point *all = memory_zeroed(row_count + 1, sizeof(*all));

	for (size_t i = 0; i < row_count; i++)
		all[count++] = (struct point){ rows[i].time_ns, rows[i].cut != 0 };
	if (count > 1)
		qsort(all, count, sizeof(*all), compare_points);
	for (size_t i = 0; i < count && kept < POINTS_MAX; i++) {
		if (kept == 0 || points[kept - 1].time_ns != all[i].time_ns)
			points[kept++] = all[i];
	}
	free(all);
	return kept;
}

/* ROWS of one stack; times in UNITs from the first point on. What is not in a point that has all sites was 0. */
static void make_series(const struct mp_growth *rows, size_t row_count, const struct point *points, size_t count,
			double unit, struct series *series)
{
	size_t at = 0;

	series->count = 0;
	for (size_t i = 0; i < count; i++) {
		bool found;

		while (at < row_count && rows[at].time_ns < points[i].time_ns)
			at++;
		found = at < row_count && rows[at].time_ns == points[i].time_ns;
		if (!found && points[i].cut)
			continue;
		series->time_s[series->count] = (double)(points[i].time_ns - points[0].time_ns) / unit;
		series->bytes[series->count] = found ? (double)rows[at].live_bytes : 0;
		series->blocks[series->count] = found ? (double)rows[at].live_count : 0;
		series->count++;
	}
}

/* The median slope of VALUES, and the lower end of its interval. Points of one time say nothing about it. */
static double slope_of(const struct series *series, const double *values, double *ret_low)
{
	static double slopes[POINTS_MAX * POINTS_MAX / 2];
	double n = (double)series->count;
	double reach = SIGMAS_95 * sqrt(n * (n - 1) * (2 * n + 5) / 18);
	size_t count = 0;
	double low;

	*ret_low = 0;
	for (size_t i = 0; i < series->count; i++) {
		for (size_t j = i + 1; j < series->count; j++) {
			if (series->time_s[j] > series->time_s[i])
				slopes[count++] = (values[j] - values[i]) / (series->time_s[j] - series->time_s[i]);
		}
	}
	if (count == 0)
		return 0;
	qsort(slopes, count, sizeof(*slopes), compare_doubles);
	low = ((double)count - reach) / 2;
	*ret_low = slopes[low > 0 ? (size_t)low : 0];
	return count % 2 ? slopes[count / 2] : (slopes[count / 2 - 1] + slopes[count / 2]) / 2;
}

static double score_of(const struct series *series)
{
	double sum = 0;
	double pairs = 0;

	for (size_t i = 0; i < series->count; i++) {
		for (size_t j = i + 1; j < series->count; j++, pairs++)
			sum += (series->bytes[j] > series->bytes[i]) - (series->bytes[j] < series->bytes[i]);
	}
	return sum / pairs;
}

/* Does it grow? FOR_GOOD: so much that it is no large cache that fills up, and in blocks, too. */
static bool judge(const struct series *series, bool for_good, struct growth *growth)
{
	size_t last = series->count - 1;
	double grown, blocks_low;

	growth->score = score_of(series);
	growth->bytes_per_s = slope_of(series, series->bytes, &growth->bytes_per_s_low);
	growth->blocks_per_s = slope_of(series, series->blocks, &blocks_low);
	grown = growth->bytes_per_s * (series->time_s[last] - series->time_s[0]);
	growth->grown_bytes = grown > 0 ? (uint64_t)fmin(grown, BYTES_MAX) : 0;
	growth->live_bytes = (uint64_t)series->bytes[last];
	growth->live_count = (uint64_t)series->blocks[last];
	return growth->score >= SCORE_MIN && growth->bytes_per_s_low > 0 &&
	       (!for_good ||
		(growth->blocks_per_s > 0 && blocks_low > 0 && grown >= GROWTH_MIN * series->bytes[last]));
}

void growth_of_marks(const struct profile *profile, uint32_t name, struct growth_marks *ret_growth)
{
	static struct series series;
	const struct profile_mark_name *info = &profile->mark_names[name - 1];
	double first, last, blocks_low;
	size_t seen = 0;

	*ret_growth = (struct growth_marks){ 0 };
	if (info->rows < POINTS_MIN)
		return;
	first = (double)profile->marks[info->first].number;
	last = (double)profile->marks[info->last].number;
	series.count = 0;
	for (size_t i = 0, at = info->first; i < info->rows; i++, at = profile->mark_next[at]) {
		const struct mp_mark *mark = &profile->marks[at];

		if (((double)mark->number - first) * 4 < last - first)
			continue;
		/* At most POINTS_MAX of them, evenly. */
		if (seen++ % (info->rows / POINTS_MAX + 1) != 0)
			continue;
		series.time_s[series.count] = (double)mark->number;
		series.bytes[series.count] = (double)mark->live_bytes;
		series.blocks[series.count++] = (double)mark->live_count;
	}
	ret_growth->judged = series.count >= POINTS_MIN;
	if (!ret_growth->judged)
		return;
	ret_growth->score = score_of(&series);
	ret_growth->bytes = fmin(slope_of(&series, series.bytes, &ret_growth->bytes_low), BYTES_MAX);
	ret_growth->bytes_low = fmin(ret_growth->bytes_low, BYTES_MAX);
	ret_growth->blocks = slope_of(&series, series.blocks, &blocks_low);
	ret_growth->grows = ret_growth->score >= SCORE_MIN && ret_growth->bytes_low > 0;
}

/* ROWS by stack, then time; the warm-up is the first quarter from START on. */
static void view_rows(struct growth_view *view, const struct mp_growth *rows, size_t row_count, uint64_t start,
		      double unit, bool for_good)
{
	static struct point points[POINTS_MAX];
	static struct series series;
	size_t count = list_points(rows, row_count, points);
	size_t warm_up = 0;
	VEC(struct growth) list = { 0 };

	*view = (struct growth_view){ 0 };
	while (warm_up < count && (points[warm_up].time_ns - start) * 4 < points[count - 1].time_ns - start)
		warm_up++;
	view->points = count - warm_up;
	if (view->points < POINTS_MIN)
		return;
	view->judged = true;
	view->from_ns = points[warm_up].time_ns;
	view->to_ns = points[count - 1].time_ns;
	for (size_t i = 0, next; i < row_count; i = next) {
		struct growth growth = { .stack = rows[i].stack };

		for (next = i; next < row_count && rows[next].stack == growth.stack;)
			next++;
		make_series(&rows[i], next - i, points + warm_up, view->points, unit, &series);
		if (series.count >= POINTS_MIN && judge(&series, for_good, &growth))
			vec_push(&list) = growth;
	}
	if (list.count > 1)
		qsort(list.list, list.count, sizeof(*list.list), compare_growths);
	view->list = list.list;
	view->count = list.count;
}

void growth_view_init(struct growth_view *view, const struct profile *profile)
{
	view_rows(view, profile->growth, profile->growth_count, profile->process.start_ns, NS_PER_S, true);
}

void growth_stacks_of_marks(const struct profile *profile, uint32_t name, struct growth_view *view)
{
	VEC(struct mp_growth) rows = { 0 };

	for (size_t i = 0; i < profile->mark_growth_count && name <= MP_MARK_NAMES_MAX; i++) {
		const struct mp_mark_growth *row = &profile->mark_growth[i];

		if (row->name != name)
			continue;
		vec_push(&rows) = (struct mp_growth){
			.time_ns = row->number,
			.stack = row->stack,
			.cut = row->cut,
			.live_bytes = row->live_bytes,
			.live_count = row->live_count,
		};
	}
	view_rows(view, rows.list, rows.count, 1, 1, false);
	vec_free(&rows);
}

static double leaked_bytes(const struct profile *profile, uint32_t scan, uint32_t leak_class)
{
	double bytes = 0;

	for (size_t i = 0; i < profile->leak_count; i++) {
		if (profile->leaks[i].scan == scan && profile->leaks[i].leak_class == leak_class)
			bytes += (double)profile->leaks[i].bytes;
	}
	return bytes;
}

/* Number of the last mark of that text up to TIME_NS, 0 = none. */
static double mark_at(const struct profile *profile, uint32_t name, uint64_t time_ns)
{
	const struct profile_mark_name *info = &profile->mark_names[name - 1];
	double number = 0;

	for (size_t i = 0, at = info->first; i < info->rows && profile->marks[at].time_ns <= time_ns; i++) {
		number = (double)profile->marks[at].number;
		at = profile->mark_next[at];
	}
	return number;
}

void growth_leaked_of_marks(const struct profile *profile, uint32_t name, struct growth_leaked *ret_leaked)
{
	const struct profile_mark_name *info = &profile->mark_names[name - 1];
	const struct mp_leak_scan *first = NULL, *last = NULL;
	double warm_up, marks;

	*ret_leaked = (struct growth_leaked){ 0 };
	/* What no process writes is in a damaged file, which may have any number of texts, marks, and searches. */
	if (name > MP_MARK_NAMES_MAX || info->rows < POINTS_MIN)
		return;
	warm_up = (double)profile->marks[info->last].number / 4;
	for (size_t i = 0; i < profile->leak_scan_count && i < SCANS_MAX; i++) {
		const struct mp_leak_scan *scan = &profile->leak_scans[i];
		double number = mark_at(profile, name, scan->start_ns);

		if (scan->result != MP_SCAN_RESULT_DONE || number <= warm_up || scan->start_ns > info->last_ns)
			continue;
		first = first ? first : scan;
		last = scan;
	}
	marks = last ? mark_at(profile, name, last->start_ns) - mark_at(profile, name, first->start_ns) : 0;
	if (marks <= 0)
		return;
	ret_leaked->judged = true;
	for (uint32_t c = MP_LEAK_DEFINITE; c <= MP_LEAK_REACHABLE; c++)
		ret_leaked->bytes[c] =
			(leaked_bytes(profile, last->number, c) - leaked_bytes(profile, first->number, c)) / marks;
}

void growth_view_free(struct growth_view *view)
{
	free(view->list);
	*view = (struct growth_view){ 0 };
}
