/* SPDX-License-Identifier: MIT */
/* Rules about locks, listed in memprof-analyze(1). A rule whose numbers are unknown is silent. */
#include "lock_advice.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

/* Fewer waits say too little, whatever their shares are. */
#define WAITS_MIN 10u

#define HELD_LONG_NS          100000u  /* p99 of holds */
#define HELD_SHORT_NS         1000u    /* p50 of holds */
#define HELD_RARELY_NS        1000000u /* longest hold, where p99 is not long */
#define HELD_RARELY_HOLDS     100u     /* measured */
#define HELD_RARELY_PERCENT   50u      /* of the wait is charged to holders */
#define OFTEN_PERCENT         20u      /* of acquisitions that had to wait */
#define BLOCKED_PERCENT       30u      /* of the time held */
#define STARVED_FACTOR        10u      /* wait of writers, p99, to wait of readers, p50 */
#define STARVED_NS            100000u  /* and at least so long */
#define SIGNAL_LOCKED_PERCENT 50u      /* of signals that somebody waited for */
#define REACQUIRE_PERCENT     20u      /* of waits whose mutex was not free after the signal */
#define HERD_PERCENT          50u      /* of wakes that woke all */
#define HERD_THREADS          3u
#define HANDOFF_PERCENT       50u  /* of the wait */
#define TRYLOCK_FACTOR        10u  /* failed tries to acquisitions */
#define RW_WRITES_PERCENT     10u  /* of acquisitions */
#define RW_READ_HOLD_NS       500u /* p50 */
#define LINE_BYTES            64u
#define HOT_SHARE_PERCENT     80u /* of the wait of its class in one lock */
#define HOT_INSTANCES_MIN     4u

struct subject {
	const struct lock_classes *classes;
	const struct lock_class *lock;
};

static bool __attribute__((format(printf, 2, 3))) say(char *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(((struct lock_advice *)0)->text), format, args);
	va_end(args);
	return true;
}

/* PART is more than PERCENT of WHOLE; false if there is no whole. Exact enough for sums of any size. */
static bool exceeds(uint64_t part, uint64_t whole, unsigned percent)
{
	return whole > 0 && (double)part * 100 > (double)whole * percent;
}

/* The function that most of the wait is charged to, in BUFFER; "" = unknown. */
static const char *main_culprit(const struct subject *subject, char *buffer, size_t size)
{
	const struct lock_class *lock = subject->lock;
	const struct lock_namer *namer = &subject->classes->namer;
	struct frame frame;

	buffer[0] = 0;
	for (size_t i = 0; i < lock->culprit_count; i++) {
		char place[256];

		if (lock->culprits[i].culprit == 0)
			continue;
		if (lock_view_actor(namer->profile, namer->symbols, lock->culprits[i].culprit, &frame))
			snprintf(buffer, size, ", most of all by %.160s",
				 stack_view_name(&frame, place, sizeof(place)));
		break;
	}
	return buffer;
}

static bool held_too_long(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;
	const struct mp_lock_hold *holds = &lock->holds;
	char culprit[256], blocked[128] = "", allocated[96] = "";

	if (lock->contentions < WAITS_MIN || lock->hold.count < WAITS_MIN || lock->hold.p99 <= HELD_LONG_NS)
		return false;
	if (exceeds(holds->blocked_ns, holds->ns, BLOCKED_PERCENT))
		snprintf(blocked, sizeof(blocked), " %s of the time held, the holder itself waits for something.",
			 units_share((int64_t)holds->blocked_ns, holds->ns).text);
	if (holds->alloc_count >= holds->count)
		snprintf(allocated, sizeof(allocated), " It allocates memory while it holds the lock.");
	return say(text, "held too long%s: 1 %% of holds take over %s. Do less while holding it.%s%s",
		   main_culprit(subject, culprit, sizeof(culprit)), units_duration(lock->hold.p99).text, blocked,
		   allocated);
}

/* The other 99 % of holds took at most their number times p99: more than twice that in all is mostly the rest. */
static bool held_long_rarely(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;
	const struct mp_lock_hold *holds = &lock->holds;
	char culprit[256];

	if (lock->contentions < WAITS_MIN || lock->hold.count < HELD_RARELY_HOLDS || lock->hold.p99 > HELD_LONG_NS ||
	    holds->count == 0 || holds->max_ns < HELD_RARELY_NS || holds->ns / 2 / holds->count <= lock->hold.p99 ||
	    lock->handoff_ns > lock->wait_ns ||
	    !exceeds(lock->wait_ns - lock->handoff_ns, lock->wait_ns, HELD_RARELY_PERCENT))
		return false;
	return say(text,
		   "held long a few times%s: 99 %% of holds take less than %s, but the others, of up to %s, make more "
		   "than half of the time held. Either something slow is done there now and then, or the holder lost "
		   "its processor: more threads than processors.",
		   main_culprit(subject, culprit, sizeof(culprit)), units_duration(lock->hold.p99).text,
		   units_duration(holds->max_ns).text);
}

static bool taken_too_often(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;

	if (!lock->counted || lock->hold.count < WAITS_MIN || lock->hold.p50 >= HELD_SHORT_NS ||
	    lock->hold.p99 > HELD_LONG_NS || !exceeds(lock->contentions, lock->acquisitions, OFTEN_PERCENT))
		return false;
	return say(text,
		   "taken too often: %s of acquisitions wait although half of the holds take less than %s. Do more "
		   "per acquisition, or give each thread or part of the data a lock of its own.",
		   units_share((int64_t)lock->contentions, lock->acquisitions).text,
		   units_duration(lock->hold.p50).text);
}

static bool readers_starve_writers(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;

	if (lock->wait_exclusive.count < WAITS_MIN || lock->wait_exclusive.p99 < STARVED_NS ||
	    (lock->flags & MP_LOCK_FLAG_WRITER_FIRST) ||
	    lock->wait_exclusive.p99 / STARVED_FACTOR <= lock->wait_shared.p50 || lock->acquisitions == 0 ||
	    !exceeds(lock->extras.shared_acquisitions, lock->acquisitions, 50))
		return false;
	return say(text,
		   "readers starve writers: 1 %% of writers wait over %s, half of the readers that wait less than %s. "
		   "PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP lets writers go first.",
		   units_duration(lock->wait_exclusive.p99).text, units_duration(lock->wait_shared.p50).text);
}

static bool signalled_under_lock(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;
	const struct mp_lock_extra *extras = &lock->extras;
	uint64_t heard = extras->wakes > extras->wakes_unheard ? extras->wakes - extras->wakes_unheard : 0;

	if (extras->reacquire_count < WAITS_MIN || !exceeds(extras->wakes_locked, heard, SIGNAL_LOCKED_PERCENT) ||
	    !exceeds(extras->reacquire_count, lock->contentions, REACQUIRE_PERCENT))
		return false;
	return say(text,
		   "signalled under the lock: %s of its signals come while the signaller holds the mutex, so %s of "
		   "waits end only to wait for it, %s in all. Signal after unlocking.",
		   units_share((int64_t)extras->wakes_locked, heard).text,
		   units_share((int64_t)extras->reacquire_count, lock->contentions).text,
		   units_duration(extras->reacquire_ns).text);
}

static bool thundering_herd(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;
	const struct mp_lock_extra *extras = &lock->extras;

	if (extras->wakes_all < WAITS_MIN || lock->waiters_max < HERD_THREADS ||
	    !exceeds(extras->wakes_all, extras->wakes, HERD_PERCENT) ||
	    !exceeds(extras->reacquire_count, lock->contentions, REACQUIRE_PERCENT))
		return false;
	return say(text,
		   "thundering herd: %s of its wakes wake all of up to %" PRIu32 " threads, which then wait for the "
		   "mutex one after the other. Wake one for each piece of work.",
		   units_share((int64_t)extras->wakes_all, extras->wakes).text, lock->waiters_max);
}

static bool slow_handoff(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;

	if (lock->contentions < WAITS_MIN || !lock_class_is_contention(lock) ||
	    !exceeds(lock->handoff_ns, lock->wait_ns, HANDOFF_PERCENT))
		return false;
	/* Of a futex only wakes are seen: somebody else may have taken the lock meanwhile. */
	return say(text,
		   "handed off too slowly: for %s of the wait %s the waiter was not running yet. "
		   "More threads than processors, or holds shorter than waking somebody takes.",
		   units_share((int64_t)lock->handoff_ns, lock->wait_ns).text,
		   lock->kind == MP_LOCK_FUTEX ? "the wake had come, and" : "nobody held the lock, and");
}

static bool spinning_by_trylock(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;

	if (!lock->counted || lock->trylock_failures < WAITS_MIN ||
	    lock->trylock_failures / TRYLOCK_FACTOR <= lock->acquisitions)
		return false;
	return say(text,
		   "spinning by trylock: %s failed tries for %s acquisitions. Wait for the lock, or do something else "
		   "between the tries.",
		   units_count(units_signed(lock->trylock_failures)).text,
		   units_count(units_signed(lock->acquisitions)).text);
}

static bool mutex_is_cheaper(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;
	uint64_t shared = lock->extras.shared_acquisitions;
	uint64_t writes = lock->acquisitions > shared ? lock->acquisitions - shared : 0;

	if (lock->kind != MP_LOCK_RWLOCK || !lock->counted || lock->acquisitions < WAITS_MIN)
		return false;
	if (exceeds(writes, lock->acquisitions, RW_WRITES_PERCENT))
		return say(text,
			   "a mutex would be cheaper: %s of acquisitions are to write, too many for a rwlock to pay.",
			   units_share((int64_t)writes, lock->acquisitions).text);
	if (lock->hold_shared.count < WAITS_MIN || lock->hold_shared.p50 >= RW_READ_HOLD_NS)
		return false;
	return say(text,
		   "a mutex would be cheaper: half of the readers hold the rwlock for less than %s, which is less "
		   "than its own work.",
		   units_duration(lock->hold_shared.p50).text);
}

static bool one_hot_lock(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;

	if (lock->instances < HOT_INSTANCES_MIN || lock->contentions < WAITS_MIN || lock->row_count < 2 ||
	    !exceeds(lock->rows[0]->wait_ns, lock->wait_ns, HOT_SHARE_PERCENT))
		return false;
	return say(text,
		   "one hot lock: %s of the wait is for one of %s such locks. Spread what it guards over the others.",
		   units_share((int64_t)lock->rows[0]->wait_ns, lock->wait_ns).text,
		   units_count(units_signed(lock->instances)).text);
}

/* One lived while the other did. */
static bool lives_overlap(const struct mp_lock *a, const struct mp_lock *b)
{
	return (a->retired_ns == 0 || a->retired_ns > b->first_ns) &&
	       (b->retired_ns == 0 || b->retired_ns > a->first_ns);
}

/* Another lock that is waited for in the same cache line as the first of LOCK; NULL = none. */
static const struct lock_class *find_neighbour(const struct subject *subject)
{
	const struct lock_classes *classes = subject->classes;
	const struct mp_lock *row = &subject->lock->rows[0]->lock->row;
	uint64_t line = row->address / LINE_BYTES;

	for (size_t i = lock_classes_find(classes, line * LINE_BYTES); i < classes->row_count; i++) {
		const struct lock_sum *other = classes->by_address[i];

		if (other->lock->row.address / LINE_BYTES != line)
			break;
		if (other->contentions >= WAITS_MIN && other->lock->row.address != row->address &&
		    lives_overlap(row, &other->lock->row))
			return lock_class_of(classes, other);
	}
	return NULL;
}

static bool false_sharing(const struct subject *subject, char *text)
{
	const struct lock_class *lock = subject->lock;
	const struct lock_class *neighbour;

	if (lock->rows[0]->contentions < WAITS_MIN || !lock_class_is_contention(lock))
		return false;
	neighbour = find_neighbour(subject);
	if (!neighbour)
		return false;
	return say(text,
		   "suspected false sharing: %s%.160s lies in the same %u bytes, and threads wait for both. Align "
		   "each to a cache line.",
		   neighbour == lock ? "another lock of this class"
		   : neighbour->name ? ""
				     : "another lock",
		   neighbour == lock || !neighbour->name ? "" : neighbour->name, LINE_BYTES);
}

static const struct {
	const char *word;
	bool (*judge)(const struct subject *subject, char *text);
} rules[] = {
	{ "held_too_long", held_too_long },
	{ "held_long_rarely", held_long_rarely },
	{ "taken_too_often", taken_too_often },
	{ "readers_starve_writers", readers_starve_writers },
	{ "signalled_under_lock", signalled_under_lock },
	{ "thundering_herd", thundering_herd },
	{ "slow_handoff", slow_handoff },
	{ "spinning_by_trylock", spinning_by_trylock },
	{ "mutex_is_cheaper", mutex_is_cheaper },
	{ "one_hot_lock", one_hot_lock },
	{ "false_sharing", false_sharing },
};

_Static_assert(sizeof(rules) / sizeof(*rules) <= LOCK_ADVICE_MAX, "callers have room for each rule");

size_t lock_advice(const struct lock_classes *classes, const struct lock_class *lock, struct lock_advice *ret_list)
{
	const struct subject subject = { classes, lock };
	size_t count = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		ret_list[count].rule = rules[i].word;
		count += rules[i].judge(&subject, ret_list[count].text);
	}
	return count;
}
