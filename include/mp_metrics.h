/* SPDX-License-Identifier: MIT */
/* Loss counters: every way in which an event can be missing or incomplete, for the preload and the report alike. */
#ifndef MP_METRICS_H
#define MP_METRICS_H

/*
 * X(NAME, number, JSON name, text). Numbers are never reused. A reason marked "info" in its text is not a loss of
 * numbers, only of detail.
 */
#define MP_LOSSES(X) \
	X(NESTED, 1, "nested", \
	  "calls made while memprof was busy on that thread (inside another allocator call or from a signal handler)") \
	X(UNKNOWN_FREE, 2, "unknown_free", "frees of blocks whose allocation was not seen") \
	X(UNSEEN_FREE, 3, "unseen_free", "blocks whose address was given out again without a free that was seen") \
	X(STACKS_MERGED, 4, "stacks_merged", "allocations whose stack was merged into \"other\": stack table full") \
	X(SITES_FULL, 5, "sites_full", "events that found no room for counters") \
	X(LIVE_FULL, 6, "live_full", "blocks that could not be entered into the live table") \
	X(LOCKS_FULL, 7, "locks_full", "contended locks that found no room") \
	X(THREADS_FULL, 8, "threads_full", "events of threads that found no room for their state") \
	X(DUMP_FULL, 9, "dump_full", "times that the dump file could not grow") \
	X(MODULES_FULL, 10, "modules_full", "loaded objects that found no room") \
	X(EARLY, 11, "early", "calls served before initialisation, counted without a stack") \
	X(UNWIND_FALLBACK, 12, "unwind_fallback", "frames unwound by libunwind instead of a compiled rule (info)") \
	X(LATE_THREAD, 13, "late_thread", "events of threads after their end was recorded (info)") \
	X(FORKED_BLOCK, 14, "forked_block", "inherited blocks that lost their record after 15 forks in a row") \
	X(EVICTED_LOCK, 15, "evicted_lock", "times that the count of an uncontended lock was given up (info)") \
	X(MARKS_FULL, 16, "marks_full", "marks whose text found no room") \
	X(PAUSED, 17, "paused", "allocations made while the program had paused recording on their thread (info)") \
	X(PAUSED_FREE, 18, "paused_free", "frees of blocks allocated while recording was off, or not seen (info)") \
	X(LOCK_NAMES_FULL, 19, "lock_names_full", "names of locks that found no room")

#define X(name, number, json, text) MP_LOSS_##name = number,
enum mp_loss_reason { MP_LOSSES(X) MP_LOSS_COUNT };
#undef X

#endif
