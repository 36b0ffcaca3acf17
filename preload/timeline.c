/* SPDX-License-Identifier: MIT */
/* Without a helper thread: threads that pass a slow path anyway look at the clock and add a point when one is due. */
#include "timeline.h"

#include <stddef.h>

#include "atomic.h"
#include "compiler.h"
#include "dump_map.h"
#include "growth.h"
#include "options.h"
#include "os.h"
#include "thread.h"

static struct mp_tick *ticks;
static uint32_t used;
static uint64_t interval_ns;
static uint64_t next_ns = UINT64_MAX;
static int64_t last_live; /* of the last point */
static uint64_t rss_due_ns;
static struct os_lock lock;

/* A change by more than this part of the peak gets a point before its time, up to this many in one interval. */
#define JUMP_SHARE 16

/*
 * Reading resident memory takes more time than all else here, 70 us on some virtual machines. It may take this part of
 * the run; points that come sooner go without. One that took long was interrupted, and counts for no more than that.
 */
#define RSS_SHARE       256
#define RSS_COST_MAX_NS 200000u

/* Points per site, which cost more, are so much rarer. */
#define GROWTH_INTERVALS 50

void timeline_init(uint64_t start_ns)
{
	struct mp_chunk *chunk;

	lock.word = 0;
	ticks = NULL;
	used = 0;
	last_live = 0;
	rss_due_ns = 0;
	store_relaxed(&next_ns, UINT64_MAX);
	if (!opt.timeline_ms)
		return;
	chunk = dump_chunk(MP_CHUNK_TIMELINE, sizeof(struct mp_tick),
			   sizeof(struct mp_chunk) + MP_TICKS_MAX * sizeof(struct mp_tick), 0, 0);
	if (!chunk)
		return;
	chunk->rows = MP_TICKS_MAX;
	ticks = (struct mp_tick *)(void *)(chunk + 1);
	interval_ns = opt.timeline_ms * 1000000;
	growth_init(start_ns, interval_ns * GROWTH_INTERVALS);
	store_relaxed(&next_ns, start_ns);
}

/*
 * The second number of /proc/self/statm, resident memory, in bytes; 0 = not to be had (no /proc, no descriptor free, a
 * fork under way). The third is what of it belongs to files or is shared; the most that does not, ever, goes into the
 * header.
 */
static uint64_t rss_bytes(void)
{
	struct mp_header *h = dump_header();
	char text[128];
	const char *s = text;
	uint64_t pages[3] = { 0 };

	if (os_read_file_unless_forking("/proc/self/statm", text, sizeof(text)) <= 0)
		return 0;
	for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
		for (; *s >= '0' && *s <= '9'; s++)
			pages[i] = pages[i] * 10 + (uint64_t)(*s - '0');
		s += *s == ' ';
	}
	if (pages[1] > pages[2] && (pages[1] - pages[2]) * 4096 > load_relaxed(&h->anonymous_max_bytes))
		store_relaxed(&h->anonymous_max_bytes, (pages[1] - pages[2]) * 4096);
	return pages[1] * 4096;
}

/* The same when it is due, else 0. */
static uint64_t rss_in_turn(uint64_t now_ns)
{
	uint64_t bytes, cost;

	if (now_ns < rss_due_ns)
		return 0;
	bytes = rss_bytes();
	cost = os_now_ns() - now_ns;
	rss_due_ns = now_ns + RSS_SHARE * (cost < RSS_COST_MAX_NS ? cost : RSS_COST_MAX_NS);
	return bytes;
}

/*
 * Of two points one goes, and not the one that knows the resident memory; the first of all stays. A reader of a file
 * torn here sees times out of order and drops those rows.
 */
static void thin(void)
{
	uint32_t keep = 0;

	for (uint32_t i = 0; i < used; i += 2)
		ticks[keep++] = ticks[i + (i && i + 1 < used && !ticks[i].rss_bytes)];
	for (uint32_t i = keep; i < used; i++)
		store_relaxed(&ticks[i].time_ns, 0);
	used = keep;
	interval_ns *= 2;
}

static void add_point(uint64_t now_ns)
{
	struct mp_header *h = dump_header();
	struct mp_thread sum;
	struct mp_tick *tick;

	if (used == MP_TICKS_MAX)
		thin();
	tick = &ticks[used];
	thread_sum(&sum);
	tick->live_bytes = load_relaxed(&h->live_bytes);
	tick->rss_bytes = rss_in_turn(now_ns);
	tick->alloc_count = sum.alloc_count;
	tick->alloc_bytes = sum.alloc_bytes;
	tick->free_count = sum.free_count;
	tick->lock_wait_ns = sum.lock_wait_ns;
	store_release(&tick->time_ns, now_ns);
	store_relaxed(&last_live, tick->live_bytes);
	used++;
	store_relaxed(&h->last_ns, now_ns);
	store_relaxed(&h->self_bytes, os_mapped_bytes());
}

bool timeline_jumped(int64_t live_bytes, uint64_t peak_bytes)
{
	int64_t change = live_bytes - load_relaxed(&last_live);

	return (uint64_t)(change < 0 ? -change : change) > peak_bytes / JUMP_SHARE;
}

void timeline_tick(uint64_t now_ns)
{
	uint64_t due = load_relaxed(&next_ns);
	const struct mp_header *h = dump_header();

	if (likely(now_ns < due) && (now_ns + interval_ns < due + interval_ns / JUMP_SHARE ||
				     !timeline_jumped(load_relaxed(&h->live_bytes), load_relaxed(&h->peak_bytes))))
		return;
	if (!os_trylock(&lock))
		return;
	if (due == next_ns && ticks) {
		store_relaxed(&next_ns, now_ns + interval_ns);
		add_point(now_ns);
		growth_tick(now_ns);
		store_relaxed(&next_ns, now_ns + interval_ns); /* thinning made it longer */
	}
	os_unlock(&lock);
}

void timeline_final(uint64_t now_ns)
{
	if (!ticks || !os_trylock(&lock))
		return;
	rss_due_ns = 0;
	add_point(now_ns);
	os_unlock(&lock);
}
