/* SPDX-License-Identifier: MIT */
/* Points in time: live bytes, RSS, totals; at most MP_TICKS_MAX, thinned as the run gets longer. */
#ifndef MP_TIMELINE_H
#define MP_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

/* Adds a point if the last one is long enough ago. NOW_NS: CLOCK_MONOTONIC. Context: hook (slow path), gate closed. */
void timeline_tick(uint64_t now_ns);
/* Have the live bytes changed so much since the last point that a new one should not wait? Context: hook. */
bool timeline_jumped(int64_t live_bytes, uint64_t peak_bytes);
/* Adds a last point whatever the time. Context: setup. */
void timeline_final(uint64_t now_ns);
/* Takes its rows from the dump. Context: setup, also in a fork child. */
void timeline_init(uint64_t start_ns);

#endif
